// SPDX-License-Identifier: LGPL-2.1-or-later
// What no domain gets, by whatever path and as whatever resource.
#include "host/labels/plan/path_policy.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>

#include "host/labels/plan/opened_manifest.h"
#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

Resource MakeShare(const std::string &path, bool readonly = false) {
  Resource share;
  share.kind = ResourceKind::kShare;
  share.object = ObjectType::kDir;
  share.access = readonly ? kAccessRead : kAccessRead | kAccessWrite | kAccessCreate;
  share.subtree = true;
  share.path = path;
  share.device = "share0";
  return share;
}

Resource MakeSerial(const std::string &path) {
  Resource serial = MakeDisk(path);
  serial.kind = ResourceKind::kChardev;
  serial.access |= kAccessCreate;
  serial.optional = true;
  serial.device = "serial0";
  return serial;
}

Resource AnyType(Resource resource) {
  resource.object = ObjectType::kAny;
  return resource;
}

Resource MakeKernel(const std::string &path) {
  Resource kernel = MakeDisk(path, true);
  kernel.kind = ResourceKind::kKernel;
  kernel.device = "kernel";
  return kernel;
}

class PathPolicyTest : public EngineTest {
 protected:
  // "" if nothing is refused.
  std::string Refusal(const Manifest &manifest) {
    auto policy = PathPolicy::Prepare(rules_);
    if (!policy.ok()) {
      return "not prepared: " + policy.error().message;
    }
    const auto opened = OpenedManifest::Look(manifest, &*policy);
    const Status status = opened.ok() ? policy->Verdict() : opened.error();
    return status.ok() ? "" : status.error().message;
  }
  std::string Refusal(const Resource &resource) { return Refusal(Manifest{{resource}}); }

  PathRules rules_;
};

TEST_F(PathPolicyTest, FilesOfTheMachineAreNoDisksSerialPortsAndKernels) {
  for (const char *path : {"/etc/shadow",
                           "/etc/passwd",
                           "/etc/gshadow",
                           "/etc/sudoers",
                           "/etc/sudoers.d/x",
                           "/etc/ssh/ssh_host_ed25519_key",
                           "/etc/crontab",
                           "/etc/cron.d/x",
                           "/etc",
                           "/var/spool/cron/crontabs/root",
                           "/root/.ssh/authorized_keys",
                           "/root/.ssh/id_rsa",
                           "/home/somebody/.ssh/id_ed25519",
                           "/srv/.gnupg/secring",
                           "/proc/kcore",
                           "/proc/1/mem",
                           "/proc/sysrq-trigger",
                           "/sys/kernel/notes",
                           "/dev/mem",
                           "/dev/kmem",
                           "/dev/port",
                           "/dev/kmsg",
                           "/dev/core",
                           "/dev/mapper/control",
                           "/dev/cpu/0/msr",
                           "/run/docker.sock",
                           "/run/systemd/private",
                           "/run/dbus/system_bus_socket",
                           "/run/libvirt/libvirt-sock"}) {
    for (const Resource &resource :
         {MakeDisk(path), MakeDisk(path, true), MakeSerial(path), MakeKernel(path)}) {
      EXPECT_THAT(Refusal(AnyType(resource)), HasSubstr(std::string("(") + path + ")"))
          << resource.device;
      EXPECT_THAT(Refusal(resource), HasSubstr("allow_paths")) << resource.device;
    }
  }
}

TEST_F(PathPolicyTest, ProgramsAndWhatTheMachineBootsMayOnlyBeRead) {
  for (const char *path : {"/usr/bin/true", "/bin/x", "/sbin/x", "/lib/x", "/lib64/x", "/boot/x",
                           "/vmlinuz", "/usr/share/x", "/var/lib/dpkg/info/x"}) {
    EXPECT_THAT(Refusal(MakeDisk(path)), HasSubstr("may only be read")) << path;
    EXPECT_THAT(Refusal(MakeSerial(path)), HasSubstr("may only be read")) << path;
    EXPECT_EQ(Refusal(MakeDisk(path, true)), "") << path;
    EXPECT_EQ(Refusal(MakeKernel(path)), "") << path;
    Resource made = MakeKernel(path);
    made.access |= kAccessCreate;
    EXPECT_THAT(Refusal(made), HasSubstr("may only be read")) << path;
  }
}

