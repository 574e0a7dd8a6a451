// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns a domain into QEMU's command line.
#pragma once

#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/hypervisor/qemu/qemu_args.h"
#include "host/util/refusals.h"
#include "host/util/result.h"

namespace svirt {

// Where QEMU finds what does not come from the domain. QEMU runs with its run directory as working
// directory, so that names in there stay short enough for a socket wherever the directory is.
struct QemuPaths {
  std::string emulator;                  // argv[0]
  std::string monitor = "monitor.sock";  // QMP; relative to the run directory
  int first_fd = 3;                      // number of the first descriptor handed on
};

// A command line, and what else its process needs.
struct QemuCommand {
  std::vector<std::string> argv;
  std::vector<QemuOption> options;  // what argv is made of, but for PCIe root ports
  // Descriptors of tap devices, which argv names by number, QemuOption::qmp by the name of the
  // interface: interfaces[index] of the domain.
  struct Tap {
    size_t interface = 0;
    int fd = -1;
  };
  std::vector<Tap> taps;
};

// The command line for the domain: nothing but what the XML says, each image with the format it
// names, paused until Resume, one QMP monitor. Touches nothing. What the XML asks for and this
// driver cannot give is Errc::kUnsupported, or kInvalid, with the device in the sentence.
Result<QemuCommand> BuildQemuCommand(const Domain &domain, const QemuPaths &paths);

// Everything for which BuildQemuCommand would fail.
void CheckQemuCommand(const Domain &domain, const QemuPaths &paths, Refusals *refusals);

}  // namespace svirt
