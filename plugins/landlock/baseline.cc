// SPDX-License-Identifier: LGPL-2.1-or-later
// The list of paths that every emulator may use.
#include "baseline.h"

namespace svirt::landlock {

namespace {

constexpr uint64_t kRead = kReadFile | kReadDir;

constexpr BaselineEntry kBaseline[] = {
    // Libraries, and modules that emulators dlopen (/usr/lib/ARCH/qemu). They are mapped, not
    // executed, so they get no right to execute: a guest that broke out finds no program to start
    // but the emulator itself.
    {"/lib", kRead},
    {"/lib32", kRead},
    {"/lib64", kRead},
    {"/usr/lib", kRead},
    {"/usr/lib32", kRead},
    {"/usr/lib64", kRead},
    {"/usr/local/lib", kRead},
    {"/etc/ld.so.cache", kReadFile},

    // Firmware, option ROMs and keymaps as distributions install them.
    {"/usr/share/qemu", kRead},
    {"/usr/share/qemu-efi-aarch64", kRead},
    {"/usr/share/qemu-kvm", kRead},
    {"/usr/share/seabios", kRead},
    {"/usr/share/seavgabios", kRead},
    {"/usr/share/vgabios", kRead},
    {"/usr/share/ipxe", kRead},
    {"/usr/share/ipxe.efi", kRead},
    {"/usr/share/OVMF", kRead},
    {"/usr/share/ovmf", kRead},
    {"/usr/share/AAVMF", kRead},
    {"/usr/share/edk2", kRead},
    {"/usr/share/edk2-ovmf", kRead},
    {"/usr/share/cloud-hypervisor", kRead},
    {"/usr/share/hypervisor-fw", kRead},
    {"/usr/share/opensbi", kRead},
    {"/usr/share/openbios", kRead},
    {"/usr/share/slof", kRead},
    {"/usr/share/sgabios", kRead},
    {"/usr/share/u-boot", kRead},

    // The guest's clock in local time; where guests without a network of their own send names to.
    {"/etc/localtime", kReadFile},
    {"/usr/share/zoneinfo", kRead},
    {"/etc/resolv.conf", kReadFile},

    {"/dev/null", kReadFile | kWriteFile | kIoctlDev},
    {"/dev/zero", kReadFile},
    {"/dev/random", kReadFile},
    {"/dev/urandom", kReadFile},

    // How many processors and memory nodes there are, and how large huge pages are.
    {"/sys/devices/system/cpu", kRead},
    {"/sys/devices/system/node", kRead},
    {"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", kReadFile},
};

}  // namespace

std::span<const BaselineEntry> Baseline() {
  return kBaseline;
}

}  // namespace svirt::landlock
