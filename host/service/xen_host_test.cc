// SPDX-License-Identifier: LGPL-2.1-or-later
// A host whose hypervisor keeps domains by a number, without a security driver.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "host/hypervisor/xen/fake_xl.h"
#include "host/hypervisor/xen/xen_hypervisor.h"
#include "host/hypervisor/xen/xen_test_support.h"
#include "host/labels/testing/fake_model.h"
#include "host/service/host.h"
#include "host/util/file.h"

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class XenHost : public testing::Test {
 protected:
  XenHost() {
    config_.choice = DriverChoice::kNone;
    config_.scan_in_helper = false;
  }

  // As another command sees it.
  std::unique_ptr<Host> Open() {
    MachineOptions options;
    options.config = config_;
    options.paths = Paths::Below(dir_.path());
    options.hypervisors.push_back(std::make_unique<XenHypervisor>(std::make_unique<FakeXl>(&fake_),
                                                                  std::chrono::milliseconds(300)));
    return std::make_unique<Host>(std::move(options));
  }
  void Define() {
    const auto defined = Open()->definitions.Define(XenXml(), "vm1.xml");
    ASSERT_TRUE(defined.ok()) << defined.error().message;
  }
  void Start() {
    Define();
    const auto started = Open()->lifecycle.Start("vm1", "");
    ASSERT_TRUE(started.ok()) << started.error().message;
  }
  DomainState State() {
    const auto host = Open();
    auto stored = host->definitions.Find("vm1");
    EXPECT_TRUE(stored.ok()) << stored.error().message;
    const auto state = host->inspection.State(&*stored);
    EXPECT_TRUE(state.ok()) << state.error().message;
    return state.ok() ? *state : DomainState::kShutOff;
  }

  fake::TempDir dir_;
  FakeXen fake_;
  Config config_;
};

TEST_F(XenHost, RunsADomainFromItsDefinitionToItsEnd) {
  Start();
  EXPECT_EQ(State(), DomainState::kRunning);
  EXPECT_EQ(Open()->listing.All()->front().stored.running->id, 5);
  EXPECT_EQ(Open()->lifecycle.Start("vm1", "").error().code, Errc::kExists);
  EXPECT_EQ(Open()->definitions.Undefine("vm1").error().code, Errc::kConflict);
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_TRUE(fake_.guests.empty());
  EXPECT_EQ(State(), DomainState::kShutOff);
  EXPECT_EQ(Open()->lifecycle.Destroy("vm1").error().code, Errc::kConflict);
  ASSERT_TRUE(Open()->lifecycle.Start("vm1", "").ok());
  EXPECT_EQ(Open()->listing.All()->front().stored.running->id, 6);
}

TEST_F(XenHost, ADomainThatEndsByItselfIsCleanedUp) {
  Start();
  fake_.guests.clear();
  EXPECT_EQ(State(), DomainState::kShutOff);
  EXPECT_FALSE(Open()->definitions.Find("vm1")->running);
  EXPECT_TRUE(Open()->lifecycle.Start("vm1", "").ok());
}

TEST_F(XenHost, ADomainThatEndsAfterItWasLookedUpIsCleanedUp) {
  Start();
  const auto host = Open();
  auto stored = host->definitions.Find("vm1");
  ASSERT_TRUE(stored.ok() && stored->running);
  fake_.guests.clear();
  const auto state = host->inspection.State(&*stored);
  ASSERT_TRUE(state.ok()) << state.error().message;
  EXPECT_EQ(*state, DomainState::kShutOff);
  EXPECT_FALSE(stored->running);
}

TEST_F(XenHost, ADomainThatHasShutDownIsDestroyed) {
  Start();
  fake_.guests[5].shut_down = true;
  EXPECT_TRUE(Open()->recovery.Recover(nullptr).ok());
  EXPECT_TRUE(fake_.guests.empty());
  EXPECT_FALSE(Open()->definitions.Find("vm1")->running);
}

