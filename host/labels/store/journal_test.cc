// SPDX-License-Identifier: LGPL-2.1-or-later
// The journal: which old labels are to be believed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "host/labels/store/registry_fixture.h"

namespace svirt::fake {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ReadAgainTest : public RegistryTest {
 protected:
  static JournalItem Item(uint64_t ino, Extent extent = Extent::kObject) {
    return {.model = "fakemac",
            .path = "/disk" + std::to_string(ino),
            .id = {1, ino, 3},
            .old = {OldLabel::State::kPresent, "old"},
            .label = "I:1",
            .exclusive = true,
            .extent = extent};
  }
  void Enter(const JournalItem &item) {
    ASSERT_TRUE(store_->journal()
                    .Record(Owner(1), {}, {&item}, *store_->registry().Mark(), false, nullptr)
                    .ok());
  }
  void GiveBack() {
    const auto list = store_->journal().BeginUndo(Owner(1).uuid, {});
    ASSERT_TRUE(list.ok());
    UndoOutcome outcome;
    for (const UndoItem &item : list->items) {
      outcome.lasting.push_back(&item);
    }
    ASSERT_TRUE(store_->journal().FinishUndo(Owner(1).uuid, outcome, true).ok());
  }
  // Records objects whose labels were read at that moment, and tells which were read again.
  std::vector<size_t> RecordSince(const StoreMark &before, const std::vector<JournalItem> &items) {
    std::vector<const JournalItem *> pointers;
    for (const JournalItem &item : items) {
      pointers.push_back(&item);
    }
    std::vector<size_t> again;
    const auto recorded =
        store_->journal().Record(Owner(2), {}, pointers, before, false, [&again](size_t place) {
          again.push_back(place);
          return OldLabel{OldLabel::State::kPresent, "read again"};
        });
    EXPECT_TRUE(recorded.ok());
    for (size_t i = 0; recorded.ok() && i < items.size(); ++i) {
      const bool was_read = std::count(again.begin(), again.end(), i) != 0;
      EXPECT_EQ((*recorded)[i].old.label, was_read ? "read again" : "old");
    }
    return again;
  }
};

TEST_F(ReadAgainTest, OnlyWhatGotItsOldLabelBackMeanwhile) {
  Enter(Item(5));
  GiveBack();
  Enter(Item(7));
  const StoreMark before = *store_->registry().Mark();
  GiveBack();
  Enter(Item(9));
  GiveBack();
  EXPECT_THAT(RecordSince(before, {Item(5), Item(7), Item(8), Item(9)}), ElementsAre(1, 3));
  EXPECT_THAT(RecordSince(*store_->registry().Mark(), {Item(10), Item(11)}), IsEmpty());
}

TEST_F(ReadAgainTest, EverythingIfTooMuchHappenedMeanwhile) {
  const StoreMark before = *store_->registry().Mark();
  for (int i = 0; i < 16; ++i) {
    Enter(Item(5));
    GiveBack();
  }
  EXPECT_THAT(RecordSince(before, {Item(6)}), IsEmpty());
  Enter(Item(5));
  GiveBack();
  EXPECT_THAT(RecordSince(before, {Item(7), Item(8)}), ElementsAre(0, 1));
}

TEST_F(ReadAgainTest, EverythingAfterADirectoryOfADomainsOwn) {
  const StoreMark before = *store_->registry().Mark();
  Enter(Item(5, Extent::kTree));
  GiveBack();
  EXPECT_THAT(RecordSince(before, {Item(6)}), ElementsAre(0));
}

}  // namespace
}  // namespace svirt::fake
