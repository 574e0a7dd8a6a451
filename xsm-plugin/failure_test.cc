// SPDX-License-Identifier: LGPL-2.1-or-later
// Every call to the hypervisor fails once, in everything the plugin does: no operation that has
// lost an answer may pass for one that succeeded.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "access.h"
#include "domain_label.h"
#include "label_space.h"
#include "labels.h"
#include "probe.h"
#include "resource_label.h"
#include "testing/fake_xen.h"

namespace svirt::flask {
namespace {

struct Operation {
  const char *name;
  std::function<svirt_status(FakeXen *, svirt_error *)> run;
  bool has_mls = false;
};

svirt_domain BuiltDomain() {
  svirt_domain domain = MakeDomain();
  domain.id = 5;
  return domain;
}

svirt_resource Device() {
  svirt_resource resource{};
  resource.struct_size = sizeof resource;
  resource.kind = SVIRT_RES_HOSTDEV;
  resource.fd = 7;
  resource.path = "/sys/bus/pci/devices/0000:03:00.0";
  return resource;
}

svirt_status Space(FakeXen *xen, svirt_error *error) {
  std::vector<svirt_index_run> runs;
  const svirt_status status = AvailableIndexes(xen, MakeDomain(), false, &runs, error);
  EXPECT_EQ(runs.empty(), status != SVIRT_OK);
  return status;
}

svirt_status Generate(FakeXen *xen, uint64_t index, svirt_error *error) {
  DomainLabels labels{"as it was", "as it was"};
  const svirt_status status = GenerateLabels(xen, MakeDomain(), index, false, &labels, error);
  EXPECT_EQ(labels.process == "as it was", status != SVIRT_OK);
  EXPECT_EQ(labels.image == "as it was", status != SVIRT_OK);
  return status;
}

const Operation kOperations[] = {
    {"Probe", [](FakeXen *xen, svirt_error *error) { return Probe(xen, "xen", error); }},
    {"ProbeMls", [](FakeXen *xen, svirt_error *error) { return Probe(xen, "xen", error); }, true},
    {"GetModel",
     [](FakeXen *xen, svirt_error *error) {
       svirt_model model{};
       model.struct_size = sizeof model;
       return GetModel(xen, "xen", &model, error);
     }},
    {"SpaceOfUsers", Space},
    {"SpaceOfCategories", Space, true},
    {"GenerateUser",
     [](FakeXen *xen, svirt_error *error) { return Generate(xen, kFirstUserIndex + 1, error); }},
    {"GeneratePair",
     [](FakeXen *xen, svirt_error *error) { return Generate(xen, kFirstPairIndex, error); }, true},
    {"Verify",
     [](FakeXen *xen, svirt_error *error) {
       svirt_domain domain = MakeDomain(SVIRT_LABEL_STATIC);
       domain.label = "user_1:vm_r:domU_t";
       domain.base_label = "dm_dom_t";
       return VerifyDomain(xen, domain, error);
     }},
    {"GetLabel",
     [](FakeXen *xen, svirt_error *error) {
       std::string label;
       bool enforcing = false;
       return GetDomainLabel(xen, BuiltDomain(), &label, &enforcing, error);
     }},
    {"SetLabel",
     [](FakeXen *xen, svirt_error *error) {
       return SetDomainLabel(xen, BuiltDomain(), "user_1:vm_r:domU_t", error);
     }},
    {"CheckCreate",
     [](FakeXen *xen, svirt_error *error) {
       return CheckCreate(xen, "user_1:vm_r:domU_t", error);
     }},
    {"BuildLabel",
     [](FakeXen *xen, svirt_error *error) {
       std::string label;
       return FindBuildLabel(xen, "user_1:vm_r:domU_t", &label, error);
     }},
    {"Access",
     [](FakeXen *xen, svirt_error *error) {
       uint32_t may = 0x5a;
       const svirt_status status =
           AskAccess(xen, "user_1:vm_r:domU_t", "user_2:vm_r:domU_t", &may, error);
       EXPECT_EQ(may == 0x5a, status != SVIRT_OK);
       return status;
     }},
    {"PlanDevice",
     [](FakeXen *xen, svirt_error *error) {
       svirt_resource resource = Device();
       resource.override_label = "user_1:object_r:nic_dev_t";
       sdk::ResourcePlan plan;
       return PlanLabel(xen, MakeDomain(), resource, &plan, error);
     }},
    {"SetDevice",
     [](FakeXen *xen, svirt_error *error) {
       const svirt_status status =
           SetResourceLabel(xen, Device(), "user_1:object_r:nic_dev_t", error);
       EXPECT_EQ(xen->hardware.empty(), status != SVIRT_OK);
       return status;
     }},
    {"FreeDevice",
     [](FakeXen *xen, svirt_error *error) {
       xen->hardware = {{Hardware::kPciDevice, 0x0300, 0x0300, "user_1:object_r:nic_dev_t"}};
       return SetResourceLabel(xen, Device(), std::nullopt, error);
     }},
};

class FailureTest : public testing::TestWithParam<Operation> {};

TEST_P(FailureTest, NoFailureIsLost) {
  for (const int errnum : {EACCES, ENOBUFS, ENOSYS, EIO}) {
    int failures = 0;
    for (bool done = false; !done; ++failures) {
      FakeXen xen;
      xen.has_mls = xen.categories_matter = GetParam().has_mls;
      xen.domains[5] = "system_u:system_r:domU_t";
      xen.calls_to_failure = failures;
      xen.failure = errnum;
      Error error;
      const svirt_status status = GetParam().run(&xen, &error);
      done = !xen.has_failed;
      ASSERT_LT(failures, 5000);
      if (done) {
        EXPECT_EQ(status, SVIRT_OK) << error.message;
      } else {
        EXPECT_NE(status, SVIRT_OK) << "errno " << errnum << " of call " << failures;
        EXPECT_NE(error.text(), "");
      }
    }
    EXPECT_GT(failures, 1) << "the operation asks the hypervisor nothing";
  }
}

INSTANTIATE_TEST_SUITE_P(All, FailureTest, testing::ValuesIn(kOperations),
                         [](const auto &info) { return info.param.name; });

}  // namespace
}  // namespace svirt::flask
