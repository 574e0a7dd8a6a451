// SPDX-License-Identifier: LGPL-2.1-or-later
// Build labels and access questions: what plugins are asked, and which answers are refused.
#include <svirt/ext/draft/access.h>
#include <svirt/ext/draft/build_label.h>

#include <cstring>
#include <string>

#include "host/loader/plugin_fixture_test.h"

namespace svirt {
namespace {

using testing::HasSubstr;

// What the fake extensions say; one test at a time.
struct Script {
  svirt_status status = SVIRT_OK;
  std::string build_label = "built";
  uint32_t may = SVIRT_MAY_NOTIFY;
  std::string source, target;
};
Script script;

svirt_build_label build_label;
svirt_access access_extension;

class DomainExtensionsTest : public PluginTest {
 protected:
  DomainExtensionsTest() {
    script = {};
    build_label = {};
    build_label.struct_size = sizeof build_label;
    build_label.get = [](svirt_instance *, const char *, svirt_buf *out, svirt_error *) noexcept {
      return script.status == SVIRT_OK ? PutText(out, script.build_label) : script.status;
    };
    access_extension = {};
    access_extension.struct_size = sizeof access_extension;
    access_extension.ask = [](svirt_instance *, const char *source, const char *target,
                              uint32_t *may, svirt_error *) noexcept {
      script.source = source;
      script.target = target;
      *may = script.may;
      return script.status;
    };
    fake_.table.get_extension = [](const char *id) noexcept -> const void * {
      if (std::strcmp(id, SVIRT_EXT_ACCESS) == 0) {
        return &access_extension;
      }
      return std::strcmp(id, SVIRT_EXT_BUILD_LABEL) == 0 ? &build_label : nullptr;
    };
    Start();
  }
  void HaveNone() {
    fake_.table.get_extension = [](const char *) noexcept -> const void * { return nullptr; };
    Start();
  }
};

TEST_F(DomainExtensionsTest, ABuildLabelIsAskedFor) {
  EXPECT_EQ(*plugin_->BuildLabel("run"), "built");
}

TEST_F(DomainExtensionsTest, WithoutOneItIsTheLabelItself) {
  HaveNone();
  EXPECT_EQ(*plugin_->BuildLabel("run"), "run");
}

TEST_F(DomainExtensionsTest, ABuildLabelThatBreaksARuleIsRefused) {
  script.build_label = "";
  EXPECT_THAT(plugin_->BuildLabel("run").error().message, HasSubstr("confines nothing"));
  script.build_label = "a\nb";
  EXPECT_FALSE(plugin_->BuildLabel("run").ok());
  EXPECT_FALSE(plugin_->BuildLabel("a\nb").ok());
  script.build_label = std::string(SVIRT_LABEL_MAX + 1, 'x');
  EXPECT_FALSE(plugin_->BuildLabel("run").ok());
  script.build_label = std::string(SVIRT_LABEL_MAX, 'x');
  EXPECT_TRUE(plugin_->BuildLabel("run").ok());
  build_label.get = nullptr;
  EXPECT_THAT(plugin_->BuildLabel("run").error().message, HasSubstr("is not whole"));
}

TEST_F(DomainExtensionsTest, ABuildLabelThatFailsIsAnError) {
  script.status = SVIRT_E_SYSTEM;
  EXPECT_EQ(plugin_->BuildLabel("run").error().code, Errc::kSystem);
}

TEST_F(DomainExtensionsTest, AccessIsAskedInItsDirection) {
  EXPECT_EQ(*plugin_->Access("a", "b"), SVIRT_MAY_NOTIFY);
  EXPECT_EQ(script.source, "a");
  EXPECT_EQ(script.target, "b");
}

TEST_F(DomainExtensionsTest, AModelThatCannotSayIsNamed) {
  HaveNone();
  const auto may = plugin_->Access("a", "b");
  ASSERT_FALSE(may.ok());
  EXPECT_EQ(may.error().code, Errc::kUnsupported);
  EXPECT_THAT(may.error().message, HasSubstr("fake: this model cannot be asked"));
}

TEST_F(DomainExtensionsTest, AnAnswerThatBreaksARuleIsRefused) {
  script.may = 0x10;
  EXPECT_THAT(plugin_->Access("a", "b").error().message, HasSubstr("no meaning"));
  access_extension.struct_size = 4;
  EXPECT_THAT(plugin_->Access("a", "b").error().message, HasSubstr("is not whole"));
}

TEST_F(DomainExtensionsTest, AnInvalidLabelIsTold) {
  script.status = SVIRT_E_INVALID;
  EXPECT_EQ(plugin_->Access("a", "b").error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace svirt
