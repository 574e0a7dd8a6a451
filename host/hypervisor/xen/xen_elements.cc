// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/xen/xen_elements.h"

#include "host/hypervisor/element_rules.h"

namespace svirt {
namespace {

constexpr bool kOpaque = true;

// clang-format off
const ElementRule kRules[] = {
    {"name"}, {"uuid"}, {"title"}, {"description"}, {"metadata", "*", kOpaque},
    {"seclabel", "*", kOpaque},
    {"memory", "unit"}, {"currentMemory", "unit"}, {"vcpu", "placement=static"},
    {"on_poweroff"}, {"on_reboot"}, {"on_crash"},
    {"os", ""}, {"os/type"}, {"os/kernel"}, {"os/initrd"}, {"os/cmdline"},
    {"clock", "offset=utc"},
    {"devices"}, {"devices/emulator"},
    {"devices/disk", "type device"}, {"devices/disk/driver", "name type"},
    {"devices/disk/source", "file dev index startupPolicy=mandatory"},
    {"devices/disk/source/seclabel", "*", kOpaque},
    {"devices/disk/target", "dev bus"}, {"devices/disk/readonly"}, {"devices/disk/backingStore", ""},
    {"devices/interface", "type"}, {"devices/interface/mac", "address"},
    {"devices/interface/source", "bridge"}, {"devices/interface/target", "dev"},
    {"devices/interface/model", "type=netfront"},
    {"devices/console", "type=pty"}, {"devices/console/target", "type=xen port=0"},
    {"devices/hostdev", "mode type managed"}, {"devices/hostdev/source", "*", kOpaque},
    {"devices/hostdev/driver", "name=xen"},
    {"devices/memballoon", "model=xen model=none"},
};
// clang-format on

}  // namespace

Status CheckXenElements(const Domain &domain) {
  return CheckElements(domain, {.driver = "Xen", .rules = kRules});
}

}  // namespace svirt
