// SPDX-License-Identifier: LGPL-2.1-or-later
// A domain's labels go from machine to machine.
#include "host/service/handovers.h"

#include <filesystem>

#include "host/service/testing/service_test.h"

namespace svirt {
namespace {

using testing::HasSubstr;

// The other machine has the same storage and its own state.
class HandoversTest : public ServiceTest {
 protected:
  Handover Begin() {
    auto handover = Open()->handovers.Begin("vm1");
    EXPECT_TRUE(handover.ok()) << handover.error().message;
    return handover.ok() ? std::move(*handover) : Handover();
  }
  void GoToTheOtherMachine() { paths_ = Paths::Below(dir_ / "there"); }
  void ComeBack() { paths_ = Paths::Below(dir_ / "root"); }
  Status Prepare(const Handover &handover) {
    std::vector<std::string> notes;
    return Open()->handovers.Prepare(handover, &notes);
  }
  HandoverState StateOf(int number) {
    const auto owner = Open()->machine.OwnerOf(UuidOf(number));
    return owner.ok() && *owner ? (*owner)->handover : HandoverState::kNone;
  }
  std::string Label() { return LabelOf(Image("vm1.img")); }
};

TEST_F(HandoversTest, ADomainThatMovesKeepsItsLabelsThroughout) {
  const RunningDomain running = Start(1);
  const std::string label = Label();
  const Handover handover = Begin();
  EXPECT_EQ(handover.owner.uuid, UuidOf(1));
  GoToTheOtherMachine();
  std::filesystem::create_directory(dir_ / "there");
  ASSERT_TRUE(Prepare(handover).ok());
  const RunningDomain there = Start(1);
  EXPECT_EQ(there.domain.seclabels.front().label, running.domain.seclabels.front().label);
  ComeBack();
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_EQ(Label(), label) << "its end here changes no label";
  ASSERT_TRUE(Open()->handovers.End("vm1", true).ok());
  EXPECT_EQ(Label(), label);
  EXPECT_TRUE(Open()->owners.All()->empty());
  GoToTheOtherMachine();
  ASSERT_TRUE(Open()->handovers.End("vm1", true).ok());
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_EQ(Label(), "") << "the other machine gives back the old one";
}

TEST_F(HandoversTest, OneThatStaysIsAsBefore) {
  Start(1);
  Begin();
  EXPECT_EQ(StateOf(1), HandoverState::kOutgoing);
  ASSERT_TRUE(Open()->handovers.End("vm1", false).ok());
  EXPECT_EQ(StateOf(1), HandoverState::kNone);
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  ExpectNothingLeft(1);
}

TEST_F(HandoversTest, WhatIsBeingHandedOverIsNotRestored) {
  const RunningDomain running = Start(1);
  Begin();
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  const Status restored = Open()->confinement.Restore(running.domain);
  ASSERT_FALSE(restored.ok());
  EXPECT_THAT(restored.error().message, HasSubstr("'svirt handover commit' or 'cancel'"));
}

TEST_F(HandoversTest, ADomainWithoutLabelsIsNotHandedOver) {
  Define(1);
  EXPECT_EQ(Open()->handovers.Begin("vm1").error().code, Errc::kNotFound);
  EXPECT_EQ(Open()->handovers.End("vm1", true).error().code, Errc::kNotFound);
}

TEST_F(HandoversTest, ADomainThatRunsAndIsNotBeingHandedOverCannotEndThat) {
  Start(1);
  EXPECT_EQ(Open()->handovers.End("vm1", true).error().code, Errc::kConflict);
}

TEST_F(HandoversTest, LabelsOfAnotherDoiAreRefusedUntilBothMachinesCallItTheSame) {
  Start(1);
  config_.doi["fakemac"] = "cluster.example";
  const Handover handover = Begin();
  EXPECT_EQ(handover.labels.front().doi, "cluster.example");
  GoToTheOtherMachine();
  std::filesystem::create_directory(dir_ / "there");
  config_.doi["fakemac"] = "elsewhere.example";
  const Status refused = Prepare(handover);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kRefused);
  EXPECT_THAT(refused.error().message,
              HasSubstr("'cluster.example' on the other host and 'elsewhere.example' here"));
  config_.doi["fakemac"] = "cluster.example";
  EXPECT_TRUE(Prepare(handover).ok());
}

}  // namespace
}  // namespace svirt