TEST_F(PathPolicyTest, DirectoriesOfTheWholeMachineAreNoShares) {
  for (const char *path :
       {"/",        "/etc", "/usr",        "/home",    "/root",      "/var",     "/boot",
        "/proc",    "/sys", "/dev",        "/run",     "/tmp",       "/var/lib", "/var/log",
        "/var/tmp", "/srv", "/dev/mapper", "/etc/ssh", "/var/spool", "/usr/bin", "/sys/class"}) {
    EXPECT_THAT(Refusal(MakeShare(path)), HasSubstr("allow_paths")) << path;
  }
  for (const char *path : {"/", "/etc", "/usr", "/home", "/root", "/var", "/proc", "/dev"}) {
    EXPECT_THAT(Refusal(MakeShare(path, true)), HasSubstr("allow_paths")) << path;
  }
}

TEST_F(PathPolicyTest, DirectoriesAboveWhatIsForbiddenAreNoShares) {
  for (const auto &[path, secret] : {std::pair("/run/libvirt", "/run/libvirt/libvirt-sock"),
                                     {"/var/lib/samba", "/var/lib/samba/private"}}) {
    const std::string above = std::string("above ") + secret;
    EXPECT_THAT(Refusal(MakeShare(path)), HasSubstr(above));
    EXPECT_THAT(Refusal(MakeShare(path, true)), HasSubstr(above));
  }
  EXPECT_EQ(Refusal(MakeDisk("/var/lib/samba/a.img")), "");
  // Where somebody keeps his keys in a directory of his own.
  const std::string home = dir_ / "home";
  fs::create_directories(home + "/.ssh");
  EXPECT_THAT(Refusal(MakeShare(home)), HasSubstr("above " + home + "/.ssh"));
  EXPECT_THAT(Refusal(MakeShare(home + "/.ssh")), HasSubstr("a secret"));
  EXPECT_EQ(Refusal(MakeDisk(home + "/a.img")), "");
}

TEST_F(PathPolicyTest, WhatDomainsNeedIsLeftToThem) {
  EXPECT_EQ(
      Refusal(Manifest{{MakeDisk("/var/lib/libvirt/images/a.img"), MakeDisk("/var/tmp/a.img"),
                        MakeDisk("/home/a/a.img"), MakeDisk("/root/a.img"),
                        MakeShare("/home/a/share"), MakeShare("/srv/share"),
                        MakeShare("/usr/share/doc", true), MakeKernel("/boot/vmlinuz"),
                        MakeSerial("/var/log/a.log"), AnyType(MakeDisk("/dev/kvm")),
                        AnyType(MakeDisk("/dev/null")), AnyType(MakeDisk("/dev/vfio/1")),
                        AnyType(MakeDisk("/dev/sda")), AnyType(MakeDisk("/dev/mapper/vg-lv"))}}),
      "");
  // Devices that are named by something else than a path.
  Resource device = AnyType(MakeDisk("/sys/bus/pci/devices/0000:00:01.0/config"));
  EXPECT_NE(Refusal(device), "");
  device.kind = ResourceKind::kHostdev;
  EXPECT_EQ(Refusal(device), "");
  device.subtree = true;  // one device is not all that is below a directory
  EXPECT_NE(Refusal(device), "");
  device.subtree = false;
  device.path = "/sys/kernel/notes";
  EXPECT_NE(Refusal(device), "");
}

