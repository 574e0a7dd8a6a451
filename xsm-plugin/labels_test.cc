// SPDX-License-Identifier: LGPL-2.1-or-later
// Which label a domain, its devices and its building get, and which labels are refused.
#include "labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "label_space.h"
#include "testing/fake_xen.h"

namespace svirt::flask {
namespace {

using testing::HasSubstr;

constexpr const char *kGuest = "system_u:system_r:domU_t";

class LabelsTest : public testing::Test {
 protected:
  svirt_status Generate(const svirt_domain &domain, uint64_t index, bool may_share = false) {
    return GenerateLabels(&xen_, domain, index, may_share, &labels_, &error_);
  }

  FakeXen xen_;
  DomainLabels labels_{"as it was", "as it was"};
  Error error_;
};

TEST_F(LabelsTest, BaseLabelsAreThoseOfTheKindWhereThePolicyHasThem) {
  const auto base = [&](const char *virt_type) {
    Context context;
    EXPECT_EQ(FindBaseLabel(&xen_, virt_type, &context), 0) << virt_type;
    return sdk::FormatContext(context);
  };
  EXPECT_EQ(base("xen"), kGuest);
  EXPECT_EQ(base(nullptr), kGuest);
  EXPECT_EQ(base("xen-hvm"), kGuest);
  EXPECT_EQ(base("xen-dm"), "system_u:system_r:dm_dom_t");
  xen_.types.insert("domHVM_t");
  EXPECT_EQ(base("xen-hvm"), "system_u:system_r:domHVM_t");
  EXPECT_EQ(base("xen-pv"), kGuest);
  xen_.has_mls = true;
  EXPECT_EQ(base("xen"), "system_u:system_r:domU_t:s0");
  xen_.types.erase("domU_t");
  Context context;
  EXPECT_EQ(FindBaseLabel(&xen_, "xen", &context), EINVAL);
}

TEST_F(LabelsTest, DynamicLabelsHaveTheUserOrThePair) {
  ASSERT_EQ(Generate(MakeDomain(), kFirstUserIndex + 2), SVIRT_OK) << error_.message;
  EXPECT_EQ(labels_.process, "user_2:vm_r:domU_t");
  EXPECT_EQ(labels_.image, "user_2:object_r:nic_dev_t");
  xen_.has_mls = true;
  ASSERT_EQ(Generate(MakeDomain(), kFirstPairIndex), SVIRT_OK) << error_.message;
  EXPECT_EQ(labels_.process, "system_u:system_r:domU_t:s0:c0,c1");
  EXPECT_EQ(labels_.image, "system_u:object_r:nic_dev_t:s0:c0,c1");
}

TEST_F(LabelsTest, TheSharedLabelIsForThoseWhoMayShare) {
  EXPECT_EQ(Generate(MakeDomain(), kSharedIndex), SVIRT_E_INVALID);
  EXPECT_EQ(labels_.process, "as it was");
  EXPECT_EQ(Generate(MakeDomain(), kSharedIndex, true), SVIRT_OK);
  EXPECT_EQ(labels_.process, kGuest);
}

// The policy was changed between the reservation of an index and the label.
TEST_F(LabelsTest, IndexesOfAnotherPolicyAreRefused) {
  for (const uint64_t index : {kFirstPairIndex, kFirstUserIndex + 4, kFirstUserIndex + kMaxUsers}) {
    EXPECT_EQ(Generate(MakeDomain(), index), SVIRT_E_INVALID) << index;
    EXPECT_EQ(labels_.process, "as it was");
    EXPECT_NE(error_.text(), "");
  }
}

TEST_F(LabelsTest, BaseLabelsGiveTheTypeAlone) {
  svirt_domain domain = MakeDomain();
  for (const char *base : {"dm_dom_t", "user_3:vm_r:dm_dom_t", "system_u:object_r:dm_dom_t"}) {
    domain.base_label = base;
    ASSERT_EQ(Generate(domain, kFirstUserIndex + 1), SVIRT_OK) << error_.message;
    EXPECT_EQ(labels_.process, "user_1:vm_r:dm_dom_t");
  }
  for (const char *base : {"nowhere_t", "a:b", "domU_t extra", "domU_t:s0", "user_1:vm_r:x_t"}) {
    domain.base_label = base;
    EXPECT_EQ(Generate(domain, kFirstUserIndex + 1), SVIRT_E_INVALID) << base;
    EXPECT_EQ(VerifyDomain(&xen_, domain, &error_), SVIRT_E_INVALID) << base;
  }
}

TEST_F(LabelsTest, StaticLabelsAreTakenAsTheyAre) {
  svirt_domain domain = MakeDomain(SVIRT_LABEL_STATIC);
  domain.label = "user_3:vm_r:domU_t";
  ASSERT_EQ(VerifyDomain(&xen_, domain, &error_), SVIRT_OK) << error_.message;
  ASSERT_EQ(Generate(domain, 0), SVIRT_OK) << error_.message;
  EXPECT_EQ(labels_.process, "user_3:vm_r:domU_t");
  xen_.types.erase("nic_dev_t");
  ASSERT_EQ(Generate(domain, 0), SVIRT_OK) << error_.message;
  EXPECT_EQ(labels_.image, "") << "the policy has no type for devices";
  for (const char *label :
       {static_cast<const char *>(nullptr), "", "user_4:vm_r:domU_t", "domU_t"}) {
    domain.label = label;
    EXPECT_EQ(Generate(domain, 0), SVIRT_E_INVALID);
    EXPECT_EQ(VerifyDomain(&xen_, domain, &error_), SVIRT_E_INVALID);
    EXPECT_NE(error_.text(), "");
  }
  domain.label = "system_u:object_r:domU_t";
  EXPECT_EQ(VerifyDomain(&xen_, domain, &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.text(), HasSubstr("one of a device"));
}

TEST_F(LabelsTest, NoneIsNoLabel) {
  ASSERT_EQ(Generate(MakeDomain(SVIRT_LABEL_NONE), 0), SVIRT_OK);
  EXPECT_EQ(labels_.process, "");
  EXPECT_EQ(labels_.image, "");
  EXPECT_EQ(Generate(MakeDomain(77), 0), SVIRT_E_INVALID);
}

TEST_F(LabelsTest, LabelsOfResourcesAreChecked) {
  svirt_resource resource{};
  resource.struct_size = sizeof resource;
  resource.path = "/sys/bus/pci/devices/0000:03:00.0";
  resource.override_label = "system_u:object_r:nic_dev_t";
  svirt_domain domain = MakeDomain();
  domain.resources = &resource;
  domain.resource_count = 1;
  domain.resource_size = sizeof resource;
  EXPECT_EQ(VerifyDomain(&xen_, domain, &error_), SVIRT_OK);
  resource.override_label = "system_u:object_r:nowhere_t";
  EXPECT_EQ(VerifyDomain(&xen_, domain, &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.text(), HasSubstr("0000:03:00.0"));
}

// A label that is valid when the domain is defined may be none when it starts.
TEST_F(LabelsTest, ValidityIsAskedEachTime) {
  svirt_domain domain = MakeDomain(SVIRT_LABEL_STATIC);
  domain.label = kGuest;
  EXPECT_EQ(VerifyDomain(&xen_, domain, &error_), SVIRT_OK);
  xen_.Reload();
  EXPECT_EQ(VerifyDomain(&xen_, domain, &error_), SVIRT_OK) << "other SIDs, the same labels";
  xen_.types.erase("domU_t");
  xen_.Reload();
  EXPECT_EQ(VerifyDomain(&xen_, domain, &error_), SVIRT_E_INVALID);
}

TEST_F(LabelsTest, BuildLabelsAreThePolicys) {
  std::string label;
  EXPECT_EQ(FindBuildLabel(&xen_, "system_u:system_r:nomigrate_t", &label, &error_), SVIRT_OK);
  EXPECT_EQ(label, "system_u:system_r:nomigrate_t_building");
  EXPECT_EQ(FindBuildLabel(&xen_, kGuest, &label, &error_), SVIRT_OK);
  EXPECT_EQ(label, kGuest);
  // One that has no room for the longer type is built as it is.
  const std::string type(SVIRT_LABEL_MAX - std::string("system_u:system_r:").size(), 't');
  xen_.types.insert(type);
  EXPECT_EQ(FindBuildLabel(&xen_, ("system_u:system_r:" + type).c_str(), &label, &error_),
            SVIRT_OK);
  EXPECT_EQ(label.size(), size_t{SVIRT_LABEL_MAX});
  EXPECT_EQ(FindBuildLabel(&xen_, "x", &label, &error_), SVIRT_E_INVALID);
}

}  // namespace
}  // namespace svirt::flask