TEST_F(XenHost, ADomainThatStaysIsNotForgotten) {
  Start();
  fake_.never_gone = true;
  EXPECT_FALSE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_TRUE(Open()->definitions.Find("vm1")->running);
  EXPECT_FALSE(Open()->lifecycle.Start("vm1", "").ok());
  fake_.guests.clear();
  EXPECT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
}

TEST_F(XenHost, NothingIsConcludedWhileTheHypervisorCannotBeAsked) {
  Start();
  fake_.fail_list = true;
  EXPECT_FALSE(Open()->definitions.Find("vm1").ok());
  EXPECT_FALSE(Open()->recovery.Recover(nullptr).ok());
  fake_.fail_list = false;
  EXPECT_EQ(State(), DomainState::kRunning);
}

TEST_F(XenHost, AFailedStartLeavesNothing) {
  Define();
  fake_.fail_halfway = true;
  EXPECT_FALSE(Open()->lifecycle.Start("vm1", "").ok());
  EXPECT_TRUE(fake_.guests.empty());
  EXPECT_FALSE(Open()->definitions.Find("vm1")->running);
}

TEST_F(XenHost, ItsDevicesAreNotChanged) {
  Start();
  const auto attached = Open()->devices.Attach("vm1", XenDisk("/bin/true"), "disk.xml");
  ASSERT_FALSE(attached.ok());
  EXPECT_EQ(attached.error().code, Errc::kUnsupported);
}

TEST_F(XenHost, ATypeThatNothingServesIsNamed) {
  const std::string xml = "<domain type='kvm'><name>a</name><memory>65536</memory></domain>";
  ASSERT_TRUE(Open()->definitions.Define(xml, "a.xml").ok());
  const auto started = Open()->lifecycle.Start("a", "");
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Errc::kUnsupported);
  EXPECT_THAT(started.error().message, HasSubstr("type 'kvm'; the types known here are xen"));
  EXPECT_THAT(Open()->machine.DomainTypes(), ElementsAre("xen"));
}

TEST_F(XenHost, WithoutXlASentence) {
  fake_.missing = true;
  Define();
  EXPECT_EQ(Open()->lifecycle.Start("vm1", "").error().code, Errc::kUnsupported);
  EXPECT_FALSE(Open()->definitions.Find("vm1")->running);
}

TEST_F(XenHost, NoDriverIsNoReasonToRunUnconfined) {
  Define();
  config_.choice = DriverChoice::kAuto;
  const auto started = Open()->lifecycle.Start("vm1", "");
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Errc::kRefused);
  EXPECT_TRUE(fake_.calls.empty());
}

// The run directory is new after a boot, and the domains are gone; their labels are still pinned.
TEST_F(XenHost, AfterABootTheHypervisorIsAskedWhoRuns) {
  Define();
  fake::Model xsm(dir_.path(), {.name = "fakexsm", .hypervisor = true});
  const auto store = LabelStore::Open({.directory = Paths::Below(dir_.path()).state_dir});
  ASSERT_TRUE(store.ok()) << store.error().message;
  ::mkdir((dir_ / "proc").c_str(), 0700);
  Engine engine(store->get(), {xsm.plugin()}, {}, dir_ / "proc");
  const Domain domain = ParseXen(XenXml());
  ASSERT_TRUE(engine.Apply(domain, {}).ok());
  ASSERT_TRUE(engine.Pin(domain.uuid, PinnedFor::kHypervisor).ok());

  fake_.guests[7] = {.name = "vm1", .uuid = kXenUuid, .seclabel = ""};
  EXPECT_TRUE(Open()->recovery.Recover(nullptr).ok()) << "it runs, so its label stays";
  EXPECT_EQ(Open()->confinement.Restore(domain).error().code, Errc::kConflict);
  fake_.fail_list = true;
  EXPECT_FALSE(Open()->recovery.Recover(nullptr).ok());
  fake_.fail_list = false;
  fake_.guests.clear();
  // This host has no driver that could take the label back: that it tries is what counts here.
  const auto recovered = Open()->recovery.Recover(nullptr);
  ASSERT_FALSE(recovered.ok());
  EXPECT_THAT(recovered.error().message, HasSubstr("plugin is not active here"));
}

