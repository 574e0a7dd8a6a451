// SPDX-License-Identifier: LGPL-2.1-or-later
// The grammar of svirt.conf, and the checks of what stands there.
#include "host/config/config.h"

#include <unistd.h>

#include <algorithm>
#include <boost/algorithm/string.hpp>
#include <charconv>
#include <filesystem>
#include <set>
#include <utility>

#include "host/domain/wall.h"
#include "host/loader/trust.h"
#include "host/util/file.h"
#include "host/util/text.h"

#ifndef SVIRT_PLUGIN_DIRECTORY
#error "the build gives SVIRT_PLUGIN_DIRECTORY, where plugins are installed"
#endif

namespace svirt {
namespace {

constexpr size_t kLargestConfig = 1 << 20;

std::vector<std::string> Split(const std::string &text, const char *separators) {
  std::vector<std::string> parts;
  boost::split(parts, text, boost::is_any_of(separators), boost::token_compress_on);
  for (std::string &part : parts) {
    boost::trim(part);
  }
  std::erase(parts, "");
  return parts;
}

Status SetBool(const std::string &value, bool *out) {
  if (value == "yes" || value == "true" || value == "1") {
    *out = true;
  } else if (value == "no" || value == "false" || value == "0") {
    *out = false;
  } else {
    return Error{Errc::kInvalid, Quoted(value) + " is neither yes nor no"};
  }
  return {};
}

Status SetScanner(const std::string &value, Config *config) {
  if (value.starts_with('/')) {
    config->scan_in_helper = true;
    config->scanner = value;
    return {};
  }
  return SetBool(value, &config->scan_in_helper);
}

Status SetSeconds(const std::string &value, std::chrono::seconds *out) {
  constexpr int kMost = 3600;
  int seconds = 0;
  const char *const end = value.data() + value.size();
  const auto [at, error] = std::from_chars(value.data(), end, seconds);
  if (error != std::errc() || at != end || seconds < 1 || seconds > kMost) {
    return Error{Errc::kInvalid,
                 Quoted(value) + " is no number of seconds from 1 to " + std::to_string(kMost)};
  }
  *out = std::chrono::seconds(seconds);
  return {};
}

Status SetDirectories(const std::string &value, std::vector<std::string> *out) {
  *out = Split(value, ":");
  for (const std::string &dir : *out) {
    if (!IsPlainAbsolutePath(dir)) {
      return Error{Errc::kInvalid, "directory " + Quoted(dir) + " is not an absolute path"};
    }
  }
  if (out->empty()) {
    return Error{Errc::kInvalid, "no directory is given"};
  }
  return {};
}

// PATH[:PATH...]; one that ends in '/' stands for all below it.
Status SetPaths(const std::string &value, std::vector<std::string> *out) {
  *out = Split(value, ":");
  for (const std::string &path : *out) {
    const bool is_normal = path.front() == '/' && path.find("//") == std::string::npos &&
                           (path + "/").find("/./") == std::string::npos &&
                           (path + "/").find("/../") == std::string::npos;
    const bool is_several = path.find(" /") != std::string::npos ||
                            path.find(",/") != std::string::npos ||
                            path.find(", ") != std::string::npos;
    if (!is_normal || is_several) {
      return Error{Errc::kInvalid, Quoted(path) +
                                       " is not an absolute path, or not in its shortest form; "
                                       "write paths with ':' between them, and '/' at the end of "
                                       "one that stands for all below it"};
    }
  }
  return {};
}

Status SplitModels(const std::string &value, std::vector<std::string> *out) {
  std::vector<std::string> models = Split(value, ", \t");
  for (const std::string &model : models) {
    if (!IsModelName(model)) {
      return Error{Errc::kInvalid, Quoted(model) +
                                       " is not the name of a model; write models with ', ' "
                                       "between them"};
    }
    if (std::ranges::count(models, model) > 1) {
      return Error{Errc::kInvalid, "the model " + model + " is named twice"};
    }
  }
  *out = std::move(models);
  return {};
}

// Words are what may stand there instead of models, alone.
Result<std::vector<std::string>> ModelsOrWord(const std::string &value,
                                              const std::set<std::string> &words) {
  std::vector<std::string> models;
  SVIRT_TRY(SplitModels(value, &models));
  if (models.empty()) {
    return Error{Errc::kInvalid, "say '" + boost::join(words, "', '") + "' or the names of models"};
  }
  for (const std::string &model : models) {
    if (words.count(model) != 0 && models.size() > 1) {
      return Error{Errc::kInvalid, "'" + model + "' cannot stand beside other models"};
    }
  }
  return models;
}

Status SetKeeper(const std::string &value, Config *config) {
  if (!value.starts_with('/') && value != "yes") {
    return Error{Errc::kInvalid, Quoted(value) + " is neither 'yes' nor the path of a program; " +
                                     "'without = pid-namespace' does without"};
  }
  config->keeper = value == "yes" ? "" : value;
  return {};
}

Status SetWithout(const std::string &value, std::vector<std::string> *without) {
  boost::split(*without, value, boost::is_any_of(", "), boost::token_compress_on);
  std::erase(*without, "");
  const std::vector<std::string> &known = WallItemNames();
  for (const std::string &name : *without) {
    if (std::ranges::find(known, name) == known.end()) {
      return Error{Errc::kInvalid,
                   Quoted(name) + " is no wall of svirt; known are " + boost::join(known, ", ")};
    }
  }
  return {};
}

Status SetBeside(const std::string &value, Config *config) {
  SVIRT_ASSIGN(config->beside, ModelsOrWord(value, {"none"}));
  config->beside_is_default = false;
  if (config->beside.front() == "none") {
    config->beside.clear();
  }
  return {};
}

Status SetModels(const std::string &value, Config *config) {
  SVIRT_ASSIGN(config->models, ModelsOrWord(value, {"auto", "none"}));
  config->choice = DriverChoice::kList;
  if (config->models.front() == "auto") {
    config->choice = DriverChoice::kAuto;
    config->models.clear();
  } else if (config->models.front() == "none") {
    config->choice = DriverChoice::kNone;
    config->models.clear();
  }
  return {};
}

constexpr const char *kSections =
    "the sections are [plugins], [confinement], [doi] and, for the settings of a model's plugin, "
    "[model NAME]";
constexpr std::string_view kModelSection = "model ";

using Setter = std::function<Status(const std::string &)>;
using Section = std::map<std::string, Setter>;

// The whole grammar of svirt.conf: sections, keys, and what each one sets.
std::map<std::string, Section> Grammar(Config *config) {
  return {
      {"plugins",
       {{"directories",
         [config](const std::string &v) { return SetDirectories(v, &config->plugin_directories); }},
        {"order", [config](const std::string &v) { return SplitModels(v, &config->order); }},
        {"not_critical",
         [config](const std::string &v) { return SplitModels(v, &config->not_critical); }},
        {"scanner", [config](const std::string &v) { return SetScanner(v, config); }},
        {"call_timeout",
         [config](const std::string &v) { return SetSeconds(v, &config->call_timeout); }}}},
      {"confinement",
       {{"models", [config](const std::string &v) { return SetModels(v, config); }},
        {"beside", [config](const std::string &v) { return SetBeside(v, config); }},
        {"allow_none", [config](const std::string &v) { return SetBool(v, &config->allow_none); }},
        {"default_confined",
         [config](const std::string &v) { return SetBool(v, &config->default_confined); }},
        {"require_confined",
         [config](const std::string &v) { return SetBool(v, &config->require_confined); }},
        {"require_model",
         [config](const std::string &v) -> Status {
           if (!IsModelName(v)) {
             return Error{Errc::kInvalid, Quoted(v) + " is not the name of a model"};
           }
           config->require_model = v;
           return {};
         }},
        {"keep_trees", [config](const std::string &v) { return SetBool(v, &config->keep_trees); }},
        {"allow_paths",
         [config](const std::string &v) { return SetPaths(v, &config->allow_paths); }},
        {"allow_unlabelled",
         [config](const std::string &v) { return SetPaths(v, &config->allow_unlabelled); }},
        {"require_enforcing",
         [config](const std::string &v) { return SetBool(v, &config->require_enforcing); }},
        {"keeper", [config](const std::string &v) { return SetKeeper(v, config); }},
        {"without", [config](const std::string &v) { return SetWithout(v, &config->without); }},
        {"require_wall",
         [config](const std::string &v) { return SetBool(v, &config->require_wall); }},
        {"export_labels",
         [config](const std::string &v) { return SetBool(v, &config->export_labels); }}}},
  };
}

std::string Known(const Section &section) {
  std::vector<std::string> names;
  for (const auto &[name, setter] : section) {
    names.push_back(name);
  }
  return boost::join(names, ", ");
}

// A text in its place in the file.
struct Reading {
  Config config;
  FileProblems problems;
  std::vector<IniSection> sections;

