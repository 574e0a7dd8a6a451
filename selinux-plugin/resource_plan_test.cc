// SPDX-License-Identifier: LGPL-2.1-or-later
// Each kind of resource gets its label, and what is shared or common is left alone.
#include "resource_plan.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "testing/fake_selinux.h"

namespace svirt::selinux {
namespace {

using testing::HasSubstr;

constexpr char kImage[] = "system_u:object_r:svirt_image_t:s0:c41,c264";
constexpr char kLog[] = "system_u:object_r:virt_log_t:s0:c41,c264";
constexpr char kShared[] = "system_u:object_r:svirt_image_t:s0";
constexpr char kContent[] = "system_u:object_r:virt_content_t:s0";
constexpr uint32_t kR = SVIRT_ACCESS_READ;
constexpr uint32_t kRW = SVIRT_ACCESS_READ | SVIRT_ACCESS_WRITE;

class ResourcePlanTest : public testing::Test {
 protected:
  ResourcePlanTest() {
    error_.struct_size = sizeof error_;
    domain_.struct_size = sizeof domain_;
    domain_.label_type = SVIRT_LABEL_DYNAMIC;
    domain_.image_label = kImage;
  }
  sdk::ResourcePlan Plan(uint32_t kind, uint32_t object, uint32_t access, uint32_t flags,
                         const char *path, const char *override_label = nullptr) {
    svirt_resource resource{};
    resource.struct_size = sizeof resource;
    resource.kind = kind;
    resource.object = object;
    resource.access = access;
    resource.flags = flags;
    resource.fd = -1;
    resource.path = path;
    resource.override_label = override_label;
    sdk::ResourcePlan plan;
    status_ = PlanLabel(&api_, domain_, resource, &plan, &error_);
    return plan;
  }

