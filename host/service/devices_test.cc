// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices that come and go: labels first on the way in, last on the way out, nothing after a
// failure.
#include "host/service/devices.h"

#include "host/launch/end_process.h"
#include "host/service/testing/service_test.h"

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class DevicesTest : public ServiceTest {
 protected:
  Status Attach() { return Open()->devices.Attach("vm1", Extra(), "disk.xml"); }
  Status Detach() { return Open()->devices.Detach("vm1", Extra(), "disk.xml"); }
  std::string Extra() { return DiskXml(Image("extra.img"), "vdb"); }
  std::string ExtraLabel() { return LabelOf(Image("extra.img")); }
  size_t Disks() { return Open()->definitions.Find("vm1")->running->domain.disks.size(); }
  // What the emulator finds when it is told to open or close the disk.
  std::string LabelAt(const std::string &step) {
    std::string label = "the step was not reached";
    vmm_.at_step = [&](const std::string &reached) {
      label = reached == step ? ExtraLabel() : label;
    };
    EXPECT_TRUE((step == "attach" ? Attach() : Detach()).ok());
    vmm_.at_step = nullptr;
    return label;
  }
  std::string OwnLabel() { return LabelOf(Image("vm1.img")); }
};

TEST_F(DevicesTest, LabelsAreThereBeforeTheEmulatorOpensAndUntilItHasClosed) {
  Start(1);
  EXPECT_EQ(LabelAt("attach"), OwnLabel());
  EXPECT_EQ(Disks(), 2u);
  EXPECT_EQ(LabelAt("detach"), OwnLabel());
  EXPECT_EQ(ExtraLabel(), "");
  EXPECT_EQ(Disks(), 1u);
}

TEST_F(DevicesTest, TheDefinitionStaysAsItIs) {
  Start(1);
  ASSERT_TRUE(Attach().ok());
  EXPECT_EQ(Open()->definitions.Find("vm1")->domain.disks.size(), 1u);
}

TEST_F(DevicesTest, WhatTheEmulatorDoesNotTakeIsTakenBack) {
  Start(1);
  for (const char *step : {"plan-change", "connect", "attach"}) {
    vmm_.fails = {step};
    const Status attached = Attach();
    ASSERT_FALSE(attached.ok()) << step;
    EXPECT_EQ(attached.error().message, "told to fail at " + std::string(step));
    EXPECT_EQ(ExtraLabel(), "") << step;
    EXPECT_EQ(Disks(), 1u) << step;
  }
  EXPECT_THAT(vmm_.Steps(), ElementsAre("plan-change", "plan-change", "connect", "plan-change",
                                        "connect", "attach", "take-back"));
  vmm_.fails.clear();
  EXPECT_TRUE(Attach().ok());
}

TEST_F(DevicesTest, WhatCannotBeTakenBackKeepsItsLabelUntilItIsDetached) {
  Start(1);
  vmm_.fails = {"attach", "take-back"};
  const Status attached = Attach();
  ASSERT_FALSE(attached.ok());
  EXPECT_THAT(
      attached.error().message,
      HasSubstr("told to fail at attach; and it could not be taken back (detach-device does "
                "that): told to fail at take-back"));
  EXPECT_EQ(ExtraLabel(), OwnLabel()) << "the emulator may have it open";
  EXPECT_EQ(Disks(), 2u);
  vmm_.fails.clear();
  ASSERT_TRUE(Detach().ok());
  EXPECT_EQ(ExtraLabel(), "");
}

TEST_F(DevicesTest, WhatTheEmulatorDoesNotLetGoOfKeepsItsLabel) {
  Start(1);
  ASSERT_TRUE(Attach().ok());
  for (const char *step : {"plan-change", "connect", "detach"}) {
    vmm_.fails = {step};
    ASSERT_FALSE(Detach().ok()) << step;
    EXPECT_EQ(ExtraLabel(), OwnLabel()) << step;
    EXPECT_EQ(Disks(), 2u) << step;
  }
}

TEST_F(DevicesTest, WhatCannotBeLabelledIsNeverTold) {
  Start(1);
  config_.model_settings["fakemac"]["fail_set_at"] = {"1"};
  EXPECT_FALSE(Attach().ok());
  EXPECT_EQ(Disks(), 1u);
  for (const std::string &step : vmm_.Steps()) {
    EXPECT_NE(step, "attach");
  }
}

TEST_F(DevicesTest, AnotherDomainsDiskIsNotGiven) {
  Start(1);
  Start(2);
  const Status attached =
      Open()->devices.Attach("vm1", DiskXml(Image("vm2.img"), "vdb"), "disk.xml");
  ASSERT_FALSE(attached.ok());
  EXPECT_EQ(attached.error().code, Errc::kConflict);
  EXPECT_EQ(Disks(), 1u);
  EXPECT_NE(LabelOf(Image("vm2.img")), OwnLabel());
}

