// SPDX-License-Identifier: LGPL-2.1-or-later
// What the configuration makes of the plugins that are there, and of those that were.
#include "host/service/models/drivers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>

#include "tests/bad-plugins/plugin_box.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Use = SecurityDrivers::Use;

class Drivers : public ::testing::Test {
 protected:
  Drivers() {
    paths_ = Paths::Below(box_.root());
    for (const std::string &directory : {paths_.state_dir, paths_.run_dir}) {
      fs::create_directory(directory);
      chmod(directory.c_str(), 0755);
    }
    config_.plugin_directories = {box_.plugins()};
  }

  // As every command does it: from the beginning.
  SecurityDrivers Open() {
    return SecurityDrivers(config_, ZOO_SCANNER, paths_, {"foreign"}, box_.Options().log, nullptr,
                           box_.root());
  }
  // The models that a start gets, or the error.
  std::string Start(Use use = Use::kStart, const std::string &type = "kvm") {
    SecurityDrivers drivers = Open();
    const auto plugins = drivers.For(type, use);
    if (!plugins.ok()) {
      return plugins.error().message;
    }
    std::string models;
    for (Plugin *plugin : *plugins) {
      models += (models.empty() ? "" : ",") + plugin->model();
    }
    return models;
  }
  SecurityDrivers::Overview Show() {
    SecurityDrivers drivers = Open();
    auto overview = drivers.Show("kvm");
    EXPECT_TRUE(overview.ok()) << overview.error().message;
    for (Candidate &candidate : overview->candidates) {
      candidate.plugin = nullptr;  // which has ended with drivers
    }
    return std::move(overview).value();
  }
  std::string Remembered() {
    const auto models = ChosenModels(paths_.state_dir).Read();
    std::string text;
    for (const auto &[type, chosen] : *models) {
      text += type + "=" + chosen.model + ";";
    }
    return text;
  }
  size_t Warnings() const {
    size_t count = 0;
    for (size_t at = box_.log().find("warning: "); at != std::string::npos;
         at = box_.log().find("warning: ", at + 1)) {
      ++count;
    }
    return count;
  }

  PluginBox box_;
  Paths paths_;
  Config config_;
};

TEST_F(Drivers, OnlyAStartIsRemembered) {
  box_.Add("good");
  EXPECT_EQ(Start(Use::kLook), "good");
  EXPECT_EQ(Start(Use::kPlan), "good");
  Show();
  EXPECT_EQ(Remembered(), "");
  EXPECT_FALSE(fs::exists(paths_.state_dir + "/chosen-models"));
  EXPECT_EQ(Start(), "good");
  EXPECT_EQ(Remembered(), "kvm=good;");
}

TEST_F(Drivers, OneThatWasChosenAndVanishedStopsEveryTypeUntilItIsForgotten) {
  box_.Add("good");
  const fs::path twin = box_.Add("twin");
  EXPECT_EQ(Start(), "twin");
  fs::remove(twin);
  for (const std::string type : {"kvm", "qemu"}) {
    EXPECT_THAT(
        Start(Use::kStart, type),
        HasSubstr("no security driver is chosen because svirt-twin.so would be asked first and "
                  "cannot answer (svirt-twin.so is in none of the plugin directories"));
    EXPECT_THAT(Start(Use::kStart, type),
                HasSubstr("install it again, run 'svirt plugins --forget twin' if it "
                          "is gone on purpose"));
  }
  EXPECT_THAT(Start(Use::kPlan), HasSubstr("svirt-twin.so would be asked first"));
  EXPECT_EQ(Remembered(), "kvm=twin;");
  SecurityDrivers drivers = Open();
  EXPECT_TRUE(drivers.Forget("twin").value());
  EXPECT_FALSE(drivers.Forget("twin").value());
  EXPECT_EQ(Start(), "good");
  EXPECT_EQ(Remembered(), "kvm=good;");
  EXPECT_EQ(Warnings(), 0u);
}

TEST_F(Drivers, OneThatIsInactiveNowIsNamedByEveryStartUntilItIsForgotten) {
  box_.Add("good");
  box_.Add("inactive");
  ASSERT_TRUE(ChosenModels(paths_.state_dir).Remember("kvm", {"inactive", 900}).ok());
  for (int i = 1; i <= 2; ++i) {
    EXPECT_EQ(Start(), "good");
    EXPECT_EQ(Warnings(), static_cast<size_t>(i));
  }
  EXPECT_THAT(
      box_.log(),
      HasSubstr("warning: the security model inactive, which domains of type kvm were given here "
                "before, is inactive now (zoo says 1), and good takes its place; require_model = "
                "inactive under [confinement] in svirt.conf refuses that, 'svirt plugins --forget "
                "inactive' accepts it\n"));
  EXPECT_EQ(Remembered(), "kvm=inactive;");
  EXPECT_EQ(Start(Use::kLook), "good");
  EXPECT_EQ(Start(Use::kStart, "qemu"), "good") << "which never had it";
  EXPECT_EQ(Warnings(), 2u);
  EXPECT_TRUE(Open().Forget("inactive").value());
  EXPECT_EQ(Start(), "good");
  EXPECT_EQ(Warnings(), 2u);
}

