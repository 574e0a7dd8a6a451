// SPDX-License-Identifier: LGPL-2.1-or-later
// What is said and made before a QEMU is started.
#include "host/hypervisor/qemu/qemu_preflight.h"

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstring>

#include "host/hypervisor/qemu/log_tail.h"
#include "host/hypervisor/qemu/qemu_firmware.h"
#include "host/hypervisor/qemu/qemu_hypervisor.h"
#include "host/hypervisor/qemu/qemu_test_support.h"
#include "host/hypervisor/qemu/tap.h"

namespace svirt {
namespace {

Status Check(const Domain &domain, const std::string &kvm_device = "/dev/kvm") {
  Refusals refusals;
  CheckQemu(domain, kvm_device, &refusals);
  return refusals.ToStatus();
}

TEST(QemuPreflight, RefusesWhatIsNotThere) {
  Domain d = SmallDomain();
  d.emulator = "/nonexistent/qemu";
  EXPECT_EQ(Check(d).error().code, Errc::kNotFound);
  d.emulator = "/bin/true";
  EXPECT_TRUE(Check(d).ok());
  d.type = "kvm";
  const Status no_kvm = Check(d, "/nonexistent/kvm");
  ASSERT_FALSE(no_kvm.ok());
  EXPECT_NE(no_kvm.error().message.find("type='qemu'"), std::string::npos);
  EXPECT_EQ(Check(d, "/dev/null").error().code, Errc::kUnsupported);
  d.type = "qemu";
  d.document.put("domain.cputune", "");
  EXPECT_EQ(Check(d).error().code, Errc::kUnsupported);
  d.document.clear();
  d.disks = {MakeDisk("vda", "virtio", {Image("/dev/zero", "qcow2")})};
  EXPECT_EQ(Check(d).error().code, Errc::kInvalid);
  d.disks[0].chain[0] = Image("/nonexistent/image", "vmdk");
  EXPECT_EQ(Check(d).error().code, Errc::kInvalid);
  d.disks[0].chain_closed = true;
  EXPECT_TRUE(Check(d).ok());
  Interface bridged = MakeInterface("bridge", "virtio");
  bridged.source = "nobridge";
  d.interfaces = {bridged};
  const Status no_bridge = Check(d);
  ASSERT_FALSE(no_bridge.ok());
  EXPECT_EQ(no_bridge.error().code, Errc::kNotFound);
  EXPECT_NE(no_bridge.error().message.find("cannot find the bridge nobridge"), std::string::npos);
  d.interfaces[0].source = "lo";  // it is there
  EXPECT_TRUE(Check(d).ok());
}

TEST(QemuPreflight, DefaultEmulatorByArch) {
  Domain d = SmallDomain();
  EXPECT_EQ(QemuEmulator(d), "/usr/bin/qemu-system-x86_64");
  d.arch = "i686";
  EXPECT_EQ(QemuEmulator(d), "/usr/bin/qemu-system-i386");
  d.arch = "aarch64";
  EXPECT_EQ(QemuEmulator(d), "/usr/bin/qemu-system-aarch64");
}

TEST(QemuPreflight, OwnResources) {
  const std::vector<Resource> resources = QemuHypervisor().Resources({"/run/vm", "/log/vm.log"});
  ASSERT_EQ(resources.size(), 2U);
  EXPECT_EQ(resources[0].kind, ResourceKind::kRundir);
  EXPECT_EQ(resources[0].access, kAccessRead | kAccessWrite | kAccessCreate);
  EXPECT_TRUE(resources[0].subtree);
  EXPECT_EQ(resources[1].kind, ResourceKind::kLog);
  EXPECT_EQ(resources[1].access, kAccessWrite);
}

TEST(QemuFirmware, PrepareCopiesTheTemplateOnce) {
  const QemuTempDir dir;
  Domain d = SmallDomain();
  d.firmware.nvram = dir / "vars";
  d.firmware.nvram_template = dir / "template";
  EXPECT_EQ(MakeFirmwareVariables(d.firmware).error().code, Errc::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(dir / "vars"));
  const std::string content(200000, 'v');
  WriteText(dir / "template", content);
  WriteText(dir / "vars.new", "half a copy of an earlier try");
  ASSERT_TRUE(MakeFirmwareVariables(d.firmware).ok());
  EXPECT_EQ(Slurp(dir / "vars"), content);
  struct stat st {};
  stat((dir / "vars").c_str(), &st);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  WriteText(dir / "vars", "the guest's own");
  ASSERT_TRUE(MakeFirmwareVariables(d.firmware).ok());
  EXPECT_EQ(Slurp(dir / "vars"), "the guest's own");
}

TEST(QemuFirmware, ATemplateThatIsNoFileKeepsNobodyWaiting) {
  const QemuTempDir dir;
  Domain d = SmallDomain();
  d.firmware.nvram = dir / "vars";
  d.firmware.nvram_template = dir / "pipe";
  ASSERT_EQ(mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(MakeFirmwareVariables(d.firmware).error().code, Errc::kInvalid);
  EXPECT_FALSE(std::filesystem::exists(dir / "vars"));
}

TEST(LogTail, OnePrintableLineOfTheEnd) {
  const QemuTempDir dir;
  WriteText(dir / "log", "old\nfirst\x1b[31m\nlast\n");
  EXPECT_EQ(LogTail(dir / "log", 4), "first?[31m; last");
  EXPECT_EQ(LogTail(dir / "log", 1000), "");
  EXPECT_EQ(LogTail(dir / "missing", 0), "");
  WriteText(dir / "log", std::string(5000, 'a') + "\n" + std::string(500, 'b') + "\nend\n");
  EXPECT_EQ(LogTail(dir / "log", 0), std::string(500, 'b') + "; end");
  std::filesystem::create_symlink("/etc/passwd", dir / "link");
  EXPECT_EQ(LogTail(dir / "link", 0), "");
}

TEST(Tap, JoinsItsBridge) {
  if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) != 0) {
    GTEST_SKIP() << "needs root and /dev/net/tun: it makes network devices in a namespace";
  }
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    if (unshare(CLONE_NEWNET) != 0) {
      _exit(2);
    }
    const Fd inside(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (ioctl(inside.get(), SIOCBRADDBR, "br0") != 0) {
      _exit(3);
    }
    const auto tap = OpenTap("vm-tap", "br0");
    const bool joined =
        tap.ok() && OpenTap("", "nobridge").error().message.find("nobridge") != std::string::npos &&
        OpenTap(std::string(16, 'x'), "").error().code == Errc::kInvalid;
    ifreq request{};
    std::strcpy(request.ifr_name, "vm-tap");
    const bool up =
        ioctl(inside.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
    _exit(joined && up ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 3) {
    GTEST_SKIP() << "needs a kernel with bridges";
  }
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace svirt
