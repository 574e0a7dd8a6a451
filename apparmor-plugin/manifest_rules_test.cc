// SPDX-License-Identifier: LGPL-2.1-or-later
// A manifest as rules. The names and paths are those that libvirt's virt-aa-helper-test tries, each
// with our answer; where it differs from libvirt's, the test says why.
#include "manifest_rules.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <svirt/sdk_fd.h>

#include "profile_text.h"
#include "testing/fixture.h"

namespace svirt::apparmor {
namespace {

using testing::HasSubstr;

constexpr uint32_t kTree = SVIRT_RES_SUBTREE;

std::string Lines(const std::vector<FileRule> &rules) {
  std::string lines;
  for (const FileRule &rule : rules) {
    lines += rule.path + (rule.below ? "** " : " ") + PermissionLetters(rule.permissions) + "\n";
  }
  return lines;
}

std::string RulesOf(const svirt_resource &resource) {
  return Lines(ResourceRules(resource));
}

// The sentence of a refusal, or "" and the rules are right.
std::string Refusal(TestDomain &domain) {
  std::vector<FileRule> rules;
  svirt_error error = MakeError();
  if (DomainRules(domain.get(), &rules, &error) == SVIRT_OK) {
    return "";
  }
  EXPECT_STRNE(error.message, "");
  return error.message;
}

std::string Refusal(const std::string &path, uint32_t access, uint32_t flags = 0,
                    uint32_t kind = SVIRT_RES_DISK) {
  TestDomain domain;
  domain.Add(path, flags != 0 ? SVIRT_OBJ_DIR : SVIRT_OBJ_ANY, access, flags, kind);
  return Refusal(domain);
}

TEST(ManifestRules, OneResourceOneRule) {
  const TempDir dir;
  const std::string disk = dir.File("disk.img");
  EXPECT_EQ(RulesOf(MakeResource(disk.c_str(), SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK)),
            disk + " rwk\n");
  // Read-only disks and backing images: no deny rule beside it, which would outlive a block commit.
  EXPECT_EQ(RulesOf(MakeResource(disk.c_str(), SVIRT_OBJ_FILE, kR, 0, SVIRT_RES_BACKING)),
            disk + " rk\n");
  EXPECT_EQ(RulesOf(MakeResource("/dev/null", SVIRT_OBJ_CHAR, kRw, 0, SVIRT_RES_HOSTDEV)),
            "/dev/null rw\n");
  EXPECT_EQ(
      RulesOf(MakeResource(disk.c_str(), SVIRT_OBJ_FILE, SVIRT_ACCESS_WRITE, 0, SVIRT_RES_LOG)),
      disk + " a\n");
  EXPECT_EQ(RulesOf(MakeResource(disk.c_str(), SVIRT_OBJ_FILE, 0)), "");
}

TEST(ManifestRules, Directories) {
  const TempDir dir;
  const std::string share = dir.Dir("share");
  EXPECT_EQ(RulesOf(MakeResource(share.c_str(), SVIRT_OBJ_DIR, kRw, kTree, SVIRT_RES_SHARE)),
            share + "/ rw\n" + share + "/** rwlk\n");
  EXPECT_EQ(RulesOf(MakeResource(share.c_str(), SVIRT_OBJ_DIR, kR, kTree, SVIRT_RES_SHARE)),
            share + "/ r\n" + share + "/** rk\n");
  EXPECT_EQ(RulesOf(MakeResource(share.c_str(), SVIRT_OBJ_DIR, kR)), share + "/ r\n");
  EXPECT_EQ(
      RulesOf(MakeResource((share + "/").c_str(), SVIRT_OBJ_DIR, kRwc, kTree, SVIRT_RES_RUNDIR)),
      share + "/ rw\n" + share + "/** rwk\n");
}

TEST(ManifestRules, TheKernelsNameOfAPathCounts) {
  const TempDir dir;
  const std::string disk = dir.File("disk.img"), link = dir.path("link"), deep = dir.Dir("d");
  std::filesystem::create_symlink(disk, link);
  std::filesystem::create_symlink(deep, dir.path("e"));
  EXPECT_EQ(RulesOf(MakeResource(link.c_str(), SVIRT_OBJ_FILE, kR)), disk + " rk\n");
  // What is not there yet, in a directory reached through a link.
  EXPECT_EQ(RulesOf(MakeResource((dir.path("e") + "/new.sock").c_str(), SVIRT_OBJ_SOCKET, kRwc, 0,
                                 SVIRT_RES_SOCKET)),
            deep + "/new.sock rw\n");
  // The descriptor that was checked, whatever the name leads to meanwhile.
  const sdk::Fd fd(::open(disk.c_str(), O_PATH | O_CLOEXEC));
  svirt_resource resource = MakeResource(link.c_str(), SVIRT_OBJ_FILE, kR);
  resource.fd = fd.get();
  std::filesystem::remove(link);
  std::filesystem::create_symlink("/etc/passwd", link);
  EXPECT_EQ(RulesOf(resource), disk + " rk\n");
  // Or the path, where the host says that no link was in it: nothing is looked up for that.
  resource.flags = SVIRT_RES_REAL_PATH;
  EXPECT_EQ(RulesOf(resource), link + " rk\n");
  EXPECT_EQ(RulesOf(MakeResource("/nonexistent/a/../b//c", SVIRT_OBJ_FILE, kR)),
            "/nonexistent/b/c rk\n");
}

TEST(ManifestRules, TheEmulatorIsMappedNotExecuted) {
  TestDomain domain(kUuidA, "/nonexistent/emulator");
  domain.Add("/nonexistent/emulator", SVIRT_OBJ_FILE, kR | SVIRT_ACCESS_EXEC, SVIRT_RES_SHARED,
             SVIRT_RES_EMULATOR);
  std::vector<FileRule> rules;
  ASSERT_EQ(DomainRules(domain.get(), &rules, nullptr), SVIRT_OK);
  EXPECT_EQ(Lines(rules), "/nonexistent/emulator rm\n");
}

TEST(ManifestRules, AHelpersStateIsNotTheEmulators) {
  EXPECT_EQ(RulesOf(MakeResource("/srv/tpm", SVIRT_OBJ_DIR, kRwc, kTree, SVIRT_RES_HELPER_STATE)),
            "");
}

// The refused ones. Files and directories of the machine are the host's to refuse
// (path_policy_test.cc), for every model. Bad arguments and bad XML have their tests in the host,
// bad UUIDs in driver_label_test.cc.

TEST(VirtAaHelperRefuses, RelativePaths) {
  EXPECT_THAT(Refusal("disk.img", kRw), HasSubstr("not absolute"));
  EXPECT_THAT(Refusal("./disk.img", kRw), HasSubstr("not absolute"));
  EXPECT_THAT(Refusal("", kRw), HasSubstr("not absolute"));
}

TEST(VirtAaHelperRefuses, NoNamesAtAll) {
  // libvirt refuses these ten; here a name is never a part of a rule, and they all start.
  for (const char *name : {"/", "[x", "]x", "{x", "}x", "?x", "^x", ",x", "\"x", "*x", "a/b",
                           "@{x}", "x\ny", "\xc3\xa9", "\xff"}) {
    TestDomain domain;
    domain.Add("/srv/disk.img", SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK);
    domain.get().name = name;
    std::vector<FileRule> rules;
    EXPECT_EQ(DomainRules(domain.get(), &rules, nullptr), SVIRT_OK) << name;
    EXPECT_EQ(Lines(rules), "/srv/disk.img rwk\n/usr/bin/true rm\n");
  }
}

// The accepted ones, by what they put into a profile.

struct Accepted {
  const char *what;
  const char *path;
  uint32_t kind, object, access, flags;
  const char *rules;
};

class VirtAaHelperAccepts : public testing::TestWithParam<Accepted> {};

TEST_P(VirtAaHelperAccepts, ButGrantsNoMoreThanTheAccess) {
  const Accepted &it = GetParam();
  TestDomain domain;
  domain.Add(it.path, it.object, it.access, it.flags, it.kind);
  EXPECT_EQ(Refusal(domain), "");
  EXPECT_EQ(RulesOf(domain.resources()[0]), it.rules);
}

constexpr uint32_t kSocket = SVIRT_OBJ_SOCKET, kFile = SVIRT_OBJ_FILE, kChar = SVIRT_OBJ_CHAR;

INSTANTIATE_TEST_SUITE_P(
    Resources, VirtAaHelperAccepts,
    testing::Values(
        Accepted{"disk", "/srv/v/1.img", SVIRT_RES_DISK, kFile, kRw, 0, "/srv/v/1.img rwk\n"},
        Accepted{"disk that is not there", "/nonexistent/1.img", SVIRT_RES_DISK, SVIRT_OBJ_ANY, kRw,
                 0, "/nonexistent/1.img rwk\n"},
        Accepted{"read-only disk", "/srv/v/1.iso", SVIRT_RES_DISK, kFile, kR, 0,
                 "/srv/v/1.iso rk\n"},
        Accepted{"block device", "/dev/sdx9", SVIRT_RES_DISK, SVIRT_OBJ_BLOCK, kRw, 0,
                 "/dev/sdx9 rwk\n"},
        Accepted{"backing image", "/srv/v/base.qcow2", SVIRT_RES_BACKING, kFile, kR, 0,
                 "/srv/v/base.qcow2 rk\n"},
        Accepted{"backing image during a commit", "/srv/v/base.qcow2", SVIRT_RES_BACKING, kFile,
                 kRw, 0, "/srv/v/base.qcow2 rwk\n"},
        Accepted{"serial pty", "/dev/ptmx", SVIRT_RES_CHARDEV, kChar, kRw, SVIRT_RES_SHARED,
                 "/dev/ptmx rw\n/dev/pts/** rw\n"},
        Accepted{"serial, console, parallel, channel file", "/srv/v/serial.log", SVIRT_RES_CHARDEV,
                 kFile, kRw, 0, "/srv/v/serial.log rwk\n"},
        Accepted{"serial, parallel dev", "/dev/ttyS9", SVIRT_RES_CHARDEV, kChar, kRw, 0,
                 "/dev/ttyS9 rw\n"},
        Accepted{"serial, channel pipe", "/srv/v/serial.pipe", SVIRT_RES_CHARDEV, SVIRT_OBJ_FIFO,
                 kRw, 0, "/srv/v/serial.pipe rw\n"},
        Accepted{"channel unix", "/srv/v/serial.sock", SVIRT_RES_SOCKET, kSocket, kRwc, 0,
                 "/srv/v/serial.sock rw\n"},
        Accepted{"kernel", "/boot/vmlinuz-6.1", SVIRT_RES_KERNEL, kFile, kR, 0,
                 "/boot/vmlinuz-6.1 rk\n"},
        Accepted{"kernel elsewhere", "/srv/v/kernel", SVIRT_RES_KERNEL, kFile, kR, 0,
                 "/srv/v/kernel rk\n"},
        Accepted{"initrd", "/boot/initrd-6.1", SVIRT_RES_KERNEL, kFile, kR, 0,
                 "/boot/initrd-6.1 rk\n"},
        Accepted{"/vmlinuz", "/vmlinuz.old", SVIRT_RES_KERNEL, kFile, kR, 0, "/vmlinuz.old rk\n"},
        Accepted{"/initrd", "/initrd/ramdisk", SVIRT_RES_KERNEL, kFile, kR, 0,
                 "/initrd/ramdisk rk\n"},
        Accepted{"sdl, the authority file", "/srv/v/.Xauthority", SVIRT_RES_GRAPHICS, kFile, kR, 0,
                 "/srv/v/.Xauthority rk\n"},
        Accepted{"hugepages, the domain's own directory", "/dev/hugepages/svirt/1",
                 SVIRT_RES_MEMORY, SVIRT_OBJ_DIR, kRwc, kTree,
                 "/dev/hugepages/svirt/1/ rw\n/dev/hugepages/svirt/1/** rwk\n"},
        Accepted{"vnc socket", "/srv/v/vnc.sock", SVIRT_RES_SOCKET, kSocket, kRwc, 0,
                 "/srv/v/vnc.sock rw\n"},
        Accepted{"evdev", "/dev/input/event99", SVIRT_RES_INPUT, kChar, kRw, 0,
                 "/dev/input/event99 rw\n"},
        Accepted{"nvdimm", "/srv/v/nvdimm", SVIRT_RES_MEMORY, kFile, kRw, 0, "/srv/v/nvdimm rwk\n"},
        Accepted{"egl-headless, spice gl", "/dev/dri/renderD199", SVIRT_RES_GRAPHICS, kChar, kRw,
                 SVIRT_RES_SHARED, "/dev/dri/renderD199 rw\n"},
        Accepted{"shmem", "/dev/shm/svirt-none", SVIRT_RES_MEMORY, kFile, kRwc, SVIRT_RES_SHARED,
                 "/dev/shm/svirt-none rwk\n"},
        Accepted{"shmem server", "/srv/v/shmem.sock", SVIRT_RES_SOCKET, kSocket, kRw, 0,
                 "/srv/v/shmem.sock rw\n"},
        Accepted{"firmware", "/usr/share/OVMF/none.fd", SVIRT_RES_FIRMWARE, kFile, kR,
                 SVIRT_RES_SHARED, "/usr/share/OVMF/none.fd rk\n"},
        Accepted{"nvram", "/srv/v/vars.fd", SVIRT_RES_NVRAM, kFile, kRw, 0, "/srv/v/vars.fd rwk\n"},
        Accepted{"usb device", "/dev/bus/usb/099/099", SVIRT_RES_HOSTDEV, kChar, kRw, 0,
                 "/dev/bus/usb/099/099 rw\n"},
        // libvirt grants all groups.
        Accepted{"pci device by vfio", "/dev/vfio/99", SVIRT_RES_HOSTDEV, kChar, kRw, 0,
                 "/dev/vfio/99 rw\n"}));

TEST(ProfileText, QuotesWhatHasAMeaning) {
  EXPECT_EQ(QuotePath("/srv/a-b_c.img"), "\"/srv/a-b_c.img\"");
  EXPECT_EQ(QuotePath("/a \"*\n\xc3"), "\"/a\\040\\042\\052\\012\\303\"");
  EXPECT_EQ(CommentText("x\n/** rwx,\x7f"), "x\\012/** rwx,\\177");
}

TEST(ProfileText, IsTheSameWhateverTheOrder) {
  TestDomain one, other;
  one.Add("/srv/b", SVIRT_OBJ_FILE, kR).Add("/srv/a", SVIRT_OBJ_FILE, kRw);
  other.Add("/srv/a", SVIRT_OBJ_FILE, kRw).Add("/srv/b", SVIRT_OBJ_FILE, kR);
  other.Add("/srv/b", SVIRT_OBJ_FILE, kR);
  std::vector<FileRule> first, second;
  ASSERT_EQ(DomainRules(one.get(), &first, nullptr), SVIRT_OK);
  ASSERT_EQ(DomainRules(other.get(), &second, nullptr), SVIRT_OK);
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace svirt::apparmor
