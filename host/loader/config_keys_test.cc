// SPDX-License-Identifier: LGPL-2.1-or-later
// Settings of a model are checked against the keys that its plugin declares.
#include <svirt/ext/draft/config_keys.h>

#include <cstring>

#include "host/loader/plugin_fixture_test.h"

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// What the fake extension declares; one test at a time.
svirt_config_key keys[3];
svirt_config_keys declared;

class ConfigKeysTest : public ::testing::Test {
 protected:
  ConfigKeysTest() {
    keys[0] = {"first_id", "7", "the first", SVIRT_CONFIG_NUMBER, 0};
    keys[1] = {"shared", "no", "may they?", SVIRT_CONFIG_BOOL, 0};
    keys[2] = {"place", nullptr, "where", SVIRT_CONFIG_PATH, 0};
    declared = {sizeof declared, sizeof(svirt_config_key), 3, 0, keys};
    fake_.table.get_extension = [](const char *id) noexcept -> const void * {
      return std::strcmp(id, SVIRT_EXT_CONFIG_KEYS) == 0 ? &declared : nullptr;
    };
  }
  std::unique_ptr<Plugin> Create(ModelSettings settings = {}) {
    return Plugin::Create(&fake_.table, {.settings = std::move(settings)}).value();
  }
  std::vector<std::string> Problems(ModelSettings settings) {
    const auto problems = Create(std::move(settings))->CheckSettings();
    EXPECT_TRUE(problems.ok()) << problems.error().message;
    return *problems;
  }

  FakePlugin fake_;
};

TEST_F(ConfigKeysTest, AreReadBeforeInit) {
  const auto read = Create()->ConfigKeys();
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ((*read)->size(), 3u);
  EXPECT_EQ((**read)[0].name, "first_id");
  EXPECT_EQ((**read)[0].default_value, "7");
  EXPECT_EQ((**read)[0].help, "the first");
  EXPECT_EQ((**read)[0].type, ConfigKey::Type::kNumber);
  EXPECT_EQ((**read)[2].default_value, std::nullopt);
}

TEST_F(ConfigKeysTest, EverythingThatIsWrongIsSaidWithItsPlace) {
  EXPECT_THAT(Problems({{"first_id", {"18446744073709551615"}}, {"shared", {"yes"}}}), IsEmpty());
  EXPECT_THAT(
      Problems({{"first_di", {"1", "svirt.conf:7"}}, {"shared", {"true", "svirt.conf:9"}}}),
      ElementsAre(
          "svirt.conf:7: unknown key 'first_di' in [model fake]; known are first_id, shared, "
          "place; if it is to hold for every model, write it under [confinement]",
          "svirt.conf:9: shared in [model fake] has to be yes or no, not 'true'"));
  for (const char *bad : {"", "-1", "0x10", "7 ", "18446744073709551616"}) {
    EXPECT_THAT(Problems({{"first_id", {bad}}}),
                ElementsAre(HasSubstr("first_id in [model fake] has to be a number")))
        << bad;
  }
  EXPECT_THAT(Problems({{"place", {"a/b"}}}), ElementsAre(HasSubstr("an absolute path")));
}

TEST_F(ConfigKeysTest, AModelWithoutSettingsTakesNone) {
  declared.count = 0;
  declared.keys = nullptr;
  EXPECT_THAT(Problems({{"x", {"1"}}}), ElementsAre(HasSubstr("a model without settings")));
  EXPECT_THAT(Problems({}), IsEmpty());
}

// Such as every plugin of before.
TEST_F(ConfigKeysTest, OneThatDoesNotSayIsPassedEverything) {
  fake_.table.get_extension = [](const char *) noexcept -> const void * { return nullptr; };
  EXPECT_THAT(Problems({{"x", {"1"}}}), IsEmpty());
  EXPECT_EQ(Create()->ConfigKeys().value(), std::nullopt);
}

TEST_F(ConfigKeysTest, LaterKeysMayBeLonger) {
  struct Longer {
    svirt_config_key key;
    uint64_t more;
  };
  const Longer longer[2] = {{keys[0], 1}, {keys[1], 2}};
  declared.key_size = sizeof(Longer);
  declared.count = 2;
  declared.keys = &longer[0].key;
  EXPECT_EQ((*Create()->ConfigKeys())->at(1).name, "shared");
}

TEST_F(ConfigKeysTest, ADeclarationThatBreaksARuleIsRefused) {
  const auto is_refused = [&] { return !Create({{"x", {"1"}}})->CheckSettings().ok(); };
  EXPECT_FALSE(is_refused());
  for (const auto &spoil :
       {+[] { declared.struct_size -= 1; }, +[] { declared.key_size -= 1; },
        +[] { declared.key_size += 1; }, +[] { declared.count = 1u << 31; },
        +[] { declared.reserved = 1; }, +[] { declared.keys = nullptr; },
        +[] { keys[1].name = nullptr; }, +[] { keys[1].name = "A"; }, +[] { keys[1].name = ""; },
        +[] { keys[1].help = "a\nb"; }, +[] { keys[1].help = nullptr; }, +[] { keys[1].type = 9; },
        +[] { keys[1].default_value = "\x1b"; }, +[] { keys[1].reserved = 1; }}) {
    const svirt_config_keys good = declared;
    const svirt_config_key key = keys[1];
    spoil();
    EXPECT_TRUE(is_refused());
    declared = good;
    keys[1] = key;
  }
}

}  // namespace
}  // namespace svirt
