// SPDX-License-Identifier: LGPL-2.1-or-later
// Features are found on kernels of every level, and on those that claim too much.
#include "kernel_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "testing/fake_kernel.h"
#include "testing/fixture.h"

namespace svirt::landlock {
namespace {

using testing::HasSubstr;

struct Found {
  svirt_status status;
  Features features;
  std::string reason;
};

Found Probe(FakeKernel &kernel) {
  Found found{};
  svirt_error reason = MakeError();
  found.status = ProbeFeatures(kernel.Calls(), &found.features, &reason);
  found.reason = reason.message;
  return found;
}

TEST(Features, OfEachLevelAreWhatThatKernelHas) {
  const struct {
    int level;
    uint64_t rights, scopes;
    const char *missing;
  } table[] = {
      {1, 0x1fff, 0,
       "truncating files by path, device ioctls, connecting to abstract unix sockets, signals to "
       "other processes"},
      {2, 0x3fff, 0,
       "truncating files by path, device ioctls, connecting to abstract unix sockets, signals to "
       "other processes"},
      {3, 0x7fff, 0,
       "device ioctls, connecting to abstract unix sockets, signals to other processes"},
      {4, 0x7fff, 0,
       "device ioctls, connecting to abstract unix sockets, signals to other processes"},
      {5, 0xffff, 0, "connecting to abstract unix sockets, signals to other processes"},
      {6, 0xffff, 3, ""},
      {7, 0xffff, 3, ""},
      {99, 0xffff, 3, ""},
  };
  for (const auto &row : table) {
    FakeKernel kernel(row.level);
    const Found found = Probe(kernel);
    EXPECT_EQ(found.status, SVIRT_OK) << row.level;
    EXPECT_EQ(found.features.abi, row.level);
    EXPECT_EQ(found.features.rights, row.rights) << row.level;
    EXPECT_EQ(found.features.scopes, row.scopes) << row.level;
    EXPECT_EQ(MissingWords(found.features), row.missing) << row.level;
    EXPECT_THAT(found.reason, HasSubstr("ABI " + std::to_string(row.level)));
    EXPECT_THAT(found.reason, HasSubstr(row.missing));
  }
}

// Some distributions' kernels report level 6 and have only some of it.
TEST(Features, AreFoundByUseAndNotByTheClaimedLevel) {
  FakeKernel no_signal(6);
  no_signal.scopes = kScopeAbstractUnix;
  Found found = Probe(no_signal);
  EXPECT_EQ(found.status, SVIRT_OK);
  EXPECT_EQ(found.features.scopes, kScopeAbstractUnix);
  EXPECT_EQ(MissingWords(found.features), "signals to other processes");

  FakeKernel no_member(6);
  no_member.has_scope_member = false;
  found = Probe(no_member);
  EXPECT_EQ(found.status, SVIRT_OK);
  EXPECT_EQ(found.features.scopes, 0u);

  FakeKernel backported(2);
  backported.rights |= kIoctlDev;
  found = Probe(backported);
  EXPECT_EQ(found.features.rights, kFirstRights | kRefer | kIoctlDev);
}

TEST(Features, WithoutLandlockAreInactiveWithTheCure) {
  FakeKernel absent(7);
  absent.version_error = ENOSYS;
  Found found = Probe(absent);
  EXPECT_EQ(found.status, SVIRT_INACTIVE);
  EXPECT_THAT(found.reason, HasSubstr("5.13"));

  FakeKernel disabled(7);
  disabled.version_error = EOPNOTSUPP;
  found = Probe(disabled);
  EXPECT_EQ(found.status, SVIRT_INACTIVE);
  EXPECT_THAT(found.reason, HasSubstr("lsm="));
}

TEST(Features, ThatCannotBeToldAreAnError) {
  FakeKernel forbidden(7);
  forbidden.version_error = EPERM;
  Found found = Probe(forbidden);
  EXPECT_EQ(found.status, SVIRT_E_DENIED);
  EXPECT_THAT(found.reason, HasSubstr("seccomp"));

  FakeKernel no_descriptors(7);
  no_descriptors.create_error = EMFILE;
  EXPECT_EQ(Probe(no_descriptors).status, SVIRT_E_SYSTEM);

  FakeKernel claims_only(7);
  claims_only.rights = 0;
  EXPECT_EQ(Probe(claims_only).status, SVIRT_E_SYSTEM);

  FakeKernel takes_no_rule(7);
  takes_no_rule.rule_error = ENOMEM;
  found = Probe(takes_no_rule);
  EXPECT_EQ(found.status, SVIRT_E_SYSTEM);
  EXPECT_EQ(found.features.rights, 0u);
}

size_t OpenDescriptors() {
  const std::filesystem::directory_iterator list("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(list), end(list)));
}

TEST(Features, LeaveNoDescriptorOpen) {
  const size_t before = OpenDescriptors();
  FakeKernel kernel(7);
  Probe(kernel);
  FakeKernel takes_no_rule(7);
  takes_no_rule.rule_error = ENOMEM;
  Probe(takes_no_rule);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(Features, OfTheRunningKernelFitItsLevel) {
  Features features;
  svirt_error reason = MakeError();
  const svirt_status status = ProbeFeatures(RunningKernel(), &features, &reason);
  if (status != SVIRT_OK) {
    GTEST_SKIP() << "needs a kernel with Landlock: " << reason.message;
  }
  EXPECT_EQ(features.rights & kFirstRights, kFirstRights);
  if (features.abi >= 3) {
    EXPECT_NE(features.rights & kTruncate, 0u);
  }
}

}  // namespace
}  // namespace svirt::landlock
