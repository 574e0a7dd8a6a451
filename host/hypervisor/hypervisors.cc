// SPDX-License-Identifier: LGPL-2.1-or-later
// The one place that knows which hypervisors there are.
#include "host/hypervisor/hypervisor.h"
#include "host/hypervisor/qemu/qemu_hypervisor.h"
#include "host/hypervisor/xen/xen_hypervisor.h"

namespace svirt {

std::vector<std::unique_ptr<Hypervisor>> MakeHypervisors() {
  std::vector<std::unique_ptr<Hypervisor>> all;
  all.push_back(std::make_unique<QemuHypervisor>());
  all.push_back(std::make_unique<XenHypervisor>());
  return all;
}

}  // namespace svirt
