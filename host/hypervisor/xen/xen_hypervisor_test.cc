// SPDX-License-Identifier: LGPL-2.1-or-later
// Every failure on the way to a running domain: it is always destroyed, and its labels go back.
#include "host/hypervisor/xen/xen_hypervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "host/hypervisor/xen/fake_xl.h"
#include "host/hypervisor/xen/xen_test_support.h"
#include "host/labels/testing/engine_fixture.h"

namespace svirt {
namespace {

using fake::MakeSecLabel;
using testing::ElementsAre;
using testing::HasSubstr;

class XenStart : public fake::EngineTest {
 protected:
  XenStart()
      : engine_(MakeEngine({xsm_.plugin()})),
        xen_(std::make_unique<FakeXl>(&fake_), std::chrono::milliseconds(300)) {
    ::mkdir(place_.run_dir.c_str(), 0700);
    fake_.label = [this](int id, const std::string &label) { xsm_.SetDomainLabel(id, label); };
  }

  // As the host does it: labels, the domain, and all of it back after a failure.
  Status Start() {
    Refusals refusals;
    xen_.Check(domain_, &refusals);
    SVIRT_TRY(refusals.ToStatus());
    SVIRT_TRY(xen_.Prepare(domain_, place_));
    SVIRT_ASSIGN(plan_, engine_.Apply(domain_, {}));
    const auto record = [this](const RunningDomain &running) -> Status {
      recorded_.push_back(running);
      return recorded_.size() == fail_record_at_ ? Error{Errc::kSystem, "the disk is full"}
                                                 : Status();
    };
    auto running = xen_.Start(domain_, plan_, engine_, place_, {}, record);
    if (running.ok()) {
      running_ = std::move(*running);
      return {};
    }
    left_by_start_ = fake_.guests.size();
    RunningDomain failed;
    failed.domain = domain_;
    if (Status ended = xen_.End(failed); ended.ok()) {
      EXPECT_TRUE(engine_.Restore(domain_.uuid).ok());
    }
    return std::move(running).error();
  }

  // Nothing is left of it, in the hypervisor or of its label.
  void ExpectFailure(const std::string &words) {
    const Status started = Start();
    ASSERT_FALSE(started.ok());
    EXPECT_THAT(started.error().message, HasSubstr(words));
    EXPECT_EQ(left_by_start_, 0u);
    EXPECT_TRUE(fake_.guests.empty());
    EXPECT_FALSE((*store_->registry().Describe(domain_.uuid)).has_value());
    for (const std::string &call : fake_.calls) {
      EXPECT_THAT(call, testing::Not(HasSubstr("unpause"))) << "before all was well";
    }
  }

