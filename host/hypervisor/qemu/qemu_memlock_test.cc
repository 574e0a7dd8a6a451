// SPDX-License-Identifier: LGPL-2.1-or-later
// How much memory a domain may lock, and how the limit of its process is set.
#include "host/hypervisor/qemu/qemu_memlock.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/hypervisor/qemu/qemu_launch.h"
#include "host/hypervisor/qemu/qemu_test_support.h"

namespace svirt {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

Domain DomainWith(uint64_t memory) {
  Domain domain = SmallDomain();
  domain.memory_bytes = memory;
  return domain;
}

void AddHostdev(Domain *domain, const std::string &type) {
  domain->hostdevs.emplace_back();
  domain->hostdevs.back().type = type;
}

TEST(Memlock, IsTheMemoryThatDevicesReach) {
  Domain domain = DomainWith(2 * kGiB);
  AddHostdev(&domain, "usb");
  EXPECT_EQ(MemlockOf(domain), 0U);
  AddHostdev(&domain, "pci");
  EXPECT_EQ(MemlockOf(domain), 3 * kGiB);
  AddHostdev(&domain, "mdev");
  EXPECT_EQ(MemlockOf(domain), 3 * kGiB);
  domain.max_memory_bytes = 8 * kGiB;
  EXPECT_EQ(MemlockOf(domain), 9 * kGiB);
  for (int i = 0; i < 2; ++i) {
    domain.interfaces.emplace_back();
    domain.interfaces.back().type = "vdpa";
  }
  EXPECT_EQ(MemlockOf(domain), 25 * kGiB);
  domain.hostdevs.clear();
  EXPECT_EQ(MemlockOf(domain), 17 * kGiB);
}

TEST(Memlock, GoesToTheProcess) {
  const QemuTempDir dir;
  Domain domain = DomainWith(2 * kGiB);
  EXPECT_EQ(LaunchOfQemu(domain, dir / "run", 1)->spec.memlock, 0U);
  AddHostdev(&domain, "pci");
  EXPECT_EQ(LaunchOfQemu(domain, dir / "run", 1)->spec.memlock, 3 * kGiB);
}

TEST(Memlock, OfARunningProcessIsRaisedNeverLowered) {
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    const rlimit before = {8192, 65536};
    if (setrlimit(RLIMIT_MEMLOCK, &before) != 0) {
      _exit(2);
    }
    rlimit now{};
    bool good = RaiseMemlock(getpid(), 4096).ok() && getrlimit(RLIMIT_MEMLOCK, &now) == 0 &&
                now.rlim_cur == 8192;
    good = good && RaiseMemlock(getpid(), 16384).ok() && getrlimit(RLIMIT_MEMLOCK, &now) == 0 &&
           now.rlim_cur == 16384;
    _exit(good ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Memlock, ThatMayNotBeRaisedIsAnError) {
  EXPECT_TRUE(RaiseMemlock(1 << 30, 0).ok()) << "nobody has to be asked for nothing";
  const Status refused = RaiseMemlock(1 << 30, 4096);  // no such process
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("4096 bytes"), std::string::npos);
}

}  // namespace
}  // namespace svirt
