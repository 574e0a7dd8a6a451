// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens the host on the paths of the options, the user or the system, and prints JSON and errors.
#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "host/cli/cli.h"
#include "host/cli/progress_line.h"
#include "host/output/json_output.h"
#include "host/service/models/open_config.h"

namespace svirt {
namespace {

std::string EnvironmentOr(const char *name, const std::string &fallback) {
  const char *value = ::getenv(name);
  return value != nullptr && value[0] == '/' ? value : fallback;
}

// The system's places for root, the user's own (XDG Base Directory Specification) for others.
Paths DefaultPaths() {
  if (::geteuid() == 0) {
    return Paths::System();
  }
  const std::string home = EnvironmentOr("HOME", "/nonexistent");
  const std::string state = EnvironmentOr("XDG_STATE_HOME", home + "/.local/state") + "/svirt";
  return {EnvironmentOr("XDG_CONFIG_HOME", home + "/.config") + "/svirt/svirt.conf", state,
          EnvironmentOr("XDG_RUNTIME_DIR", state + "/run") + "/svirt"};
}

LogSink MakeLogSink(bool verbose) {
  return [verbose](int level, std::string_view sentence) {
    if (level >= SVIRT_LOG_ERROR) {
      Say("svirt: error: {}\n", sentence);
    } else if (level >= SVIRT_LOG_WARNING) {
      Say("svirt: warning: {}\n", sentence);
    } else if (verbose) {
      Say("svirt: {}\n", sentence);
    }
  };
}

// In a thread beside the one that hangs, for which nothing can be done. What it has begun is in the
// journal.
[[noreturn]] void GiveUp(const OverdueCall &call) {
  Say("svirt: {}; this command is given up: mend or replace the plugin, then 'svirt recover' "
      "puts back what it had begun\n",
      call.Describe());
  if (IsAskedToEnd()) {
    EndAsAsked();
  }
  ::_exit(kExitFailure);
}

}  // namespace

int ExitCodeOf(Errc code) {
  switch (code) {
    case Errc::kInvalid:
      return kExitInvalid;
    case Errc::kNotFound:
      return kExitNotFound;
    case Errc::kRefused:
      return kExitRefused;
    case Errc::kExists:
    case Errc::kConflict:
      return kExitConflict;
    case Errc::kExhausted:
      return kExitExhausted;
    case Errc::kPermission:
      return kExitPermission;
    case Errc::kUnsupported:
      return kExitUnsupported;
    case Errc::kSystem:
    case Errc::kTimeout:
    case Errc::kInternal:
      break;
  }
  return kExitFailure;
}

Result<std::unique_ptr<Host>> CliContext::OpenHost() const {
  MachineOptions options;
  options.paths = DefaultPaths();
  if (!root.empty()) {
    std::error_code error;
    const std::filesystem::path absolute = std::filesystem::absolute(root, error);
    if (error) {
      return SystemError(error.value(), "cannot find " + root);
    }
    options.paths = Paths::Below(absolute.lexically_normal().string());
  }
  if (!config_file.empty()) {
    if (::access(config_file.c_str(), F_OK) != 0) {
      return Error{Errc::kNotFound, "there is no configuration file " + config_file};
    }
    options.paths.config_file = config_file;
  }
  std::vector<std::string> directories;
  for (const std::string &dir : plugin_dirs) {
    directories.push_back(std::filesystem::absolute(dir).string());
  }
  SVIRT_ASSIGN(options.config, OpenConfig(options.paths, directories));
  options.scanner = SVIRT_SCANNER;
  options.keeper = SVIRT_KEEPER;
  options.log = MakeLogSink(verbose);
  options.overdue = GiveUp;
  options.is_given_up = IsAskedToEnd;
  options.progress = ShowOnTerminal();
  return std::make_unique<Host>(std::move(options));
}

void CliContext::PrintJson(const nlohmann::ordered_json &document) {
  fmt::print("{}\n", JsonText(document));
}

int CliContext::Fail(const Error &error) {
  Say("svirt: {}\n", error.message);
  return ExitCodeOf(error.code);
}

}  // namespace svirt