TEST_F(PathPolicyTest, AllRefusalsAreInOneSentence) {
  const std::string sentence = Refusal(Manifest{{MakeDisk("/etc/shadow"), MakeDisk(dir_ / "a"),
                                                 MakeShare("/home"), MakeSerial("/etc/cron.d/x")}});
  EXPECT_THAT(sentence, HasSubstr("disk vda (/etc/shadow)"));
  EXPECT_THAT(sentence, HasSubstr("share share0 (/home)"));
  EXPECT_THAT(sentence, HasSubstr("chardev serial0 (/etc/cron.d/x)"));
  EXPECT_THAT(sentence, Not(HasSubstr(dir_.path())));
}

TEST_F(PathPolicyTest, ALinkIsWhatItLeadsTo) {
  fs::create_symlink("/etc/passwd", dir_ / "file");
  fs::create_symlink("/etc", dir_ / "directory");
  EXPECT_THAT(Refusal(MakeDisk(dir_ / "file")), HasSubstr("a way to /etc/passwd"));
  EXPECT_THAT(Refusal(MakeDisk(dir_ / "directory/passwd")), HasSubstr("a way to /etc/passwd"));
  EXPECT_THAT(Refusal(MakeShare(dir_ / "directory")), HasSubstr("a way to /etc"));
  // Nothing is there yet.
  EXPECT_THAT(Refusal(MakeSerial(dir_ / "directory/svirt-test")),
              HasSubstr("a way to /etc/svirt-test"));
}

TEST_F(PathPolicyTest, AllowedByTheAdministrator) {
  rules_.allowed = {"/etc/passwd", "/boot/"};
  EXPECT_EQ(Refusal(MakeDisk("/etc/passwd")), "");
  EXPECT_NE(Refusal(MakeDisk("/etc/passwd-")), "");
  EXPECT_NE(Refusal(MakeDisk("/etc/shadow")), "");
  EXPECT_EQ(Refusal(MakeDisk("/boot/x")), "");
  EXPECT_EQ(Refusal(MakeShare("/boot")), "");
  // One file is not all that is below it.
  rules_.allowed = {"/etc"};
  EXPECT_NE(Refusal(MakeShare("/etc")), "");
}

TEST_F(PathPolicyTest, OwnFilesAreNobodysByAnyName) {
  fs::create_directories(dir_ / "own/domains/other");
  fs::create_directories(dir_ / "own/domains/this");
  const std::string database = Touch(dir_ / "own/labels.db");
  fs::create_hard_link(database, dir_ / "hard");
  fs::create_symlink(database, dir_ / "soft");
  fs::create_symlink(dir_ / "own", dir_ / "way");
  rules_.own = {dir_ / "own"};
  rules_.given = {dir_ / "own/domains/this"};
  rules_.allowed = {"/", dir_ / "hard"};  // nothing allows them
  for (const std::string &path : {database, dir_ / "hard", dir_ / "soft", dir_ / "way/labels.db",
                                  dir_ / "own/domains/other/monitor", dir_ / "own/new"}) {
    EXPECT_THAT(Refusal(MakeSerial(path)), HasSubstr("svirt's own")) << path;
    EXPECT_THAT(Refusal(MakeSerial(path)), Not(HasSubstr("allow_paths"))) << path;
  }
  for (const std::string &path : {dir_ / "own", dir_ / "own/domains", dir_.path(), dir_ / "way",
                                  dir_ / "own/domains/other"}) {
    EXPECT_THAT(Refusal(MakeShare(path)), HasSubstr("svirt's own")) << path;
  }
  EXPECT_EQ(Refusal(MakeSerial(dir_ / "own/domains/this/serial")), "");
  fs::create_hard_link(database, dir_ / "own/domains/this/hard");
  EXPECT_THAT(Refusal(MakeDisk(dir_ / "own/domains/this/hard")), HasSubstr("svirt's own"));
  fs::create_hard_link(Touch(dir_ / "own/domains/this/a"), dir_ / "own/domains/this/b");
  EXPECT_EQ(Refusal(MakeDisk(dir_ / "own/domains/this/b")), "");
  EXPECT_EQ(Refusal(MakeShare(dir_ / "own/domains/this")), "");
}

