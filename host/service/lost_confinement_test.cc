// SPDX-License-Identifier: LGPL-2.1-or-later
// A process that lost its label, or a model that does not enforce any more, is told of wherever
// somebody looks.
#include "host/service/lost_confinement.h"

#include <unistd.h>

#include "host/launch/end_process.h"
#include "host/service/testing/service_test.h"
#include "host/util/file.h"

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LostConfinementTest : public ServiceTest {
 protected:
  StoredDomain Find() {
    auto stored = Open()->definitions.Find("vm1");
    EXPECT_TRUE(stored.ok()) << stored.error().message;
    return std::move(*stored);
  }
  std::string Listed() {
    const auto listed = Open()->listing.All();
    EXPECT_TRUE(listed.ok()) << listed.error().message;
    return listed->at(0).problem ? listed->at(0).problem->message : "";
  }
  static std::string Message(const Status &status) {
    return status.ok() ? "" : status.error().message;
  }
  std::string Attached() {
    return Message(Open()->devices.Attach("vm1", DiskXml(Image("extra.img"), "vdb"), "disk.xml"));
  }
  std::string Recovered() {
    notes_.clear();
    return Message(Open()->recovery.Recover(&notes_));
  }
  std::string Verified() {
    std::string all;
    const auto mismatches = Open()->verification.Verify("vm1");
    EXPECT_TRUE(mismatches.ok()) << mismatches.error().message;
    for (const Mismatch &mismatch : *mismatches) {
      all += mismatch.Sentence();
    }
    return all;
  }
  // Whoever looks at the domain says this.
  void ExpectSaid(const std::string &what) {
    EXPECT_THAT(Listed(), HasSubstr(what));
    EXPECT_THAT(Message(Open()->inspection.CheckNotLost(Find())), HasSubstr(what));
    EXPECT_THAT(Attached(), HasSubstr(what));
    EXPECT_EQ(LabelOf(Image("extra.img")), "");
    EXPECT_THAT(Recovered(), HasSubstr(what));
    EXPECT_THAT(Verified(), HasSubstr(what));
  }
  void ExpectNothingSaid() {
    EXPECT_EQ(Listed(), "");
    EXPECT_TRUE(Open()->inspection.CheckNotLost(Find()).ok());
    EXPECT_EQ(Recovered(), "");
    EXPECT_EQ(Verified(), "");
    EXPECT_EQ(Attached(), "");
  }
  void SetPermissive(bool permissive) {
    config_.model_settings["fakemac"]["permissive_domains"] = {permissive ? "yes" : "no"};
  }

  std::vector<std::string> notes_;
};

TEST_F(LostConfinementTest, NothingIsSaidOfADomainThatIsConfinedAsItWas) {
  EXPECT_THAT(Start(1).enforced, ElementsAre("fakemac"));
  EXPECT_THAT(Find().running->enforced, ElementsAre("fakemac"));
  ExpectNothingSaid();
}

TEST_F(LostConfinementTest, AnotherLabelIsSaidEverywhere) {
  const RunningDomain running = Start(1);
  mac_.SetProcessLabel(running.process.pid, "L:27");
  ExpectSaid("process " + std::to_string(running.process.pid) +
             " of domain vm1 was started under " + running.domain.seclabels.front().label +
             " and runs under L:27 now");
  EXPECT_THAT(Recovered(), HasSubstr("Its policy is loaded again: that holds for what starts"));
}

// A program that was started in it.
TEST_F(LostConfinementTest, EveryProcessOfTheDomainCounts) {
  const RunningDomain running = Start(1);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  {
    const auto host = Open();
    const auto labels = host->machine.Labels();
    ASSERT_TRUE(labels.ok());
    mac_.SetProcessLabel(pid, running.domain.seclabels.front().label);
    ASSERT_TRUE((*labels)->registry().AddHolder(UuidOf(1), *IdentifyProcess(pid)).ok());
  }
  ExpectNothingSaid();
  mac_.SetProcessLabel(pid, "unconfined");
  EXPECT_THAT(Listed(), HasSubstr("process " + std::to_string(pid) + " of domain vm1"));
  EXPECT_TRUE(EndProcess(*IdentifyProcess(pid)).ok());
  EXPECT_EQ(Listed(), "") << "it has ended";
}

TEST_F(LostConfinementTest, WhatWasEnforcedAndIsNotAnyMoreIsSaidEverywhere) {
  const RunningDomain running = Start(1);
  SetPermissive(true);
  ExpectSaid("model fakemac enforced its policy on process " + std::to_string(running.process.pid) +
             " of domain vm1 when it was started, and is permissive for it now");
  SetPermissive(false);
  ExpectNothingSaid();
}

TEST_F(LostConfinementTest, WhatWasPermissiveAtTheStartIsNoNews) {
  SetPermissive(true);
  EXPECT_THAT(Start(1).enforced, IsEmpty());
  ExpectNothingSaid();
}

// Then it is held to what it does now.
TEST_F(LostConfinementTest, RecoverRemembersAModelThatEnforcesByNow) {
  SetPermissive(true);
  Start(1);
  SetPermissive(false);
  EXPECT_EQ(Recovered(), "");
  EXPECT_THAT(Find().running->enforced, ElementsAre("fakemac"));
  SetPermissive(true);
  EXPECT_THAT(Listed(), HasSubstr("is permissive for it now"));
}

// Of a start that was ended after the guest had been let go, another command finishes the record.
TEST_F(LostConfinementTest, AStartThatAnotherCommandFinishesIsRememberedAsWell) {
  RunningDomain running = Start(1);
  running.starting = true;
  running.enforced.clear();
  ASSERT_TRUE(Open()->machine.domains().SetRunning(UuidOf(1), running).ok());
  EXPECT_EQ(Listed(), "");
  EXPECT_EQ(Attached(), "");
  EXPECT_THAT(Find().running->enforced, ElementsAre("fakemac"));
}

TEST_F(LostConfinementTest, AModelThatCannotBeAskedHasLostNothing) {
  config_.model_settings["fakemac"]["unverifiable"] = {"yes"};
  const RunningDomain running = Start(1);
  EXPECT_THAT(running.enforced, IsEmpty());
  mac_.SetProcessLabel(running.process.pid, "L:27");
  ExpectNothingSaid();
}

TEST_F(LostConfinementTest, AModelThatIsGoneCannotBeAskedAndThatIsSaid) {
  Start(1);
  config_.plugin_directories = {dir_ / "images"};
  EXPECT_THAT(Listed(), HasSubstr("was started under model fakemac, which is not active any more"));
}

}  // namespace
}  // namespace svirt
