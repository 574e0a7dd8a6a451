// SPDX-License-Identifier: LGPL-2.1-or-later
// The registry: who holds which label.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <string>

#include "host/labels/store/registry_fixture.h"

namespace svirt::fake {
namespace {

using testing::HasSubstr;

TEST_F(RegistryTest, TheSameOwnerIsGivenTheSame) {
  const uint64_t first = Acquire(1);
  EXPECT_NE(Acquire(2), first);
  EXPECT_EQ(Acquire(1), first);
  Release(1);
  const auto state = store_->registry().Describe(Owner(1).uuid);
  ASSERT_TRUE(state.ok());
  EXPECT_FALSE(state->has_value());
  const auto other = store_->registry().Describe(Owner(2).uuid);
  ASSERT_TRUE(other.ok() && other->has_value());
  ASSERT_EQ((*other)->labels.size(), 1u);
  EXPECT_EQ((*other)->owner.name, "vm2");
}

TEST_F(RegistryTest, PeekTellsWhatAcquireWillGive) {
  for (int owner = 1; owner <= 28; ++owner) {
    const auto peek = store_->registry().Peek(Owner(owner), Dynamic(kSmall), {});
    ASSERT_TRUE(peek.ok());
    EXPECT_EQ(peek->value(), Acquire(owner)) << owner;
    EXPECT_EQ(store_->registry().Peek(Owner(owner), Dynamic(kSmall), {})->value(), Acquire(owner));
  }
  const auto full = store_->registry().Peek(Owner(29), Dynamic(kSmall), {});
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, Errc::kExhausted);
}

// What foreign processes bear makes the set smaller, not the place where this host begins another.
TEST_F(RegistryTest, PeekTellsTheFirstLabelOfAllBesideForeignOnes) {
  const auto self = IdentifyProcess(::getpid());
  ASSERT_TRUE(self.ok());
  const IndexRuns foreign = {{5, 3}, {400, 100}};
  const auto peek = store_->registry().Peek(Owner(1), Dynamic(kLarge), foreign);
  ASSERT_TRUE(peek.ok());
  ASSERT_TRUE(store_->registry()
                  .Seed("fakemac", "tests.example",
                        {{.label = "S:foreign", .runs = foreign, .processes = {*self}}})
                  .ok());
  EXPECT_EQ(peek->value(), Acquire(1, kLarge));
}

TEST_F(RegistryTest, PeekChangesNothing) {
  ASSERT_TRUE(store_->registry().Peek(Owner(1), Dynamic(kSmall), {}).ok());
  EXPECT_TRUE(store_->registry().Owners()->empty());
}

TEST_F(RegistryTest, AFreedLabelComesUpLast) {
  const uint64_t first = Acquire(1);
  Release(1);
  for (int owner = 2; owner <= 28; ++owner) {
    EXPECT_NE(Acquire(owner), first);
  }
  EXPECT_EQ(Acquire(29), first);
}

TEST_F(RegistryTest, StaysInsideTheAllowedRuns) {
  const IndexRuns odd = {{3, 2}, {100, 1}, {500000, 3}};
  std::set<uint64_t> given;
  for (int owner = 1; owner <= 6; ++owner) {
    given.insert(Acquire(owner, odd));
  }
  EXPECT_EQ(given, (std::set<uint64_t>{3, 4, 100, 500000, 500001, 500002}));
  EXPECT_EQ(store_->registry().Acquire(Owner(7), Dynamic(odd)).error().code, Errc::kExhausted);
  // Another daemon with a range that overlaps finds what the first has left.
  EXPECT_EQ(Acquire(8, {{2, 4}}), 2u);
  EXPECT_EQ(Acquire(9, {{2, 4}}), 5u);
}

TEST_F(RegistryTest, AnIndexNoLongerAllowedIsReportedNotKept) {
  Acquire(1, {{5, 1}});
  const auto moved = store_->registry().Acquire(Owner(1), Dynamic({{6, 1}}));
  ASSERT_FALSE(moved.ok());
  EXPECT_EQ(moved.error().code, Errc::kExists);
}

TEST_F(RegistryTest, ModelsAndDoisAreSpacesOfTheirOwn) {
  LabelRequest request = Dynamic({{0, 1}});
  EXPECT_TRUE(store_->registry().Acquire(Owner(1), request).ok());
  EXPECT_FALSE(store_->registry().Acquire(Owner(2), request).ok());
  request.doi = "other.example";
  EXPECT_TRUE(store_->registry().Acquire(Owner(2), request).ok());
  request.model = "other";
  EXPECT_TRUE(store_->registry().Acquire(Owner(1), request).ok());
}

TEST_F(RegistryTest, StaticAndDynamicKeepOutOfEachOthersWay) {
  const uint64_t dynamic = Acquire(1, {{10, 1}});
  EXPECT_EQ(dynamic, 10u);
  const auto overlapping = store_->registry().Acquire(Owner(2), Static("S:8-12", {{8, 5}}));
  ASSERT_FALSE(overlapping.ok());
  EXPECT_EQ(overlapping.error().code, Errc::kConflict);
  EXPECT_THAT(overlapping.error().message, HasSubstr("domain vm1 (" + Owner(1).uuid + ")"));
  EXPECT_FALSE(store_->registry().Describe(Owner(2).uuid)->has_value());
  const auto peek = store_->registry().Peek(Owner(2), Static("S:8-12", {{8, 5}}), {});
  ASSERT_FALSE(peek.ok());
  EXPECT_EQ(peek.error().message, overlapping.error().message);

  ASSERT_TRUE(store_->registry().Acquire(Owner(3), Static("S:20-27", {{20, 8}})).ok());
  ASSERT_TRUE(
      store_->registry().Acquire(Owner(3), Static("S:20-27", {{20, 8}})).ok());  // idempotent
  EXPECT_EQ(store_->registry().Acquire(Owner(4), Static("S:27-27", {{27, 1}})).error().code,
            Errc::kConflict);
  std::set<uint64_t> given;
  for (int owner = 10; owner < 29; ++owner) {
    given.insert(Acquire(owner));
  }
  EXPECT_EQ(given.size(), 19u);  // 28 - 1 - 8
  EXPECT_FALSE(given.contains(10) || given.contains(20) || given.contains(27));
  Release(3);
  EXPECT_GE(Acquire(30), 20u);
}

TEST_F(RegistryTest, ALabelWithoutIndexesIsShared) {
  EXPECT_TRUE(store_->registry().Acquire(Owner(1), Static("S:shared", {})).ok());
  EXPECT_TRUE(store_->registry().Acquire(Owner(2), Static("S:shared", {})).ok());
}

TEST_F(RegistryTest, ADeadDomainMakesRoomOnlyWhenThereIsNone) {
  for (int owner = 1; owner <= 28; ++owner) {
    Acquire(owner);
  }
  Die(5);
  const auto kept = store_->registry().Describe(Owner(5).uuid);
  ASSERT_TRUE(kept.ok() && kept->has_value());
  const uint64_t index = (*kept)->labels.front().index.value();
  EXPECT_EQ(store_->registry().Peek(Owner(29), Dynamic(kSmall), {})->value(), index);
  EXPECT_EQ(Acquire(29), index);
  EXPECT_FALSE(store_->registry().Describe(Owner(5).uuid)->has_value());
  EXPECT_EQ(store_->registry().Acquire(Owner(30), Dynamic(kSmall)).error().code, Errc::kExhausted);
}

TEST_F(RegistryTest, PinnedAndLabelledDomainsMakeNoRoom) {
  Acquire(1, {{0, 1}});
  ASSERT_TRUE(store_->registry().Pin(Owner(1).uuid).ok());
  EXPECT_EQ(store_->registry().Acquire(Owner(2), Dynamic({{0, 1}})).error().code, Errc::kExhausted);

  Acquire(3, {{1, 1}});
  const JournalItem item{.model = "fakemac",
                         .path = "/nowhere",
                         .id = {1, 2, 3},
                         .old = {OldLabel::State::kPresent, "old"},
                         .label = "I:1"};
  ASSERT_TRUE(store_->journal().Record(Owner(3), {}, {&item}, {}, false, nullptr).ok());
  Die(3);
  EXPECT_EQ(store_->registry().Acquire(Owner(4), Dynamic({{1, 1}})).error().code, Errc::kExhausted);
}

TEST_F(RegistryTest, ForeignLabelsAreAvoidedWhileTheyAreBorne) {
  const auto self = IdentifyProcess(::getpid());
  ASSERT_TRUE(self.ok());
  ASSERT_TRUE(store_->registry()
                  .Seed("fakemac", "tests.example",
                        {{.label = "S:0-26", .runs = {{0, 27}}, .processes = {*self}}})
                  .ok());
  EXPECT_EQ(Acquire(1), 27u);
  const auto refused = store_->registry().Acquire(Owner(2), Static("S:3-3", {{3, 1}}));
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message,
              HasSubstr("process " + std::to_string(::getpid()) + ", which no domain here owns"));
  ASSERT_TRUE(store_->registry().Seed("fakemac", "tests.example", {}).ok());
  EXPECT_TRUE(store_->registry().Acquire(Owner(2), Static("S:3-3", {{3, 1}})).ok());
}

