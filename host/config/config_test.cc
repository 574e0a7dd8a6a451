// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Config Good(std::string_view text) {
  auto config = ParseConfig(text, "svirt.conf");
  EXPECT_TRUE(config.ok()) << (config.ok() ? "" : config.error().message);
  return config.ok() ? *config : Config{};
}

std::string Bad(std::string_view text) {
  auto config = ParseConfig(text, "svirt.conf");
  EXPECT_FALSE(config.ok());
  if (config.ok()) return "";
  EXPECT_EQ(config.error().code, Errc::kInvalid);
  return config.error().message;
}

TEST(Config, DefaultsConfineAndNeverAllowNone) {
  const Config config = Good("");
  EXPECT_EQ(config.choice, DriverChoice::kAuto);
  EXPECT_FALSE(config.allow_none);
  EXPECT_TRUE(config.default_confined);
  EXPECT_FALSE(config.keep_trees);
  EXPECT_TRUE(config.scan_in_helper);
  EXPECT_EQ(config.plugin_directories.size(), 1u);
}

TEST(Config, ReadsEveryKey) {
  const Config config = Good(
      "# a comment\n; another\n[plugins]\ndirectories = /a/b:/c\norder = x, y\n"
      "not_critical = y\nscanner = no\n\n[confinement]\nmodels = x, dac\nallow_none = yes\n"
      "default_confined = no\nrequire_confined = 1\nrequire_model = x\nkeep_trees = yes\n[doi]\nx "
      "= "
      "eng.example.com\n");
  EXPECT_THAT(config.plugin_directories, ElementsAre("/a/b", "/c"));
  EXPECT_THAT(config.order, ElementsAre("x", "y"));
  EXPECT_THAT(config.not_critical, ElementsAre("y"));
  EXPECT_FALSE(config.scan_in_helper);
  EXPECT_EQ(Good("[plugins]\nscanner = /x/scan\n").scanner, "/x/scan");
  EXPECT_EQ(config.choice, DriverChoice::kList);
  EXPECT_THAT(config.models, ElementsAre("x", "dac"));
  EXPECT_TRUE(config.allow_none);
  EXPECT_FALSE(config.default_confined);
  EXPECT_TRUE(config.require_confined);
  EXPECT_EQ(config.require_model, "x");
  EXPECT_TRUE(config.keep_trees);
  EXPECT_EQ(config.doi.at("x"), "eng.example.com");
}

TEST(Config, SettingsOfAModelArePassedOn) {
  const Config config = Good("[model x]\nkey = /a#b # a comment\nother = 1\n[model y]\nkey = 2\n");
  EXPECT_THAT(config.model_settings.at("x"), ElementsAre(Pair("key", "/a#b"), Pair("other", "1")));
  EXPECT_THAT(config.model_settings.at("y"), ElementsAre(Pair("key", "2")));
}

// What people copy has to work.
TEST(Config, TheExampleOfThePageIsOne) {
  std::ifstream page(SVIRT_EXAMPLE);
  std::string text, line;
  while (std::getline(page, line) && !line.starts_with("## ")) {
    if (line.starts_with("    ")) {
      text += line + "\n";
    }
  }
  const Config config = Good(text);
  EXPECT_THAT(config.order, ElementsAre("selinux", "landlock"));
  EXPECT_TRUE(config.scan_in_helper);
  EXPECT_THAT(config.allow_paths, ElementsAre("/etc/vm/", "/dev/watchdog"));
  EXPECT_EQ(config.model_settings.at("dac").at("count"), "1000");
  EXPECT_EQ(config.doi.at("selinux"), "policy.example.com");
}

TEST(Config, PathsOfTheMachineThatDomainsMayHave) {
  EXPECT_THAT(Good("").allow_paths, ElementsAre());
  EXPECT_THAT(Good("[confinement]\nallow_paths = /a b : /c/\n").allow_paths,
              ElementsAre("/a b", "/c/"));
  for (const char *path : {"a", "/a/../b", "/a/..", "/a//b", "/./a", "/a:b"}) {
    EXPECT_THAT(Bad(std::string("[confinement]\nallow_paths = ") + path + "\n"),
                HasSubstr("allow_paths in [confinement]"))
        << path;
  }
}

