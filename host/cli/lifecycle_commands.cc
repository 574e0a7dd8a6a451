// SPDX-License-Identifier: LGPL-2.1-or-later
// start, destroy, attach-device, detach-device, set-access, run
#include <fmt/core.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "host/cli/cli.h"
#include "host/cli/input.h"

namespace svirt {

void AddLifecycleCommands(CLI::App &app, CliContext &context, int &exit_code) {
  auto name = std::make_shared<std::string>();
  auto file = std::make_shared<std::string>();
  auto mode = std::make_shared<std::string>();
  auto plan_id = std::make_shared<std::string>();
  auto argv = std::make_shared<std::vector<std::string>>();

  CLI::App *start = app.add_subcommand("start", "Start a defined domain, confined");
  start->add_option("DOMAIN", *name, "Name or uuid")->required();
  start->add_option("--plan", *plan_id, "Only as in the plan that 'svirt plan' has given this id");
  OnRun(start, context, exit_code, [start, name, plan_id](Host &host) -> Result<int> {
    if (start->count("--plan") > 0 && plan_id->empty()) {
      return Error{Errc::kInvalid, "--plan needs the id that 'svirt plan' has given, and is empty"};
    }
    HoldEndSignals();
    SVIRT_ASSIGN(const RunningDomain running, host.lifecycle.Start(*name, *plan_id));
    fmt::print("Domain '{}' started\n", running.domain.name);
    return kExitOk;
  });

  CLI::App *destroy =
      app.add_subcommand("destroy", "End a running domain at once and put every label back");
  destroy->add_option("DOMAIN", *name, "Name or uuid")->required();
  OnRun(destroy, context, exit_code, [name](Host &host) -> Result<int> {
    HoldEndSignals();
    SVIRT_TRY(host.lifecycle.Destroy(*name));
    fmt::print("Domain '{}' destroyed\n", *name);
    return kExitOk;
  });

  CLI::App *attach =
      app.add_subcommand("attach-device", "Give a running domain the device in an XML file");
  attach->add_option("DOMAIN", *name, "Name or uuid")->required();
  attach->add_option("FILE", *file, "XML of the device, or - for standard input")->required();
  OnRun(attach, context, exit_code, [name, file](Host &host) -> Result<int> {
    SVIRT_ASSIGN(const std::string xml, ReadInput(*file));
    HoldEndSignals();
    SVIRT_TRY(host.devices.Attach(*name, xml, *file));
    fmt::print("Device attached to domain '{}'\n", *name);
    return kExitOk;
  });

  CLI::App *detach = app.add_subcommand(
      "detach-device",
      "Take from a running domain the disk, interface, character device, memory or hostdev that an "
      "XML file means");
  detach->add_option("DOMAIN", *name, "Name or uuid")->required();
  detach->add_option("FILE", *file, "XML of the device, or - for standard input")->required();
  OnRun(detach, context, exit_code, [name, file](Host &host) -> Result<int> {
    SVIRT_ASSIGN(const std::string xml, ReadInput(*file));
    HoldEndSignals();
    SVIRT_TRY(host.devices.Detach(*name, xml, *file));
    fmt::print("Device detached from domain '{}'\n", *name);
    return kExitOk;
  });

  CLI::App *access = app.add_subcommand(
      "set-access",
      "Let a running domain write to a backing image (block-commit), or not any more");
  access->add_option("DOMAIN", *name, "Name or uuid")->required();
  access->add_option("PATH", *file, "Path of the backing image")->required();
  access->add_option("ACCESS", *mode, "read-write or read-only")
      ->required()
      ->check(CLI::IsMember({"read-write", "read-only"}));
  OnRun(access, context, exit_code, [name, file, mode](Host &host) -> Result<int> {
    HoldEndSignals();
    SVIRT_TRY(host.devices.SetAccess(*name, *file, *mode == "read-write"));
    fmt::print("Domain '{}' has {} {}\n", *name, *file, *mode);
    return kExitOk;
  });

  CLI::App *run = app.add_subcommand(
      "run", "Run any program under a domain's confinement: svirt run FILE -- PROGRAM ARGS");
  run->add_option("FILE", *file, "Domain XML, - for standard input, or a defined domain")
      ->required();
  run->add_option("PROGRAM", *argv, "Path of the program, and its arguments")->required();
  run->positionals_at_end(true);
  OnRun(run, context, exit_code, [file, argv](Host &host) -> Result<int> {
    if (!argv->empty() && argv->front() == "--") {
      argv->erase(argv->begin());  // it ended our own options
    }
    SVIRT_ASSIGN(const Domain domain, DomainArgument(host, *file));
    HoldEndSignals();
    std::vector<std::string> env;
    for (char **entry = environ; *entry != nullptr; ++entry) {
      env.emplace_back(*entry);
    }
    return host.confinement.Run(domain, *argv, env);
  });
}

}  // namespace svirt
