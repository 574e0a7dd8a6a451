// SPDX-License-Identifier: LGPL-2.1-or-later
// Every domain has its row, whatever is wrong with another.
#include "host/service/listing.h"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "host/launch/end_process.h"
#include "host/service/testing/service_test.h"
#include "host/util/file.h"

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ListingTest : public ServiceTest {
 protected:
  std::vector<ListedDomain> List() {
    auto listed = Open()->listing.All();
    EXPECT_TRUE(listed.ok()) << listed.error().message;
    return std::move(*listed);
  }
  static std::vector<std::string> Names(const std::vector<ListedDomain> &listed) {
    std::vector<std::string> names;
    for (const ListedDomain &each : listed) {
      names.push_back(each.stored.domain.name);
    }
    return names;
  }
  static std::string Problem(const ListedDomain &listed) {
    return listed.problem ? listed.problem->message : "";
  }
};

TEST_F(ListingTest, HasEveryDomainWithItsState) {
  Start(2);
  Define(1);
  const auto listed = List();
  EXPECT_THAT(Names(listed), ElementsAre("vm1", "vm2"));
  EXPECT_EQ(listed.at(0).state, DomainState::kShutOff);
  EXPECT_EQ(listed.at(1).state, DomainState::kRunning);
  EXPECT_EQ(Problem(listed.at(0)) + Problem(listed.at(1)), "");
}

// A damaged definition, one whose type nothing serves, one that does not answer, one whose model is
// gone, one with a damaged status.
TEST_F(ListingTest, WhatIsWrongWithOneIsNoMatterOfTheOthers) {
  config_.models = {"othermac"};
  Start(1);
  config_.models = {"fakemac"};
  config_.not_critical = {"othermac"};
  Start(2);
  Define(3);
  ASSERT_TRUE(WriteFileAtomic(DefinitionFile(3), "<domain", 0600).ok());
  Define(4);
  ASSERT_TRUE(WriteFileAtomic(StatusFile(4), "{\"version\": 9}", 0600).ok());
  ASSERT_TRUE(Open()->definitions.Define(Xml(5, "", "foreign"), "vm.xml").ok());
  Start(6);
  const std::string image = Image("vm6.img");
  ASSERT_TRUE(EndProcess(Open()->definitions.Find("vm6")->running->process).ok());
  config_.plugin_directories = {dir_ / "images"};  // no model is left
  vmm_.fails = {"state"};
  const auto listed = List();
  ASSERT_THAT(Names(listed), ElementsAre("", "vm1", "vm2", "vm4", "vm5", "vm6"));
  EXPECT_THAT(Problem(listed.at(0)), HasSubstr(UuidOf(3)));
  for (const size_t running : {1u, 2u}) {
    EXPECT_EQ(Problem(listed.at(running)), "told to fail at state");
    EXPECT_TRUE(listed.at(running).stored.running);
    EXPECT_FALSE(listed.at(running).state);
  }
  EXPECT_THAT(Problem(listed.at(3)), HasSubstr("is not a status file of this version"));
  EXPECT_EQ(listed.at(4).state, DomainState::kShutOff);
  EXPECT_EQ(listed.at(5).state, DomainState::kShutOff) << "it has ended";
  EXPECT_THAT(Problem(listed.at(5)), HasSubstr("fakemac"));
  EXPECT_FALSE(listed.at(5).stored.running);
  EXPECT_NE(LabelOf(image), "");
}

TEST_F(ListingTest, WhereTheHypervisorCannotBeAskedNothingIsConcluded) {
  Start(1);
  vmm_.fails = {"alive"};
  const auto listed = List();
  EXPECT_FALSE(listed.at(0).state);
  EXPECT_EQ(Problem(listed.at(0)), "told to fail at alive");
  EXPECT_NE(LabelOf(Image("vm1.img")), "");
}

TEST_F(ListingTest, WhatHasEndedIsCleanedUp) {
  const RunningDomain running = Start(1);
  ASSERT_TRUE(EndProcess(running.process).ok());
  const auto listed = List();
  EXPECT_EQ(listed.at(0).state, DomainState::kShutOff);
  EXPECT_EQ(Problem(listed.at(0)), "");
  ExpectNothingLeft(1);
}

TEST_F(ListingTest, WhatRunsWithADamagedStatusIsShownWithItsProcess) {
  const RunningDomain running = Start(1);
  ASSERT_TRUE(WriteFileAtomic(StatusFile(1), "{", 0600).ok());
  const auto listed = List();
  ASSERT_TRUE(listed.at(0).stored.named_process);
  EXPECT_EQ(*listed.at(0).stored.named_process, running.process);
  EXPECT_THAT(Problem(listed.at(0)), HasSubstr("'svirt destroy " + UuidOf(1) + "'"));
}

// Each answers when all have been asked.
TEST_F(ListingTest, AllAreAskedAtTheSameTime) {
  constexpr int kDomains = 3;
  for (int number = 1; number <= kDomains; ++number) {
    Start(number);
  }
  std::mutex mutex;
  std::condition_variable all_asked;
  int asked = 0;
  vmm_.at_step = [&](const std::string &step) {
    if (step == "state") {
      std::unique_lock lock(mutex);
      ++asked;
      all_asked.notify_all();
      EXPECT_TRUE(
          all_asked.wait_for(lock, std::chrono::seconds(20), [&] { return asked >= kDomains; }));
    }
  };
  for (const ListedDomain &each : List()) {
    EXPECT_EQ(each.state, DomainState::kRunning);
  }
}

}  // namespace
}  // namespace svirt
