// SPDX-License-Identifier: LGPL-2.1-or-later
// A domain that goes from one host to another over the same storage: two label stores, one set of
// files.
#include "host/labels/apply/handover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HandoverTest : public EngineTest {
 protected:
  HandoverTest() {
    auto store = LabelStore::Open({.directory = dir_ / "there"});
    if (!store.ok()) {
      throw std::runtime_error(store.error().message);
    }
    there_ = std::move(*store);
    ::mkdir((dir_ / "kernel-there").c_str(), 0700);
    EXPECT_TRUE(MakeEngine(plugins_).Apply(MakeDomain(1), manifest_).ok());
    here_pid_ = Process();
    EXPECT_TRUE(MakeEngine(plugins_).AddHolder(MakeDomain(1), here_pid_).ok());
    label_ = Label(disk_);
  }
  ~HandoverTest() override {
    End(&here_pid_);
    End(&there_pid_);
  }

  static pid_t Process() {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::pause();
      ::_exit(0);
    }
    return pid;
  }
  static void End(pid_t *pid) {
    if (*pid > 0) {
      ::kill(*pid, SIGKILL);
      ::waitpid(*pid, nullptr, 0);
      *pid = -1;
    }
  }

  HandoverDesk Here() { return {store_.get(), plugins_}; }
  HandoverDesk There() { return {there_.get(), plugins_there_}; }
  Engine EngineThere() { return Engine(there_.get(), plugins_there_, {}, dir_ / "proc"); }
  Handover BeginOut() {
    auto handover = Here().BeginOut(uuid_);
    EXPECT_TRUE(handover.ok()) << handover.error().message;
    return handover.ok() ? std::move(*handover) : Handover();
  }
  Status PrepareIn(const Handover &handover) { return There().PrepareIn(handover, &notes_); }
  // The domain runs on the other host.
  void StartThere() {
    const auto plan = EngineThere().Apply(MakeDomain(1), manifest_);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    there_pid_ = Process();
    ASSERT_TRUE(EngineThere().AddHolder(MakeDomain(1), there_pid_).ok());
  }
  void Arrive() {
    const Status status = PrepareIn(BeginOut());
    ASSERT_TRUE(status.ok()) << status.error().message;
    StartThere();
  }
  void StopHere(std::vector<std::string> *notes = nullptr) {
    End(&here_pid_);
    const Status status = MakeEngine(plugins_).Restore(uuid_, notes);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
  void StopThere() {
    End(&there_pid_);
    const Status status = EngineThere().Restore(uuid_);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
  bool IsKnownThere() { return there_->registry().Describe(uuid_)->has_value(); }

  const std::vector<Plugin *> plugins_ = {mac_.plugin(), profile_.plugin()};
  // What a host's kernel keeps is its own.
  Model profile_there_{dir_ / "kernel-there", {.name = "fakeprofile", .profile = true}};
  const std::vector<Plugin *> plugins_there_ = {mac_.plugin(), profile_there_.plugin()};
  const std::string uuid_ = MakeDomain(1).uuid;
  const std::string disk_ = Image("disk"), base_ = Image("base");
  const Manifest manifest_{{MakeDisk(disk_), MakeDisk(base_, true)}};
  std::unique_ptr<LabelStore> there_;
  std::string label_;
  pid_t here_pid_ = -1, there_pid_ = -1;
  std::vector<std::string> notes_;
};

TEST_F(HandoverTest, AfterCommitTheOtherHostGivesTheOldLabelsBack) {
  Arrive();
  EXPECT_EQ(Label(disk_), label_);
  EXPECT_THAT(notes_, IsEmpty());
  ASSERT_TRUE(Here().Commit(uuid_).ok());
  ASSERT_TRUE(There().Commit(uuid_).ok());
  StopHere();
  EXPECT_EQ(Label(disk_), label_) << "the domain runs on the other host";
  EXPECT_FALSE(IsKnown(1));
  StopThere();
  EXPECT_EQ(Label(disk_), "original-disk");
  EXPECT_EQ(Label(base_), "original-base");
  EXPECT_FALSE(IsKnownThere());
}

TEST_F(HandoverTest, BothHostsCanOpenItsObjectsAllTheWhile) {
  Arrive();
  EXPECT_EQ(mac_.sets, 2) << "no object was labelled again";
  EXPECT_EQ(there_->registry().Describe(uuid_)->value().labels[0].label,
            store_->registry().Describe(uuid_)->value().labels[0].label);
}

TEST_F(HandoverTest, AfterCancelThisHostGivesTheOldLabelsBack) {
  Arrive();
  StopThere();
  EXPECT_EQ(Label(disk_), label_) << "the domain runs on this host";
  EXPECT_FALSE(IsKnownThere());
  ASSERT_TRUE(Here().Cancel(uuid_).ok());
  StopHere();
  EXPECT_EQ(Label(disk_), "original-disk");
}

TEST_F(HandoverTest, CancelBeforeTheStartThereForgetsIt) {
  ASSERT_TRUE(PrepareIn(BeginOut()).ok());
  const Status status = There().Cancel(uuid_);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_FALSE(IsKnownThere());
  EXPECT_EQ(Label(disk_), label_);
}

TEST_F(HandoverTest, ItsEndHereBeforeCommitWaitsForTheWord) {
  Arrive();
  std::vector<std::string> notes;
  StopHere(&notes);
  EXPECT_THAT(notes, ElementsAre(HasSubstr("svirt handover commit")));
  ASSERT_TRUE(MakeEngine(plugins_).Recover().ok());
  EXPECT_TRUE(IsKnown(1));
  EXPECT_EQ(Label(disk_), label_);
  ASSERT_TRUE(Here().Commit(uuid_).ok());
  EXPECT_FALSE(IsKnown(1));
  EXPECT_EQ(Label(disk_), label_);
}

TEST_F(HandoverTest, ItsEndHereBeforeCancelIsMadeUpFor) {
  BeginOut();
  StopHere();
  EXPECT_EQ(Label(disk_), label_);
  ASSERT_TRUE(Here().Cancel(uuid_).ok());
  EXPECT_EQ(Label(disk_), "original-disk");
  EXPECT_FALSE(IsKnown(1));
}

// Whose labels the prepared objects are was settled when the command ended: no process holds them.
TEST_F(HandoverTest, WhatIsPreparedStaysReservedWithoutAProcess) {
  ASSERT_TRUE(PrepareIn(BeginOut()).ok());
  ASSERT_TRUE(EngineThere().Recover().ok());
  const LabelRequest all{.model = "fakemac",
                         .doi = there_->registry().Describe(uuid_)->value().labels[0].doi,
                         .label = "",
                         .runs = {{0, 28}}};
  const uint64_t held = *there_->registry().Describe(uuid_)->value().labels[0].index;
  for (int domain = 2; domain < 29; ++domain) {
    const auto index = there_->registry().Acquire({MakeDomain(domain).uuid, "vm", "kvm"}, all);
    ASSERT_TRUE(index.ok()) << index.error().message;
    EXPECT_NE(**index, held);
  }
  EXPECT_EQ(there_->registry().Acquire({MakeDomain(29).uuid, "vm", "kvm"}, all).error().code,
            Errc::kExhausted);
}

TEST_F(HandoverTest, WhatOnlyTheOtherHostLabelledItRestores) {
  ASSERT_TRUE(PrepareIn(BeginOut()).ok());
  const std::string local = Image("local");
  ASSERT_TRUE(EngineThere()
                  .Apply(MakeDomain(1), {{MakeDisk(disk_), MakeDisk(base_, true), MakeDisk(local)}})
                  .ok());
  ASSERT_TRUE(EngineThere().Restore(uuid_).ok());
  EXPECT_EQ(Label(local), "original-local");
  EXPECT_EQ(Label(disk_), label_);
}

// The same domain with another kind of <seclabel> there would get another label.
TEST_F(HandoverTest, AStartUnderAnotherKindOfLabelIsRefused) {
  ASSERT_TRUE(PrepareIn(BeginOut()).ok());
  Domain other = MakeDomain(1);
  other.seclabels = {MakeSecLabel(SecLabel::Type::kStatic, "fakemac", "S:20-21")};
  const auto plan = EngineThere().Apply(other, manifest_);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, Errc::kExists);
  EXPECT_THAT(plan.error().message, HasSubstr("handover cancel"));
  EXPECT_EQ(Label(disk_), label_) << "the domain runs on the first host";
  EXPECT_TRUE(IsKnownThere());
}

