// SPDX-License-Identifier: LGPL-2.1-or-later
// Which entries a domain needs, on real objects.
#include "entry_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <deque>

#include "entry.h"
#include "plugin_fixture.h"
#include "testing/owned_file.h"

namespace svirt::dac {
namespace {

using sdk::kR;
using sdk::kRw;
using sdk::MakeError;
using testing::HasSubstr;

class EntryPlan : public testing::Test {
 protected:
  void SetUp() override {
    if (WriteAcl(dir_.File("probe"), FromMode(0600)) != 0) {
      GTEST_SKIP() << "needs a temporary directory on a file system with ACLs";
    }
    label_ = FormatIdentity(kDomain);
    domain_.get().label = label_.c_str();
    domain_.get().image_label = label_.c_str();
  }
  svirt_resource Resource(const std::string &path, uint32_t access, uint32_t object,
                          uint32_t flags = 0, uint32_t kind = SVIRT_RES_DISK) {
    paths_.push_back(path);
    fds_.push_back(OpenPath(path));
    svirt_resource resource = sdk::MakeResource(paths_.back().c_str(), object, access, flags, kind);
    resource.fd = fds_.back().get();
    return resource;
  }
  // The entry; "" if none is needed; the sentence if it cannot be.
  std::string Of(const svirt_resource &resource, svirt_status failure = SVIRT_E_DENIED) {
    std::string entry;
    error_ = MakeError();
    const svirt_status status = PlanEntry(domain_.get(), who_, resource, &entry, &error_);
    if (status == SVIRT_OK || status == SVIRT_E_NODATA) {
      EXPECT_EQ(entry.empty(), status == SVIRT_E_NODATA);
      return entry;
    }
    EXPECT_EQ(status, failure) << error_.message;
    EXPECT_EQ(entry, "");
    return error_.message;
  }
  std::string Image(mode_t mode) {
    std::string path = dir_.File("image");
    EXPECT_EQ(WriteAcl(path, FromMode(mode)), 0);
    return path;
  }
  std::string OfImage(mode_t mode, uint32_t access = kR, uint32_t flags = 0) {
    return Of(Resource(Image(mode), access, SVIRT_OBJ_FILE, flags));
  }

