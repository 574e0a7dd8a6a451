// SPDX-License-Identifier: LGPL-2.1-or-later
// Plugins describe a domain's policy, and bad descriptions are refused.
#include <svirt/ext/describe.h>

#include <cstring>

#include "host/loader/plugin_fixture_test.h"

namespace svirt {
namespace {

using testing::HasSubstr;

// What the fake extension says; one test at a time.
struct DescribeScript {
  std::string text;
  svirt_status status = SVIRT_OK;
  int calls = 0;
  const svirt_host *host = nullptr;
};
DescribeScript describe_script;

svirt_status Describe(const svirt_host *host, const svirt_domain *, svirt_buf *text,
                      svirt_error *) noexcept {
  ++describe_script.calls;
  describe_script.host = host;
  text->used = static_cast<uint32_t>(describe_script.text.size() + 1);
  if (describe_script.status == SVIRT_OK && text->used > text->size) {
    return SVIRT_E_RANGE;
  }
  if (describe_script.status == SVIRT_OK) {
    std::memcpy(text->data, describe_script.text.c_str(), text->used);
  }
  return describe_script.status;
}

svirt_describe extension;

class DescribeTest : public PluginTest {
 protected:
  DescribeTest() {
    describe_script = {};
    extension = {};
    extension.struct_size = sizeof extension;
    extension.describe = Describe;
    fake_.table.get_extension = [](const char *id) noexcept -> const void * {
      return std::strcmp(id, SVIRT_EXT_DESCRIBE) == 0 ? &extension : nullptr;
    };
  }
};

TEST_F(DescribeTest, AsksThePluginWithItsOwnHost) {
  Start();
  describe_script.text = "profile {\n\t/a r,\n}\n";
  const auto text = plugin_->Describe(Dynamic());
  ASSERT_TRUE(text.ok()) << text.error().message;
  EXPECT_EQ(*text, describe_script.text);
  EXPECT_EQ(describe_script.host, fake_.does.host);
}

TEST_F(DescribeTest, WorksBeforeInit) {
  auto created = Plugin::Create(&fake_.table);
  ASSERT_TRUE(created.ok());
  describe_script.text = "p";
  EXPECT_EQ(*(*created)->Describe(Dynamic()), "p");
}

TEST_F(DescribeTest, MakesRoomForALongOne) {
  Start();
  describe_script.text = std::string(200000, 'x');
  EXPECT_EQ(plugin_->Describe(Dynamic())->value_or("").size(), 200000u);
  EXPECT_EQ(describe_script.calls, 2);
}

TEST_F(DescribeTest, NoPolicyAndNoExtensionAreNoErrors) {
  describe_script.status = SVIRT_E_NODATA;
  Start();
  EXPECT_EQ(*plugin_->Describe(Dynamic()), std::nullopt);
  fake_.table.get_extension = [](const char *) noexcept -> const void * { return nullptr; };
  Start();
  EXPECT_EQ(*plugin_->Describe(Dynamic()), std::nullopt);
}

TEST_F(DescribeTest, WhatBreaksARuleIsRefused) {
  Start();
  describe_script.text = "\x1b[2J";
  EXPECT_THAT(plugin_->Describe(Dynamic()).error().message, HasSubstr("fake: its description has"));
  describe_script.text = "p";
  extension.struct_size = 4;
  EXPECT_THAT(plugin_->Describe(Dynamic()).error().message, HasSubstr("is not whole"));
}

TEST_F(DescribeTest, AFailureIsNamed) {
  Start();
  describe_script.status = SVIRT_E_DENIED;
  const auto text = plugin_->Describe(Dynamic());
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, Errc::kPermission);
}

}  // namespace
}  // namespace svirt