TEST_F(Drivers, AStrongerOneIsChosenAndRememberedInstead) {
  box_.Add("good");
  EXPECT_EQ(Start(), "good");
  box_.Add("twin");
  EXPECT_EQ(Start(), "twin");
  EXPECT_EQ(Remembered(), "kvm=twin;");
  fs::remove(box_.plugins() / "svirt-good.so");
  EXPECT_EQ(Start(), "twin") << "the weaker one is not missed";
}

TEST_F(Drivers, TheConfigurationsWordEndsTheMemory) {
  box_.Add("good");
  box_.Add("twin");
  EXPECT_EQ(Start(), "twin");
  config_.order = {"good"};
  EXPECT_EQ(Start(), "good");
  EXPECT_EQ(Remembered(), "kvm=good;");
  config_.order.clear();
  config_.choice = DriverChoice::kList;
  config_.models = {"twin", "good"};
  EXPECT_EQ(Start(), "twin,good");
  EXPECT_EQ(Remembered(), "kvm=twin;");
  EXPECT_EQ(Warnings(), 0u);
}

TEST_F(Drivers, AMemoryThatCannotBeReadStopsTheSelection) {
  box_.Add("good");
  std::ofstream(paths_.state_dir + "/chosen-models") << "???\n";
  EXPECT_THAT(Start(), HasSubstr("chosen-models:1: "));
}

// As by default, where root starts domains.
class DriversBeside : public Drivers {
 protected:
  DriversBeside() {
    config_.beside = {"beside"};
    box_.Add("good");
  }
};

TEST_F(DriversBeside, StandsBesideTheChosenOneWhateverTheOrder) {
  EXPECT_EQ(Start(), "good") << "the default need not be installed";
  box_.Add("beside");
  EXPECT_EQ(Start(), "good,beside");
  config_.order = {"good"};
  EXPECT_EQ(Start(), "good,beside");
  config_.order = {"beside"};
  EXPECT_EQ(Start(), "beside") << "once";
  config_.order = {"inactive"};
  box_.Add("inactive");
  EXPECT_THAT(Start(), HasSubstr("no security driver is active"));
  config_.allow_none = true;
  EXPECT_EQ(Start(), "beside") << "also where there is none to be chosen";
}

TEST_F(DriversBeside, IsNotForDomainsThatAreNoProcesses) {
  box_.Add("beside");
  EXPECT_EQ(Start(Use::kStart, "foreign"), "good");
}

TEST_F(DriversBeside, ListsAndNoneMeanThemselves) {
  box_.Add("beside");
  config_.choice = DriverChoice::kList;
  config_.models = {"good"};
  EXPECT_EQ(Start(), "good");
  config_.choice = DriverChoice::kNone;
  EXPECT_EQ(Start(), "");
}

TEST_F(DriversBeside, OnlyItsOwnWordLetsAStartGoOnWithout) {
  config_.beside = {"inactive"};
  box_.Add("inactive");
  EXPECT_EQ(Start(Use::kLook), "good");
  EXPECT_EQ(Warnings(), 0u);
  EXPECT_EQ(Start(), "good");
  EXPECT_THAT(box_.log(), HasSubstr("warning: domains of type kvm do not get the security model "
                                    "inactive beside others: "));
  for (const char *broken : {"probe_error", "crash_probe", "missing_slot", "no_note"}) {
    const fs::path path = box_.Add(broken);
    config_.beside = {path.stem().string().substr(std::strlen("svirt-"))};
    EXPECT_THAT(Start(), HasSubstr(path.string())) << broken;
    EXPECT_THAT(Show().reason, HasSubstr(path.string())) << broken;
    EXPECT_TRUE(CandidateOf(Show().candidates, path).blocks) << broken;
    fs::remove(path);
  }
}

TEST_F(DriversBeside, OneThatVanishedIsMissedUntilItIsForgotten) {
  const fs::path beside = box_.Add("beside");
  EXPECT_EQ(Start(), "good,beside");
  fs::remove(beside);
  EXPECT_THAT(Start(Use::kStart, "qemu"),
              HasSubstr("beside stood beside others here before, and now no plugin provides it"));
  EXPECT_EQ(Start(Use::kStart, "foreign"), "good");
  EXPECT_TRUE(Open().Forget("beside").value());
  EXPECT_EQ(Start(), "good");
  config_.beside_is_default = false;
  EXPECT_THAT(Start(), HasSubstr("svirt.conf wants the security model beside beside others"));
}

