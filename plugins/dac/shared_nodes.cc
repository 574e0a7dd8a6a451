// SPDX-License-Identifier: LGPL-2.1-or-later
// Lists the shared device nodes by path and by device number.
#include "shared_nodes.h"

#include <algorithm>
#include <array>
#include <utility>

namespace svirt::dac {
namespace {

struct Node {
  std::string_view path;
  unsigned major, minor;
};

// Those whose numbers are the same on every host (devices.txt of the kernel); the manifest calls
// the others shared where a domain uses them.
constexpr std::array<Node, 17> kNodes = {{{"/dev/mem", 1, 1},
                                          {"/dev/null", 1, 3},
                                          {"/dev/port", 1, 4},
                                          {"/dev/zero", 1, 5},
                                          {"/dev/full", 1, 7},
                                          {"/dev/random", 1, 8},
                                          {"/dev/urandom", 1, 9},
                                          {"/dev/kmsg", 1, 11},
                                          {"/dev/tty", 5, 0},
                                          {"/dev/console", 5, 1},
                                          {"/dev/ptmx", 5, 2},
                                          {"/dev/hwrng", 10, 183},
                                          {"/dev/vfio/vfio", 10, 196},
                                          {"/dev/net/tun", 10, 200},
                                          {"/dev/kvm", 10, 232},
                                          {"/dev/vhost-net", 10, 238},
                                          {"/dev/vhost-vsock", 10, 241}}};

// In the order of their numbers: mem, kmem, port, kmsg, oldmem, console.
constexpr std::array<std::pair<unsigned, unsigned>, 6> kMachine = {
    {{1, 1}, {1, 2}, {1, 4}, {1, 11}, {1, 12}, {5, 1}}};

}  // namespace

bool IsMachineNode(unsigned major, unsigned minor) {
  return std::find(kMachine.begin(), kMachine.end(), std::pair(major, minor)) != kMachine.end();
}

bool IsSharedNode(std::string_view path) {
  return std::any_of(kNodes.begin(), kNodes.end(),
                     [&](const Node &node) { return node.path == path; });
}

bool IsSharedNode(unsigned major, unsigned minor) {
  return std::any_of(kNodes.begin(), kNodes.end(),
                     [&](const Node &node) { return node.major == major && node.minor == minor; });
}

}  // namespace svirt::dac
