// SPDX-License-Identifier: LGPL-2.1-or-later
// How much memory a QEMU may lock.
#include "host/hypervisor/qemu/qemu_memlock.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace svirt {
namespace {

// Memory of devices that is mapped for other devices, and QEMU's own: what libvirt adds, too.
constexpr uint64_t kBesides = uint64_t{1} << 30;

}  // namespace

uint64_t MemlockOf(const Domain &domain) {
  const auto by_vfio = [](const HostDevice &device) {
    return device.type == "pci" || device.type == "mdev";
  };
  // All VFIO devices of a guest share one view of its memory; each vDPA device has its own.
  const auto views =
      static_cast<uint64_t>(std::ranges::any_of(domain.hostdevs, by_vfio)) +
      static_cast<uint64_t>(std::ranges::count(domain.interfaces, "vdpa", &Interface::type));
  const uint64_t memory = std::max(domain.memory_bytes, domain.max_memory_bytes);
  return views == 0 ? 0 : views * memory + kBesides;
}

Status RaiseMemlock(pid_t pid, uint64_t bytes) {
  if (bytes == 0) {
    return {};  // and another user's process may not be asked
  }
  rlimit64 limit{};
  if (prlimit64(pid, RLIMIT_MEMLOCK, nullptr, &limit) == 0 && limit.rlim_cur >= bytes) {
    return {};
  }
  limit = {bytes, bytes};
  if (prlimit64(pid, RLIMIT_MEMLOCK, &limit, nullptr) != 0) {
    return SystemError(errno, "the device needs " + std::to_string(bytes) +
                                  " bytes of the guest's memory locked, and process " +
                                  std::to_string(pid) + " cannot be allowed that");
  }
  return {};
}

}  // namespace svirt
