// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/qemu/qemu_command.h"

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

Result<QemuCommand> Build(const Domain &domain, const QemuPaths &paths) {
  QemuBuilder builder(domain, paths);
  builder.args.Add(paths.emulator);
  SVIRT_TRY(AddMachine(builder));
  AddMonitor(builder);
  SVIRT_TRY(AddBoot(builder));
  SVIRT_TRY(AddDisks(builder));
  SVIRT_TRY(AddChardevs(builder));
  SVIRT_TRY(AddInterfaces(builder));
  SVIRT_TRY(AddDisplay(builder));
  SVIRT_TRY(AddHostDevices(builder));
  SVIRT_TRY(AddDevices(builder));
  // No guest code before the label of the process has been verified.
  builder.args.Add("-S");
  for (const std::string &arg : domain.qemu_args) {
    builder.args.Add(arg);
  }
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

}  // namespace

Result<QemuCommand> BuildQemuCommand(const Domain &domain, const QemuPaths &paths) {
  try {
    return Build(domain, paths);
  } catch (const nlohmann::json::exception &) {
    return Error{Errc::kInvalid, "domain " + domain.name +
                                     ": a path or name is not UTF-8, which QEMU cannot be given"};
  }
}

}  // namespace svirt
