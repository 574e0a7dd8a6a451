// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks this machine, and the parts of the driver, whether a domain can run.
#include "host/hypervisor/qemu/qemu_preflight.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "host/domain/document_place.h"
#include "host/hypervisor/qemu/image_header.h"
#include "host/hypervisor/qemu/qemu_command.h"
#include "host/hypervisor/qemu/qemu_elements.h"
#include "host/hypervisor/qemu/qemu_firmware.h"
#include "host/hypervisor/qemu/tap.h"
#include "host/util/fd.h"

namespace svirt {
namespace {

Status CheckKvm(const std::string &device) {
  const Fd kvm(open(device.c_str(), O_RDWR | O_CLOEXEC));
  if (!kvm) {
    return SystemError(errno, "the domain is of type kvm and " + device +
                                  " cannot be opened: enable virtualisation and load the kvm "
                                  "module, or use type='qemu' for emulation");
  }
  if (ioctl(kvm.get(), KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
    return Error{Errc::kUnsupported, "the domain is of type kvm and " + device + " is not KVM"};
  }
  return {};
}

}  // namespace

std::string QemuEmulator(const Domain &domain) {
  if (!domain.emulator.empty()) {
    return domain.emulator;
  }
  std::string arch = domain.arch.empty() ? "x86_64" : domain.arch;
  if (arch == "i686") {
    arch = "i386";
  } else if (arch == "armv7l") {
    arch = "arm";
  } else if (arch == "ppc64le") {
    arch = "ppc64";
  }
  return "/usr/bin/qemu-system-" + arch;
}

void CheckQemu(const Domain &domain, const std::string &kvm_device, Refusals *refusals) {
  CheckElements(domain, refusals);
  const std::string emulator = QemuEmulator(domain);
  CheckQemuCommand(domain, {.emulator = emulator}, refusals);
  if (access(emulator.c_str(), X_OK) != 0) {
    refusals->AddForNow(At(domain, PositionOf(domain, "devices/emulator"),
                           SystemError(errno, "the emulator " + emulator + " cannot be executed")));
  }
  if (domain.type == "kvm") {
    refusals->AddForNow(CheckKvm(kvm_device));
  }
  for (const Disk &disk : domain.disks) {
    refusals->AddForNow(At(domain, disk.position, CheckImageHeaders(disk)));
  }
  for (const Interface &interface : domain.interfaces) {
    if (interface.type == "bridge") {
      refusals->AddForNow(CheckBridge(interface.source));
    }
  }
  if (LacksFirmwareVariables(domain.firmware) &&
      access(domain.firmware.nvram_template.c_str(), R_OK) != 0) {
    refusals->AddForNow(At(domain, PositionOf(domain, "os/nvram"),
                           SystemError(errno, "cannot open the firmware variables' template " +
                                                  domain.firmware.nvram_template)));
  }
}

}  // namespace svirt