// What it uses there no more is given back when it is known whose it is.
TEST_F(HandoverTest, AnObjectThatItDoesWithoutThereIsNotForgotten) {
  ASSERT_TRUE(PrepareIn(BeginOut()).ok());
  ASSERT_TRUE(EngineThere().Apply(MakeDomain(1), {{MakeDisk(disk_)}}).ok());
  ASSERT_TRUE(Here().Commit(uuid_).ok());
  ASSERT_TRUE(There().Commit(uuid_).ok());
  StopHere();
  StopThere();
  EXPECT_EQ(Label(disk_), "original-disk");
  EXPECT_EQ(Label(base_), "original-base");
}

TEST_F(HandoverTest, WhatOthersUseHereIsTheirsToGiveBack) {
  ASSERT_TRUE(MakeEngine(plugins_).Apply(MakeDomain(2), {{MakeDisk(base_, true)}}).ok());
  const std::string shared = Label(base_);
  Arrive();
  ASSERT_TRUE(Here().Commit(uuid_).ok());
  ASSERT_TRUE(There().Commit(uuid_).ok());
  StopHere();
  StopThere();
  EXPECT_EQ(Label(disk_), "original-disk");
  EXPECT_EQ(Label(base_), shared) << "another domain uses it on the first host";
  ASSERT_TRUE(MakeEngine(plugins_).Restore(MakeDomain(2).uuid).ok());
  EXPECT_EQ(Label(base_), "original-base");
}

