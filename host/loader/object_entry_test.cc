// SPDX-License-Identifier: LGPL-2.1-or-later
// What comes back from the extension svirt.object-entry/1 is trusted with nothing.
#include <svirt/ext/draft/object_entry.h>

#include <cstring>
#include <string>

#include "host/loader/plugin_fixture_test.h"

namespace svirt {
namespace {

using testing::HasSubstr;

// What the fake extension says; one test at a time.
struct EntryScript {
  svirt_status status = SVIRT_OK;
  std::string text = "entry";
  std::string given;
};
EntryScript entry_script;
svirt_object_entry object_entry;

svirt_status Answer(svirt_buf *out, svirt_error *error) {
  std::snprintf(error->message, sizeof error->message, "it says why");
  return entry_script.status == SVIRT_OK ? PutText(out, entry_script.text) : entry_script.status;
}

class ObjectEntryTest : public PluginTest {
 protected:
  ObjectEntryTest() {
    entry_script = {};
    object_entry = {};
    object_entry.struct_size = sizeof object_entry;
    object_entry.plan = [](svirt_instance *, const svirt_domain *, const svirt_resource *,
                           svirt_buf *entry,
                           svirt_error *error) noexcept { return Answer(entry, error); };
    object_entry.get = [](svirt_instance *, const svirt_resource *, const char *entry,
                          svirt_buf *present, svirt_error *error) noexcept {
      entry_script.given = entry;
      return Answer(present, error);
    };
    const auto change = [](svirt_instance *, const svirt_resource *, const char *entry,
                           svirt_error *) noexcept {
      entry_script.given = entry;
      return entry_script.status;
    };
    object_entry.set = change;
    object_entry.remove = change;
    fake_.table.get_extension = [](const char *id) noexcept -> const void * {
      return std::strcmp(id, SVIRT_EXT_OBJECT_ENTRY) == 0 ? &object_entry : nullptr;
    };
    resource_.path = "/disk";
    Start();
  }
  auto Planned() { return plugin_->PlanEntry(Dynamic(), {&resource_, -1}); }
  auto Present() { return plugin_->GetEntry({&resource_, -1}, "mine"); }

  Resource resource_;
};

TEST_F(ObjectEntryTest, AnEntryIsPlannedReadSetAndRemoved) {
  EXPECT_TRUE(*plugin_->HasEntries());
  EXPECT_EQ(*Planned(), "entry");
  EXPECT_EQ(*Present(), "entry");
  EXPECT_EQ(entry_script.given, "mine");
  EXPECT_TRUE(plugin_->SetEntry({&resource_, -1}, "new").ok());
  EXPECT_EQ(entry_script.given, "new");
  EXPECT_TRUE(plugin_->RemoveEntry({&resource_, -1}, "old").ok());
  EXPECT_EQ(entry_script.given, "old");
}

TEST_F(ObjectEntryTest, NoneIsNoError) {
  entry_script.status = SVIRT_E_NODATA;
  EXPECT_EQ(*Planned(), std::nullopt);
  EXPECT_EQ(*Present(), std::nullopt);
}

TEST_F(ObjectEntryTest, AModelWithoutThemHasNone) {
  fake_.table.get_extension = [](const char *) noexcept -> const void * { return nullptr; };
  Start();
  EXPECT_FALSE(*plugin_->HasEntries());
  EXPECT_EQ(*Planned(), std::nullopt);
  EXPECT_EQ(plugin_->SetEntry({&resource_, -1}, "x").error().code, Errc::kUnsupported);
  EXPECT_EQ(Present().error().code, Errc::kUnsupported);
}

TEST_F(ObjectEntryTest, FailuresKeepTheirSentence) {
  entry_script.status = SVIRT_E_NOTSUP;
  EXPECT_EQ(Planned().error().code, Errc::kUnsupported);
  EXPECT_THAT(Planned().error().message, HasSubstr("fake: it says why"));
  entry_script.status = SVIRT_E_DENIED;
  EXPECT_EQ(Planned().error().code, Errc::kPermission);
  EXPECT_EQ(plugin_->RemoveEntry({&resource_, -1}, "x").error().code, Errc::kPermission);
}

TEST_F(ObjectEntryTest, WhatBreaksARuleIsRefused) {
  entry_script.text = "";
  EXPECT_THAT(Planned().error().message, HasSubstr("empty entry"));
  entry_script.text = "a\nb";
  EXPECT_FALSE(Planned().ok());
  entry_script.text = std::string(SVIRT_LABEL_MAX + 1, 'x');
  EXPECT_FALSE(Present().ok());
  EXPECT_FALSE(plugin_->SetEntry({&resource_, -1}, "a\nb").ok());
  EXPECT_FALSE(plugin_->GetEntry({&resource_, -1}, "a\nb").ok());
}

TEST_F(ObjectEntryTest, OneThatIsNotWholeIsRefused) {
  object_entry.remove = nullptr;
  EXPECT_THAT(plugin_->HasEntries().error().message, HasSubstr("is not whole"));
  object_entry.struct_size = 8;
  EXPECT_THAT(Planned().error().message, HasSubstr("is not whole"));
}

}  // namespace
}  // namespace svirt
