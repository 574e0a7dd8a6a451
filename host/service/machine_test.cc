// SPDX-License-Identifier: LGPL-2.1-or-later
// What a machine is, with its state and without.
#include "host/service/machine.h"

#include "host/service/testing/service_test.h"

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class MachineTest : public ServiceTest {};

TEST_F(MachineTest, ServesTheTypesOfItsHypervisors) {
  const auto host = Open();
  EXPECT_THAT(host->machine.DomainTypes(), ElementsAre("fake"));
  Domain domain;
  domain.type = "fake";
  EXPECT_TRUE(host->machine.HypervisorFor(domain).ok());
  domain.type = "foreign";
  EXPECT_EQ(host->machine.HypervisorFor(domain).error().code, Errc::kUnsupported);
}

// What needs no state does without.
TEST_F(MachineTest, WithoutItsStateItKnowsItsModels) {
  paths_.state_dir = fake::Touch(dir_ / "file") + "/state";
  const auto host = Open();
  const auto shown = host->machine.models().Show("fake");
  ASSERT_TRUE(shown.ok()) << shown.error().message;
  EXPECT_THAT(shown->models, ElementsAre("fakemac"));
  EXPECT_EQ(shown->candidates.size(), 2u);
  const auto listed = host->listing.All();
  ASSERT_FALSE(listed.ok());
  EXPECT_THAT(listed.error().message, HasSubstr(paths_.state_dir));
}

// What was chosen before is missed when it is gone, so a selection has to know.
TEST_F(MachineTest, WithoutItsStateNoModelIsSelectedAndTheReasonShown) {
  config_.choice = DriverChoice::kAuto;
  paths_.state_dir = fake::Touch(dir_ / "file") + "/state";
  const auto host = Open();
  const auto shown = host->machine.models().Show("fake");
  ASSERT_TRUE(shown.ok()) << shown.error().message;
  EXPECT_TRUE(shown->models.empty());
  EXPECT_THAT(shown->reason, HasSubstr(paths_.state_dir + "/chosen-models"));
  EXPECT_EQ(shown->candidates.size(), 2u);
}

TEST_F(MachineTest, ReportsAlsoWhatAFailureHasFound) {
  const Status status = Open()->machine.Reporting([](std::vector<std::string> *notes) -> Status {
    notes->push_back("found on the way");
    return Error{Errc::kSystem, "failed"};
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(Warnings(), "found on the way\n");
}

}  // namespace
}  // namespace svirt