  sdk::TempDir dir_;
  sdk::TestDomain domain_;
  std::string label_;
  Identity who_ = kDomain;
  std::deque<std::string> paths_;
  std::deque<sdk::Fd> fds_;
  svirt_error error_ = MakeError();
};

TEST_F(EntryPlan, IsWhatTheModeLacks) {
  EXPECT_EQ(OfImage(0600), "+2100000007:r--");
  EXPECT_EQ(OfImage(0640), "+2100000007:r--");
  EXPECT_EQ(OfImage(0644), "");
  EXPECT_EQ(OfImage(0644, kRw, SVIRT_RES_SHARED), "+2100000007:rw-");
  EXPECT_EQ(OfImage(0666, kRw, SVIRT_RES_SHARED), "");
  who_.gid = ::getegid();
  EXPECT_EQ(OfImage(0640), "") << "its group is let in";
  EXPECT_EQ(OfImage(0604), "+2100000007:r--") << "its group is shut out";
}

TEST_F(EntryPlan, OfADirectoryIsToReadAndPassIt) {
  const std::string share = dir_.Dir("share");
  ASSERT_EQ(::chmod(share.c_str(), 0700), 0);
  EXPECT_EQ(Of(Resource(share, kR, SVIRT_OBJ_DIR, SVIRT_RES_SUBTREE, SVIRT_RES_SHARE)),
            "+2100000007:r-x");
  EXPECT_EQ(Of(Resource(share, kRw, SVIRT_OBJ_DIR, SVIRT_RES_SHARED, SVIRT_RES_SHARE)),
            "+2100000007:rwx");
  ASSERT_EQ(::chmod(share.c_str(), 0755), 0);
  EXPECT_EQ(Of(Resource(share, kR, SVIRT_OBJ_DIR, 0, SVIRT_RES_SHARE)), "");
}

TEST_F(EntryPlan, OfADeviceOfAllDomainsIsAnEntryToo) {
  const std::string node = dir_.path("kvm"), memory = dir_.path("mem");
  if (::mknod(node.c_str(), S_IFCHR, makedev(10, 232)) != 0 ||
      ::mknod(memory.c_str(), S_IFCHR, makedev(1, 1)) != 0) {
    GTEST_SKIP() << "needs the privilege to make device nodes: errno " << errno;
  }
  const auto plan = [this](const std::string &path, mode_t mode) {
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return Of(Resource(path, kRw, SVIRT_OBJ_CHAR, SVIRT_RES_SHARED, SVIRT_RES_OTHER));
  };
  EXPECT_EQ(plan(node, 0660), "+2100000007:rw-");
  EXPECT_EQ(plan(node, 0666), "");
  who_.gid = ::getegid();
  EXPECT_EQ(plan(node, 0660), "") << "its group is let in";
  EXPECT_THAT(plan(memory, 0600), HasSubstr("no domain is let into"));
}

TEST_F(EntryPlan, LooksAtTheAclThatIsThere) {
  const std::string path = Image(0600);
  Acl acl = FromMode(0640);
  acl.groups[kDomain.gid] = kRead;
  acl.mask = kRead;
  ASSERT_EQ(WriteAcl(path, acl), 0);
  EXPECT_EQ(Of(Resource(path, kR, SVIRT_OBJ_FILE)), "") << "by its group's entry";
  acl.mask = 0;
  ASSERT_EQ(WriteAcl(path, acl), 0);
  EXPECT_THAT(Of(Resource(path, kR, SVIRT_OBJ_FILE)), HasSubstr("withholds a part"));
}

// Before set and after it: so that a plan of what runs is the plan that started it.
TEST_F(EntryPlan, DoesNotDependOnTheDomainsOwnEntry) {
  const svirt_resource image = Resource(Image(0600), kR, SVIRT_OBJ_FILE);
  ASSERT_EQ(SetEntry(image, {kDomain.uid, kRead | kWrite}, &error_), SVIRT_OK) << error_.message;
  EXPECT_EQ(Of(image), "+2100000007:r--");
  ASSERT_EQ(SetEntry(image, {kOther.uid, kRead}, &error_), SVIRT_OK) << error_.message;
  EXPECT_EQ(Of(image), "+2100000007:r--");
}

TEST_F(EntryPlan, IsNoneForWhatGetsAnOwnerOrComesOpenOrIsAProgram) {
  EXPECT_EQ(OfImage(0600, kRw), "") << "the domain will own it";
  const std::string path = Image(0700);
  EXPECT_EQ(Of(Resource(path, SVIRT_ACCESS_WRITE, SVIRT_OBJ_FILE, 0, SVIRT_RES_LOG)), "");
  EXPECT_EQ(Of(Resource(path, kRw, SVIRT_OBJ_CHAR, SVIRT_RES_SHARED, SVIRT_RES_NET)), "");
  svirt_resource other = Resource(path, kR, SVIRT_OBJ_FILE);
  other.override_label = "+5:+6";
  EXPECT_EQ(Of(other), "");
  other = Resource(path, kR, SVIRT_OBJ_FILE);
  other.fd = -1;
  EXPECT_EQ(Of(other), "");
  const svirt_resource program =
      Resource(path, kR | SVIRT_ACCESS_EXEC, SVIRT_OBJ_FILE, 0, SVIRT_RES_EMULATOR);
  EXPECT_THAT(Of(program), HasSubstr("may not read and execute " + path));
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  EXPECT_EQ(Of(program), "");
}

TEST_F(EntryPlan, CannotHelpTheOwner) {
  who_.uid = ::geteuid();
  EXPECT_THAT(OfImage(0066), HasSubstr("belongs to the domain's own user"));
}

TEST_F(EntryPlan, SaysWhatToDoWhereThereAreNoAcls) {
  const svirt_resource file = Resource("/proc/self/environ", kR, SVIRT_OBJ_FILE);
  EXPECT_THAT(Of(file, SVIRT_E_NOTSUP), HasSubstr("a file system without ACLs"));
  EXPECT_EQ(Of(Resource("/proc/self/status", kR, SVIRT_OBJ_FILE)), "");
}

TEST_F(EntryPlan, SaysWhatToDoWhereTheFileSystemIsReadOnly) {
  Image(0600);
  const std::string mount = dir_.Dir("mount");
  const std::string failed = WithReadOnlyMount(dir_.path(), mount, [&] {
    EXPECT_THAT(Of(Resource(mount + "/image", kR, SVIRT_OBJ_FILE), SVIRT_E_NOTSUP),
                HasSubstr("mounted read-only: let everybody in by chmod where it can be written"));
    ASSERT_EQ(::chmod(dir_.path("image").c_str(), 0644), 0);
    EXPECT_EQ(Of(Resource(mount + "/image", kR, SVIRT_OBJ_FILE)), "");
  });
  if (!failed.empty()) {
    GTEST_SKIP() << "needs the privilege to mount: " << failed;
  }
}

TEST_F(EntryPlan, OfALinkIsNone) {
  const std::string link = dir_.path("link");
  ASSERT_EQ(::symlink(Image(0600).c_str(), link.c_str()), 0);
  EXPECT_EQ(Of(Resource(link, kR, SVIRT_OBJ_ANY)), "");
}

}  // namespace
}  // namespace svirt::dac
