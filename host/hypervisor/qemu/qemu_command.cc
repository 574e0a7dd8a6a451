// SPDX-License-Identifier: LGPL-2.1-or-later
// Calls the parts of the command line in order, and joins their options and refusals.
#include "host/hypervisor/qemu/qemu_command.h"

#include <utility>

#include "host/hypervisor/qemu/qemu_builder.h"
#include "host/hypervisor/qemu/qemu_root_ports.h"

namespace svirt {
namespace {

void AddMonitor(QemuBuilder &builder) {
  builder.args.Add("-chardev", Keyval("socket")
                                   .Set("id", "monitor")
                                   .Set("path", builder.paths.monitor)
                                   .Set("server", true)
                                   .Set("wait", false));
  builder.args.Add("-mon", Keyval("chardev=monitor").Set("mode", "control"));
}

// What QEMU cannot be given is among the builder's refusals.
void AddAll(QemuBuilder &builder) {
  builder.args.Add(builder.paths.emulator);
  AddMachine(builder);
  AddMonitor(builder);
  AddBoot(builder);
  AddDisks(builder);
  AddChardevs(builder);
  AddInterfaces(builder);
  AddDisplay(builder);
  AddHostDevices(builder);
  AddDevices(builder);
  // No guest code before the label of the process has been verified.
  builder.args.Add("-S");
  for (const std::string &arg : builder.domain.qemu_args) {
    builder.args.Add(arg);
  }
}

Result<QemuCommand> Build(const Domain &domain, const QemuPaths &paths) {
  QemuBuilder builder(domain, paths);
  AddAll(builder);
  SVIRT_TRY(builder.refusals.ToStatus());
  QemuCommand &command = builder.command;
  command.options = std::move(builder.args).Take();
  SVIRT_ASSIGN(const std::vector<QemuOption> placed, WithRootPorts(builder, command.options));
  for (const QemuOption &option : placed) {
    command.argv.push_back(option.name);
    if (option.value) {
      command.argv.push_back(*option.value);
    }
  }
  return std::move(builder.command);
}

void Check(const Domain &domain, const QemuPaths &paths, Refusals *refusals) {
  QemuBuilder builder(domain, paths);
  AddAll(builder);
  for (const Error &refusal : builder.refusals.all()) {
    refusals->Add(refusal);
  }
  if (builder.refusals.empty()) {
    const auto placed = WithRootPorts(builder, std::move(builder.args).Take());
    refusals->Add(placed.ok() ? Status() : Status(placed.error()));
  }
}

Error NotUtf8(const Domain &domain) {
  return Error{Errc::kInvalid, "domain " + domain.name +
                                   ": a path or name is not UTF-8, which QEMU cannot be given"};
}

}  // namespace

Result<QemuCommand> BuildQemuCommand(const Domain &domain, const QemuPaths &paths) {
  try {
    return Build(domain, paths);
  } catch (const nlohmann::json::exception &) {
    return NotUtf8(domain);
  }
}

void CheckQemuCommand(const Domain &domain, const QemuPaths &paths, Refusals *refusals) {
  try {
    Check(domain, paths, refusals);
  } catch (const nlohmann::json::exception &) {
    refusals->Add(NotUtf8(domain));
  }
}

}  // namespace svirt