TEST(Config, LabelsThatHold) {
  EXPECT_FALSE(Good("").require_enforcing);
  const Config config = Good("[confinement]\nrequire_enforcing = yes\nallow_unlabelled = /a:/b/\n");
  EXPECT_TRUE(config.require_enforcing);
  EXPECT_THAT(config.allow_unlabelled, ElementsAre("/a", "/b/"));
  EXPECT_THAT(Bad("[confinement]\nallow_unlabelled = x\n"), HasSubstr("not an absolute path"));
}

TEST(Config, BesideTheChosenModelRootGetsUsersOfTheirOwn) {
  const Config config = Good("");
  EXPECT_TRUE(config.beside_is_default);
  if (geteuid() == 0) {
    EXPECT_THAT(config.beside, ElementsAre("dac"));
  } else {
    EXPECT_THAT(config.beside, ElementsAre());
  }
  const Config named = Good("[confinement]\nbeside = x, y\n");
  EXPECT_FALSE(named.beside_is_default);
  EXPECT_THAT(named.beside, ElementsAre("x", "y"));
  const Config none = Good("[confinement]\nbeside = none\n");
  EXPECT_FALSE(none.beside_is_default);
  EXPECT_THAT(none.beside, ElementsAre());
  EXPECT_THAT(Bad("[confinement]\nbeside = none, x\n"), HasSubstr("cannot stand beside"));
  EXPECT_THAT(Bad("[confinement]\nbeside = x, x\n"), HasSubstr("named twice"));
  EXPECT_THAT(Bad("[confinement]\nmodels = x\nbeside = y\n"), HasSubstr("a list names all"));
  EXPECT_THAT(Bad("[confinement]\nbeside =\n"), HasSubstr("'none' or the names"));
}

TEST(Config, NoneIsAWordOfItsOwn) {
  EXPECT_EQ(Good("[confinement]\nmodels=none\n").choice, DriverChoice::kNone);
  EXPECT_THAT(Bad("[confinement]\nmodels=none, x\n"), HasSubstr("cannot stand beside"));
  EXPECT_THAT(Bad("[confinement]\nmodels=x, x\n"), HasSubstr("named twice"));
}

TEST(Config, MisspeltNamesAreErrorsThatListTheKnownOnes) {
  EXPECT_THAT(Bad("[plugins]\nordre = x\n"),
              HasSubstr("svirt.conf: unknown key 'ordre' in [plugins]; known are directories"));
  EXPECT_THAT(Bad("[plugin]\norder = x\n"), HasSubstr("unknown section [plugin]"));
  EXPECT_THAT(Bad("order = x\n"), HasSubstr("outside any section"));
  EXPECT_THAT(Bad("[confinement]\nallow_none = maybe\n"), HasSubstr("neither yes nor no"));
  EXPECT_THAT(Bad("[confinement]\nrequire_model = x, y\n"), HasSubstr("not the name of a model"));
  EXPECT_THAT(Bad("[plugins]\ndirectories = a\n"), HasSubstr("not an absolute path"));
}

TEST(Config, SyntaxErrorsNameTheLine) {
  EXPECT_THAT(Bad("[plugins]\n\nnonsense\n"), HasSubstr("svirt.conf:3: "));
  EXPECT_THAT(Bad("[plugins]\norder=x\norder=y\n"), HasSubstr("svirt.conf:3: "));
}

TEST(Config, AFileThatIsNotThereGivesTheDefaults) {
  auto config = LoadConfig("/nonexistent/svirt.conf");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->choice, DriverChoice::kAuto);
}

TEST(Config, AFileThatCannotBeReadIsAnError) {
  auto config = LoadConfig("/");
  EXPECT_FALSE(config.ok());
}

}  // namespace
}  // namespace svirt
