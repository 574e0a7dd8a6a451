// SPDX-License-Identifier: LGPL-2.1-or-later
// What all commands of svirt share: exit codes, global options, and the functions that add them.
#pragma once

#include <fmt/core.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/service/host.h"
#include "host/util/end_request.h"
#include "host/util/result.h"

namespace svirt {

// Exit codes of the command; scripts depend on them.
enum ExitCode {
  kExitOk = 0,
  kExitFailure = 1,  // a system call failed, something did not answer in time, or a defect
  kExitUsage = 2,    // the command line itself
  kExitInvalid = 3,  // XML, configuration or label
  kExitNotFound = 4,
  kExitRefused = 5,    // would mean less confinement than asked
  kExitConflict = 6,   // exists, runs, or is held by another domain
  kExitExhausted = 7,  // no free label
  kExitPermission = 8,
  kExitUnsupported = 9,
  kExitPlanChanges = 10,  // plan, recover --scan --dry-run: labels would change
  kExitProblems = 11,     // list, dominfo, verify: a domain is not as it should be; recover --scan:
                          // a label is left
  kExitPlanConflict = 20,  // plan: starting would fail
};

int ExitCodeOf(Errc code);

// Writes to standard error. That nobody can read it there stops nothing.
template <typename... Args>
void Say(fmt::format_string<Args...> format, Args &&...args) {
  std::fputs(fmt::format(format, std::forward<Args>(args)...).c_str(), stderr);
}

// What all commands share.
struct CliContext {
  // Global options.
  std::string root, config_file;
  std::vector<std::string> plugin_dirs;
  bool json = false, verbose = false;

  // Opens the host on the paths that the options give.
  Result<std::unique_ptr<Host>> OpenHost() const;

  // Writes one JSON document, with its version.
  static void PrintJson(const nlohmann::ordered_json &document);
  // Says it on standard error and gives the exit code.
  static int Fail(const Error &error);
};

// Each adds its subcommands. exit_code is set by the one that runs.
void AddAccessCommand(CLI::App &app, CliContext &context, int &exit_code);
void AddDefinitionCommands(CLI::App &app, CliContext &context, int &exit_code);
void AddHandoverCommands(CLI::App &app, CliContext &context, int &exit_code);
void AddLifecycleCommands(CLI::App &app, CliContext &context, int &exit_code);
void AddInfoCommands(CLI::App &app, CliContext &context, int &exit_code);
void AddRegistryCommands(CLI::App &app, CliContext &context, int &exit_code);
void AddSecurityCommands(CLI::App &app, CliContext &context, int &exit_code);
void AddVerifyCommand(CLI::App &app, CliContext &context, int &exit_code);

// A subcommand that must not be ended half way calls HoldEndSignals before it begins: then a signal
// ends it when all is undone, or comes too late.
//
// A subcommand whose body gets the opened host and returns the exit code, or an error.
template <typename Body>
void OnRun(CLI::App *command, CliContext &context, int &exit_code, Body body) {
  command->callback([&context, &exit_code, body] {
    const auto run = [&]() -> Result<int> {
      SVIRT_ASSIGN(const std::unique_ptr<Host> host, context.OpenHost());
      return body(*host);
    };
    const Result<int> result = run();
    exit_code = result.ok() ? *result : CliContext::Fail(result.error());
    if (!result.ok()) {
      EndAsAsked();  // as nobody is to take it for another failure
    }
  });
}

}  // namespace svirt
