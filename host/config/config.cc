// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/config/config.h"

#include <unistd.h>

#include <boost/algorithm/string.hpp>
#include <boost/property_tree/ini_parser.hpp>
#include <functional>
#include <set>
#include <sstream>

#include "host/util/file.h"
#include "host/util/text.h"

#ifndef SVIRT_PLUGIN_DIRECTORY
#error "the build gives SVIRT_PLUGIN_DIRECTORY, where plugins are installed"
#endif

namespace svirt {
namespace {

namespace pt = boost::property_tree;

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
    return Error{Errc::kInvalid, "'" + value + "' is neither yes nor no"};
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

Status SetDirectories(const std::string &value, std::vector<std::string> *out) {
  *out = Split(value, ":");
  for (const std::string &dir : *out) {
    if (dir.front() != '/') {
      return Error{Errc::kInvalid, "directory '" + dir + "' is not an absolute path"};
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
    if (!is_normal) {
      return Error{Errc::kInvalid, "'" + path +
                                       "' is not an absolute path, or not in its shortest form; "
                                       "write paths with ':' between them, and '/' at the end of "
                                       "one that stands for all below it"};
    }
  }
  return {};
}

// Words are what may stand there instead of models, alone.
Result<std::vector<std::string>> SplitModels(const std::string &value,
                                             const std::set<std::string> &words) {
  std::vector<std::string> models = Split(value, ", \t");
  if (models.empty()) {
    return Error{Errc::kInvalid, "say '" + boost::join(words, "', '") + "' or the names of models"};
  }
  const bool one = models.size() == 1;
  for (const std::string &model : models) {
    if (words.count(model) != 0 && !one) {
      return Error{Errc::kInvalid, "'" + model + "' cannot stand beside other models"};
    }
  }
  if (std::set<std::string>(models.begin(), models.end()).size() != models.size()) {
    return Error{Errc::kInvalid, "a model is named twice"};
  }
  return models;
}

Status SetBeside(const std::string &value, Config *config) {
  SVIRT_ASSIGN(config->beside, SplitModels(value, {"none"}));
  config->beside_is_default = false;
  if (config->beside.front() == "none") {
    config->beside.clear();
  }
  return {};
}

Status SetModels(const std::string &value, Config *config) {
  SVIRT_ASSIGN(config->models, SplitModels(value, {"auto", "none"}));
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

// A comment begins with '#', as it does with ';', the only one that the parser knows; also behind
// a value.
std::string WithoutComments(std::string_view text) {
  std::string ini;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    size_t end = line.find('#');
    while (end != std::string::npos && end != 0 && line[end - 1] != ' ' && line[end - 1] != '\t') {
      end = line.find('#', end + 1);
    }
    ini += line.substr(0, end) + "\n";
  }
  return ini;
}

using Setter = std::function<Status(const std::string &)>;
using Section = std::map<std::string, Setter>;

// The whole grammar of svirt.conf: sections, keys, and what each one sets.
std::map<std::string, Section> Grammar(Config *config) {
  return {
      {"plugins",
       {{"directories",
         [config](const std::string &v) { return SetDirectories(v, &config->plugin_directories); }},
        {"order",
         [config](const std::string &v) {
           config->order = Split(v, ", \t");
           return Status();
         }},
        {"not_critical",
         [config](const std::string &v) {
           config->not_critical = Split(v, ", \t");
           return Status();
         }},
        {"scanner", [config](const std::string &v) { return SetScanner(v, config); }}}},
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

}  // namespace

Paths Paths::System() {
  return {"/etc/svirt/svirt.conf", "/var/lib/svirt", "/run/svirt"};
}

Paths Paths::Below(const std::string &dir) {
  return {dir + "/svirt.conf", dir + "/state", dir + "/run"};
}

Result<Config> ParseConfig(std::string_view text, const std::string &file) {
  Config config;
  config.plugin_directories = {SVIRT_PLUGIN_DIRECTORY};
  if (::geteuid() == 0) {
    config.beside = {"dac"};
  }

  pt::ptree tree;
  try {
    std::istringstream stream(WithoutComments(text));
    pt::read_ini(stream, tree);
  } catch (const pt::ini_parser_error &e) {
    return Error{Errc::kInvalid, file + ":" + std::to_string(e.line()) + ": " + e.message()};
  }

  const auto grammar = Grammar(&config);
  for (const auto &[section_name, section_tree] : tree) {
    if (section_tree.empty()) {
      return Error{Errc::kInvalid,
                   file + ": '" + section_name + "' stands outside any section; " + kSections};
    }
    if (section_name == "doi") {
      for (const auto &[model, value] : section_tree) {
        config.doi[model] = value.data();
      }
      continue;
    }
    if (section_name.starts_with(kModelSection)) {
      auto &settings = config.model_settings[section_name.substr(kModelSection.size())];
      for (const auto &[key, value] : section_tree) {
        settings[key] = value.data();
      }
      continue;
    }
    const auto section = grammar.find(section_name);
    if (section == grammar.end()) {
      return Error{Errc::kInvalid, file + ": unknown section [" + section_name + "]; " + kSections};
    }
    for (const auto &[key, value] : section_tree) {
      const auto setter = section->second.find(key);
      if (setter == section->second.end()) {
        return Error{Errc::kInvalid, file + ": unknown key '" + key + "' in [" + section_name +
                                         "]; known are " + Known(section->second)};
      }
      if (Status status = setter->second(value.data()); !status.ok()) {
        return Error{Errc::kInvalid,
                     file + ": " + key + " in [" + section_name + "]: " + status.error().message};
      }
    }
  }
  if (config.choice != DriverChoice::kAuto && !config.beside_is_default && !config.beside.empty()) {
    return Error{Errc::kInvalid, file +
                                     ": beside in [confinement]: models stand beside the one that "
                                     "models = auto chooses; a list names all that are wanted"};
  }
  return config;
}

Result<Config> LoadConfig(const std::string &file) {
  auto text = ReadFile(file, kLargestConfig);
  if (!text.ok()) {
    return text.error().code == Errc::kNotFound ? ParseConfig("", file) : std::move(text).error();
  }
  return ParseConfig(*text, file);
}

}  // namespace svirt
