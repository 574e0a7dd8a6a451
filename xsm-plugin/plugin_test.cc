// SPDX-License-Identifier: LGPL-2.1-or-later
// The table as a host sees it. The machine may be a Xen control domain or not: what is checked
// holds on both.
#include <gtest/gtest.h>
#include <svirt/ext/draft/access.h>
#include <svirt/ext/draft/build_label.h>
#include <svirt/plugin.h>

#include <cstring>

#include "plugin_fixture.h"
#include "testing/fake_xen.h"

namespace svirt::flask {
namespace {

class PluginTest : public testing::Test {
 protected:
  PluginTest() {
    EXPECT_EQ(table_.init(host_.get(), &instance_, &error_), SVIRT_OK) << error_.message;
  }
  ~PluginTest() override { table_.fini(instance_); }

  const svirt_plugin &table_ = *svirt_plugin_v1();
  sdk::FakeHost host_;
  svirt_instance *instance_ = nullptr;
  Error error_;
};

TEST_F(PluginTest, TableIsComplete) {
  EXPECT_EQ(table_.struct_size, sizeof(svirt_plugin));
  EXPECT_STREQ(table_.model, "flask");
  EXPECT_EQ(table_.flags, 0U);
  EXPECT_EQ(table_.get_extension("svirt.unknown/1"), nullptr);
  for (const char *id : {SVIRT_EXT_ACCESS, SVIRT_EXT_BUILD_LABEL}) {
    const auto *size = static_cast<const uint32_t *>(table_.get_extension(id));
    ASSERT_NE(size, nullptr) << id;
    EXPECT_EQ(*size, sizeof(svirt_access));
  }
}

TEST_F(PluginTest, ProbeAlwaysGivesAReason) {
  for (const char *virt_type : {"kvm", "qemu", "xen", static_cast<const char *>(nullptr)}) {
    std::memset(error_.message, 0, sizeof error_.message);
    table_.probe(host_.get(), virt_type, &error_);
    EXPECT_NE(error_.text(), "");
    EXPECT_EQ(std::strchr(error_.message, '\n'), nullptr);
  }
}

TEST_F(PluginTest, InitAfterFiniWorks) {
  table_.fini(instance_);
  instance_ = nullptr;
  ASSERT_EQ(table_.init(host_.get(), &instance_, &error_), SVIRT_OK);
  EXPECT_NE(instance_, nullptr);
}

TEST_F(PluginTest, LabelsOfDevicesAreNotTold) {
  svirt_resource resource{};
  resource.struct_size = sizeof resource;
  svirt_buf label{};
  label.struct_size = sizeof label;
  EXPECT_EQ(table_.resource_get_label(instance_, &resource, &label, &error_), SVIRT_E_NOTSUP);
  EXPECT_EQ(label.used, 0U);
}

TEST_F(PluginTest, ADomainThatIsGoneHasNothingToWithdraw) {
  const svirt_domain domain = MakeDomain();
  EXPECT_EQ(table_.domain_set_label(instance_, &domain, nullptr, &error_), SVIRT_OK);
}

TEST_F(PluginTest, NoneNeedsNoHypervisor) {
  const svirt_domain domain = MakeDomain(SVIRT_LABEL_NONE);
  char text[2] = {'x', 'x'}, other[2] = {'x', 'x'};
  svirt_buf label{sizeof(svirt_buf), sizeof text, 0, 0, text};
  svirt_buf image{sizeof(svirt_buf), sizeof other, 0, 0, other};
  EXPECT_EQ(table_.domain_generate_label(instance_, &domain, 0, &label, &image, &error_), SVIRT_OK);
  EXPECT_STREQ(text, "");
  svirt_exec exec{};
  exec.struct_size = sizeof exec;
  EXPECT_EQ(table_.domain_prepare_exec(instance_, &domain, "", &exec, &error_), SVIRT_OK);
  EXPECT_EQ(exec.op_count, 0U);
}

// A domain struct of an older host ends before base_label; what lies behind it is not read.
TEST_F(PluginTest, ShortStructsOfOldHostsAreRespected) {
  svirt_domain domain;
  std::memset(&domain, 0xA5, sizeof domain);
  domain.struct_size = offsetof(svirt_domain, base_label);
  domain.label_type = SVIRT_LABEL_NONE;
  domain.pid = domain.id = -1;
  domain.uuid = domain.name = domain.virt_type = domain.emulator = nullptr;
  EXPECT_EQ(table_.domain_verify_label(instance_, &domain, &error_), SVIRT_OK) << error_.message;
  svirt_label_state state{};
  state.struct_size = sizeof state;
  EXPECT_EQ(table_.domain_get_label(instance_, &domain, &state, &error_), SVIRT_E_GONE);
}

TEST_F(PluginTest, RunsAreReportedWhereThereIsNoRoom) {
  const svirt_domain domain = MakeDomain();
  svirt_index_set set{};
  set.struct_size = sizeof set;
  EXPECT_EQ(
      table_.domain_label_space(instance_, &domain, "user_1:vm_r:domU_t:s0:c1,c2", &set, &error_),
      SVIRT_E_RANGE);
  EXPECT_EQ(set.run_count, 2U);
}

}  // namespace
}  // namespace svirt::flask