TEST_F(PathPolicyTest, AnotherNameOfASecret) {
  if (::link("/etc/passwd", (dir_ / "hard").c_str()) != 0) {
    GTEST_SKIP() << "needs root, and temporary files on the file system of /etc";
  }
  EXPECT_THAT(Refusal(MakeDisk(dir_ / "hard")), HasSubstr("another name of a file"));
}

TEST_F(PathPolicyTest, DevicesOfTheKernelByTheirNumber) {
  const std::string node = dir_ / "zero";
  if (::mknod(node.c_str(), S_IFCHR | 0600, makedev(1, 1)) != 0) {
    GTEST_SKIP() << "needs the right to make device nodes";
  }
  EXPECT_THAT(Refusal(AnyType(MakeDisk(node))), HasSubstr("the device mem"));
  rules_.allowed = {node};
  EXPECT_EQ(Refusal(AnyType(MakeDisk(node))), "");
}

// Runs a test in a mount namespace of its own: 0 if it passes, 77 if there can be none.
int InNamespace(const std::function<bool()> &test) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, "") != 0) {
      ::_exit(77);
    }
    ::_exit(test() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

TEST_F(PathPolicyTest, AMountIsWhatItShows) {
  for (const char *name : {"own", "etc", "chroot", "chroot/proc", "directory"}) {
    fs::create_directories(dir_ / name);
  }
  Touch(dir_ / "own/labels.db");
  Touch(dir_ / "file");
  rules_.own = {dir_ / "own"};
  const auto bind = [this](const std::string &what, const std::string &where) {
    return ::mount(what.c_str(), (dir_ / where).c_str(), nullptr, MS_BIND, nullptr) == 0;
  };
  const auto refused = [](const std::string &sentence, const char *part) {
    const bool found = sentence.find(part) != std::string::npos;
    EXPECT_TRUE(found) << part << " is not in: " << sentence;
    return found;
  };
  const int rc = InNamespace([&] {
    const bool mounted = bind("/etc", "etc") && bind(dir_ / "own/labels.db", "file") &&
                         bind(dir_ / "own", "directory") &&
                         ::mount("proc", (dir_ / "chroot/proc").c_str(), "proc", 0, nullptr) == 0;
    EXPECT_TRUE(mounted);
    if (!mounted) {
      return false;
    }
    // Each is told.
    const bool all[] = {refused(Refusal(MakeDisk(dir_ / "etc/passwd")), "also /etc/passwd"),
                        refused(Refusal(MakeShare(dir_ / "etc")), "also /etc"),
                        refused(Refusal(MakeDisk(dir_ / "file")), "svirt's own"),
                        refused(Refusal(MakeDisk(dir_ / "directory/labels.db")), "svirt's own"),
                        refused(Refusal(MakeSerial(dir_ / "directory/new")), "svirt's own"),
                        refused(Refusal(MakeShare(dir_ / "chroot")), "a file system of type proc"),
                        refused(Refusal(MakeDisk(dir_ / "chroot/proc/version")), "an interface")};
    // What is allowed by one of its names is; svirt's own is by none.
    rules_.allowed = {dir_ / "etc/passwd", dir_ / "file"};
    const std::string allowed = Refusal(MakeDisk(dir_ / "etc/passwd"));
    EXPECT_EQ(allowed, "");
    return std::ranges::all_of(all, std::identity()) && allowed.empty() &&
           refused(Refusal(MakeDisk(dir_ / "file")), "svirt's own");
  });
  if (rc == 77) {
    GTEST_SKIP() << "needs the right to mount";
  }
  EXPECT_EQ(rc, 0);
}

// The engine asks before it does anything.
TEST_F(PathPolicyTest, PlanVerifyAndApplyRefuseBeforeAnythingIsMade) {
  const std::string image = Image("a.img");
  fs::create_directories(dir_ / "own");
  ConfinementPolicy policy;
  policy.paths.own = {dir_ / "own"};
  const Manifest manifest{{MakeDisk(image), MakeSerial(dir_ / "console"),
                           MakeSerial(dir_ / "own/new"), MakeDisk("/etc/hostname")}};
  for (const std::vector<Plugin *> &plugins :
       {std::vector<Plugin *>{mac_.plugin()}, std::vector<Plugin *>{profile_.plugin()},
        std::vector<Plugin *>{}}) {
    Engine engine = MakeEngine(plugins, policy);
    const Domain domain = MakeDomain(1);
    for (const Status &status : {engine.Verify(domain, manifest).ToStatus(),
                                 [&]() -> Status {
                                   SVIRT_ASSIGN(const Plan plan, engine.MakePlan(domain, manifest));
                                   return {};
                                 }(),
                                 [&]() -> Status {
                                   SVIRT_ASSIGN(const Plan plan, engine.Apply(domain, manifest));
                                   return {};
                                 }()}) {
      ASSERT_FALSE(status.ok());
      EXPECT_EQ(status.error().code, Errc::kRefused);
      EXPECT_THAT(status.error().message, HasSubstr("svirt's own"));
      EXPECT_THAT(status.error().message, HasSubstr("/etc/hostname"));
    }
    EXPECT_EQ(Label(image), "original-a.img");
    EXPECT_FALSE(fs::exists(dir_ / "console"));
    EXPECT_FALSE(fs::exists(dir_ / "own/new"));
    EXPECT_FALSE(IsKnown(1));
  }
}

// What is below a share is labelled with it, and so would be a file that has another name
// elsewhere.
TEST_F(PathPolicyTest, AShareWithAnotherNameOfAnOwnFileIsRefused) {
  fs::create_directories(dir_ / "own");
  fs::create_directories(dir_ / "share/deep");
  const std::string own = Image("own/labels.db");
  fs::create_hard_link(own, dir_ / "share/deep/link");
  const std::string harmless = Image("share/deep/file");
  fs::create_hard_link(harmless, dir_ / "share/name");
  ConfinementPolicy policy;
  policy.paths.own = {dir_ / "own"};
  policy.paths.allowed = {dir_ / "share/"};
  const Manifest manifest{{MakeShare(dir_ / "share")}};
  Engine engine = MakeEngine({mac_.plugin()}, policy);
  const auto plan = engine.MakePlan(MakeDomain(1), manifest);
  const auto applied = engine.Apply(MakeDomain(1), manifest);
  ASSERT_FALSE(plan.ok());
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(plan.error().code, Errc::kRefused);
  EXPECT_THAT(plan.error().message, HasSubstr("above " + (dir_ / "share/deep/link")));
  EXPECT_THAT(applied.error().message, HasSubstr("another name of a file that is svirt's own"));
  EXPECT_EQ(Label(harmless), "original-share/deep/file");
  EXPECT_FALSE(IsKnown(1));
  fs::remove(dir_ / "share/deep/link");
  EXPECT_TRUE(engine.Apply(MakeDomain(1), manifest).ok());
}

// A running domain keeps what it has, whatever the configuration says by now.
TEST_F(PathPolicyTest, WhatADomainHasIsNotJudgedAgain) {
  const std::string image = Image("a.img");
  ConfinementPolicy policy;
  policy.paths.own = {dir_ / "a.img"};
  MustApply(1, Manifest{{MakeDisk(image)}});
  Domain running = MakeDomain(1);
  running.seclabels = MakeEngine().MakePlan(running, {})->seclabels();
  Engine engine = MakeEngine({mac_.plugin()}, policy);
  EXPECT_FALSE(engine.Change(running, ::getpid(), Manifest{{MakeDisk(image)}}).ok());
  const Manifest known{{MakeDisk(image)}};
  EXPECT_TRUE(engine.Change(running, ::getpid(), known, known).ok());
  // More than it has is judged.
  const Manifest read_only{{MakeDisk(image, true)}};
  EXPECT_FALSE(engine.Change(running, ::getpid(), known, read_only).ok());
}

}  // namespace
}  // namespace svirt::fake
