// SPDX-License-Identifier: LGPL-2.1-or-later
// svirt.conf: its defaults, every key, and the sentence for whatever is wrong in it.
#include "host/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace svirt {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
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
      "not_critical = y\nscanner = no\ncall_timeout = 5\n\n[confinement]\nmodels = x, "
      "dac\nallow_none = yes\n"
      "default_confined = no\nrequire_confined = 1\nrequire_model = x\nkeep_trees = yes\n[doi]\nx "
      "= "
      "eng.example.com\n");
  EXPECT_THAT(config.plugin_directories, ElementsAre("/a/b", "/c"));
  EXPECT_THAT(config.order, ElementsAre("x", "y"));
  EXPECT_THAT(config.not_critical, ElementsAre("y"));
  EXPECT_FALSE(config.scan_in_helper);
  EXPECT_EQ(config.call_timeout, std::chrono::seconds(5));
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
  const auto is = [](const std::string &value, const std::string &where) {
    return AllOf(Field(&Setting::value, value), Field(&Setting::where, where));
  };
  EXPECT_THAT(config.model_settings.at("x"), ElementsAre(Pair("key", is("/a#b", "svirt.conf:2")),
                                                         Pair("other", is("1", "svirt.conf:3"))));
  EXPECT_THAT(config.model_settings.at("y"), ElementsAre(Pair("key", is("2", "svirt.conf:5"))));
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
  EXPECT_EQ(config.model_settings.at("dac").at("count").value, "1000");
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
              HasSubstr("svirt.conf:2: unknown key 'ordre' in [plugins]; known are call_timeout"));
  EXPECT_THAT(Bad("[plugin]\norder = x\n"), HasSubstr("unknown section '[plugin]'"));
  EXPECT_THAT(Bad("order = x\n"), HasSubstr("outside any section"));
  EXPECT_THAT(Bad("[confinement]\nallow_none = maybe\n"), HasSubstr("neither yes nor no"));
  EXPECT_THAT(Bad("[confinement]\nrequire_model = x, y\n"), HasSubstr("not the name of a model"));
  EXPECT_THAT(Bad("[plugins]\ndirectories = a\n"), HasSubstr("not an absolute path"));
}

TEST(Config, CallsOfPluginsHaveAnEnd) {
  EXPECT_EQ(Good("").call_timeout, std::chrono::seconds(60));
  EXPECT_EQ(Good("[plugins]\ncall_timeout = 3600\n").call_timeout, std::chrono::hours(1));
  for (const std::string value : {"0", "-1", "3601", "1.5", "60s", "no", "99999999999"}) {
    EXPECT_EQ(Bad("[plugins]\ncall_timeout = " + value + "\n"),
              "svirt.conf:2: call_timeout in [plugins]: '" + value +
                  "' is no number of seconds from 1 to 3600");
  }
}

TEST(Config, SyntaxErrorsNameTheLine) {
  EXPECT_THAT(Bad("[plugins]\n\nnonsense\n"), HasSubstr("svirt.conf:3: "));
  EXPECT_THAT(Bad("[plugins]\norder=x\norder=y\n"), HasSubstr("svirt.conf:3: "));
}

TEST(Config, EverythingThatIsWrongIsSaidAtOnceInTheOrderOfTheLines) {
  EXPECT_EQ(Bad("[plugins]\nordre = x\n[confinment]\nx = y\n[confinement]\nallow_none = maybe\n"
                "nonsense\nmodels = x:y\nbeside = z\n[model A]\nk = v\n"),
            "svirt.conf:2: unknown key 'ordre' in [plugins]; known are call_timeout, directories, "
            "not_critical, order, scanner; "
            "svirt.conf:3: unknown section '[confinment]'; the sections are [plugins], "
            "[confinement], [doi] and, for the settings of a model's plugin, [model NAME]; "
            "svirt.conf:6: allow_none in [confinement]: 'maybe' is neither yes nor no; "
            "svirt.conf:7: 'nonsense' is neither [SECTION] nor KEY = VALUE; "
            "svirt.conf:8: models in [confinement]: 'x:y' is not the name of a model; write models "
            "with ', ' between them; "
            "svirt.conf:10: 'A' in '[model A]' is not the name of a model");
}

