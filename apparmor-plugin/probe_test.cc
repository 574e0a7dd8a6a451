// SPDX-License-Identifier: LGPL-2.1-or-later
// The probe tries a real profile, and names whatever is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "testing/driver_fixture.h"

namespace svirt::apparmor {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

using ProbeTest = DriverTest;

TEST_F(ProbeTest, ProbeLoadsAndRemovesATrialProfile) {
  const auto api = MakeFakeApi(&kernel_);
  EXPECT_EQ(ProbeDriver(api.get(), TestSettings(), "kvm", &error_), SVIRT_OK);
  EXPECT_THAT(error_.message, HasSubstr("takes profiles"));
  EXPECT_EQ(kernel_.loads, 1);
  EXPECT_THAT(kernel_.loaded, IsEmpty());
}

TEST_F(ProbeTest, ProbeSaysWhyNot) {
  const auto api = MakeFakeApi(&kernel_);
  const auto probe = [&](int enabled, int load, int remove) {
    kernel_.enabled = enabled;
    kernel_.load = load;
    kernel_.remove = remove;
    error_ = MakeError();
    return ProbeDriver(api.get(), TestSettings(), nullptr, &error_);
  };
  EXPECT_EQ(probe(ENOSYS, 0, 0), SVIRT_INACTIVE);
  EXPECT_THAT(error_.message, HasSubstr("not built into"));
  EXPECT_EQ(probe(ECANCELED, 0, 0), SVIRT_INACTIVE);
  EXPECT_THAT(error_.message, HasSubstr("disabled when"));
  EXPECT_EQ(probe(ENOENT, 0, 0), SVIRT_INACTIVE);
  EXPECT_THAT(error_.message, HasSubstr("mount securityfs"));
  EXPECT_EQ(probe(EBUSY, 0, 0), SVIRT_INACTIVE);
  EXPECT_THAT(error_.message, HasSubstr("container"));
  EXPECT_EQ(probe(EACCES, 0, 0), SVIRT_INACTIVE);
  EXPECT_EQ(probe(ENOMEM, 0, 0), SVIRT_E_SYSTEM);
  EXPECT_EQ(probe(0, EACCES, 0), SVIRT_INACTIVE);
  EXPECT_THAT(error_.message, HasSubstr("CAP_MAC_ADMIN"));
  EXPECT_EQ(probe(0, EPROTO, 0), SVIRT_E_SYSTEM);
  EXPECT_THAT(error_.message, HasSubstr("trial profile"));
  EXPECT_EQ(probe(0, 0, EIO), SVIRT_E_SYSTEM);
  EXPECT_EQ(probe(0, 0, ENOENT), SVIRT_OK);
  EXPECT_EQ(ProbeDriver(api.get(), TestSettings(), "xen", &error_), SVIRT_INACTIVE);
}

TEST_F(ProbeTest, ProbeNamesWhatIsMissing) {
  const auto api = MakeFakeApi(&kernel_);
  EXPECT_EQ(ProbeDriver(api.get(), TestSettings(""), nullptr, &error_), SVIRT_OK);
  EXPECT_THAT(error_.message, HasSubstr("apparmor_parser is not installed"));
  kernel_.processes[::getpid()] = {"lxc-1//&:ns:unconfined", "mixed"};
  EXPECT_EQ(ProbeDriver(api.get(), TestSettings(), nullptr, &error_), SVIRT_OK);
  EXPECT_THAT(error_.message, HasSubstr("runs under lxc-1"));
}

}  // namespace
}  // namespace svirt::apparmor