TEST_F(XenHost, OneBadDefinitionHoldsUpNoOtherDomain) {
  Start();
  const std::string directory = Paths::Below(dir_.path()).state_dir + "/domains/";
  const std::string bad = "33333333-3333-4333-8333-333333333333";
  ASSERT_TRUE(WriteFileAtomic(directory + bad + ".xml", "<domain", 0600).ok());
  const auto listed = Open()->listing.All();
  ASSERT_TRUE(listed.ok()) << listed.error().message;
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_THAT(listed->front().problem->message, HasSubstr(bad));
  EXPECT_FALSE(listed->front().state);
  EXPECT_EQ(listed->back().state, DomainState::kRunning);
  EXPECT_FALSE(listed->back().problem);
  const auto recovered = Open()->recovery.Recover(nullptr);
  ASSERT_FALSE(recovered.ok());
  EXPECT_THAT(recovered.error().message, HasSubstr(bad)) << "which is told, and nothing else";
  EXPECT_EQ(Open()->lifecycle.Start(bad, "").error().code, Errc::kInvalid);
  EXPECT_EQ(Open()->lifecycle.Destroy(bad).error().code, Errc::kConflict) << "it does not run";
  EXPECT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_TRUE(Open()->lifecycle.Start("vm1", "").ok());
  EXPECT_TRUE(Open()->definitions.Undefine(bad).ok());
  EXPECT_EQ(Open()->listing.All()->size(), 1u);
}

TEST_F(XenHost, ADomainThatRunsIsEndedWithoutItsDefinition) {
  Start();
  const std::string directory = Paths::Below(dir_.path()).state_dir + "/domains/";
  ASSERT_TRUE(WriteFileAtomic(directory + kXenUuid + ".xml", "", 0600).ok());
  EXPECT_TRUE(Open()->listing.All()->front().stored.running);
  EXPECT_EQ(Open()->definitions.Undefine("vm1").error().code, Errc::kConflict);
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok()) << "by the name that its status has";
  EXPECT_TRUE(fake_.guests.empty());
  const auto defined = Open()->definitions.Define(XenXml(), "vm1.xml");
  ASSERT_TRUE(defined.ok()) << defined.error().message;
  EXPECT_TRUE(Open()->lifecycle.Start("vm1", "").ok());
}

TEST_F(XenHost, WithABadStatusNothingIsStartedUntilItIsDestroyed) {
  Define();
  const std::string status = Paths::Below(dir_.path()).run_dir + "/domains/" + kXenUuid + ".json";
  ASSERT_TRUE(WriteFileAtomic(status, "{\"version\": 9}", 0600).ok());
  EXPECT_EQ(Open()->lifecycle.Start("vm1", "").error().code, Errc::kInvalid);
  EXPECT_FALSE(Open()->recovery.Recover(nullptr).ok());
  EXPECT_EQ(Open()->lifecycle.Start("vm1", "").error().code, Errc::kInvalid)
      << "recover does not decide it";
  EXPECT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_TRUE(Open()->lifecycle.Start("vm1", "").ok());
}

TEST_F(XenHost, AListTellsOfTheOthersWhereOneCannotBeAskedAbout) {
  Start();
  const auto second = Open()->definitions.Define(
      "<domain type='kvm'><name>a</name><memory>65536</memory></domain>", "a.xml");
  ASSERT_TRUE(second.ok()) << second.error().message;
  fake_.fail_list = true;
  const auto listed = Open()->listing.All();
  ASSERT_TRUE(listed.ok()) << listed.error().message;
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ(listed->front().state, DomainState::kShutOff);
  EXPECT_FALSE(listed->front().problem);
  EXPECT_FALSE(listed->back().state);
  EXPECT_TRUE(listed->back().problem);
}

TEST_F(XenHost, NobodyKnowsWhatTwoDomainsMayDo) {
  Start();
  const auto answer = Open()->access.Ask("vm1", "vm1");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Errc::kUnsupported);
  EXPECT_EQ(Open()->access.Ask("vm1", "vm2").error().code, Errc::kNotFound)
      << "before the lack of a driver";
}

}  // namespace
}  // namespace svirt