TEST_F(DevicesTest, WhatTheHypervisorRefusesIsRefusedBeforeAnythingIsDone) {
  Start(1);
  vmm_.refuses = {{Errc::kUnsupported, "no such bus"}};
  vmm_.refused_disks = 2;
  const Status attached = Attach();
  ASSERT_FALSE(attached.ok());
  EXPECT_THAT(attached.error().message, HasSubstr("no such bus"));
  EXPECT_THAT(vmm_.Steps(), ElementsAre());
}

TEST_F(DevicesTest, AModelThatSettlesWhatAProcessMayUseGivesItNoMore) {
  config_.model_settings["fakemac"]["fixed"] = {"yes"};
  Start(1);
  EXPECT_EQ(Attach().error().code, Errc::kUnsupported);
  EXPECT_EQ(ExtraLabel(), "");
}

TEST_F(DevicesTest, ADomainThatDoesNotRunHasNoDevicesToChange) {
  Define(1);
  EXPECT_EQ(Attach().error().code, Errc::kConflict);
  EXPECT_THAT(Detach().error().message, HasSubstr("'svirt edit' changes its definition"));
}

TEST_F(DevicesTest, ADomainThatHasEndedIsCleanedUpInstead) {
  const RunningDomain running = Start(1);
  ASSERT_TRUE(EndProcess(running.process).ok());
  EXPECT_EQ(Attach().error().code, Errc::kConflict);
  ExpectNothingLeft(1);
}

TEST_F(DevicesTest, AnAttachedDiskGoesBackWithTheOthers) {
  Start(1);
  ASSERT_TRUE(Attach().ok());
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_EQ(ExtraLabel(), "");
  ExpectNothingLeft(1);
}

// Under the models that it was started with.
TEST_F(DevicesTest, TheModelsAreThoseOfTheStart) {
  Start(1);
  config_.models = {"othermac"};
  ASSERT_TRUE(Attach().ok());
  EXPECT_EQ(ExtraLabel(), OwnLabel());
  EXPECT_EQ(other_.LabelOf(Image("extra.img")), "");
  ASSERT_TRUE(Detach().ok());
  EXPECT_EQ(ExtraLabel(), "");
}

// ---- Access to a backing image

class AccessTest : public DevicesTest {
 protected:
  AccessTest() {
    const auto defined = Open()->definitions.Define(
        "<domain type='fake'><name>vm1</name><uuid>" + UuidOf(1) +
            "</uuid><memory>65536</memory><devices><disk type='file'><driver type='qcow2'/><source "
            "file='" +
            Image("vm1.img") + "'/><backingStore type='file'><format type='raw'/><source file='" +
            Base() +
            "'/><backingStore/></backingStore><target dev='vda' "
            "bus='virtio'/></disk></devices></domain>",
        "vm.xml");
    EXPECT_TRUE(defined.ok()) << defined.error().message;
    const auto started = Open()->lifecycle.Start("vm1", "");
    EXPECT_TRUE(started.ok()) << started.error().message;
    vmm_.Steps();
  }
  std::string Base() { return Image("base.img"); }
  Status SetAccess(bool writable) { return Open()->devices.SetAccess("vm1", Base(), writable); }
};

TEST_F(AccessTest, ABackingImageIsTheDomainsAloneWhileItMayWrite) {
  EXPECT_EQ(LabelOf(Base()), "content");
  ASSERT_TRUE(SetAccess(true).ok());
  EXPECT_EQ(LabelOf(Base()), OwnLabel());
  ASSERT_TRUE(SetAccess(false).ok());
  EXPECT_EQ(LabelOf(Base()), "content");
}

TEST_F(AccessTest, WhatTheEmulatorDoesNotReopenStaysAsItWas) {
  for (const char *step : {"connect", "reopen"}) {
    vmm_.fails = {step};
    EXPECT_FALSE(SetAccess(true).ok()) << step;
    EXPECT_EQ(LabelOf(Base()), "content") << step;
  }
  vmm_.fails.clear();
  ASSERT_TRUE(SetAccess(true).ok());
  vmm_.fails = {"reopen"};
  EXPECT_FALSE(SetAccess(false).ok()) << "somebody writes";
  EXPECT_EQ(LabelOf(Base()), OwnLabel());
}

TEST_F(AccessTest, OnlyBackingImagesAreMeant) {
  EXPECT_EQ(Open()->devices.SetAccess("vm1", Image("vm1.img"), true).error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace svirt
