// SPDX-License-Identifier: LGPL-2.1-or-later
// The loader: from directories of plugins to the ones that domains get.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt {

// The rules of the loader. Tests and messages refer to them by number.
//
// SVL-1  Nothing but LoaderOptions steers it: no environment variable, no other file.
// SVL-2  A plugin is judged before any of its code runs: each directory from trusted_root down and
//        the file itself by owner and mode, the file's ELF headers and identity note from the one
//        descriptor through which it is loaded later. Owner: root, or the effective user of an
//        unprivileged process. Further hard links are no reason to refuse: owner and mode are those
//        of the file, so another name gives nobody a way in, and image-based systems have them.
// SVL-3  A file is named svirt-MODEL.so after the model in its note. Two files with one model, in
//        two directories, are both refused; the same file by two directories is used once.
// SVL-4  The order is options.order, which is complete: what it does not list is off and not
//        loaded. Without it: the note's priority, the higher first, then the model in byte order;
//        priority 0 is that of a model which stands beside another, and is never selected then.
// SVL-5  Each plugin that passed is loaded and probed in the scanner first, if there is one. If it
//        crashes or hangs there, or changes what rule 5 of the ABI forbids, it is not loaded here.
//        What the probe answers here counts, not what it answered there: the helper may run under
//        another security context. That it came back there is remembered until the boot ends, as
//        long as nothing that it depends on is another (ScanCache).
// SVL-6  The first active plugin in the order is selected. Only a model whose own probe says that
//        it is inactive is passed over. Everything else about a model that is expected and comes
//        before it stops the selection, unless the model is in not_critical: a file that is
//        refused, crashes, hangs, is in quarantine, stands beside another one of its model, or is
//        gone. Nothing weaker is chosen because something stronger is broken. Nothing is loaded
//        that comes after the selected one, unless it is in options.beside, or asked for by name.
// SVL-7  A model is expected if a file of its name is there, in whatever state; if options.order
//        lists it; or if it was chosen before, says the caller. The place of a file that is refused
//        is that of its name in options.order, or what is not listed there is off; without
//        options.order it is the priority in its note, and comes before all others if it has no
//        note, or one that others may have written. So does a directory that is refused.
// SVL-8  "none" is not known here; an embedder that allows it acts on a nullptr of Select.
// SVL-9  What has been loaded stays mapped until the process ends. A file that is overwritten in
//        place after that is refused.
// SVL-10 What is wrong with a file that was changed or replaced meanwhile is not believed: all is
//        looked at again, kMostLooks times at most. Packages are upgraded while domains start.

// Everything that steers the loader. It reads no environment variable and no file but what stands
// here.
struct LoaderOptions {
  // Absolute. Each one, and each directory above it, must belong to root (or to the caller) and
  // be writable by its owner only. A directory that does not exist holds no plugin.
  std::vector<std::string> directories;
  // Complete list of models in the order in which they are asked; unlisted ones are off. Empty:
  // by the note's priority, the higher first, then by model in byte order.
  std::vector<std::string> order;
  // Models that are asked for by GetBeside, whether the order lists them or not; it has a say in
  // what is selected only.
  std::vector<std::string> beside;
  // Models that do not stop the selection, whatever is wrong with them.
  std::vector<std::string> not_critical;
  // Helper program that loads and probes a plugin in a process of its own first, so that one that
  // crashes or hangs is found out. Absolute. "" loads without it: then such a plugin takes this
  // process with it.
  std::string scanner;
  // The most that one plugin may take there. Processor time tells a plugin that spins from a host
  // that is starved; only one that waits for ever is ended by the clock.
  int scanner_cpu_seconds = 10;
  int scanner_wall_ms = 30000;
  // Where plugins that crashed or hung are remembered, by identity of the file; "" for nowhere.
  // Best below /run, which forgets them at boot.
  std::string quarantine_file;
  // Where plugins are remembered that the scanner has found sound; "" for nowhere. The same place.
  std::string scan_cache_file;
  // Absolute. The directories above it are not looked at: for an embedder that vouches for its own
  // root, and for tests. A plugin directory outside it is checked from / down.
  std::string trusted_root = "/";
  // By model: what its plugin finds in its configuration. What a plugin that is asked does not
  // understand is an error of all that asks it.
  std::map<std::string, ModelSettings> settings;
  LogSink log;
  // Watches the calls of its plugins, and outlives the Loader; nullptr: nobody does.
  CallWatch *watch = nullptr;
};

