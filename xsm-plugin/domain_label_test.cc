// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels of domains are read, changed and verified, and every failure is an error.
#include "domain_label.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "flask_classes.h"
#include "testing/fake_xen.h"

namespace svirt::flask {
namespace {

using testing::HasSubstr;

constexpr const char *kBuilt = "system_u:system_r:nomigrate_t_building";
constexpr const char *kRunning = "system_u:system_r:nomigrate_t";

class DomainLabelTest : public testing::Test {
 protected:
  DomainLabelTest() {
    domain_.id = 5;
    xen_.domains[5] = kBuilt;
  }
  svirt_status Set(const char *label) { return SetDomainLabel(&xen_, domain_, label, &error_); }

  FakeXen xen_;
  svirt_domain domain_ = MakeDomain();
  Error error_;
};

TEST_F(DomainLabelTest, LabelIsReadFromTheHypervisor) {
  std::string label;
  bool enforcing = false;
  ASSERT_EQ(GetDomainLabel(&xen_, domain_, &label, &enforcing, &error_), SVIRT_OK);
  EXPECT_EQ(label, kBuilt);
  EXPECT_TRUE(enforcing);
  domain_.id = 6;
  EXPECT_EQ(GetDomainLabel(&xen_, domain_, &label, &enforcing, &error_), SVIRT_E_GONE);
  domain_.id = -1;
  EXPECT_EQ(GetDomainLabel(&xen_, domain_, &label, &enforcing, &error_), SVIRT_E_GONE);
}

TEST_F(DomainLabelTest, BuiltDomainIsMovedAndReadBack) {
  ASSERT_EQ(Set(kRunning), SVIRT_OK) << error_.message;
  EXPECT_EQ(xen_.domains[5], kRunning);
  // Idempotent: a domain that has its label is left alone.
  xen_.errnos["RelabelDomain"] = EACCES;
  EXPECT_EQ(Set(kRunning), SVIRT_OK);
}

TEST_F(DomainLabelTest, WithoutADomainTheLabelIsCheckedAlone) {
  domain_.id = -1;
  EXPECT_EQ(Set(kRunning), SVIRT_OK);
  EXPECT_EQ(Set("system_u:system_r:nowhere_t"), SVIRT_E_INVALID);
}

TEST_F(DomainLabelTest, ADomainThatIsGoneIsAnError) {
  domain_.id = 6;
  EXPECT_EQ(Set(kRunning), SVIRT_E_GONE);
}

TEST_F(DomainLabelTest, DenialsNameTheMissingRule) {
  xen_.errnos["RelabelDomain"] = EACCES;
  const struct {
    uint16_t security_class;
    uint32_t permission;
    const char *rule;
  } kRows[] = {
      {kClassDomain2, kDomain2RelabelFrom,
       "domain2 relabelfrom of system_u:system_r:dom0_t to system_u:system_r:nomigrate_t_building"},
      {kClassDomain2, kDomain2RelabelTo,
       "domain2 relabelto of system_u:system_r:dom0_t to system_u:system_r:nomigrate_t"},
      {kClassDomain, kDomainTransition, "domain transition of system_u:system_r:nomigrate_t_"}};
  for (const auto &row : kRows) {
    xen_.denied = {{row.security_class, row.permission}};
    EXPECT_EQ(Set(kRunning), SVIRT_E_DENIED);
    EXPECT_THAT(error_.text(), HasSubstr(row.rule));
    EXPECT_EQ(xen_.domains[5], kBuilt);
  }
}

// The hypervisor says yes, and the domain has another label all the same.
TEST_F(DomainLabelTest, AMismatchIsAnError) {
  for (const char *seen : {kBuilt, "system_u:system_r:domU_t", "system_u:system_r:unlabeled_t"}) {
    xen_.domains[5] = kBuilt;
    xen_.types.insert("unlabeled_t");
    xen_.relabel = [&](uint32_t domid) { xen_.domains[domid] = seen; };
    EXPECT_EQ(Set(kRunning), SVIRT_E_DENIED) << seen;
    EXPECT_THAT(error_.text(), HasSubstr("must not run"));
  }
}

// Between the check of a label and its use another policy is loaded, under which its SID is that of
// something else.
TEST_F(DomainLabelTest, SidsOfAnEarlierPolicyAreNoticed) {
  xen_.types.insert("unlabeled_t");
  xen_.before = [&](const std::string &name) {
    if (name == "RelabelDomain") {
      xen_.Reload();
    }
  };
  EXPECT_EQ(Set(kRunning), SVIRT_E_DENIED);
  EXPECT_THAT(error_.text(), HasSubstr("another policy"));
  // And one loaded at any earlier point does no harm, for SIDs are not kept.
  xen_.before = nullptr;
  xen_.domains[5] = kBuilt;
  xen_.Reload();
  EXPECT_EQ(Set(kRunning), SVIRT_OK) << error_.message;
  EXPECT_EQ(xen_.domains[5], kRunning);
}

TEST_F(DomainLabelTest, TheControlDomainMustBeAbleToMakeIt) {
  EXPECT_EQ(CheckCreate(&xen_, kRunning, &error_), SVIRT_OK) << error_.message;
  xen_.denied = {{kClassDomain, kDomainCreate}};
  EXPECT_EQ(CheckCreate(&xen_, kRunning, &error_), SVIRT_E_DENIED);
  EXPECT_THAT(error_.text(), HasSubstr("domain create"));
  xen_.enforcing = false;
  EXPECT_EQ(CheckCreate(&xen_, kRunning, &error_), SVIRT_OK);
  EXPECT_EQ(CheckCreate(&xen_, "x", &error_), SVIRT_E_INVALID);
}

}  // namespace
}  // namespace svirt::flask
