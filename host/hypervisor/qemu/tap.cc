// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the kernel for tap devices and bridges by ioctl(2).
#include "host/hypervisor/qemu/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace svirt {
namespace {

Status SetName(ifreq *request, const std::string &name) {
  if (name.size() >= sizeof request->ifr_name) {
    return Error{Errc::kInvalid, "network device name '" + name + "' is longer than " +
                                     std::to_string(sizeof request->ifr_name - 1) + " bytes"};
  }
  std::memset(request, 0, sizeof *request);
  std::memcpy(request->ifr_name, name.data(), name.size());
  return {};
}

Status JoinBridge(const std::string &tap, const std::string &bridge) {
  const Fd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!control) {
    return SystemError(errno, "cannot make a socket to set up " + tap);
  }
  ifreq request;
  SVIRT_TRY(SetName(&request, tap));
  if (ioctl(control.get(), SIOCGIFFLAGS, &request) != 0) {
    return SystemError(errno, "cannot ask for the state of network device " + tap);
  }
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (ioctl(control.get(), SIOCSIFFLAGS, &request) != 0) {
    return SystemError(errno, "cannot set network device " + tap + " up");
  }
  SVIRT_TRY(SetName(&request, bridge));
  request.ifr_ifindex = static_cast<int>(if_nametoindex(tap.c_str()));
  if (ioctl(control.get(), SIOCBRADDIF, &request) != 0) {
    return SystemError(errno, "cannot put network device " + tap + " into bridge " + bridge);
  }
  return {};
}

}  // namespace

Status CheckBridge(const std::string &name) {
  return if_nametoindex(name.c_str()) != 0
             ? Status()
             : SystemError(errno == ENODEV ? ENOENT : errno,
                           "cannot find the bridge " + name + ", which an interface is to join");
}

Result<Fd> OpenTap(const std::string &name, const std::string &bridge) {
  Fd fd(open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    return SystemError(errno, "cannot open /dev/net/tun for a tap device");
  }
  ifreq request;
  SVIRT_TRY(SetName(&request, name));
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    return SystemError(errno, "cannot make tap device '" + name + "'");
  }
  if (!bridge.empty()) {
    SVIRT_TRY(
        JoinBridge(std::string(request.ifr_name, strnlen(request.ifr_name, IFNAMSIZ)), bridge));
  }
  return fd;
}

}  // namespace svirt
