// SPDX-License-Identifier: LGPL-2.1-or-later
// PCI devices are labelled and freed in all their parts, also when one of them fails.
#include "resource_label.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "testing/fake_xen.h"

namespace svirt::flask {
namespace {

using testing::HasSubstr;

constexpr const char *kDevice = "user_1:object_r:nic_dev_t";

class ResourceLabelTest : public testing::Test {
 protected:
  ResourceLabelTest() {
    resource_.struct_size = sizeof resource_;
    resource_.kind = SVIRT_RES_HOSTDEV;
    resource_.fd = 7;
    resource_.path = "/sys/bus/pci/devices/0000:03:00.0";
    domain_.image_label = kDevice;
  }
  svirt_status Set(const char *label) {
    return SetResourceLabel(&xen_, resource_,
                            label != nullptr ? std::optional<std::string>(label) : std::nullopt,
                            &error_);
  }
  svirt_status Plan() { return PlanLabel(&xen_, domain_, resource_, &plan_, &error_); }

  FakeXen xen_;
  svirt_domain domain_ = MakeDomain();
  svirt_resource resource_{};
  sdk::ResourcePlan plan_;
  Error error_;
};

TEST_F(ResourceLabelTest, PciDevicesGetTheDomainsLabel) {
  ASSERT_EQ(Plan(), SVIRT_OK) << error_.message;
  EXPECT_EQ(plan_.action, static_cast<uint32_t>(SVIRT_PLAN_SET));
  EXPECT_EQ(plan_.flags, SVIRT_PLAN_EXCLUSIVE);
  EXPECT_EQ(plan_.label, kDevice);
}

TEST_F(ResourceLabelTest, TheOwnersLabelComesFirst) {
  resource_.override_label = "system_u:object_r:nic_dev_t";
  ASSERT_EQ(Plan(), SVIRT_OK);
  EXPECT_EQ(plan_.label, "system_u:object_r:nic_dev_t");
  resource_.override_label = "system_u:object_r:nowhere_t";
  EXPECT_EQ(Plan(), SVIRT_E_INVALID);
  resource_.override_label = "system_u:object_r:nic_dev_t";
  resource_.path = "/dev/sda";
  EXPECT_EQ(Plan(), SVIRT_E_INVALID) << "a label that would do nothing is refused";
}

TEST_F(ResourceLabelTest, EverythingElseBelongsToTheKernelsModel) {
  for (const char *path :
       {"/dev/vfio/12", "/var/lib/disk.img", "/sys/bus/pci/devices/", "/sys/bus/pci/devices/x",
        "/sys/bus/pci/devices/0000:03:00.0/driver", "/sys/bus/pci/devices/0000:03:20.0"}) {
    resource_.path = path;
    ASSERT_EQ(Plan(), SVIRT_OK);
    EXPECT_EQ(plan_.action, static_cast<uint32_t>(SVIRT_PLAN_NONE)) << path;
  }
  resource_.path = "/sys/bus/pci/devices/0000:03:00.0";
  resource_.kind = SVIRT_RES_DISK;
  ASSERT_EQ(Plan(), SVIRT_OK);
  EXPECT_EQ(plan_.action, static_cast<uint32_t>(SVIRT_PLAN_NONE));
}

TEST_F(ResourceLabelTest, ADeviceWithoutALabelIsRefusedUnlessAskedFor) {
  domain_.image_label = "";
  EXPECT_EQ(Plan(), SVIRT_E_INVALID);
  EXPECT_THAT(error_.text(), HasSubstr("nic_dev_t"));
  domain_.label_type = SVIRT_LABEL_NONE;
  ASSERT_EQ(Plan(), SVIRT_OK);
  EXPECT_EQ(plan_.action, static_cast<uint32_t>(SVIRT_PLAN_NONE));
}

TEST_F(ResourceLabelTest, AllPartsAreLabelledAndFreed) {
  ASSERT_EQ(Set(kDevice), SVIRT_OK) << error_.message;
  ASSERT_EQ(xen_.hardware.size(), 5U);
  EXPECT_EQ(xen_.hardware[0].kind, Hardware::kPciDevice);
  EXPECT_EQ(xen_.hardware[0].first, 0x0300U);
  EXPECT_EQ(xen_.hardware[1].kind, Hardware::kIrq);
  EXPECT_EQ(xen_.hardware[1].first, 17U);
  EXPECT_EQ(xen_.hardware[2].kind, Hardware::kIoPorts);
  EXPECT_EQ(xen_.hardware[2].last, 0xc01fU);
  EXPECT_EQ(xen_.hardware[3].kind, Hardware::kIoMemory);
  for (const auto &each : xen_.hardware) {
    EXPECT_EQ(each.context, kDevice);
  }
  ASSERT_EQ(Set(nullptr), SVIRT_OK) << error_.message;
  EXPECT_TRUE(xen_.hardware.empty());
  EXPECT_EQ(Set(nullptr), SVIRT_OK) << "what has none is free";
}

// The hypervisor keeps a second entry for the device and its interrupt.
TEST_F(ResourceLabelTest, LabellingTwiceIsUndoneOnce) {
  ASSERT_EQ(Set(kDevice), SVIRT_OK);
  ASSERT_EQ(Set(kDevice), SVIRT_OK);
  EXPECT_EQ(xen_.hardware.size(), 7U);
  ASSERT_EQ(Set(nullptr), SVIRT_OK);
  EXPECT_TRUE(xen_.hardware.empty());
}

TEST_F(ResourceLabelTest, AFailingPartFreesThoseBeforeIt) {
  for (int part = 0; part < 5; ++part) {
    FakeXen xen;
    int count = 0;
    xen.before = [&](const std::string &name) {
      if (name == "AddHardware" && count++ == part) {
        xen.errnos["AddHardware"] = ENOMEM;
      }
    };
    EXPECT_EQ(SetResourceLabel(&xen, resource_, kDevice, &error_), SVIRT_E_SYSTEM) << part;
    EXPECT_TRUE(xen.hardware.empty()) << part;
    EXPECT_EQ(count, part + 1);
  }
}

TEST_F(ResourceLabelTest, AnothersDeviceIsRefused) {
  xen_.hardware = {{Hardware::kIrq, 17, 17, "user_2:object_r:nic_dev_t"}};
  EXPECT_EQ(Set(kDevice), SVIRT_E_DENIED);
  EXPECT_THAT(error_.text(), HasSubstr("its interrupt 17 has another label already"));
  ASSERT_EQ(xen_.hardware.size(), 1U);
  EXPECT_EQ(xen_.hardware[0].context, "user_2:object_r:nic_dev_t");
  xen_.hardware = {{Hardware::kIoMemory, 0xfebd0, 0xfebff, "user_2:object_r:nic_dev_t"}};
  EXPECT_EQ(Set(kDevice), SVIRT_E_DENIED);
  EXPECT_THAT(error_.text(), HasSubstr("memory pages 0xfebc0-0xfebdf"));
}

TEST_F(ResourceLabelTest, WhatCannotBeFreedIsToldAndTheRestIsFreed) {
  ASSERT_EQ(Set(kDevice), SVIRT_OK);
  bool first = true;
  xen_.before = [&](const std::string &name) {
    xen_.errnos.clear();
    if (name == "RemoveHardware" && first) {
      xen_.errnos[name] = EACCES;
      first = false;
    }
  };
  EXPECT_EQ(Set(nullptr), SVIRT_E_DENIED);
  EXPECT_THAT(error_.text(), HasSubstr("the device"));
  ASSERT_EQ(xen_.hardware.size(), 1U);
  EXPECT_EQ(xen_.hardware[0].kind, Hardware::kPciDevice);
}

TEST_F(ResourceLabelTest, OnlyOpenPciDevicesHaveLabels) {
  xen_.pci_errno = ENODEV;
  EXPECT_EQ(Set(kDevice), SVIRT_E_NOTSUP);
  xen_.pci_errno = EPROTO;
  EXPECT_EQ(Set(kDevice), SVIRT_E_SYSTEM);
  resource_.fd = -1;
  EXPECT_EQ(Set(kDevice), SVIRT_E_INVALID);
  EXPECT_TRUE(xen_.hardware.empty());
}

TEST_F(ResourceLabelTest, LabelsThePolicyLacksAreRefused) {
  EXPECT_EQ(Set("system_u:object_r:nowhere_t"), SVIRT_E_INVALID);
  EXPECT_TRUE(xen_.hardware.empty());
  // It was there when it was checked.
  xen_.before = [&](const std::string &name) {
    if (name == "AddHardware") {
      xen_.types.erase("nic_dev_t");
    }
  };
  EXPECT_EQ(Set(kDevice), SVIRT_E_INVALID);
}

}  // namespace
}  // namespace svirt::flask