// Two daemons look at the processes, one before and one after a foreign one began: whoever enters
// last, the foreign label is not given out.
TEST_F(RegistryTest, AnOlderLookAtTheProcessesTakesNothingBack) {
  const auto self = IdentifyProcess(::getpid());
  const std::vector<ForeignLabel> later = {
      {.label = "S:0-26", .runs = {{0, 27}}, .processes = {*self}}};
  const StoreMark before = *store_->registry().Mark();
  const auto seed = [&](const std::vector<ForeignLabel> &labels) {
    StoreMark mark = before;
    return store_->registry().Seed("fakemac", "tests.example", labels, &mark).ok();
  };
  ASSERT_TRUE(seed(later));
  ASSERT_TRUE(seed({}));
  EXPECT_EQ(Acquire(1), 27u);
  EXPECT_EQ(store_->registry().Acquire(Owner(2), Dynamic(kSmall)).error().code, Errc::kExhausted);
  // What a domain gives back of it meanwhile is the foreign label's when it is seen again.
  ASSERT_TRUE(seed({{.label = "S:0-26", .runs = {{0, 28}}, .processes = {*self}}}));
  Release(1);
  ASSERT_TRUE(seed({{.label = "S:0-26", .runs = {{0, 28}}, .processes = {*self}}}));
  EXPECT_EQ(store_->registry().Acquire(Owner(1), Dynamic(kSmall)).error().code, Errc::kExhausted);
  // The same label seen by both, and one more look with nothing in between.
  ASSERT_TRUE(seed(later));
  StoreMark now = *store_->registry().Mark();
  ASSERT_TRUE(store_->registry().Seed("fakemac", "tests.example", {}, &now).ok());
  EXPECT_EQ(now.seeded, store_->registry().Mark()->seeded);
  EXPECT_TRUE(store_->registry().Acquire(Owner(2), Dynamic(kSmall)).ok());
}

