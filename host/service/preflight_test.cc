// SPDX-License-Identifier: LGPL-2.1-or-later
// All that stands against a start, from whoever has something against it, and nothing touched.
#include "host/service/preflight.h"

#include <filesystem>

#include "host/service/testing/service_test.h"

namespace svirt {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

class PreflightTest : public ServiceTest {
 protected:
  PreflightTest()
      : host_(Open()), engines_(&host_->machine), preflight_(&host_->machine, &engines_) {}

  LabelStore *Labels() { return *host_->machine.Labels(); }
  static auto Says(const std::string &words) {
    return Contains(Field(&Error::message, HasSubstr(words)));
  }

  std::unique_ptr<Host> host_;
  Engines engines_;
  Preflight preflight_;
};

TEST_F(PreflightTest, WhatNothingStandsAgainstHasAllThatAStartWorksWith) {
  const Findings found = preflight_.ForStart(Parse(Xml(1)), Labels());
  EXPECT_TRUE(found.refusals.empty());
  EXPECT_NE(found.hypervisor, nullptr);
  EXPECT_EQ(found.domain.emulator, "/bin/sleep") << "completed";
  EXPECT_TRUE(found.engine);
  EXPECT_FALSE(found.plan);
  ASSERT_TRUE(found.manifest);
  std::vector<ResourceKind> kinds;
  for (const Resource &resource : found.manifest->resources) {
    kinds.push_back(resource.kind);
  }
  EXPECT_THAT(kinds, testing::IsSupersetOf(
                         {ResourceKind::kDisk, ResourceKind::kRundir, ResourceKind::kLog}));
}

TEST_F(PreflightTest, EverybodysRefusalsAreToldAtOnce) {
  vmm_.refuses = {{Errc::kUnsupported, "no such sound card"}};
  vmm_.lacks = {{Errc::kSystem, "no /dev/kvm"}};
  const Domain domain = Parse(
      "<domain type='fake'><name>vm1</name><memory>65536</memory><devices>" +
      DiskXml(dir_ / "images/missing.img") + DiskXml(paths_.state_dir + "/labels.db", "vdb") +
      "</devices><seclabel type='static' model='fakemac'><label>odd</label></seclabel></domain>");
  for (const Findings &found :
       {preflight_.ForStart(domain, Labels()), preflight_.ForDefinition(domain, Labels()),
        preflight_.ForPlan(domain, Labels())}) {
    EXPECT_THAT(found.refusals.lasting(), AllOf(Says("no such sound card"), Says("labels.db"),
                                                Says("the label odd is not valid")));
    EXPECT_THAT(found.refusals.for_now(), AllOf(Says("no /dev/kvm"), Says("missing.img")));
  }
  EXPECT_THAT(vmm_.Steps(), IsEmpty());
  EXPECT_TRUE(host_->owners.All()->empty());
}

TEST_F(PreflightTest, EachResourceThatCannotBeToldIsARefusalBesideThoseOfTheOthers) {
  const std::string no_format = "<disk type='file'><source file='" + Image("a.img") + "'/><target";
  const Findings found = preflight_.ForStart(
      Parse("<domain type='fake'><name>vm1</name><memory>65536</memory><devices>" + no_format +
            " dev='vda'/></disk>" + DiskXml(dir_ / "images/missing.img", "vdb") + no_format +
            " dev='vdc'/></disk><hostdev type='scsi'><source><adapter name='none'/>"
            "<address bus='0' target='0' unit='0'/></source></hostdev></devices></domain>"),
      Labels());
  EXPECT_FALSE(found.manifest);
  EXPECT_THAT(found.refusals.lasting(),
              AllOf(Says("disk vda: the format"), Says("disk vdc: the format"), Says("hostdev0")));
  EXPECT_THAT(found.refusals.for_now(), Says("missing.img"));
}

TEST_F(PreflightTest, TheScannerIsNobodysDisk) {
  config_.scanner = Image("scanner");
  host_ = Open();
  engines_ = Engines(&host_->machine);
  const Findings found = Preflight(&host_->machine, &engines_)
                             .ForStart(Parse("<domain type='fake'><name>vm1</name><memory>65536"
                                             "</memory><devices>" +
                                             DiskXml(Image("scanner")) + "</devices></domain>"),
                                       Labels());
  EXPECT_THAT(found.refusals.lasting(), Says("svirt's own"));
}

TEST_F(PreflightTest, WhatAnotherDomainHasStandsAgainstAPlanForNow) {
  Start(1);
  const Domain domain =
      Parse("<domain type='fake'><name>vm2</name><memory>65536</memory><devices>" +
            DiskXml(Image("vm1.img")) + "</devices></domain>");
  const Findings found = preflight_.ForPlan(domain, Labels());
  ASSERT_TRUE(found.plan);
  EXPECT_TRUE(found.plan->has_conflict());
}

TEST_F(PreflightTest, WhereNoModelCanBeChosenThereIsNoEngineAndTheRestIsToldAllTheSame) {
  config_.models = {"nobody"};
  host_ = Open();
  engines_ = Engines(&host_->machine);
  vmm_.refuses = {{Errc::kUnsupported, "no such sound card"}};
  const Findings found = Preflight(&host_->machine, &engines_).ForStart(Parse(Xml(1)), Labels());
  EXPECT_FALSE(found.engine);
  EXPECT_TRUE(found.manifest);
  EXPECT_THAT(found.refusals.lasting(), AllOf(Says("no such sound card"), Says("nobody")));
}

TEST_F(PreflightTest, ATypeOfOtherManagersIsJudgedWithoutAHypervisor) {
  const Findings found = preflight_.ForDefinition(Parse(Xml(1, "", "foreign")), Labels());
  EXPECT_EQ(found.hypervisor, nullptr);
  EXPECT_TRUE(found.refusals.empty());
}

TEST_F(PreflightTest, ForLabelsTheHypervisorIsNotAsked) {
  vmm_.refuses = {{Errc::kUnsupported, "no such sound card"}};
  const Domain domain = Parse(Xml(1));
  auto engine = engines_.For(domain, SecurityDrivers::Use::kLook);
  ASSERT_TRUE(engine.ok());
  const Findings found = preflight_.ForLabels(domain, &*engine);
  EXPECT_TRUE(found.refusals.empty());
  EXPECT_EQ(found.hypervisor, nullptr);
}

// What it has already is not judged again.
TEST_F(PreflightTest, ForAChangeOnlyTheHypervisorAndTheLabelsHaveASay) {
  const RunningDomain running = Start(1);
  std::filesystem::remove(Image("vm1.img"));
  auto engine = engines_.ForRunning(running.domain);
  ASSERT_TRUE(engine.ok());
  Domain next = running.domain;
  next.disks.push_back(next.disks.front());
  vmm_.lacks = {{Errc::kNotFound, "its bridge is gone"}};
  EXPECT_TRUE(preflight_.ForChange(running.domain, next, &*engine).refusals.empty());
  vmm_.lacks.clear();
  vmm_.refuses = {{Errc::kUnsupported, "no such bus"}};
  vmm_.refused_disks = next.disks.size();
  EXPECT_THAT(preflight_.ForChange(running.domain, next, &*engine).refusals.lasting(),
              Says("no such bus"));
}

}  // namespace
}  // namespace svirt
