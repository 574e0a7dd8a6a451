// SPDX-License-Identifier: LGPL-2.1-or-later
// svirt.conf: what can be said in it, and whether it makes sense on this machine.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/ini.h"
#include "host/util/result.h"
#include "host/util/setting.h"

namespace svirt {

// Where the host keeps its things. Given by the embedder; nothing else is ever looked at.
struct Paths {
  std::string config_file;  // svirt.conf; need not exist
  std::string state_dir;    // definitions, labels, journal; survives a reboot
  std::string run_dir;      // sockets and status of running domains; does not

  // The system's own: /etc/svirt/svirt.conf, /var/lib/svirt, /run/svirt.
  static Paths System();
  // Everything below one directory: DIR/svirt.conf, DIR/state, DIR/run.
  static Paths Below(const std::string &dir);
};

// Which security models domains of this host get.
enum class DriverChoice {
  kAuto,  // the first plugin that reports active, and those of Config::beside
  kNone,  // no driver, by the administrator's word
  kList,  // the ones named in Config::models, all of them, primary first
};

// svirt.conf, with the defaults for what it does not say.
struct Config {
  // [plugins]
  std::vector<std::string> plugin_directories;  // "directories", separated by ':'
  std::vector<std::string> order;               // complete order of models, or empty
  std::vector<std::string> not_critical;        // what is wrong with these stops no selection
  bool scan_in_helper = true;                   // "scanner = yes | no | PATH"
  std::string scanner;                          // the PATH; "" for the one that is installed
  std::chrono::seconds call_timeout{60};        // how long one call of a plugin may take
  // [confinement]
  DriverChoice choice = DriverChoice::kAuto;  // "models = auto | none | MODEL, ..."
  std::vector<std::string> models;
  // With auto: models that stand beside the chosen one. "beside = none | MODEL, ..."; without the
  // key, users and groups of their own, which only root can give.
  std::vector<std::string> beside;
  bool beside_is_default = true;  // no key
  bool allow_none = false;        // with auto: start domains unconfined if no plugin is active
  bool default_confined = true;
  bool require_confined = false;
  std::string require_model;  // no start under another primary; "" for any
  bool keep_trees = false;
  bool export_labels = false;
  bool require_enforcing = false;
  std::string keeper;                // "keeper = PATH"; "" for the one that is installed
  std::vector<std::string> without;  // names of walls that domains do without (wall.h)
  bool require_wall = false;         // no start where the machine cannot give the other ones
  std::vector<std::string> allow_unlabelled;  // in the form of allow_paths
  std::vector<std::string> allow_paths;  // ':' between them; one with '/' at its end: all below it
  // [model NAME] KEY = VALUE: settings of that model's plugin, by model. Which ones there are is
  // the plugin's to say.
  std::map<std::string, std::map<std::string, Setting>> model_settings;
  // [doi] MODEL = NAME: whose policy gives the labels of MODEL their meaning.
  std::map<std::string, std::string> doi;
};

// What the text says. Everything that is wrong with it, each with its line, is one error, so that
// nothing that is misspelt ever means less confinement.
Result<Config> ParseConfig(std::string_view text, const std::string &file);

// What a configuration is held against.
struct MachineFacts {
  // Instead of those of the configuration, if there are any.
  std::vector<std::string> plugin_directories;
  // Has the model been chosen here before? Asked only about one of which there is no file.
  std::function<bool(const std::string &model)> was_chosen;
};

// Reads the file, and checks it against the machine too: directories and the scanner have to be
// there, and models have to be known. Known is a model whose file stands in a plugin directory; one
// that was chosen before, which is missed when a domain is started, but must not keep others from
// being ended; and one that is named twice, as something and as not critical: it may be missing. A
// file that does not exist gives the defaults.
Result<Config> LoadConfig(const std::string &file, const MachineFacts &machine);

}  // namespace svirt