  fake::Model xsm_{dir_ / "kernel", {.name = "fakexsm", .hypervisor = true}};
  Engine engine_;
  FakeXen fake_;
  XenHypervisor xen_;
  Domain domain_ = ParseXen(XenXml());
  DomainPlace place_{dir_ / "run", dir_ / "log"};
  Plan plan_;
  std::vector<RunningDomain> recorded_;
  size_t fail_record_at_ = 0;
  size_t left_by_start_ = 0;
  RunningDomain running_;
};

TEST_F(XenStart, BuildsUnderOneLabelAndRunsUnderAnother) {
  ASSERT_TRUE(Start().ok());
  const std::string label = plan_.models.front().seclabel.label;
  EXPECT_THAT(fake_.calls, ElementsAre("create -p -e xl.cfg", "unpause 5"));
  EXPECT_THAT(fake_.config, HasSubstr("seclabel = \"" + label + "/build\"\n"));
  EXPECT_EQ(xsm_.DomainLabel(5), label);
  EXPECT_EQ(running_.id, 5);
  EXPECT_EQ(running_.domain.seclabels.front().label, label);
  EXPECT_FALSE(fake_.guests[5].paused);
  EXPECT_TRUE(*xen_.IsAlive(running_));
  EXPECT_EQ(*xen_.State(running_, place_, kAnswerTime), DomainState::kRunning);
  struct stat st {};
  ASSERT_EQ(::stat((place_.run_dir + "/xl.cfg").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
}

// While there is a domain, something remembers it and its label is kept, whoever dies.
TEST_F(XenStart, IsWrittenDownBeforeItIsBuilt) {
  bool pinned = false;
  fake_.label = [&](int id, const std::string &label) {
    xsm_.SetDomainLabel(id, label);
    pinned = (*store_->registry().Describe(domain_.uuid))->in_hypervisor;
    ASSERT_EQ(recorded_.size(), 1u);
    EXPECT_EQ(recorded_[0].id, -1);
    EXPECT_EQ(recorded_[0].process.pid, ::getpid());
    EXPECT_TRUE(*xen_.IsAlive(recorded_[0])) << "it is being started";
  };
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(pinned);
  ASSERT_EQ(recorded_.size(), 2u);
  EXPECT_EQ(recorded_[1].id, 5);
}

TEST_F(XenStart, OneWhoseStarterHasEndedIsNoneAndIsDestroyed) {
  ASSERT_TRUE(Start().ok());
  RunningDomain half = recorded_[0];
  half.process.start_time += 1;  // another process by that pid
  EXPECT_FALSE(*xen_.IsAlive(half));
  EXPECT_TRUE(xen_.End(half).ok());
  EXPECT_TRUE(fake_.guests.empty());
}

TEST_F(XenStart, TypeNoneHasNoLabelAtAll) {
  domain_.seclabels = {MakeSecLabel(SecLabel::Type::kNone, "fakexsm")};
  ASSERT_TRUE(Start().ok());
  EXPECT_THAT(fake_.config, testing::Not(HasSubstr("seclabel")));
}

TEST_F(XenStart, CreateFails) {
  fake_.fail_create = true;
  ExpectFailure("xl create failed with status 1: libxl: error: domain creation failed");
}

TEST_F(XenStart, CreateFailsHalfWay) {
  fake_.fail_halfway = true;
  ExpectFailure("hotplug script failed");
  EXPECT_THAT(fake_.calls, ElementsAre("create -p -e xl.cfg", "destroy 5"));
}

TEST_F(XenStart, CreateMakesNothing) {
  fake_.lose_guest = true;
  ExpectFailure("the hypervisor has no domain vm1");
}

TEST_F(XenStart, TheHypervisorCannotBeAskedAfterwards) {
  fake_.fail_list_at = 2;  // the first is Prepare's
  ExpectFailure("xl list failed");
}

TEST_F(XenStart, ItRunsAlready) {
  fake_.start_at_once = true;
  ExpectFailure("runs although xl was to create it paused");
}

TEST_F(XenStart, TheLabelReadBackDiffers) {
  fake_.wrong_seclabel = "L:99";
  ExpectFailure("has the fakexsm label L:99 instead of");
}

TEST_F(XenStart, ThereIsNoLabelToReadBack) {
  fake_.label = nullptr;
  ExpectFailure("there is no such domain");
}

TEST_F(XenStart, TheModelCannotTellTheLabel) {
  xsm_.options.can_ask_processes = false;
  ExpectFailure("cannot tell its label");
}

TEST_F(XenStart, ThereIsNoBuildLabel) {
  xsm_.fail_build_label = true;
  ExpectFailure("the policy cannot be asked");
  EXPECT_TRUE(fake_.calls.empty());
}

TEST_F(XenStart, TheMoveToItsLabelFails) {
  xsm_.fail_relabel = true;
  ExpectFailure("lacks a rule to move the domain");
}

TEST_F(XenStart, TheMoveToItsLabelDoesNothing) {
  xsm_.skip_relabel = true;
  ExpectFailure("/build instead of");
}

TEST_F(XenStart, ItCannotBeWrittenDown) {
  for (const size_t k : {1u, 2u}) {
    recorded_.clear();
    fake_.calls.clear();
    fail_record_at_ = k;
    ExpectFailure("the disk is full");
    EXPECT_EQ(fake_.calls.empty(), k == 1);
  }
}

TEST_F(XenStart, TheConfigurationCannotBeWritten) {
  place_.run_dir = dir_ / "missing";
  ExpectFailure("missing");
  EXPECT_TRUE(fake_.calls.empty());
}

TEST_F(XenStart, UnpauseFails) {
  fake_.fail_unpause = true;
  const Status started = Start();
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().message, HasSubstr("xl unpause failed"));
  EXPECT_TRUE(fake_.guests.empty());
  EXPECT_FALSE((*store_->registry().Describe(domain_.uuid)).has_value());
}

TEST_F(XenStart, TheLabelIsFreeForTheNextAfterAFailure) {
  xsm_.options.space = {{3, 1}};
  fake_.fail_create = true;
  ASSERT_FALSE(Start().ok());
  fake_.fail_create = false;
  EXPECT_TRUE(Start().ok());
}

TEST_F(XenStart, WhatCannotBeDestroyedKeepsItsLabel) {
  fake_.wrong_seclabel = "L:99";
  for (bool *failure : {&fake_.fail_destroy, &fake_.never_gone}) {
    *failure = true;
    const Status started = Start();
    ASSERT_FALSE(started.ok());
    EXPECT_THAT(started.error().message, HasSubstr("could not be destroyed"));
    EXPECT_EQ(fake_.guests.size(), 1u);
    EXPECT_TRUE((*store_->registry().Describe(domain_.uuid))->pinned);
    *failure = false;
    RunningDomain left;
    left.domain = domain_;
    EXPECT_TRUE(xen_.End(left).ok());
    EXPECT_TRUE(engine_.Restore(domain_.uuid).ok());
  }
}

TEST_F(XenStart, SomebodyElsesDomainIsNotTouched) {
  fake_.guests[3] = {.name = "theirs", .uuid = kXenUuid, .seclabel = ""};
  const Status started = Start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Errc::kExists);
  EXPECT_TRUE(fake_.calls.empty());
  EXPECT_EQ(fake_.guests.size(), 1u);
}

TEST_F(XenStart, AnotherDomainUnderItsUuidIsNotItsOwn) {
  ASSERT_TRUE(Start().ok());
  fake_.guests.clear();
  fake_.guests[9] = {.name = "again", .uuid = kXenUuid, .seclabel = ""};
  EXPECT_FALSE(*xen_.IsAlive(running_));
  EXPECT_TRUE(xen_.End(running_).ok());
  EXPECT_EQ(fake_.guests.size(), 1u);
}

TEST_F(XenStart, StatesOfADomain) {
  ASSERT_TRUE(Start().ok());
  fake_.guests[5].paused = true;
  EXPECT_EQ(*xen_.State(running_, place_, kAnswerTime), DomainState::kPaused);
  EXPECT_TRUE(*xen_.Has(kXenUuid));
  fake_.guests[5].shut_down = true;
  EXPECT_EQ(*xen_.State(running_, place_, kAnswerTime), DomainState::kShutOff);
  EXPECT_FALSE(*xen_.IsAlive(running_)) << "it only waits to be destroyed";
  fake_.guests[5].dying = true;
  EXPECT_TRUE(*xen_.IsAlive(running_)) << "its memory is still in use";
  fake_.guests.clear();
  EXPECT_FALSE(*xen_.IsAlive(running_));
  EXPECT_FALSE(*xen_.Has(kXenUuid));
  fake_.fail_list = true;
  EXPECT_FALSE(xen_.IsAlive(running_).ok()) << "nothing is concluded from a failure";
  EXPECT_FALSE(xen_.Has(kXenUuid).ok());
  EXPECT_FALSE(xen_.End(running_).ok());
}

TEST_F(XenStart, EndsOnce) {
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(xen_.End(running_).ok());
  EXPECT_TRUE(xen_.End(running_).ok());
  EXPECT_THAT(fake_.calls, ElementsAre("create -p -e xl.cfg", "unpause 5", "destroy 5"));
}

TEST_F(XenStart, PciDevicesOfAConfinedDomainAreRefused) {
  domain_ = ParseXen(XenXml("",
                            "<hostdev type='pci'><source><address bus='1' slot='2' function='0'/>"
                            "</source></hostdev>"));
  ExpectFailure("PCI devices of a confined domain");
}

TEST_F(XenStart, WithoutXlNothingIsTried) {
  fake_.missing = true;
  const Status started = Start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Errc::kUnsupported);
}

TEST_F(XenStart, DevicesAreNotChanged) {
  EXPECT_EQ(xen_.PlanChange(running_, domain_, place_).error().code, Errc::kUnsupported);
}

}  // namespace
}  // namespace svirt