TEST(Config, DoisAreOfModelsAndHaveNames) {
  EXPECT_EQ(Bad("[doi]\nA = b\nx =\n"),
            "svirt.conf:2: 'A' in [doi] is not the name of a model; "
            "svirt.conf:3: x in [doi]: no name is given");
}

TEST(Config, WhatStandsTwiceIsNamedWithBothLines) {
  EXPECT_EQ(Bad("[plugins]\norder=x\norder=y\n"),
            "svirt.conf:3: 'order' stands in line 2 already; take one of them out");
  EXPECT_EQ(Bad("[plugins]\norder=x\n[doi]\n[plugins]\norder=y\n"),
            "svirt.conf:4: [plugins] stands in line 1 already; write all of it there");
  EXPECT_THAT(Bad("[plugins\norder=x\n"), HasSubstr("svirt.conf:1: '[plugins' is no section"));
}

TEST(Config, SeparatorsAsUsersWriteThem) {
  for (const char *models : {"x, y", "x y", "x,y", "x\t, y"}) {
    EXPECT_THAT(Good(std::string("[plugins]\norder = ") + models + "\n").order,
                ElementsAre("x", "y"))
        << models;
  }
  for (const char *key : {"[plugins]\norder", "[plugins]\nnot_critical", "[confinement]\nmodels",
                          "[confinement]\nbeside"}) {
    EXPECT_THAT(Bad(std::string(key) + " = x:y\n"), HasSubstr("write models with ', ' between"))
        << key;
    EXPECT_THAT(Bad(std::string(key) + " = x, x\n"), HasSubstr("named twice")) << key;
  }
  for (const char *paths : {"/a, /b", "/a /b", "/a,/b", "/a;/b:c"}) {
    EXPECT_THAT(Bad(std::string("[confinement]\nallow_paths = ") + paths + "\n"),
                HasSubstr("write paths with ':' between them"))
        << paths;
  }
  EXPECT_THAT(Good("[confinement]\nallow_paths = /a b,c\n").allow_paths, ElementsAre("/a b,c"));
}