TEST_F(HandoverTest, ALabelInUseThereIsRefused) {
  Handover handover = BeginOut();
  const HeldLabel &held = handover.labels[0];
  ASSERT_TRUE(
      there_->registry()
          .Acquire({MakeDomain(7).uuid, "other", "kvm"},
                   {.model = held.model, .doi = held.doi, .label = "", .runs = {{*held.index, 1}}})
          .ok());
  const Status status = PrepareIn(handover);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Errc::kConflict);
  EXPECT_THAT(status.error().message, HasSubstr("is in use on this host"));
  EXPECT_FALSE(IsKnownThere());
}

TEST_F(HandoverTest, ALabelThatMeansSomethingElseThereIsRefused) {
  Handover handover = BeginOut();
  handover.labels[0].label = "L:40";  // beyond the space
  EXPECT_EQ(PrepareIn(handover).error().code, Errc::kRefused);
  handover = BeginOut();
  for (HeldLabel &held : handover.labels) {
    held.model = "unknown";
  }
  handover.objects.clear();
  EXPECT_EQ(PrepareIn(handover).error().code, Errc::kRefused);
  EXPECT_FALSE(IsKnownThere());
}

TEST_F(HandoverTest, AStartThatWouldLabelOtherwiseIsRefused) {
  Handover handover = BeginOut();
  handover.labels[0].image_label += "-other";
  ASSERT_TRUE(PrepareIn(handover).ok());
  const auto plan = EngineThere().Apply(MakeDomain(1), manifest_);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, Errc::kRefused);
  EXPECT_EQ(Label(disk_), label_);
  EXPECT_TRUE(IsKnownThere());
}

TEST_F(HandoverTest, WhatIsNotTheSameObjectThereIsLeftToTheStart) {
  const Handover handover = BeginOut();
  mac_.SetLabelOf(base_, "another");
  ASSERT_TRUE(PrepareIn(handover).ok());
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("it is not the same object")));
  EXPECT_EQ(there_->journal().Uses(uuid_)->size(), 1u);
}

TEST_F(HandoverTest, NothingIsChangedWhileItGoes) {
  BeginOut();
  const auto plan = MakeEngine(plugins_).Apply(MakeDomain(1), manifest_);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, Errc::kConflict);
  EXPECT_TRUE(IsKnown(1));
  ASSERT_TRUE(Here().Commit(uuid_).ok());
  EXPECT_EQ(MakeEngine(plugins_).Apply(MakeDomain(1), manifest_).error().code, Errc::kConflict);
}

TEST_F(HandoverTest, TheWrongOrderIsRefused) {
  EXPECT_EQ(Here().Commit(uuid_).error().code, Errc::kConflict);
  EXPECT_EQ(Here().Cancel(uuid_).error().code, Errc::kConflict);
  EXPECT_EQ(There().Commit(uuid_).error().code, Errc::kNotFound);
  const Handover handover = BeginOut();
  EXPECT_EQ(BeginOut().objects.size(), handover.objects.size());  // asked again
  ASSERT_TRUE(PrepareIn(handover).ok());
  EXPECT_EQ(PrepareIn(handover).error().code, Errc::kExists);
  StartThere();
  EXPECT_EQ(There().Cancel(uuid_).error().code, Errc::kConflict);
  ASSERT_TRUE(Here().Commit(uuid_).ok());
  EXPECT_EQ(Here().Commit(uuid_).error().code, Errc::kConflict);
  EXPECT_EQ(Here().BeginOut(uuid_).error().code, Errc::kConflict);
}

TEST_F(HandoverTest, WhatDoesNotRunIsNotHandedOver) {
  End(&here_pid_);
  EXPECT_EQ(Here().BeginOut(uuid_).error().code, Errc::kConflict);
}

}  // namespace
}  // namespace svirt::fake