enum class CandidateState {
  kSelected,  // active, and the first of the order
  kActive,    // usable, but another one comes first, or it is used only by name (SVL-4)
  kInactive,  // not usable on this host, or off by configuration; nothing is wrong with it
  kRefused,   // breaks a rule; none of its code ran in this process
  kFailed,    // it ran, or was tried in the scanner, and something went wrong
  kMissing,   // there is no file, but it is expected (SVL-7)
};

// "selected", "active", "inactive", "refused", "failed", "missing".

std::string_view CandidateStateName(CandidateState state);

// A model that was chosen before and is expected for that. priority: the one of its note, if known.
struct ExpectedModel {
  std::string model;
  std::optional<int> priority;
  bool operator==(const ExpectedModel &) const = default;
};

// One file found in a plugin directory, a directory that is refused as a whole, or a model that is
// expected and has no file.
struct Candidate {
  std::string path;                 // of what is missing: where it could be
  std::string model, version, abi;  // from the note; without one model is that of the file's name
  std::string named;                // MODEL as in svirt-MODEL.so; "" for a directory
  int priority = 0;
  bool has_priority = false;  // priority is to be believed (SVL-7)
  CandidateState state = CandidateState::kInactive;
  std::string reason;        // a sentence a person can act on; never empty after Scan
  Plugin *plugin = nullptr;  // of active and of asked, inactive ones; the loader's
  bool repeats = false;      // the same file stands before it, by another directory
  bool chosen_before = false;
  bool blocks = false;  // stops the selection (SVL-6)
};

// What Select has found.
struct Selection {
  Plugin *plugin = nullptr;  // initialised; nullptr: none is active
  std::vector<Candidate> candidates;
};

// Finds, verifies, loads and probes plugins. Loaded plugins stay mapped until the process ends; the
// Loader must outlive the use of its plugins. Not for concurrent use itself; the plugins are.
class Loader {
 public:
  explicit Loader(LoaderOptions options);
  ~Loader();
  Loader(const Loader &) = delete;
  Loader &operator=(const Loader &) = delete;

  // Goes through the whole way for domains of virt_type ("" for any), and gives the candidates in
  // the order in which they are asked. before: models that are expected because they were chosen
  // before. Fails only if the options themselves are wrong.
  Result<std::vector<Candidate>> Scan(const std::string &virt_type,
                                      const std::vector<ExpectedModel> &before = {});

  // The same, and the first active plugin. Errc::kRefused: a model that comes before it is broken
  // or gone, so that it cannot be told whether it should have been chosen (SVL-6).
  Result<Selection> Select(const std::string &virt_type,
                           const std::vector<ExpectedModel> &before = {});

  // The plugin of a model that was named, and no other, initialised. Errc::kNotFound, or kRefused
  // with the reason why it is not active; also if one of several files of the model is broken. No
  // other plugin is loaded for it.
  Result<Plugin *> Get(const std::string &model, const std::string &virt_type);

  // The plugin of a model of options.beside, initialised. The plugin is null, and a sentence says
  // why, if no file provides the model, or if the plugin itself says that it is inactive.
  // Errc::kRefused: it cannot be told whether it should stand there (fail closed).
  struct Beside {
    Plugin *plugin = nullptr;
    bool is_installed = false;
    std::string reason;
  };
  Result<Beside> GetBeside(const std::string &model, const std::string &virt_type);

  // The same from what Select has found for domains of virt_type, without another look.
  static Result<Beside> GetBeside(const Selection &selection, const std::string &model,
                                  const std::string &virt_type);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What this process has loaded (path, model, version, abi, state, reason).
std::vector<Candidate> LoadedPlugins();

}  // namespace svirt
