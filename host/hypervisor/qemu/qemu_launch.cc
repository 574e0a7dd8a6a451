// SPDX-License-Identifier: LGPL-2.1-or-later
// The program, the environment and the descriptors of a domain's QEMU.
#include "host/hypervisor/qemu/qemu_launch.h"

#include <utility>

#include "host/hypervisor/qemu/qemu_command.h"
#include "host/hypervisor/qemu/qemu_memlock.h"
#include "host/hypervisor/qemu/qemu_preflight.h"
#include "host/hypervisor/qemu/tap.h"

namespace svirt {

Result<QemuLaunch> LaunchOfQemu(const Domain &domain, const std::string &run_dir, int log_fd) {
  const std::string emulator = QemuEmulator(domain);
  SVIRT_ASSIGN(QemuCommand command, BuildQemuCommand(domain, {.emulator = emulator}));
  QemuLaunch launch;
  LaunchSpec &spec = launch.spec;
  spec.program = emulator;
  spec.argv = std::move(command.argv);
  // The run directory is reached as working directory alone; its parent is closed to emulators.
  spec.env = {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=.", "TMPDIR=."};
  for (const auto &[name, value] : domain.qemu_env) {
    spec.env.push_back(std::string(name).append("=").append(value));
  }
  spec.cwd = run_dir;
  spec.memlock = MemlockOf(domain);
  spec.fds = {{log_fd, 1}, {log_fd, 2}};
  for (const QemuCommand::Tap &tap : command.taps) {
    const Interface &interface = domain.interfaces.at(tap.interface);
    const std::string bridge = interface.type == "bridge" ? interface.source : "";
    SVIRT_ASSIGN(Fd fd, OpenTap(interface.target, bridge));
    spec.fds.push_back({fd.get(), tap.fd});
    launch.fds.push_back(std::move(fd));
  }
  return launch;
}

}  // namespace svirt