  explicit Reading(const std::string &file) : problems(file) {}
};

void ReadDoi(const IniSection &section, Reading *reading) {
  for (const IniEntry &entry : section.entries) {
    if (!IsModelName(entry.key)) {
      reading->problems.Add(entry.line, Quoted(entry.key) + " in [doi] is not the name of a model");
    } else if (entry.value.empty()) {
      reading->problems.Add(entry.line, entry.key + " in [doi]: no name is given");
    }
    reading->config.doi[entry.key] = entry.value;
  }
}

void ReadModel(const IniSection &section, Reading *reading) {
  const std::string model = section.name.substr(kModelSection.size());
  if (!IsModelName(model)) {
    reading->problems.Add(section.line, Quoted(model) + " in " + Quoted("[" + section.name + "]") +
                                            " is not the name of a model");
  }
  for (const IniEntry &entry : section.entries) {
    reading->config.model_settings[model][entry.key] = {entry.value,
                                                        reading->problems.Where(entry.line)};
  }
}

void ReadOwn(const IniSection &section, const Section &keys, Reading *reading) {
  const std::string where = " in [" + section.name + "]";
  for (const IniEntry &entry : section.entries) {
    const auto setter = keys.find(entry.key);
    if (setter == keys.end()) {
      reading->problems.Add(
          entry.line, "unknown key " + Quoted(entry.key) + where + "; known are " + Known(keys));
    } else if (const Status status = setter->second(entry.value); !status.ok()) {
      reading->problems.Add(entry.line, entry.key + where + ": " + status.error().message);
    }
  }
}

// The line of a key, 0 if it is not there.
int LineOf(const std::vector<IniSection> &sections, std::string_view name, std::string_view key) {
  const auto section = std::ranges::find(sections, name, &IniSection::name);
  if (section == sections.end()) {
    return 0;
  }
  const auto entry = std::ranges::find(section->entries, key, &IniEntry::key);
  return entry != section->entries.end() ? entry->line : 0;
}

void Read(std::string_view text, Reading *reading) {
  Config &config = reading->config;
  config.plugin_directories = {SVIRT_PLUGIN_DIRECTORY};
  if (::geteuid() == 0) {
    config.beside = {"dac"};
  }
  const auto grammar = Grammar(&config);
  reading->sections = ParseIni(text, &reading->problems);
  for (const IniSection &section : reading->sections) {
    const auto own = grammar.find(section.name);
    if (own != grammar.end()) {
      ReadOwn(section, own->second, reading);
    } else if (section.name == "doi") {
      ReadDoi(section, reading);
    } else if (section.name.starts_with(kModelSection)) {
      ReadModel(section, reading);
    } else {
      reading->problems.Add(
          section.line, "unknown section " + Quoted("[" + section.name + "]") + "; " + kSections);
    }
  }
  if (config.choice != DriverChoice::kAuto && !config.beside_is_default && !config.beside.empty()) {
    reading->problems.Add(LineOf(reading->sections, "confinement", "beside"),
                          "beside in [confinement]: models stand beside the one that models = auto "
                          "chooses; a list names all that are wanted");
  }
}

// A model that the configuration names, and by what.
struct Mention {
  std::string model, by;
  int line = 0;
  bool is_excuse = false;  // it may be broken, or missing
};

std::vector<Mention> Mentions(const Reading &reading) {
  const Config &config = reading.config;
  std::vector<Mention> mentions;
  const auto add = [&](const std::vector<std::string> &models, const std::string &section,
                       const std::string &key) {
    for (const std::string &model : models) {
      mentions.push_back({model, key + " in [" + section + "] names",
                          LineOf(reading.sections, section, key), key == "not_critical"});
    }
  };
  add(config.order, "plugins", "order");
  add(config.not_critical, "plugins", "not_critical");
  add(config.models, "confinement", "models");
  if (!config.beside_is_default) {
    add(config.beside, "confinement", "beside");
  }
  if (!config.require_model.empty()) {
    mentions.push_back({config.require_model, "require_model in [confinement] requires",
                        LineOf(reading.sections, "confinement", "require_model"), false});
  }
  for (const auto &[model, name] : config.doi) {
    mentions.push_back({model, "[doi] names", LineOf(reading.sections, "doi", model), false});
  }
  for (const IniSection &section : reading.sections) {
    if (section.name.starts_with(kModelSection)) {
      mentions.push_back({section.name.substr(kModelSection.size()),
                          "[" + section.name + "] is about", section.line, false});
    }
  }
  return mentions;
}

bool IsThere(const std::vector<std::string> &directories, const std::string &file) {
  return std::ranges::any_of(directories, [&](const std::string &directory) {
    std::error_code error;
    return std::filesystem::exists(
        std::filesystem::symlink_status(std::filesystem::path(directory) / file, error));
  });
}

void CheckModels(const MachineFacts &machine, const std::vector<std::string> &directories,
                 Reading *reading) {
  const std::vector<Mention> mentions = Mentions(*reading);
  for (const Mention &mention : mentions) {
    const bool may_be_missing = std::ranges::any_of(mentions, [&](const Mention &other) {
      return other.model == mention.model && other.is_excuse != mention.is_excuse;
    });
    // Another sentence says so already.
    const bool is_no_name = !IsModelName(mention.model);
    if (is_no_name || may_be_missing || IsThere(directories, PluginFileName(mention.model)) ||
        (machine.was_chosen && machine.was_chosen(mention.model))) {
      continue;
    }
    reading->problems.Add(
        mention.line, mention.by + " the security model " + mention.model + ", and " +
                          PluginFileName(mention.model) +
                          " is in none of the plugin directories (" +
                          boost::join(directories, ":") +
                          "); correct the name, install the package that has it, or take it out");
  }
}

void CheckMachine(const MachineFacts &machine, Reading *reading) {
  const Config &config = reading->config;
  std::error_code error;
  if (const int line = LineOf(reading->sections, "plugins", "directories"); line != 0) {
    for (const std::string &directory : config.plugin_directories) {
      if (!std::filesystem::is_directory(directory, error)) {
        const bool is_several = directory.find_first_of(", ") != std::string::npos;
        reading->problems.Add(line, "directories in [plugins]: there is no directory '" +
                                        Printable(directory) + "'; " +
                                        (is_several ? "write directories with ':' between them"
                                                    : "make it, or take it out"));
      }
    }
  }
  if (!config.scanner.empty() && ::access(config.scanner.c_str(), X_OK) != 0) {
    reading->problems.Add(LineOf(reading->sections, "plugins", "scanner"),
                          "scanner in [plugins]: " + Quoted(config.scanner) +
                              " is no program that can be run; say 'yes' for the one that is "
                              "installed");
  }
  if (!config.keeper.empty() && ::access(config.keeper.c_str(), X_OK) != 0) {
    reading->problems.Add(LineOf(reading->sections, "confinement", "keeper"),
                          "keeper in [confinement]: " + Quoted(config.keeper) +
                              " is no program that can be run; say 'yes' for the one that is "
                              "installed");
  }
  CheckModels(
      machine,
      machine.plugin_directories.empty() ? config.plugin_directories : machine.plugin_directories,
      reading);
}

Result<Config> Finish(Reading reading) {
  SVIRT_TRY(reading.problems.AsStatus());
  return std::move(reading.config);
}

}  // namespace

Paths Paths::System() {
  return {"/etc/svirt/svirt.conf", "/var/lib/svirt", "/run/svirt"};
}

Paths Paths::Below(const std::string &dir) {
  return {dir + "/svirt.conf", dir + "/state", dir + "/run"};
}

Result<Config> ParseConfig(std::string_view text, const std::string &file) {
  Reading reading(file);
  Read(text, &reading);
  return Finish(std::move(reading));
}

Result<Config> LoadConfig(const std::string &file, const MachineFacts &machine) {
  Reading reading(file);
  auto text = ReadFile(file, kLargestConfig);
  if (!text.ok() && text.error().code != Errc::kNotFound) {
    return std::move(text).error();
  }
  Read(text.ok() ? *text : "", &reading);
  CheckMachine(machine, &reading);
  SVIRT_ASSIGN(Config config, Finish(std::move(reading)));
  if (!machine.plugin_directories.empty()) {
    config.plugin_directories = machine.plugin_directories;
  }
  return config;
}

}  // namespace svirt
