// SPDX-License-Identifier: LGPL-2.1-or-later
// The model is active only where the policy accepts labels of domains, and says why not.
#include "probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "plugin_fixture.h"
#include "testing/fake_selinux.h"

namespace svirt::selinux {
namespace {

using testing::HasSubstr;

class ProbeTest : public testing::Test {
 protected:
  ProbeTest() { reason_.struct_size = sizeof reason_; }
  svirt_status Ask(const char *virt_type) { return Probe(&api_, host_.get(), virt_type, &reason_); }

  FakeSelinux api_;
  sdk::FakeHost host_;
  svirt_error reason_{};
};

TEST_F(ProbeTest, ActiveWhenThePolicyKnowsTheLabels) {
  EXPECT_EQ(Ask("kvm"), SVIRT_OK);
  EXPECT_THAT(reason_.message, HasSubstr("svirt_t"));
  EXPECT_EQ(Ask("qemu"), SVIRT_OK);
  EXPECT_THAT(reason_.message, HasSubstr("svirt_tcg_t"));
  EXPECT_EQ(Ask(nullptr), SVIRT_OK);
  EXPECT_TRUE(host_.log.empty());
}

TEST_F(ProbeTest, PermissiveIsToldNotHidden) {
  api_.enforcing = false;
  EXPECT_EQ(Ask("kvm"), SVIRT_OK);
  EXPECT_THAT(reason_.message, HasSubstr("permissive"));
}

TEST_F(ProbeTest, EmulationWithoutALineOfItsOwnIsWarnedOf) {
  api_.domain_lines.pop_back();
  EXPECT_EQ(Ask("qemu"), SVIRT_OK);
  ASSERT_EQ(host_.log.size(), 1U);
  EXPECT_THAT(host_.log[0], HasSubstr("execmem"));
}

TEST_F(ProbeTest, XenDomainsAreNoProcesses) {
  EXPECT_EQ(Ask("xen"), SVIRT_INACTIVE);
  EXPECT_THAT(reason_.message, HasSubstr("hypervisor"));
}

TEST_F(ProbeTest, DisabledSaysHowToEnable) {
  api_.enabled = api_.registered = false;
  EXPECT_EQ(Ask("kvm"), SVIRT_INACTIVE);
  EXPECT_THAT(reason_.message, HasSubstr("lsm="));
  api_.registered = true;
  EXPECT_EQ(Ask("kvm"), SVIRT_INACTIVE);
  EXPECT_THAT(reason_.message, HasSubstr("/sys/fs/selinux"));
}

// Enabled is not usable: policies without the virt module exist.
TEST_F(ProbeTest, PolicyWithoutVirtualMachinesIsInactive) {
  api_.domain_errno = ENOENT;
  EXPECT_EQ(Ask("kvm"), SVIRT_INACTIVE);
  EXPECT_THAT(reason_.message, HasSubstr("virtual_domain_context does not exist"));
  api_.domain_errno = 0;
  api_.image_lines.clear();
  EXPECT_EQ(Ask("kvm"), SVIRT_INACTIVE);
  EXPECT_THAT(reason_.message, HasSubstr("virtual_image_context is empty"));
  api_.image_lines = {"system_u:object_r:svirt_image_t:s0"};
  for (const char *missing : {"svirt_t", "svirt_image_t"}) {
    api_.check = [missing](const std::string &text) {
      return TypeOf(text) == missing ? EINVAL : 0;
    };
    EXPECT_EQ(Ask("kvm"), SVIRT_INACTIVE) << missing;
    EXPECT_THAT(reason_.message, HasSubstr(std::string(missing) + ":s0"));
  }
}

TEST_F(ProbeTest, WhatCannotBeJudgedIsAnError) {
  api_.domain_errno = EACCES;
  EXPECT_EQ(Ask("kvm"), SVIRT_E_SYSTEM);
  api_.domain_errno = 0;
  api_.domain_lines = {"nonsense"};
  EXPECT_EQ(Ask("kvm"), SVIRT_E_INVALID);
  api_.domain_lines = {"system_u:system_r:svirt_t:s0"};
  api_.own_errno = EIO;
  EXPECT_EQ(Ask("kvm"), SVIRT_E_SYSTEM);
  api_.own_errno = 0;
  api_.enforcing_errno = EACCES;
  EXPECT_EQ(Ask("kvm"), SVIRT_E_SYSTEM);
  api_.enforcing_errno = 0;
  api_.check = [](const std::string &) { return EACCES; };
  EXPECT_EQ(Ask("kvm"), SVIRT_E_DENIED);
  EXPECT_STRNE(reason_.message, "");
}

TEST_F(ProbeTest, ModelTellsPolicyAndBaseLabel) {
  svirt_model model{};
  model.struct_size = sizeof model;
  ASSERT_EQ(GetModel(&api_, "qemu", &model, &reason_), SVIRT_OK);
  EXPECT_STREQ(model.model, "selinux");
  EXPECT_STREQ(model.doi, "");
  EXPECT_STREQ(model.policy_type, "default");
  EXPECT_STREQ(model.base_label, "system_u:system_r:svirt_tcg_t:s0");
  EXPECT_EQ(model.flags, SVIRT_MODEL_OBJECT);
  EXPECT_EQ(model.policy_version, 33U);
  EXPECT_EQ(model.enforcing, 1);
  api_.enforcing = false;
  ASSERT_EQ(GetModel(&api_, nullptr, &model, &reason_), SVIRT_OK);
  EXPECT_STREQ(model.base_label, "");
  EXPECT_EQ(model.enforcing, 0);
  api_.domain_errno = ENOENT;
  EXPECT_EQ(GetModel(&api_, "kvm", &model, &reason_), SVIRT_E_NOTSUP);
}

}  // namespace
}  // namespace svirt::selinux
