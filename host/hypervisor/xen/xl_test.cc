// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading the list of domains, finding the program, and reporting its failures.
#include "host/hypervisor/xen/xl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "host/hypervisor/xen/fake_xl.h"
#include "host/labels/testing/fake_model.h"

namespace svirt {
namespace {

using testing::HasSubstr;

constexpr const char *kHeading =
    "Name                                        ID   Mem VCPUs\tState\tTime(s)   UUID"
    "                            Reason-Code\tSecurity Label\n";
constexpr const char *kControl =
    "Domain-0                                     0  1023     1     r-----      12.5 "
    "00000000-0000-0000-0000-000000000000        - system_u:system_r:dom0_t\n";

Result<std::vector<XenDomain>> Parse(const std::string &lines) {
  return ParseXlList(kHeading + std::string(kControl) + lines);
}

TEST(XlList, ReadsEveryColumnThatMatters) {
  const auto list = Parse(
      "vm1                                          3    64     2     -b----       1.0 "
      "c7a5fdbd-edaf-9455-926a-d65c16db1809        - user_1:vm_r:domU_t\n"
      "vm2                                          4    64     1     --p---       0.0 "
      "c7a5fdbd-edaf-9455-926a-d65c16db180a        -                -\n"
      "vm3                                          5    64     1     ---sc-       9.0 "
      "c7a5fdbd-edaf-9455-926a-d65c16db180b        3                -\n"
      "vm4                                          6     0     1     --psrd 1234567.0 "
      "c7a5fdbd-edaf-9455-926a-d65c16db180c        1                -\n");
  ASSERT_TRUE(list.ok()) << list.error().message;
  ASSERT_EQ(list->size(), 5u);
  const auto &vms = *list;
  EXPECT_EQ(vms[1].id, 3);
  EXPECT_EQ(vms[1].name, "vm1");
  EXPECT_EQ(vms[1].uuid, "c7a5fdbd-edaf-9455-926a-d65c16db1809");
  EXPECT_FALSE(vms[1].is_paused || vms[1].is_shut_down || vms[1].is_dying);
  EXPECT_TRUE(vms[2].is_paused);
  EXPECT_TRUE(vms[3].is_shut_down);
  EXPECT_FALSE(vms[3].is_dying);
  EXPECT_TRUE(vms[4].is_dying);
}

// A name may look like the columns behind it.
TEST(XlList, ANameMisleadsNobody) {
  const std::string name = "x 7 64 1 r----- 1.0 11111111-1111-1111-1111-111111111111 - label";
  const auto list = Parse(name +
                          "     3    64     2     -b----       1.0 "
                          "c7a5fdbd-edaf-9455-926a-d65c16db1809        - label\n");
  ASSERT_TRUE(list.ok()) << list.error().message;
  EXPECT_EQ(list->at(1).id, 3);
  EXPECT_EQ(list->at(1).name, name);
}

TEST(XlList, AnEmptyNameIsOne) {
  EXPECT_EQ(Parse(std::string(40, ' ') + "     3    64     2     -b----       1.0 "
                                         "c7a5fdbd-edaf-9455-926a-d65c16db1809        - -\n")
                ->at(1)
                .name,
            "");
}

TEST(XlList, WhatIsNotUnderstoodIsAnError) {
  EXPECT_THAT(Parse("nonsense\n").error().message, HasSubstr("not understood: 'nonsense'"));
  EXPECT_FALSE(Parse("vm1   99999999999    64     2     -b----       1.0 "
                     "c7a5fdbd-edaf-9455-926a-d65c16db1809        - -\n")
                   .ok());
  EXPECT_FALSE(ParseXlList("").ok());
  EXPECT_FALSE(ParseXlList(kHeading).ok());
  EXPECT_FALSE(ParseXlList("ERROR\n" + std::string(kControl)).ok());
}

class SystemXlTest : public testing::Test {
 protected:
  void Install(const std::string &path) {
    std::filesystem::create_directories((dir_ / path).substr(0, (dir_ / path).rfind('/')));
    std::ofstream(dir_ / path) << "#!/bin/sh\necho " << path << " \"$@\"; pwd; env\n";
    std::filesystem::permissions(dir_ / path, std::filesystem::perms::owner_all);
  }
  std::string FirstLine() {
    const auto answer = SystemXl(dir_.path()).Run({"list", "a b"}, "/usr");
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return answer.ok() ? answer->out.substr(0, answer->out.find('\n')) : "";
  }
  fake::TempDir dir_;
};

TEST_F(SystemXlTest, ASentenceWhereThereIsNone) {
  const auto found = SystemXl(dir_.path()).Find();
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, Errc::kUnsupported);
  EXPECT_THAT(found.error().message, HasSubstr("/usr/lib/xen-*/bin/xl: install Xen's toolstack"));
  EXPECT_FALSE(SystemXl(dir_.path()).Run({"list"}, "/").ok());
}

TEST_F(SystemXlTest, TheNewestVersionAndTheUsualPlaceFirst) {
  Install("usr/lib/xen-4.11/bin/xl");
  Install("usr/lib/xen-4.17/bin/xl");
  Install("usr/lib/xenophobe/bin/xl");
  EXPECT_EQ(FirstLine(), "usr/lib/xen-4.17/bin/xl list a b");
  Install("usr/sbin/xl");
  EXPECT_EQ(FirstLine(), "usr/sbin/xl list a b");
}

TEST_F(SystemXlTest, NothingOfTheCallersEnvironmentIsHandedOn) {
  Install("usr/sbin/xl");
  ::setenv("SVIRT_TEST_SECRET", "1", 1);
  const auto answer = SystemXl(dir_.path()).Run({"list"}, "/usr");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_THAT(answer->out, HasSubstr("\n/usr\n"));
  EXPECT_THAT(answer->out, testing::Not(HasSubstr("SVIRT_TEST_SECRET")));
}

TEST(Xl, AFailureIsToldOnOneLine) {
  FakeXen xen;
  xen.guests[3] = {};
  xen.fail_unpause = true;
  FakeXl runner(&xen);
  const auto status = Xl(&runner).Unpause(3);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message,
            "xl unpause failed with status 1: libxl: error: unpausing; failed");
}

}  // namespace
}  // namespace svirt
