// SPDX-License-Identifier: LGPL-2.1-or-later
// Recipes are made, missing rules are named, and labels of processes are read whole.
#include "exec_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "plugin_fixture.h"
#include "testing/fake_selinux.h"

namespace svirt::selinux {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr char kLabel[] = "system_u:system_r:svirt_t:s0:c1,c2";

class ExecCheckTest : public testing::Test {
 protected:
  ExecCheckTest() {
    error_.struct_size = sizeof error_;
    exec_.struct_size = sizeof exec_;
    domain_.struct_size = sizeof domain_;
    domain_.label_type = SVIRT_LABEL_DYNAMIC;
    domain_.virt_type = "kvm";
    domain_.emulator = "/usr/bin/qemu-system-x86_64";
  }
  svirt_status Prepare() {
    return PrepareExec(&api_, host_.get(), domain_, kLabel, &exec_, &error_);
  }
  std::string Refusal(const FakeSelinux::Rule &missing) {
    api_.denied = {missing};
    exec_.op_count = 0;
    EXPECT_EQ(Prepare(), SVIRT_E_DENIED);
    EXPECT_EQ(exec_.op_count, 0U);
    return error_.message;
  }

  FakeSelinux api_;
  sdk::FakeHost host_;
  svirt_error error_{};
  svirt_exec exec_{};
  svirt_domain domain_{};
};

TEST_F(ExecCheckTest, RecipeWritesTheLabelToAttrExec) {
  ASSERT_EQ(Prepare(), SVIRT_OK) << error_.message;
  ASSERT_EQ(exec_.op_count, 1U);
  EXPECT_EQ(exec_.op[0].kind, static_cast<uint32_t>(SVIRT_EXEC_PROCATTR));
  EXPECT_STREQ(exec_.op[0].attr, "exec");
  EXPECT_STREQ(exec_.op[0].data, kLabel);
  EXPECT_EQ(exec_.op[0].data_len, sizeof kLabel);
}

TEST_F(ExecCheckTest, NoLabelIsOnlyForDomainsThatWantNone) {
  EXPECT_EQ(PrepareExec(&api_, host_.get(), domain_, "", &exec_, &error_), SVIRT_E_INVALID);
  domain_.label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(PrepareExec(&api_, host_.get(), domain_, "", &exec_, &error_), SVIRT_OK);
  EXPECT_EQ(exec_.op_count, 0U);
}

TEST_F(ExecCheckTest, LauncherThatMayNotTransitionIsToldHow) {
  api_.own = "system_u:system_r:initrc_t:s0";
  const std::string why = Refusal({"initrc_t", "svirt_t", "process", "transition"});
  EXPECT_THAT(why, HasSubstr("allow initrc_t svirt_t:process transition;"));
  EXPECT_THAT(why, HasSubstr("virtd_exec_t"));
}

TEST_F(ExecCheckTest, RangeThatDoesNotReachIsNotTakenForAMissingRule) {
  api_.own = "system_u:system_r:virtd_t:s0:c5,c6";
  class Constrained : public FakeSelinux {
   public:
    int Access(const std::string &source, const std::string &target, const char *security_class,
               const std::vector<const char *> &permissions, AccessAnswer *answer) override {
      const int errnum = FakeSelinux::Access(source, target, security_class, permissions, answer);
      if (std::string(permissions.front()) == "transition" &&
          target.find("c1,c2") != std::string::npos) {
        answer->allowed = false;
      }
      return errnum;
    }
  } api;
  api.own = api_.own;
  EXPECT_EQ(PrepareExec(&api, host_.get(), domain_, kLabel, &exec_, &error_), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("the range s0:c5,c6"));
  EXPECT_THAT(error_.message, HasSubstr("s0:c1,c2"));
}

TEST_F(ExecCheckTest, ProgramThatIsNoEntryPointIsNamed) {
  domain_.emulator = "/usr/bin/true";
  const std::string why = Refusal({"svirt_t", "bin_t", "file", "entrypoint"});
  EXPECT_THAT(why, HasSubstr("/usr/bin/true is labelled bin_t, which is no entry point"));
  EXPECT_THAT(why, HasSubstr("allow svirt_t bin_t:file entrypoint;"));
  EXPECT_THAT(why, HasSubstr("chcon -t qemu_exec_t /usr/bin/true"));
  // A policy without that type must not be told to use it.
  api_.check = [](const std::string &text) { return TypeOf(text) == "qemu_exec_t" ? EINVAL : 0; };
  EXPECT_EQ(Prepare(), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, Not(HasSubstr("qemu_exec_t")));
}

TEST_F(ExecCheckTest, EmulationNeedsExecmem) {
  const FakeSelinux::Rule execmem{"svirt_t", "svirt_t", "process", "execmem"};
  api_.denied = {execmem};
  EXPECT_EQ(Prepare(), SVIRT_OK) << "KVM does not";
  domain_.virt_type = "qemu";
  EXPECT_THAT(Refusal(execmem), HasSubstr("svirt.cil"));
  api_.booleans["virt_use_execmem"] = false;
  EXPECT_THAT(Refusal(execmem), HasSubstr("setsebool -P virt_use_execmem on"));
  api_.booleans["svirt_use_tcg"] = false;
  EXPECT_THAT(Refusal(execmem), HasSubstr("setsebool -P svirt_use_tcg on"));
  api_.booleans["svirt_use_tcg"] = true;
  EXPECT_THAT(Refusal(execmem), HasSubstr("setsebool -P virt_use_execmem on"));
}

TEST_F(ExecCheckTest, NoNewPrivsNeedsARuleOfItsOwn) {
  const FakeSelinux::Rule rule{"virtd_t", "svirt_t", "process2", "nnp_transition"};
  api_.denied = {rule};
  EXPECT_EQ(Prepare(), SVIRT_OK);
  EXPECT_THAT(api_.asked, Not(Contains("process2 nnp_transition")));
  api_.no_new_privs = true;
  EXPECT_THAT(Refusal(rule), HasSubstr("no_new_privs"));
}

TEST_F(ExecCheckTest, RightsOnTheProgramAreAskedFor) {
  EXPECT_THAT(Refusal({"virtd_t", "qemu_exec_t", "file", "execute"}), HasSubstr("virtd_t execute"));
  EXPECT_THAT(Refusal({"svirt_t", "qemu_exec_t", "file", "map"}), HasSubstr("svirt_t run"));
}

TEST_F(ExecCheckTest, PermissiveWarnsAndGoesOn) {
  api_.denied = {{"virtd_t", "svirt_t", "process", "transition"}};
  api_.enforcing = false;
  EXPECT_EQ(Prepare(), SVIRT_OK);
  EXPECT_EQ(exec_.op_count, 1U);
  ASSERT_EQ(host_.log.size(), 1U);
  EXPECT_THAT(host_.log[0], HasSubstr("permissive"));
}

TEST_F(ExecCheckTest, PermissiveTypeIsNotHeldBack) {
  api_.denied = {{"virtd_t", "svirt_t", "process", "transition"}};
  api_.permissive_types = {"virtd_t"};
  EXPECT_EQ(Prepare(), SVIRT_OK);
}

// The right to ask is not the right to start: the kernel decides.
TEST_F(ExecCheckTest, PolicyThatCannotBeAskedIsLeftToTheKernel) {
  api_.access_errno = EACCES;
  EXPECT_EQ(Prepare(), SVIRT_OK);
  EXPECT_EQ(exec_.op_count, 1U);
}

TEST_F(ExecCheckTest, BadLabelsAndProgramsAreRefused) {
  EXPECT_EQ(PrepareExec(&api_, host_.get(), domain_, "s0", &exec_, &error_), SVIRT_E_INVALID);
  api_.check = [](const std::string &) { return EINVAL; };
  EXPECT_EQ(Prepare(), SVIRT_E_INVALID);
  api_.check = [](const std::string &) { return 0; };
  const std::string user(4100, 'u');
  EXPECT_EQ(PrepareExec(&api_, host_.get(), domain_, user + ":r:t:s0", &exec_, &error_),
            SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("4095"));
  domain_.emulator = "/no/such";
  EXPECT_EQ(Prepare(), SVIRT_E_GONE);
  domain_.emulator = nullptr;
  EXPECT_EQ(Prepare(), SVIRT_E_INVALID);
  EXPECT_EQ(exec_.op_count, 0U);
}

class ProcessLabelTest : public ExecCheckTest {
 protected:
  svirt_status Get() { return GetProcessLabel(&api_, domain_, &label_, &enforcing_, &error_); }
  std::string label_;
  bool enforcing_ = false;
};

TEST_F(ProcessLabelTest, LabelAndStateOfTheVeryProcess) {
  domain_.pid = 4711;
  EXPECT_EQ(Get(), SVIRT_E_GONE);
  api_.processes[4711] = kLabel;
  ASSERT_EQ(Get(), SVIRT_OK) << error_.message;
  EXPECT_EQ(label_, kLabel);
  EXPECT_TRUE(enforcing_);
  api_.permissive_types = {"svirt_t"};
  ASSERT_EQ(Get(), SVIRT_OK);
  EXPECT_FALSE(enforcing_);
  api_.permissive_types.clear();
  api_.enforcing = false;
  ASSERT_EQ(Get(), SVIRT_OK);
  EXPECT_FALSE(enforcing_);
}

TEST_F(ProcessLabelTest, ShortReadsAreNoLabels) {
  domain_.pid = 4711;
  for (const char *text : {"s0", "", "system_u:system_r:svirt_t", "system_u:system_r:svirt_t:"}) {
    api_.processes[4711] = text;
    EXPECT_EQ(Get(), SVIRT_E_SYSTEM) << text;
    EXPECT_EQ(label_, "");
  }
}

TEST_F(ProcessLabelTest, DomainWithoutAProcessHasNone) {
  domain_.pid = -1;
  domain_.id = 5;
  EXPECT_EQ(Get(), SVIRT_E_NOTSUP);
}

}  // namespace
}  // namespace svirt::selinux
