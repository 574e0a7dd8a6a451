// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of profiles, and which labels are valid.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profile_name.h"
#include "testing/driver_fixture.h"

namespace svirt::apparmor {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using LabelTest = DriverTest;

TEST_F(LabelTest, TheNameFollowsTheContent) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  EXPECT_TRUE(IsProfileName(name, kUuidA)) << name;
  EXPECT_EQ(Generate(driver, domain_), name);
  domain_.get().name = "[ * { \n another";
  EXPECT_EQ(Generate(driver, domain_), name);
  domain_.resources()[0].access = kR;
  const std::string less = Generate(driver, domain_);
  EXPECT_NE(less, name);
  domain_.Add("/srv/other.img", SVIRT_OBJ_FILE, kR);
  EXPECT_NE(Generate(driver, domain_), less);
  TestDomain twin(kUuidB);
  twin.Add("/srv/disk.img", SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK);
  EXPECT_THAT(Generate(driver, twin), StartsWith(std::string("svirt-") + kUuidB));
  domain_.get().label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(Generate(driver, domain_), "");
  EXPECT_EQ(status_, SVIRT_OK);
}

TEST_F(LabelTest, RefusesDomainsWithoutAUuid) {
  const Driver driver = Make();
  for (const char *uuid :
       {"", "x", "11111111-2222-3333-4444-55555555555", "11111111-2222-3333-4444-55555555555G",
        "11111111222233334444555555555555....", "../../../../../../../../../etc/passwd"}) {
    domain_.get().uuid = uuid;
    Generate(driver, domain_);
    EXPECT_EQ(status_, SVIRT_E_INVALID) << uuid;
    EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_INVALID);
  }
}

TEST_F(LabelTest, RefusesWhatAppArmorDoesNotHave) {
  const Driver driver = Make();
  domain_.get().base_label = "svirt_t";
  EXPECT_EQ(driver.VerifyLabel(domain_.get(), &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("no base labels"));
  domain_.get().base_label = nullptr;
  domain_.resources()[0].override_label = "x";
  EXPECT_EQ(driver.VerifyLabel(domain_.get(), &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("labels no objects"));
}

TEST_F(LabelTest, StaticLabelsAreLoadedProfiles) {
  const Driver driver = Make();
  kernel_.loaded["mine"] = "";
  kernel_.loaded["open"] = "";
  kernel_.modes["open"] = "unconfined";
  domain_.get().label_type = SVIRT_LABEL_STATIC;
  const auto verify = [&](const char *label) {
    domain_.get().label = label;
    return driver.VerifyLabel(domain_.get(), &error_);
  };
  EXPECT_EQ(verify("mine"), SVIRT_OK);
  EXPECT_EQ(Generate(driver, domain_), "mine");
  EXPECT_EQ(verify("mine//&mine"), SVIRT_OK);
  EXPECT_EQ(verify("other"), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("no loaded AppArmor profile 'other'"));
  EXPECT_EQ(verify("mine//&other"), SVIRT_E_INVALID);
  EXPECT_EQ(verify("open"), SVIRT_E_INVALID);
  EXPECT_EQ(verify("unconfined"), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("type='none'"));
  const std::string another = ProfileName(kUuidB, std::string(64, 'a'));
  kernel_.loaded[another] = "";
  EXPECT_EQ(verify(another.c_str()), SVIRT_E_INVALID);
  EXPECT_EQ(verify(""), SVIRT_E_INVALID);
  for (const char *bad : {"a\nb", "a\xc2\x9b", "a\x7f"}) {
    EXPECT_EQ(verify(bad), SVIRT_E_INVALID);
    EXPECT_THAT(error_.message, HasSubstr("has to be the name of a loaded profile"));
    Generate(driver, domain_);
    EXPECT_EQ(status_, SVIRT_E_INVALID) << "the host would refuse it only when the domain starts";
  }

  domain_.get().label = "mine";
  EXPECT_EQ(driver.SetLabel(domain_.get(), "mine", &error_), SVIRT_OK);
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK);
  EXPECT_EQ(kernel_.loads, 0);
  EXPECT_EQ(kernel_.loaded.count("mine"), 1u);
}

}  // namespace
}  // namespace svirt::apparmor
