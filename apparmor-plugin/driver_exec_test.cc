// SPDX-License-Identifier: LGPL-2.1-or-later
// What a start and a running process are told and asked, and what people are shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/driver_fixture.h"

namespace svirt::apparmor {
namespace {

using testing::HasSubstr;

using ExecTest = DriverTest;

TEST_F(ExecTest, TheChildChangesProfileAtExec) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  svirt_exec exec{};
  ASSERT_EQ(driver.PrepareExec(domain_.get(), name.c_str(), &exec, &error_), SVIRT_OK);
  ASSERT_EQ(exec.op_count, 1u);
  EXPECT_EQ(exec.op[0].kind, uint32_t{SVIRT_EXEC_PROCATTR});
  EXPECT_STREQ(exec.op[0].attr, "apparmor/exec");
  EXPECT_EQ(std::string(exec.op[0].data, exec.op[0].data_len), "exec " + name);
  exec = {};
  kernel_.own_attributes = false;
  ASSERT_EQ(driver.PrepareExec(domain_.get(), name.c_str(), &exec, &error_), SVIRT_OK);
  EXPECT_STREQ(exec.op[0].attr, "exec");

  exec = {};
  domain_.get().label_type = SVIRT_LABEL_NONE;
  ASSERT_EQ(driver.PrepareExec(domain_.get(), "", &exec, &error_), SVIRT_OK);
  EXPECT_EQ(exec.op_count, 0u);
}

TEST_F(ExecTest, AStaleNameIsNotTheCurrentProfile) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  domain_.Add("/srv/more.img", SVIRT_OBJ_FILE, kRw);
  svirt_exec exec{};
  EXPECT_EQ(driver.PrepareExec(domain_.get(), name.c_str(), &exec, &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("plan the domain again"));
  EXPECT_EQ(exec.op_count, 0u);
}

TEST_F(ExecTest, TheKernelIsAskedAboutTheProcess) {
  const Driver driver = Make();
  const auto ask = [&](const char *label, const char *mode) {
    kernel_.processes[7] = {label, mode};
    domain_.get().pid = 7;
    sdk::LabelState state;
    EXPECT_EQ(driver.GetLabel(domain_.get(), &state, &error_), SVIRT_OK);
    return state.label + (state.enforcing ? " enforced" : " not enforced");
  };
  EXPECT_EQ(ask("p", "enforce"), "p enforced");
  EXPECT_EQ(ask("p", "kill"), "p enforced");
  EXPECT_EQ(ask("p", "complain"), "p not enforced");
  EXPECT_EQ(ask("a//&b", "mixed"), "a//&b not enforced");
  EXPECT_EQ(ask("unconfined", ""), "unconfined not enforced");
  domain_.get().pid = 8;
  sdk::LabelState state;
  EXPECT_EQ(driver.GetLabel(domain_.get(), &state, &error_), SVIRT_E_GONE);
  domain_.get().pid = -1;
  EXPECT_EQ(driver.GetLabel(domain_.get(), &state, &error_), SVIRT_E_INVALID);
}

TEST_F(ExecTest, PlansSayWhatIsGranted) {
  const Driver driver = Make();
  const auto show = [&](const svirt_resource &resource, std::string *note) {
    sdk::ResourcePlan plan;
    EXPECT_EQ(driver.PlanLabel(domain_.get(), resource, &plan, &error_), SVIRT_OK);
    *note = plan.note;
    return (plan.action == SVIRT_PLAN_GRANT ? "grant " : "none ") + plan.label;
  };
  std::string note;
  EXPECT_EQ(show(MakeResource("/srv/x", SVIRT_OBJ_FILE, kRw), &note), "grant rwk");
  EXPECT_EQ(note, "");
  EXPECT_EQ(show(MakeResource("/srv/x", SVIRT_OBJ_DIR, kRw, SVIRT_RES_SUBTREE), &note),
            "grant rw; rwk below");
  show(MakeResource("/dev/ptmx", SVIRT_OBJ_CHAR, kRw), &note);
  EXPECT_THAT(note, HasSubstr("every terminal"));
  show(MakeResource("/srv/x.sock", SVIRT_OBJ_SOCKET, kRw), &note);
  EXPECT_THAT(note, HasSubstr("owner and mode"));
  EXPECT_EQ(show(MakeResource("/srv/x", SVIRT_OBJ_DIR, kRw, 0, SVIRT_RES_HELPER_STATE), &note),
            "none ");
  domain_.get().label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(show(MakeResource("/srv/x", SVIRT_OBJ_FILE, kRw), &note), "none ");
}

TEST_F(ExecTest, DescribesTheProfileItLoads) {
  Local("rules", "/srv/extra r,\n");
  domain_.get().name = "a \"name\"\nwith lines";
  Buffer text(100000);
  ASSERT_EQ(DescribeDomain(TestSettings(), domain_.get(), &text.buf, &error_), SVIRT_OK);
  const std::string name = Generate(Make(), domain_);
  EXPECT_EQ(text.text(), "# domain a \"name\"\\012with lines\nprofile \"" + name +
                             "\" {\n  include <abstractions/svirt>\n"
                             "  \"/srv/disk.img\" rwk,\n  \"/usr/bin/true\" rm,\n"
                             "  /srv/extra r,\n}\n");
  Buffer small(10);
  EXPECT_EQ(DescribeDomain(TestSettings(), domain_.get(), &small.buf, &error_), SVIRT_E_RANGE);
  EXPECT_EQ(small.buf.used, text.buf.used);
  domain_.get().label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(DescribeDomain(TestSettings(), domain_.get(), &text.buf, &error_), SVIRT_E_NODATA);
}

}  // namespace
}  // namespace svirt::apparmor