TEST_F(RegistryTest, AForeignLabelThatOverlapsOursTakesTheRest) {
  const auto self = IdentifyProcess(::getpid());
  EXPECT_EQ(Acquire(1, {{3, 1}}), 3u);
  ASSERT_TRUE(store_->registry()
                  .Seed("fakemac", "tests.example",
                        {{.label = "S:2-4", .runs = {{2, 3}}, .processes = {*self}}})
                  .ok());
  EXPECT_EQ(Acquire(1, {{3, 1}}), 3u);
  EXPECT_EQ(Acquire(2, {{2, 4}}), 5u);
  ASSERT_TRUE(store_->registry().Seed("fakemac", "tests.example", {}).ok());
  EXPECT_EQ(Acquire(3, {{2, 3}}), 2u);
  EXPECT_EQ(Acquire(4, {{2, 3}}), 4u);
}

TEST_F(RegistryTest, AProcessUnderADomainsLabelKeepsItAlive) {
  const auto index = Acquire(1);
  ASSERT_TRUE(store_->journal()
                  .Record(Owner(1),
                          {{.model = "fakemac",
                            .doi = "tests.example",
                            .index = index,
                            .label = "L:1",
                            .image_label = ""}},
                          {}, {}, false, nullptr)
                  .ok());
  Die(1);
  EXPECT_TRUE((*store_->registry().Describe(Owner(1).uuid))->processes.empty());
  const auto self = IdentifyProcess(::getpid());
  ASSERT_TRUE(store_->registry()
                  .Seed("fakemac", "tests.example",
                        {{.label = "L:1", .runs = {{index, 1}}, .processes = {*self}}})
                  .ok());
  EXPECT_EQ((*store_->registry().Describe(Owner(1).uuid))->processes.size(), 1u);
}

TEST_F(RegistryTest, AKeeperHoldsAndComesBehindThePrograms) {
  Acquire(1);
  const ProcessId self = *IdentifyProcess(::getpid()), parent = *IdentifyProcess(::getppid());
  ASSERT_TRUE(store_->registry().AddHolder(Owner(1).uuid, parent, HolderRole::kKeeper).ok());
  auto state = store_->registry().Describe(Owner(1).uuid);
  EXPECT_TRUE((*state)->IsLive());
  EXPECT_EQ((*state)->processes, std::vector{parent});
  EXPECT_TRUE((*state)->Programs().empty());
  ASSERT_TRUE(store_->registry().AddHolder(Owner(1).uuid, self).ok());
  state = store_->registry().Describe(Owner(1).uuid);
  EXPECT_EQ((*state)->processes, (std::vector{self, parent}));
  EXPECT_EQ((*state)->Programs(), std::vector{self});
}

TEST_F(RegistryTest, AddHolderReplacesTheProcessThatOnlyStartedIt) {
  Acquire(1);
  EXPECT_TRUE((*store_->registry().Describe(Owner(1).uuid))->own_hold);
  Die(1);
  EXPECT_FALSE((*store_->registry().Describe(Owner(1).uuid))->own_hold);
  EXPECT_TRUE((*store_->registry().Describe(Owner(1).uuid))->processes.empty());
  EXPECT_EQ(store_->registry().AddHolder(Owner(9).uuid, *IdentifyProcess(::getpid())).error().code,
            Errc::kNotFound);
}

}  // namespace
}  // namespace svirt::fake
