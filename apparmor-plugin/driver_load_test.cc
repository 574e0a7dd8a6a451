// SPDX-License-Identifier: LGPL-2.1-or-later
// Profiles in the kernel: loaded, replaced, withdrawn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profile_name.h"
#include "testing/driver_fixture.h"

namespace svirt::apparmor {
namespace {

using testing::HasSubstr;

using LoadTest = DriverTest;

TEST_F(LoadTest, LoadsExactlyTheManifest) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  ASSERT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK) << error_.message;
  EXPECT_EQ(Allowed(name, "/srv/disk.img"), kMayRead | kMayWrite | kMayLock);
  EXPECT_EQ(Allowed(name, "/srv/disk.img2"), 0u);
  EXPECT_EQ(Allowed(name, "/usr/bin/true"), kMayRead | kMayMap);
  EXPECT_EQ(Allowed(name, "/dev/null"), kMayRead | kMayWrite);
}

// Block commit: the base image becomes writable and is read-only again.
TEST_F(LoadTest, FollowsChangesOfAccessWithoutLeavings) {
  const Driver driver = Make();
  domain_.Add("/srv/base.img", SVIRT_OBJ_FILE, kR, 0, SVIRT_RES_BACKING);
  const std::string name = Generate(driver, domain_);
  ASSERT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
  const std::string before = kernel_.loaded[name];
  for (int round = 0; round < 1000; ++round) {
    domain_.resources()[1].access = kRw;
    ASSERT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
    if (round == 0) {
      EXPECT_EQ(Allowed(name, "/srv/base.img"), kMayRead | kMayWrite | kMayLock);
    }
    domain_.resources()[1].access = kR;
    ASSERT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
  }
  EXPECT_EQ(kernel_.loaded[name], before);
  EXPECT_EQ(Allowed(name, "/srv/base.img"), kMayRead | kMayLock);
  EXPECT_EQ(kernel_.loaded.size(), 1u);
}

TEST_F(LoadTest, RemovesOnlyWhatIsItsOwnAndUnused) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  kernel_.loaded["svirt-something"] = "";
  const std::string foreign = ProfileName(kUuidB, std::string(64, 'b'));
  kernel_.loaded[foreign] = "";
  ASSERT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
  domain_.get().label = name.c_str();
  for (const char *held : {"", "//child", "//&other"}) {
    kernel_.processes[4711] = {name + held, "enforce"};
    EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_DENIED);
    EXPECT_THAT(error_.message, HasSubstr("process 4711 still runs"));
    EXPECT_EQ(kernel_.loaded.count(name), 1u);
  }
  kernel_.processes[4711] = {name + "x", "enforce"};
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK);
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK) << "idempotent";
  EXPECT_EQ(kernel_.loaded.size(), 2u);

  domain_.get().label = foreign.c_str();
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_INVALID);
  EXPECT_EQ(driver.SetLabel(domain_.get(), foreign.c_str(), &error_), SVIRT_E_INVALID);
  EXPECT_EQ(driver.SetLabel(domain_.get(), "svirt-something", &error_), SVIRT_E_INVALID);
  EXPECT_EQ(kernel_.loaded.size(), 2u);
}

TEST_F(LoadTest, ForgottenNamesAreFound) {
  const Driver driver = Make();
  kernel_.loaded[ProfileName(kUuidA, std::string(64, '1'))] = "";
  kernel_.loaded[ProfileName(kUuidA, std::string(64, '2'))] = "";
  kernel_.loaded[ProfileName(kUuidB, std::string(64, '3'))] = "";
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK);
  EXPECT_EQ(kernel_.loaded.size(), 1u);
}

TEST_F(LoadTest, ProfilesOfProgramsRunAsTheDomainGoWithIt) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  const std::string ended = ProfileName(kUuidA, std::string(64, '1'));
  const std::string running = ProfileName(kUuidA, std::string(64, '2'));
  kernel_.loaded = {{name, ""}, {ended, ""}, {running, ""}};
  kernel_.processes[5] = {running, "enforce"};
  domain_.get().label = name.c_str();
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK);
  EXPECT_EQ(kernel_.loaded.size(), 1u);
  EXPECT_EQ(kernel_.loaded.count(running), 1u);
  domain_.get().label = nullptr;
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_DENIED);
}

TEST_F(LoadTest, WhatCannotBeSeenIsNotTakenForWithdrawn) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  kernel_.loaded = {{name, ""}};
  domain_.get().label = name.c_str();
  kernel_.remove = ENODEV;
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_SYSTEM);
  kernel_.remove = 0;
  kernel_.profiles = EIO;
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_SYSTEM);
}

TEST_F(LoadTest, AKernelThatRefusesIsReported) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  kernel_.load = EACCES;
  EXPECT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("CAP_MAC_ADMIN"));
  kernel_.load = ENOMEM;
  EXPECT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_E_SYSTEM);
  EXPECT_EQ(error_.sys_errno, ENOMEM);
}

}  // namespace
}  // namespace svirt::apparmor
