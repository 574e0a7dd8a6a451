// SPDX-License-Identifier: LGPL-2.1-or-later
// Every state of the hypervisor has its answer and its reason.
#include "probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "testing/fake_xen.h"

namespace svirt::flask {
namespace {

using testing::HasSubstr;

struct Case {
  const char *name;
  std::function<void(FakeXen *)> change;
  svirt_status status;
  const char *reason;
};

const Case kCases[] = {
    {"Active", [](FakeXen *) {}, SVIRT_OK,
     "domains run as system_u:system_r:domU_t; its policy has users of role vm_r"},
    {"Categories", [](FakeXen *xen) { xen->has_mls = xen->categories_matter = true; }, SVIRT_OK,
     "domains run as system_u:system_r:domU_t:s0; its policy has categories"},
    {"Indistinct", [](FakeXen *xen) { xen->users_matter = false; }, SVIRT_OK,
     "nothing that keeps domains apart"},
    {"Permissive", [](FakeXen *xen) { xen->enforcing = false; }, SVIRT_OK, "permissive"},
    {"NoXen", [](FakeXen *xen) { xen->machine = {}; }, SVIRT_INACTIVE, "does not run under Xen"},
    {"Guest", [](FakeXen *xen) { xen->machine.is_control = false; }, SVIRT_INACTIVE,
     "a guest of Xen"},
    {"NoDevice", [](FakeXen *xen) { xen->open_errno = ENOENT; }, SVIRT_INACTIVE, "xen-privcmd"},
    {"NoPrivilege", [](FakeXen *xen) { xen->open_errno = EACCES; }, SVIRT_E_DENIED, "as root"},
    {"NoMemory", [](FakeXen *xen) { xen->open_errno = ENOMEM; }, SVIRT_E_SYSTEM, "memory"},
    {"NotBuiltIn",
     [](FakeXen *xen) {
       xen->is_active = false;
       xen->config = "# CONFIG_XSM is not set\n#CONFIG_XSM_FLASK=y\n";
     },
     SVIRT_INACTIVE, "Xen 4.17.7, has FLASK not built in"},
    {"BuiltInButNotActive", [](FakeXen *xen) { xen->is_active = false; }, SVIRT_INACTIVE,
     "built in, but it is not the active security module: boot with xsm=flask flask=enforcing and "
     "a policy (now the command line is 'console=com1')"},
    {"NoCommandLine",
     [](FakeXen *xen) {
       xen->is_active = false;
       xen->command_line.reset();
     },
     SVIRT_INACTIVE, "flask=enforcing and a policy"},
    {"NotToldWhy",
     [](FakeXen *xen) {
       xen->is_active = false;
       xen->config.reset();
     },
     SVIRT_INACTIVE, "either it is not built in (CONFIG_XSM_FLASK)"},
    {"NoPolicy", [](FakeXen *xen) { xen->has_policy = false; }, SVIRT_INACTIVE, "has no policy"},
    {"NoBaseLabel", [](FakeXen *xen) { xen->types.erase("domU_t"); }, SVIRT_INACTIVE,
     "no context system_u:system_r:domU_t"},
    {"MayNotAsk", [](FakeXen *xen) { xen->errnos["SidToContext"] = EACCES; }, SVIRT_E_DENIED,
     "xl dmesg"},
    {"BrokenEnforcing", [](FakeXen *xen) { xen->errnos["Enforcing"] = EFAULT; }, SVIRT_E_SYSTEM,
     "whether it enforces"},
    {"BrokenAnswer", [](FakeXen *xen) { xen->raw_context = [](char *, uint32_t) { return 0; }; },
     SVIRT_E_SYSTEM, "means nothing"},
};

class ProbeTest : public testing::TestWithParam<Case> {};

TEST_P(ProbeTest, EachAnswerHasItsReason) {
  FakeXen xen;
  GetParam().change(&xen);
  Error reason;
  EXPECT_EQ(Probe(&xen, "xen", &reason), GetParam().status);
  EXPECT_THAT(reason.text(), HasSubstr(GetParam().reason));
  EXPECT_TRUE(xen.hardware.empty());
}

INSTANTIATE_TEST_SUITE_P(All, ProbeTest, testing::ValuesIn(kCases),
                         [](const auto &info) { return info.param.name; });

TEST(ProbeTypesTest, OtherHypervisorsAreNotForIt) {
  for (const char *type : {"kvm", "qemu", "", "xenon", "no-such"}) {
    FakeXen xen;
    Error reason;
    EXPECT_EQ(Probe(&xen, type, &reason), SVIRT_INACTIVE) << type;
    EXPECT_THAT(reason.text(), HasSubstr("domains of the Xen hypervisor"));
    EXPECT_EQ(xen.calls, 0) << "it costs nothing";
  }
  FakeXen xen;
  xen.machine = {};
  Error reason;
  EXPECT_EQ(Probe(&xen, nullptr, &reason), SVIRT_INACTIVE);
  EXPECT_EQ(xen.calls, 0) << "nor does it where there is no Xen";
}

TEST(GetModelTest, TellsWhatIsLoaded) {
  FakeXen xen;
  svirt_model model{};
  model.struct_size = sizeof model;
  Error error;
  ASSERT_EQ(GetModel(&xen, "xen", &model, &error), SVIRT_OK) << error.message;
  EXPECT_STREQ(model.model, "flask");
  EXPECT_EQ(model.flags, SVIRT_MODEL_OBJECT);
  EXPECT_EQ(model.enforcing, 1);
  EXPECT_EQ(model.policy_version, 30U);
  EXPECT_STREQ(model.base_label, "system_u:system_r:domU_t");
  EXPECT_STREQ(model.doi, "");
  EXPECT_STREQ(model.policy_type, "");
  xen.has_mls = true;
  xen.enforcing = false;
  ASSERT_EQ(GetModel(&xen, "xen-dm", &model, &error), SVIRT_OK);
  EXPECT_STREQ(model.base_label, "system_u:system_r:dm_dom_t:s0");
  EXPECT_STREQ(model.policy_type, "mls");
  EXPECT_EQ(model.enforcing, 0);
  ASSERT_EQ(GetModel(&xen, "kvm", &model, &error), SVIRT_OK);
  EXPECT_STREQ(model.base_label, "");
}

}  // namespace
}  // namespace svirt::flask
