// SPDX-License-Identifier: LGPL-2.1-or-later
// What the Xen driver understands of the domain XML, one line for each element.
#include "host/hypervisor/xen/xen_elements.h"

namespace svirt {
namespace {

constexpr unsigned kMany = ElementRule::kMany;
constexpr unsigned kOpaque = ElementRule::kOpaque;

// clang-format off
const ElementRule kRules[] = {
    {"", "type", "id"},
    {"name", "", "", "*"}, {"uuid", "", "", "*"},
    {"title", "", "", "*"}, {"description", "", "", "*"}, {"metadata", "", "", "", kOpaque},
    {"seclabel", "type model relabel", "", "", kMany}, {"seclabel/label", "", "", "*"},
    {"seclabel/baselabel", "", "", "*"},
    {"seclabel/imagelabel", "", "", "*"},  // output of a running domain
    {"memory", "unit", "", "*"}, {"currentMemory", "unit", "", "*"},
    {"vcpu", "placement=static", "", "*"},
    {"on_poweroff", "", "", "*"}, {"on_reboot", "", "", "*"}, {"on_crash", "", "", "*"},
    {"os"}, {"os/type", "arch machine", "", "*"}, {"os/kernel", "", "", "*"},
    {"os/initrd", "", "", "*"}, {"os/cmdline", "", "", "*"},
    {"clock", "offset=utc"},
    {"devices", "", "", "", kMany},
    {"devices/emulator", "", "", "*"},  // libvirt writes it; a domain of these types has none
    {"devices/*/address", "", "type domain bus slot function controller target unit"},
    {"devices/*/alias", "name"},
    {"devices/disk", "type device", "", "", kMany}, {"devices/disk/driver", "name type"},
    {"devices/disk/source", "file startupPolicy=mandatory", "index"},
    {"devices/disk[block]/source", "dev startupPolicy=mandatory", "index"},
    {"devices/disk/source/seclabel", "model relabel labelskip", "", "", kMany},
    {"devices/disk/source/seclabel/label", "", "", "*"},
    {"devices/disk/target", "dev bus"}, {"devices/disk/readonly"}, {"devices/disk/backingStore"},
    {"devices/interface", "type", "", "", kMany},
    {"devices/interface/mac", "address", "type=static type=generated"},
    {"devices/interface/source", "bridge"}, {"devices/interface/target", "dev"},
    {"devices/interface/model", "type=netfront"},
    {"devices/console", "type=pty", "tty", "", kMany},
    {"devices/console/source", "", "path"},  // output of a running domain
    {"devices/console/target", "type=xen port=0"},
    {"devices/hostdev", "mode=subsystem type managed", "", "", kMany}, {"devices/hostdev/source"},
    {"devices/hostdev/source[pci]/address", "type=pci domain bus slot function"},
    {"devices/hostdev/source[usb]/address", "type=usb bus device"},
    {"devices/hostdev/source/seclabel", "model relabel labelskip", "", "", kMany},
    {"devices/hostdev/source/seclabel/label", "", "", "*"},
    {"devices/hostdev/driver", "name=xen"},
    {"devices/memballoon", "model=xen model=none"},
};
// clang-format on

}  // namespace

std::span<const ElementRule> XenElements() {
  return kRules;
}

void CheckXenElements(const Domain &domain, Refusals *refusals) {
  CheckElements(domain, {.driver = "Xen", .rules = XenElements()}, refusals);
}

}  // namespace svirt
