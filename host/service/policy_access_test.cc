// SPDX-License-Identifier: LGPL-2.1-or-later
// What two domains may do with each other, as the fake policy has it: with the same label anything.
#include "host/service/policy_access.h"

#include "host/service/testing/service_test.h"

namespace svirt {
namespace {

using testing::HasSubstr;

class PolicyAccessTest : public ServiceTest {
 protected:
  AccessAnswer Ask(const std::string &source, const std::string &target) {
    auto answer = Open()->access.Ask(source, target);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return answer.ok() ? std::move(*answer) : AccessAnswer();
  }
};

TEST_F(PolicyAccessTest, DomainsThatRunAreAskedAboutByTheirLabels) {
  const std::string first = Start(1).domain.seclabels.front().label;
  const std::string second = Start(2).domain.seclabels.front().label;
  const AccessAnswer answer = Ask("vm1", "vm2");
  EXPECT_EQ(answer.model, "fakemac");
  EXPECT_EQ(answer.source_label, first);
  EXPECT_EQ(answer.target_label, second);
  EXPECT_TRUE(answer.notify);
  EXPECT_FALSE(answer.read_memory || answer.write_memory || answer.copy_memory);
  const AccessAnswer own = Ask("vm1", "vm1");
  EXPECT_TRUE(own.notify && own.read_memory && own.write_memory && own.copy_memory);
}

TEST_F(PolicyAccessTest, LabelsStandForThemselves) {
  const AccessAnswer answer = Ask("L:1", "L:1");
  EXPECT_EQ(answer.source_label, "L:1");
  EXPECT_TRUE(answer.read_memory);
  EXPECT_EQ(Ask(Start(1).domain.name, "L:27").target_label, "L:27");
}

TEST_F(PolicyAccessTest, AStaticLabelIsKnownBeforeTheStart) {
  Define(1, "<seclabel type='static' model='fakemac'><label>S:5-5</label></seclabel>");
  EXPECT_EQ(Ask("vm1", "L:5").source_label, "S:5-5");
  Define(2);
  const auto answer = Open()->access.Ask("vm2", "vm1");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Errc::kConflict);
  EXPECT_THAT(answer.error().message, HasSubstr("gets its label when it is started"));
}

TEST_F(PolicyAccessTest, WhoIsUnknownIsNamed) {
  const auto answer = Open()->access.Ask("vm1", "L:1");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Errc::kNotFound);
}

TEST_F(PolicyAccessTest, DomainsOfTwoTypesAreKeptApartByMore) {
  Define(1);
  ASSERT_TRUE(Open()->definitions.Define(Xml(2, "", "foreign"), "vm.xml").ok());
  const auto answer = Open()->access.Ask("vm1", "vm2");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Errc::kUnsupported);
}

TEST_F(PolicyAccessTest, WithoutAModelNothingKeepsDomainsApart) {
  Start(1);
  config_.choice = DriverChoice::kNone;
  const auto answer = Open()->access.Ask("vm1", "vm1");
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message, HasSubstr("no security driver is in use here"));
}

}  // namespace
}  // namespace svirt
