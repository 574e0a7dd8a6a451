// SPDX-License-Identifier: LGPL-2.1-or-later
// The table as a host sees it. The machine may have SELinux or not: what is checked holds on both.
#include <gtest/gtest.h>
#include <svirt/plugin.h>

#include <cstring>
#include <vector>

#include "plugin_fixture.h"

namespace svirt::selinux {
namespace {

class PluginTest : public testing::Test {
 protected:
  PluginTest() { error_.struct_size = sizeof error_; }

  const svirt_plugin &table_ = *svirt_plugin_v1();
  sdk::FakeHost host_;
  svirt_error error_{};
};

TEST_F(PluginTest, TableIsComplete) {
  EXPECT_EQ(table_.struct_size, sizeof(svirt_plugin));
  EXPECT_STREQ(table_.model, "selinux");
  EXPECT_EQ(table_.flags, 0U);
  EXPECT_NE(table_.probe, nullptr);
  EXPECT_NE(table_.get_extension, nullptr);
  EXPECT_EQ(table_.get_extension("svirt.unknown/1"), nullptr);
}

TEST_F(PluginTest, ProbeAlwaysGivesAReason) {
  for (const char *virt_type : {"kvm", "qemu", "xen", static_cast<const char *>(nullptr)}) {
    std::memset(error_.message, 0, sizeof error_.message);
    table_.probe(host_.get(), virt_type, &error_);
    EXPECT_STRNE(error_.message, "");
    EXPECT_EQ(std::strchr(error_.message, '\n'), nullptr);
  }
}

TEST_F(PluginTest, InitAfterFiniWorks) {
  for (int round = 0; round < 2; ++round) {
    svirt_instance *instance = nullptr;
    ASSERT_EQ(table_.init(host_.get(), &instance, &error_), SVIRT_OK) << error_.message;
    ASSERT_NE(instance, nullptr);
    sdk::TestDomain domain;
    EXPECT_EQ(table_.domain_set_label(instance, &domain.get(), nullptr, &error_), SVIRT_OK);
    table_.fini(instance);
  }
}

// A domain struct of an older host ends before base_label; what lies behind it is not read.
TEST_F(PluginTest, ShortStructsOfOldHostsAreRespected) {
  svirt_instance *instance = nullptr;
  ASSERT_EQ(table_.init(host_.get(), &instance, &error_), SVIRT_OK);
  svirt_domain domain;
  std::memset(&domain, 0xA5, sizeof domain);
  domain.struct_size = offsetof(svirt_domain, base_label);
  domain.label_type = SVIRT_LABEL_NONE;
  domain.pid = domain.id = -1;
  domain.uuid = domain.name = domain.virt_type = domain.emulator = nullptr;
  EXPECT_EQ(table_.domain_verify_label(instance, &domain, &error_), SVIRT_OK) << error_.message;
  svirt_label_state state{};
  state.struct_size = sizeof state;
  EXPECT_EQ(table_.domain_get_label(instance, &domain, &state, &error_), SVIRT_E_NOTSUP);
  table_.fini(instance);
}

TEST_F(PluginTest, SmallBuffersGetTheSizeTheyNeed) {
  svirt_instance *instance = nullptr;
  ASSERT_EQ(table_.init(host_.get(), &instance, &error_), SVIRT_OK);
  svirt_domain domain{};
  domain.struct_size = sizeof domain;
  domain.label_type = SVIRT_LABEL_DYNAMIC;
  domain.image_label = "system_u:object_r:svirt_image_t:s0:c1,c2";
  svirt_resource resource{};
  resource.struct_size = sizeof resource;
  resource.kind = SVIRT_RES_EMULATOR;
  resource.path = "/usr/bin/qemu-system-x86_64";
  char label[8], note[8];
  svirt_resource_plan plan{};
  plan.struct_size = sizeof plan;
  plan.action = 4711;
  plan.label = {sizeof(svirt_buf), sizeof label, 0, 0, label};
  plan.note = {sizeof(svirt_buf), sizeof note, 0, 0, note};
  EXPECT_EQ(table_.resource_plan_label(instance, &domain, &resource, &plan, &error_),
            SVIRT_E_RANGE);
  EXPECT_GT(plan.note.used, sizeof note);
  EXPECT_EQ(plan.action, 4711U) << "a call that fails leaves its outputs alone";
  std::vector<char> room(plan.note.used);
  plan.note = {sizeof(svirt_buf), plan.note.used, 0, 0, room.data()};
  EXPECT_EQ(table_.resource_plan_label(instance, &domain, &resource, &plan, &error_), SVIRT_OK);
  EXPECT_EQ(plan.action, static_cast<uint32_t>(SVIRT_PLAN_NONE));
  table_.fini(instance);
}

}  // namespace
}  // namespace svirt::selinux