// A machine with a plugin directory of its own.
class ConfigOnMachine : public ::testing::Test {
 protected:
  ConfigOnMachine() {
    std::string name = (fs::temp_directory_path() / "svirt-config-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    fs::create_directory(dir_ / "plugins");
    for (const char *model : {"x", "y"}) {
      std::ofstream(dir_ / "plugins" / (std::string("svirt-") + model + ".so")) << "";
    }
    machine_.was_chosen = [this](const std::string &model) { return model == chosen_; };
  }
  ~ConfigOnMachine() override { fs::remove_all(dir_); }

  Result<Config> Load(const std::string &lines) {
    std::ofstream(dir_ / "svirt.conf")
        << "[plugins]\ndirectories = " << (dir_ / "plugins").string() << "\n"
        << lines;
    return LoadConfig(dir_ / "svirt.conf", machine_);
  }
  // The error without the directory.
  std::string Wrong(const std::string &lines) {
    auto config = Load(lines);
    std::string text = config.ok() ? "" : config.error().message;
    for (size_t at = 0; (at = text.find(dir_.string() + "/")) != std::string::npos;) {
      text.erase(at, dir_.string().size() + 1);
    }
    return text;
  }

  fs::path dir_;
  std::string chosen_;
  MachineFacts machine_;
};

TEST_F(ConfigOnMachine, EveryModelHasToBeKnown) {
  EXPECT_EQ(Wrong("order = x, y\nnot_critical = y\n[confinement]\nmodels = x\nrequire_model = x\n"
                  "[doi]\nx = a\n[model y]\nk = v\n"),
            "");
  const std::string unknown =
      " the security model foo, and svirt-foo.so is in none of the plugin directories (plugins); "
      "correct the name, install the package that has it, or take it out";
  EXPECT_EQ(Wrong("order = x, foo\n"), "svirt.conf:3: order in [plugins] names" + unknown);
  EXPECT_EQ(Wrong("\nnot_critical = foo\n"),
            "svirt.conf:4: not_critical in [plugins] names" + unknown);
  EXPECT_EQ(Wrong("[confinement]\nmodels = x, foo\n"),
            "svirt.conf:4: models in [confinement] names" + unknown);
  EXPECT_EQ(Wrong("[confinement]\nbeside = foo\n"),
            "svirt.conf:4: beside in [confinement] names" + unknown);
  EXPECT_EQ(Wrong("[confinement]\nrequire_model = foo\n"),
            "svirt.conf:4: require_model in [confinement] requires" + unknown);
  EXPECT_EQ(Wrong("[doi]\nfoo = a\n"), "svirt.conf:4: [doi] names" + unknown);
  EXPECT_EQ(Wrong("[model foo]\nk = v\n"), "svirt.conf:3: [model foo] is about" + unknown);
}

// Its plugin is missed when a domain is started, but what runs must be ended all the same.
TEST_F(ConfigOnMachine, OneThatWasChosenBeforeIsKnown) {
  chosen_ = "foo";
  EXPECT_EQ(Wrong("order = foo, x\n[confinement]\nrequire_model = foo\n"), "");
  EXPECT_NE(Wrong("order = bar, x\n"), "");
}

TEST_F(ConfigOnMachine, OneThatIsNotCriticalMayBeMissing) {
  EXPECT_EQ(Wrong("order = foo, x\nnot_critical = foo\n[model foo]\nk = v\n"), "");
  EXPECT_EQ(Wrong("not_critical = foo\n[doi]\nfoo = a\n"), "");
}

// Whatever is wrong with the file: that is for the selection to say.
TEST_F(ConfigOnMachine, ABrokenFileIsAFile) {
  fs::create_symlink("nowhere", dir_ / "plugins/svirt-foo.so");
  EXPECT_EQ(Wrong("order = foo\n"), "");
}

TEST_F(ConfigOnMachine, DirectoriesOfTheCommandLineCountInstead) {
  fs::create_directory(dir_ / "others");
  std::ofstream(dir_ / "others/svirt-foo.so") << "";
  machine_.plugin_directories = {dir_ / "others"};
  const auto config = Load("order = foo\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_THAT(config->plugin_directories, ElementsAre(dir_ / "others"));
  EXPECT_NE(Wrong("order = x\n"), "");
}

TEST_F(ConfigOnMachine, DirectoriesHaveToBeThere) {
  const auto wrong = [&](const std::string &directories) {
    std::ofstream(dir_ / "svirt.conf") << "[plugins]\ndirectories = " << directories << "\n";
    const auto config = LoadConfig(dir_ / "svirt.conf", machine_);
    return config.ok() ? "" : config.error().message;
  };
  const std::string good = dir_ / "plugins", file = dir_ / "plugins/svirt-x.so";
  EXPECT_EQ(wrong(good), "");
  EXPECT_EQ(wrong(good + ":" + good + "/"), "");
  EXPECT_THAT(wrong(good + ":" + good + "s"), HasSubstr("svirt.conf:2: directories in [plugins]: "
                                                        "there is no directory '" +
                                                        good + "s'"));
  EXPECT_THAT(wrong(file), HasSubstr("there is no directory"));
  for (const char *separator : {", ", ",", " "}) {
    EXPECT_THAT(wrong(good + separator + good),
                HasSubstr("write directories with ':' between them"))
        << separator;
  }
  // The one of the build need not exist: nothing may be installed.
  std::ofstream(dir_ / "svirt.conf") << "[confinement]\nbeside = none\n";
  EXPECT_TRUE(LoadConfig(dir_ / "svirt.conf", machine_).ok());
}

TEST_F(ConfigOnMachine, TheScannerHasToBeAProgram) {
  EXPECT_EQ(Wrong("scanner = /bin/true\n"), "");
  EXPECT_EQ(
      Wrong("scanner = /nonexistent/scan\n"),
      "svirt.conf:3: scanner in [plugins]: '/nonexistent/scan' is no program that can be run; "
      "say 'yes' for the one that is installed");
}

TEST_F(ConfigOnMachine, WhatIsWrongWithTheTextAndTheMachineIsOneError) {
  EXPECT_THAT(Wrong("order = foo\nordre = x\n"),
              AllOf(HasSubstr("svirt.conf:3: order in"), HasSubstr("; svirt.conf:4: unknown key")));
}

TEST(Config, AFileThatIsNotThereGivesTheDefaults) {
  auto config = LoadConfig("/nonexistent/svirt.conf", {});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->choice, DriverChoice::kAuto);
}

TEST(Config, AFileThatCannotBeReadIsAnError) {
  auto config = LoadConfig("/", {});
  EXPECT_FALSE(config.ok());
}

}  // namespace
}  // namespace svirt