  FakeSelinux api_;
  svirt_error error_{};
  svirt_domain domain_{};
  svirt_status status_ = SVIRT_OK;
};

TEST_F(ResourcePlanTest, EveryKindHasItsLabel) {
  constexpr uint32_t kShare = SVIRT_RES_SHARED, kAlone = 0;
  constexpr uint32_t kExcl = SVIRT_PLAN_EXCLUSIVE;
  const struct {
    uint32_t kind, object, access, flags;
    const char *path, *label;  // nullptr: left alone
    uint32_t plan_flags;
  } kRows[] = {
      // libvirt's securityselinuxlabeltest: disks, kernel, chardev
      {SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRW, kAlone, "/i/plain.raw", kImage, kExcl},
      {SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRW, kShare, "/i/shared.raw", kShared, 0},
      {SVIRT_RES_DISK, SVIRT_OBJ_FILE, kR, kAlone, "/i/readonly.raw", kContent, 0},
      {SVIRT_RES_KERNEL, SVIRT_OBJ_FILE, kR, kAlone, "/i/vmlinuz", kContent, 0},
      {SVIRT_RES_KERNEL, SVIRT_OBJ_FILE, kR, kAlone, "/i/initrd", kContent, 0},
      {SVIRT_RES_CHARDEV, SVIRT_OBJ_FILE, kRW, kAlone, "/i/plain.txt", kImage, kExcl},
      {SVIRT_RES_CHARDEV, SVIRT_OBJ_CHAR, kRW, kAlone, "/i/plain.dev", kImage, kExcl},
      {SVIRT_RES_CHARDEV, SVIRT_OBJ_FIFO, kRW, kAlone, "/i/plain.fifo", kImage, kExcl},
      {SVIRT_RES_SOCKET, SVIRT_OBJ_SOCKET, kRW, kAlone, "/i/plain.sock", kImage, kExcl},
      // the rest of libvirt.md 2.7
      {SVIRT_RES_DISK, SVIRT_OBJ_BLOCK, kRW, kAlone, "/dev/vg/a", kImage, kExcl},
      {SVIRT_RES_DISK, SVIRT_OBJ_BLOCK, kR, kAlone, "/dev/sr0", kContent, 0},
      {SVIRT_RES_BACKING, SVIRT_OBJ_FILE, kR, kShare, "/i/base.qcow2", kContent, 0},
      {SVIRT_RES_BACKING, SVIRT_OBJ_FILE, kRW, kAlone, "/i/commit.qcow2", kImage, kExcl},
      {SVIRT_RES_NVRAM, SVIRT_OBJ_FILE, kRW, kAlone, "/i/vars.fd", kImage, kExcl},
      {SVIRT_RES_HOSTDEV, SVIRT_OBJ_CHAR, kRW, kAlone, "/dev/bus/usb/001/002", kImage, kExcl},
      {SVIRT_RES_HOSTDEV, SVIRT_OBJ_CHAR, kRW, kAlone, "/dev/vfio/12", kImage, kExcl},
      {SVIRT_RES_HOSTDEV, SVIRT_OBJ_CHAR, kRW, kShare, "/dev/sg1", kShared, 0},
      {SVIRT_RES_HOSTDEV, SVIRT_OBJ_CHAR, kR, kAlone, "/dev/sg2", kImage, kExcl},
      {SVIRT_RES_TPM, SVIRT_OBJ_CHAR, kRW, kAlone, "/dev/tpm0", kImage, kExcl},
      {SVIRT_RES_MEMORY, SVIRT_OBJ_FILE, kRW, kAlone, "/i/nvdimm", kImage, kExcl},
      {SVIRT_RES_MEMORY, SVIRT_OBJ_DIR, kRW, kAlone, "/dev/hugepages/svirt/1", kImage, kExcl},
      {SVIRT_RES_INPUT, SVIRT_OBJ_CHAR, kRW, kAlone, "/dev/input/event3", kImage, kExcl},
      // what libvirt leaves without a label
      {SVIRT_RES_EMULATOR, SVIRT_OBJ_FILE, kR | SVIRT_ACCESS_EXEC, kAlone, "/opt/qemu", nullptr, 0},
      {SVIRT_RES_FIRMWARE, SVIRT_OBJ_FILE, kR, kShare, "/opt/OVMF.fd", nullptr, 0},
      {SVIRT_RES_SHARE, SVIRT_OBJ_DIR, kRW, kAlone, "/srv/a", kImage, kExcl},
      {SVIRT_RES_SHARE, SVIRT_OBJ_DIR, kRW, kShare, "/srv/b", kShared, 0},
      {SVIRT_RES_SHARE, SVIRT_OBJ_DIR, kR, kAlone, "/srv/c", kContent, 0},
      {SVIRT_RES_RNG, SVIRT_OBJ_CHAR, kR, kShare, "/dev/urandom", nullptr, 0},
      {SVIRT_RES_RNG, SVIRT_OBJ_SOCKET, kRW, kAlone, "/i/egd.sock", kImage, kExcl},
      {SVIRT_RES_NET, SVIRT_OBJ_CHAR, kRW, kShare, "/dev/net/tun", nullptr, 0},
      {SVIRT_RES_NET, SVIRT_OBJ_CHAR, kRW, kShare, "/dev/vhost-net", nullptr, 0},
      {SVIRT_RES_NET, SVIRT_OBJ_CHAR, kRW, kAlone, "/dev/tap17", kImage, kExcl},
      {SVIRT_RES_NET, SVIRT_OBJ_SOCKET, kRW, kAlone, "/i/vhost-user.sock", kImage, kExcl},
      {SVIRT_RES_RUNDIR, SVIRT_OBJ_DIR, kRW | SVIRT_ACCESS_CREATE, kAlone, "/run/svirt/a", kImage,
       kExcl},
      {SVIRT_RES_LOG, SVIRT_OBJ_FILE, kRW, kAlone, "/var/log/svirt/a.log", kLog, kExcl},
      {SVIRT_RES_HELPER_STATE, SVIRT_OBJ_DIR, kRW, kAlone, "/var/lib/svirt/tpm/a", kImage, kExcl},
      {SVIRT_RES_GRAPHICS, SVIRT_OBJ_CHAR, kRW, kShare, "/dev/dri/renderD128", nullptr, 0},
      {SVIRT_RES_GRAPHICS, SVIRT_OBJ_SOCKET, kRW, kAlone, "/i/vnc.sock", kImage, kExcl},
      {SVIRT_RES_OTHER, SVIRT_OBJ_CHAR, kRW, kShare, "/dev/kvm", nullptr, 0},
      {SVIRT_RES_OTHER, SVIRT_OBJ_CHAR, kRW, kShare, "/dev/null", nullptr, 0},
      {SVIRT_RES_OTHER, SVIRT_OBJ_CHAR, kRW, kAlone, "/dev/pts/3", nullptr, 0},
      {SVIRT_RES_HOSTDEV, SVIRT_OBJ_CHAR, kRW, kShare, "/dev/vfio/vfio", nullptr, 0},
      // files of packages are never relabelled for reading; a writable one is the owner's own word
      {SVIRT_RES_KERNEL, SVIRT_OBJ_FILE, kR, kAlone, "/usr/share/svirt/vmlinuz", nullptr, 0},
      {SVIRT_RES_KERNEL, SVIRT_OBJ_FILE, kR, kAlone, "/usrlocal/vmlinuz", kContent, 0},
      {SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRW, kAlone, "/usr/local/vm.img", kImage, kExcl},
      // kinds of a later ABI: by object and access alone
      {4711, SVIRT_OBJ_FILE, kRW, kAlone, "/i/x", kImage, kExcl},
      {4711, SVIRT_OBJ_FILE, kR, kAlone, "/i/x", kContent, 0},
      {4711, SVIRT_OBJ_FILE, kRW, kShare, "/i/x", kShared, 0},
      {4711, SVIRT_OBJ_FILE, kR | SVIRT_ACCESS_EXEC, kAlone, "/i/x", nullptr, 0},
  };
  for (const auto &row : kRows) {
    const sdk::ResourcePlan plan = Plan(row.kind, row.object, row.access, row.flags, row.path);
    ASSERT_EQ(status_, SVIRT_OK) << row.path << error_.message;
    EXPECT_EQ(plan.action,
              static_cast<uint32_t>(row.label != nullptr ? SVIRT_PLAN_SET : SVIRT_PLAN_NONE))
        << row.path;
    EXPECT_EQ(plan.label, row.label != nullptr ? row.label : "") << row.path;
    EXPECT_EQ(plan.flags, row.plan_flags) << row.path;
    EXPECT_EQ(plan.note.empty(), row.label != nullptr) << row.path;
  }
}

// Read-only comes before shared: what nobody writes, nobody gets the right to write.
TEST_F(ResourcePlanTest, SharedContentIsNotMadeWritable) {
  EXPECT_EQ(Plan(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kR, SVIRT_RES_SHARED, "/i/iso").label, kContent);
}

TEST_F(ResourcePlanTest, OverrideWins) {
  const sdk::ResourcePlan own = Plan(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kR, SVIRT_RES_SHARED, "/i/a",
                                     "system_u:object_r:svirt_image_custom_t:s0:c41,c264");
  EXPECT_EQ(own.label, "system_u:object_r:svirt_image_custom_t:s0:c41,c264");
  EXPECT_EQ(own.flags, SVIRT_PLAN_EXCLUSIVE);
  const sdk::ResourcePlan open =
      Plan(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRW, 0, "/i/a", "system_u:object_r:svirt_image_t:s0");
  EXPECT_EQ(open.flags, 0U);
  Plan(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRW, 0, "/i/a", "system_u:object_r:svirt_image_t:s0:c1,2");
  EXPECT_EQ(status_, SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("/i/a"));
}

TEST_F(ResourcePlanTest, DomainWithoutConfinementLabelsNothing) {
  domain_.label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(Plan(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRW, 0, "/i/a").action,
            static_cast<uint32_t>(SVIRT_PLAN_NONE));
}

TEST_F(ResourcePlanTest, LabelWithoutCategoriesShutsNobodyOut) {
  domain_.label_type = SVIRT_LABEL_STATIC;
  domain_.image_label = kShared;
  EXPECT_EQ(Plan(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRW, 0, "/i/a").flags, 0U);
}

TEST_F(ResourcePlanTest, PolicyWithoutContentLabelLeavesContentAlone) {
  api_.image_lines.pop_back();
  const sdk::ResourcePlan plan = Plan(SVIRT_RES_BACKING, SVIRT_OBJ_FILE, kR, 0, "/i/a");
  EXPECT_EQ(plan.action, static_cast<uint32_t>(SVIRT_PLAN_NONE));
  EXPECT_THAT(plan.note, HasSubstr("second line"));
}

TEST_F(ResourcePlanTest, PolicyWithoutLogTypeUsesTheImageLabel) {
  api_.check = [](const std::string &text) { return TypeOf(text) == "virt_log_t" ? EINVAL : 0; };
  EXPECT_EQ(Plan(SVIRT_RES_LOG, SVIRT_OBJ_FILE, kRW, 0, "/i/a.log").label, kImage);
}

TEST_F(ResourcePlanTest, NoImageLabelIsAnError) {
  domain_.image_label = nullptr;
  Plan(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRW, 0, "/i/a");
  EXPECT_EQ(status_, SVIRT_E_INVALID);
}

// The root of /proc is that of a mount on every machine; what is below it is not.
TEST_F(ResourcePlanTest, AFileSystemOfItsOwnIsBetterMountedWithItsLabel) {
  const auto note_of = [this](const char *path, uint32_t flags) {
    const int fd = ::open(path, O_PATH | O_CLOEXEC);
    svirt_resource resource{};
    resource.struct_size = sizeof resource;
    resource.kind = SVIRT_RES_SHARE;
    resource.object = SVIRT_OBJ_DIR;
    resource.access = kRW;
    resource.flags = flags;
    resource.fd = fd;
    resource.path = "/srv/share";
    sdk::ResourcePlan plan;
    EXPECT_EQ(PlanLabel(&api_, domain_, resource, &plan, &error_), SVIRT_OK);
    EXPECT_EQ(plan.action, SVIRT_PLAN_SET);
    ::close(fd);
    return plan.note;
  };
  EXPECT_THAT(note_of("/proc", SVIRT_RES_SUBTREE | SVIRT_RES_SHARED),
              HasSubstr(std::string("-o context=\"") + kShared + "\""));
  EXPECT_EQ(note_of("/proc/self", SVIRT_RES_SUBTREE | SVIRT_RES_SHARED), "");
  EXPECT_EQ(note_of("/proc", SVIRT_RES_SHARED), "");
  // Its label is another one at the next start.
  EXPECT_EQ(note_of("/proc", SVIRT_RES_SUBTREE), "");
  domain_.label_type = SVIRT_LABEL_STATIC;
  EXPECT_THAT(note_of("/proc", SVIRT_RES_SUBTREE), HasSubstr(kImage));
}

}  // namespace
}  // namespace svirt::selinux