TEST_F(Drivers, RequireModelRefusesEveryOtherPrimary) {
  box_.Add("good");
  box_.Add("inactive");
  config_.require_model = "inactive";
  const std::string sentence =
      "svirt.conf requires the security model inactive (require_model under [confinement]), and "
      "domains of type kvm would be given good first: the security model \"inactive\" cannot be "
      "used for domains of type kvm: zoo says 1";
  EXPECT_EQ(Start(), sentence);
  EXPECT_EQ(Start(Use::kPlan), sentence);
  EXPECT_EQ(Start(Use::kLook), "good") << "what runs already";
  EXPECT_EQ(Remembered(), "");
  config_.choice = DriverChoice::kNone;
  EXPECT_THAT(Start(), HasSubstr("would be given none"));
  config_.choice = DriverChoice::kAuto;
  config_.require_model = "good";
  EXPECT_EQ(Start(), "good");
  config_.require_model = "nobody";
  EXPECT_THAT(Start(), HasSubstr("install the package that has svirt-nobody.so"));
  box_.Add("twin");
  config_.require_model = "good";
  EXPECT_THAT(Start(), HasSubstr("would be given twin first: the configuration puts it before"));
}

TEST_F(Drivers, QuarantineEndsWithTheRunDirectory) {
  box_.Add("good");
  box_.Add("crash_probe");
  EXPECT_THAT(Start(), HasSubstr("it crashed in the scanner"));
  EXPECT_THAT(Start(), HasSubstr("it is in quarantine until"));
  EXPECT_FALSE(fs::exists(paths_.state_dir + "/quarantine"));
  for (const auto &entry : fs::directory_iterator(paths_.run_dir)) {
    fs::remove_all(entry);
  }
  EXPECT_THAT(Start(), testing::Not(HasSubstr("quarantine")));
}

// ---- What is shown ----

CandidateState StateOf(const SecurityDrivers::Overview &overview, const std::string &model) {
  for (const Candidate &candidate : overview.candidates) {
    if (candidate.model == model) {
      return candidate.state;
    }
  }
  ADD_FAILURE() << "no " << model;
  return CandidateState::kFailed;
}

std::vector<std::string> Blocking(const SecurityDrivers::Overview &overview) {
  std::vector<std::string> models;
  for (const Candidate &candidate : overview.candidates) {
    if (candidate.blocks) {
      models.push_back(candidate.model);
    }
  }
  return models;
}

TEST_F(Drivers, ShowIsWhatThisConfigurationSelects) {
  box_.Add("good");
  box_.Add("twin");
  auto shown = Show();
  EXPECT_THAT(shown.models, ElementsAre("twin"));
  EXPECT_EQ(shown.reason, "");
  EXPECT_EQ(StateOf(shown, "twin"), CandidateState::kSelected);
  EXPECT_EQ(StateOf(shown, "good"), CandidateState::kActive);

  config_.choice = DriverChoice::kList;
  config_.models = {"good"};
  shown = Show();
  EXPECT_THAT(shown.models, ElementsAre("good"));
  EXPECT_EQ(StateOf(shown, "twin"), CandidateState::kActive);
  EXPECT_EQ(StateOf(shown, "good"), CandidateState::kSelected);

  config_.models = {"good", "twin"};
  shown = Show();
  EXPECT_THAT(shown.models, ElementsAre("good", "twin"));
  EXPECT_EQ(StateOf(shown, "twin"), CandidateState::kSelected);

  config_.choice = DriverChoice::kNone;
  config_.models.clear();
  shown = Show();
  EXPECT_THAT(shown.models, IsEmpty());
  EXPECT_EQ(shown.reason, "svirt.conf says models = none");
  EXPECT_EQ(StateOf(shown, "twin"), CandidateState::kActive);
  EXPECT_THAT(Blocking(shown), IsEmpty());
}

TEST_F(Drivers, ShowSaysWhichFileBlocks) {
  box_.Add("good");
  const fs::path twin = box_.Add("twin");
  chmod(twin.c_str(), 0664);
  auto shown = Show();
  EXPECT_THAT(shown.models, IsEmpty());
  EXPECT_EQ(shown.reason, Start());
  EXPECT_THAT(shown.reason, HasSubstr(twin.string()));
  EXPECT_THAT(Blocking(shown), ElementsAre("twin"));
  EXPECT_EQ(StateOf(shown, "good"), CandidateState::kActive);

  config_.choice = DriverChoice::kList;
  config_.models = {"good"};
  shown = Show();
  EXPECT_THAT(shown.models, ElementsAre("good"));
  EXPECT_THAT(Blocking(shown), IsEmpty()) << "nobody asks for it";

  config_.models = {"good", "twin"};
  shown = Show();
  EXPECT_THAT(shown.models, IsEmpty());
  EXPECT_THAT(Blocking(shown), ElementsAre("twin"));
  EXPECT_THAT(shown.reason, HasSubstr(twin.string()));
}

TEST_F(Drivers, ShowSaysWhyNothingIsSelected) {
  box_.Add("inactive");
  auto shown = Show();
  EXPECT_THAT(shown.models, IsEmpty());
  EXPECT_THAT(shown.reason, HasSubstr("inactive: zoo says 1"));
  config_.allow_none = true;
  shown = Show();
  EXPECT_THAT(shown.models, IsEmpty());
  EXPECT_THAT(shown.reason, HasSubstr("allow_none = yes"));
}

}  // namespace
}  // namespace svirt
