// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels of objects are read and written by descriptor, and failures name their cause.
#include "resource_label.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "testing/fake_selinux.h"

namespace svirt::selinux {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kNew[] = "system_u:object_r:svirt_image_t:s0:c1,c2";
constexpr char kOld[] = "system_u:object_r:virt_image_t:s0";

class ResourceLabelTest : public testing::Test {
 protected:
  ResourceLabelTest() {
    error_.struct_size = sizeof error_;
    resource_.struct_size = sizeof resource_;
    resource_.fd = 9;
    resource_.path = "/images/a";
    api_.objects[9];
  }
  svirt_status Set(const std::optional<std::string> &label) {
    return SetResourceLabel(&api_, resource_, label, &error_);
  }
  FakeSelinux::Object &object() { return api_.objects[9]; }

  FakeSelinux api_;
  svirt_resource resource_{};
  svirt_error error_{};
};

TEST_F(ResourceLabelTest, ReadsAndWrites) {
  std::string label;
  ASSERT_EQ(GetResourceLabel(&api_, resource_, &label, &error_), SVIRT_OK);
  EXPECT_EQ(label, kOld);
  ASSERT_EQ(Set(kNew), SVIRT_OK);
  EXPECT_EQ(object().label, kNew);
  EXPECT_EQ(object().writes, 1);
}

TEST_F(ResourceLabelTest, EqualLabelIsNotWrittenAgain) {
  ASSERT_EQ(Set(kOld), SVIRT_OK);
  EXPECT_EQ(object().writes, 0);
}

TEST_F(ResourceLabelTest, NullIsThePolicysDefault) {
  object().label = kNew;
  api_.defaults["/images/a"] = kOld;
  ASSERT_EQ(Set(std::nullopt), SVIRT_OK);
  EXPECT_EQ(object().label, kOld);
  api_.defaults.clear();
  ASSERT_EQ(Set(std::nullopt), SVIRT_OK);
  EXPECT_EQ(object().label, "");
  EXPECT_EQ(object().writes, 2);
  ASSERT_EQ(Set(std::nullopt), SVIRT_OK);
  EXPECT_EQ(object().writes, 2) << "nothing to take away";
  // A kernel with SELinux never lets a label go.
  object().label = kNew;
  object().set_errno = EACCES;
  EXPECT_EQ(Set(std::nullopt), SVIRT_E_NOTSUP);
  EXPECT_THAT(error_.message, HasSubstr("no default label for /images/a"));
}

TEST_F(ResourceLabelTest, TheLabelOfAMountIsNoObjectsOwn) {
  object().mount_context = true;
  std::string label;
  EXPECT_EQ(GetResourceLabel(&api_, resource_, &label, &error_), SVIRT_E_NOTSUP);
  EXPECT_THAT(error_.message, HasSubstr("mounted with the option context"));
  // Mounted for one domain.
  object().label = kNew;
  EXPECT_EQ(GetResourceLabel(&api_, resource_, &label, &error_), SVIRT_OK);
  EXPECT_EQ(label, kNew);
}

TEST_F(ResourceLabelTest, ErrorsOfReading) {
  std::string label;
  const struct {
    int errnum;
    svirt_status status;
  } kRows[] = {{ENODATA, SVIRT_E_NODATA},
               {EOPNOTSUPP, SVIRT_E_NOTSUP},
               {EACCES, SVIRT_E_DENIED},
               {EBADF, SVIRT_E_SYSTEM},
               {EIO, SVIRT_E_SYSTEM}};
  for (const auto &row : kRows) {
    object().get_errno = row.errnum;
    EXPECT_EQ(GetResourceLabel(&api_, resource_, &label, &error_), row.status);
    EXPECT_EQ(error_.sys_errno, row.errnum);
    EXPECT_THAT(error_.message, HasSubstr("/images/a"));
  }
}

TEST_F(ResourceLabelTest, ErrorsOfWriting) {
  const struct {
    int errnum;
    svirt_status status;
  } kRows[] = {{EOPNOTSUPP, SVIRT_E_NOTSUP}, {EROFS, SVIRT_E_NOTSUP},   {EPERM, SVIRT_E_DENIED},
               {EACCES, SVIRT_E_DENIED},     {EINVAL, SVIRT_E_INVALID}, {EBADF, SVIRT_E_SYSTEM},
               {ENOSPC, SVIRT_E_SYSTEM}};
  for (const auto &row : kRows) {
    object().set_errno = row.errnum;
    EXPECT_EQ(Set(kNew), row.status);
    EXPECT_EQ(error_.sys_errno, row.errnum);
    EXPECT_THAT(error_.message, HasSubstr("/images/a"));
    EXPECT_EQ(object().label, kOld);
  }
}

TEST_F(ResourceLabelTest, RemoteFileSystemsHaveBooleans) {
  object().set_errno = EOPNOTSUPP;
  const struct {
    long magic;
    const char *boolean;
  } kRows[] = {{0x6969, "virt_use_nfs"},
               {0xFF534D42, "virt_use_samba"},
               {0x517B, "virt_use_samba"},
               {0x65735546, "virt_use_fusefs"}};
  for (const auto &row : kRows) {
    object().filesystem = row.magic;
    api_.booleans = {{row.boolean, false}};
    EXPECT_EQ(Set(kNew), SVIRT_E_NOTSUP);
    EXPECT_THAT(error_.message, HasSubstr(std::string("setsebool -P ") + row.boolean));
    api_.booleans = {{row.boolean, true}};
    EXPECT_EQ(Set(kNew), SVIRT_E_NOTSUP);
    EXPECT_THAT(error_.message, Not(HasSubstr("setsebool")));
  }
}

TEST_F(ResourceLabelTest, DenialNamesTheRule) {
  object().set_errno = EACCES;
  object().label = "system_u:object_r:user_home_t:s0";
  api_.denied = {{"virtd_t", "user_home_t", "file", "relabelfrom"}};
  EXPECT_EQ(Set(kNew), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("allow virtd_t user_home_t:file relabelfrom"));
  object().mode = S_IFBLK | 0600;
  api_.denied = {{"virtd_t", "svirt_image_t", "blk_file", "relabelto"}};
  EXPECT_EQ(Set(kNew), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("allow virtd_t svirt_image_t:blk_file relabelto"));
}

TEST_F(ResourceLabelTest, NothingIsDoneByPath) {
  resource_.fd = -1;
  std::string label;
  EXPECT_EQ(Set(kNew), SVIRT_E_INVALID);
  EXPECT_EQ(GetResourceLabel(&api_, resource_, &label, &error_), SVIRT_E_INVALID);
}

}  // namespace
}  // namespace svirt::selinux
