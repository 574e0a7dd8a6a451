// SPDX-License-Identifier: LGPL-2.1-or-later
// Names belong to one domain each, and labels of stacked profiles are split rightly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apparmor_api.h"
#include "profile_name.h"
#include "testing/fixture.h"

namespace svirt::apparmor {
namespace {

using testing::ElementsAre;

TEST(Names, AreTheDomainsOwn) {
  const std::string name = ProfileName(kUuidA, std::string(64, 'f'));
  EXPECT_TRUE(IsProfileName(name, kUuidA));
  EXPECT_TRUE(IsProfileName(name, ""));
  EXPECT_FALSE(IsProfileName(name, kUuidB));
  for (const std::string &other :
       {std::string(), std::string("svirt-"), name + "0", name.substr(1), "x" + name,
        name.substr(0, name.size() - 1) + "G", name + "//child"}) {
    EXPECT_FALSE(IsProfileName(other, "")) << other;
  }
}

TEST(Labels, AreSplitIntoTheirParts) {
  EXPECT_THAT(LabelParts("a"), ElementsAre("a"));
  EXPECT_THAT(LabelParts("a//&b//&:ns:c"), ElementsAre("a", "b", ":ns:c"));
  EXPECT_TRUE(LabelHas("a//&b//child", "b"));
  EXPECT_FALSE(LabelHas("ab//&b-c", "b"));
}

}  // namespace
}  // namespace svirt::apparmor
