// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin's table as a host calls it, on the running kernel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <svirt/sdk_fd.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "kernel_features.h"
#include "testing/fixture.h"

namespace svirt::landlock {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class PluginTable : public testing::Test {
 protected:
  void SetUp() override {
    svirt_error reason = MakeError();
    if (plugin_->probe(host_.get(), nullptr, &reason) != SVIRT_OK) {
      GTEST_SKIP() << "needs a kernel with Landlock: " << reason.message;
    }
    ASSERT_EQ(plugin_->init(host_.get(), &instance_, &error_), SVIRT_OK) << error_.message;
  }
  void TearDown() override {
    if (instance_ != nullptr) {
      plugin_->fini(instance_);
    }
  }

  std::string Generate(TestDomain &domain) {
    EXPECT_EQ(plugin_->domain_generate_label(instance_, &domain.get(), 0, &label_.buf,
                                             &image_label_.buf, &error_),
              SVIRT_OK)
        << error_.message;
    return label_.text();
  }

  const svirt_plugin *plugin_ = svirt_plugin_v1();
  sdk::FakeHost host_;
  svirt_instance *instance_ = nullptr;
  svirt_error error_ = MakeError();
  Buffer label_, image_label_, note_;
};

TEST_F(PluginTable, SaysWhatTheModelIs) {
  svirt_model model{};
  model.struct_size = sizeof model;
  ASSERT_EQ(plugin_->get_model(instance_, "qemu", &model, &error_), SVIRT_OK);
  EXPECT_STREQ(model.model, "landlock");
  EXPECT_EQ(model.flags, SVIRT_MODEL_PROFILE | SVIRT_MODEL_UNVERIFIABLE | SVIRT_MODEL_FIXED);
  EXPECT_EQ(model.enforcing, 1);
  EXPECT_GE(model.policy_version, 1u);
  EXPECT_EQ(model.struct_size, sizeof model);
}

TEST_F(PluginTable, IsInactiveForXen) {
  svirt_error reason = MakeError();
  EXPECT_EQ(plugin_->probe(host_.get(), "xen", &reason), SVIRT_INACTIVE);
  EXPECT_THAT(reason.message, HasSubstr("Xen"));
  EXPECT_EQ(plugin_->probe(host_.get(), "kvm", &reason), SVIRT_OK);
}

TEST_F(PluginTable, TellsLabelsApartByUuid) {
  svirt_index_set set{};
  set.struct_size = sizeof set;
  set.run_count = 9;
  TestDomain domain;
  EXPECT_EQ(plugin_->domain_label_space(instance_, &domain.get(), nullptr, &set, &error_),
            SVIRT_OK);
  EXPECT_EQ(set.run_count, 0u);
}

TEST_F(PluginTable, GivesDynamicDomainsALabelAndOthersNone) {
  TestDomain domain;
  EXPECT_THAT(Generate(domain), StartsWith("landlock:" + std::string(kUuidA)));
  EXPECT_EQ(image_label_.text(), "");
  domain.get().label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(Generate(domain), "");
}

TEST_F(PluginTable, RefusesLabelsThatSomebodyChose) {
  TestDomain chosen;
  chosen.get().label_type = SVIRT_LABEL_STATIC;
  chosen.get().label = "landlock:mine";
  EXPECT_EQ(plugin_->domain_verify_label(instance_, &chosen.get(), &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("cannot be chosen"));

  TestDomain based;
  based.get().base_label = "system_u:system_r:svirt_t:s0";
  EXPECT_EQ(plugin_->domain_verify_label(instance_, &based.get(), &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("no base labels"));

  TestDomain overridden;
  overridden.Add("/d", SVIRT_OBJ_FILE, kRw);
  overridden.resources()[0].override_label = "x";
  EXPECT_EQ(plugin_->domain_verify_label(instance_, &overridden.get(), &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("labels no objects"));

  TestDomain unknown;
  unknown.get().label_type = 77;
  EXPECT_EQ(plugin_->domain_verify_label(instance_, &unknown.get(), &error_), SVIRT_E_INVALID);
}

TEST_F(PluginTable, VerifiesWhatItGenerated) {
  TestDomain domain;
  const std::string label = Generate(domain);
  domain.get().label = label.c_str();
  EXPECT_EQ(plugin_->domain_verify_label(instance_, &domain.get(), &error_), SVIRT_OK);
  EXPECT_EQ(plugin_->domain_set_label(instance_, &domain.get(), label.c_str(), &error_), SVIRT_OK);
  EXPECT_EQ(plugin_->domain_set_label(instance_, &domain.get(), nullptr, &error_), SVIRT_OK);
  EXPECT_EQ(plugin_->domain_set_label(instance_, &domain.get(), "landlock:x", &error_),
            SVIRT_E_INVALID);
  domain.get().label = "landlock:x";
  EXPECT_EQ(plugin_->domain_verify_label(instance_, &domain.get(), &error_), SVIRT_E_INVALID);
}

TEST_F(PluginTable, RefusesDomainsItCannotName) {
  for (const char *uuid : {static_cast<const char *>(nullptr), "", "a/../../b",
                           "11111111-2222-3333-4444-55555555555X"}) {
    TestDomain domain(uuid, "/usr/bin/true");
    EXPECT_EQ(plugin_->domain_generate_label(instance_, &domain.get(), 0, &label_.buf,
                                             &image_label_.buf, &error_),
              SVIRT_E_INVALID);
  }
  TestDomain relative;
  relative.Add("vm/a.img", SVIRT_OBJ_FILE, kRw);
  EXPECT_EQ(plugin_->domain_generate_label(instance_, &relative.get(), 0, &label_.buf,
                                           &image_label_.buf, &error_),
            SVIRT_E_INVALID);
}

TEST_F(PluginTable, PreparesOneLandlockOperation) {
  TestDomain domain;
  const std::string label = Generate(domain);
  svirt_exec exec{};
  exec.struct_size = sizeof exec;
  ASSERT_EQ(plugin_->domain_prepare_exec(instance_, &domain.get(), label.c_str(), &exec, &error_),
            SVIRT_OK)
      << error_.message;
  const sdk::Fd ruleset(exec.op[0].fd);
  EXPECT_EQ(exec.op_count, 1u);
  EXPECT_EQ(exec.op[0].kind, uint32_t{SVIRT_EXEC_LANDLOCK});
  EXPECT_EQ(exec.op[0].data_len, 0u);
  EXPECT_TRUE(ruleset);
}

TEST_F(PluginTable, DemandsNoNewPrivsWithoutTheCapability) {
  const std::string flags = InChildAsNobody([this] {
    TestDomain domain;
    const std::string label = Generate(domain);
    svirt_exec exec{};
    exec.struct_size = sizeof exec;
    plugin_->domain_prepare_exec(instance_, &domain.get(), label.c_str(), &exec, &error_);
    return std::to_string(exec.op_count) + " " + std::to_string(exec.op[0].flags);
  });
  EXPECT_EQ(flags, "1 1");
}

TEST_F(PluginTable, PreparesNothingForAnUnconfinedDomain) {
  TestDomain domain;
  domain.get().label_type = SVIRT_LABEL_NONE;
  svirt_exec exec{};
  exec.struct_size = sizeof exec;
  exec.op_count = 3;
  EXPECT_EQ(plugin_->domain_prepare_exec(instance_, &domain.get(), "", &exec, &error_), SVIRT_OK);
  EXPECT_EQ(exec.op_count, 0u);
}

TEST_F(PluginTable, RefusesALabelThatStandsForOtherRules) {
  TestDomain domain;
  const std::string label = Generate(domain);
  domain.Add("/etc", SVIRT_OBJ_DIR, kR, SVIRT_RES_SUBTREE);
  svirt_exec exec{};
  exec.struct_size = sizeof exec;
  EXPECT_EQ(plugin_->domain_prepare_exec(instance_, &domain.get(), label.c_str(), &exec, &error_),
            SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("other rules"));
  EXPECT_EQ(exec.op_count, 0u);
}

TEST_F(PluginTable, CannotBeAskedForLabels) {
  TestDomain domain;
  domain.get().pid = ::getpid();
  svirt_label_state state{};
  state.struct_size = sizeof state;
  EXPECT_EQ(plugin_->domain_get_label(instance_, &domain.get(), &state, &error_), SVIRT_E_NOTSUP);
  EXPECT_THAT(error_.message, HasSubstr("cannot be asked"));
  const svirt_resource disk = MakeResource("/d", SVIRT_OBJ_FILE, kRw);
  EXPECT_EQ(plugin_->resource_get_label(instance_, &disk, &label_.buf, &error_), SVIRT_E_NOTSUP);
  EXPECT_EQ(plugin_->resource_set_label(instance_, &disk, "x", &error_), SVIRT_E_NOTSUP);
  EXPECT_EQ(plugin_->get_extension("svirt.unknown/1"), nullptr);
}

TEST_F(PluginTable, LeavesBuffersAloneThatAreTooSmall) {
  TestDomain domain;
  Buffer small(10);
  EXPECT_EQ(plugin_->domain_generate_label(instance_, &domain.get(), 0, &small.buf,
                                           &image_label_.buf, &error_),
            SVIRT_E_RANGE);
  EXPECT_EQ(small.buf.used, 9u + 36 + 1 + 16 + 1);
  EXPECT_EQ(small.bytes, std::string(10, '#'));
  EXPECT_EQ(image_label_.bytes[0], '#');
}

class PluginPlan : public PluginTable {
 protected:
  svirt_resource_plan Plan(TestDomain &domain, size_t index) {
    svirt_resource_plan plan{};
    plan.struct_size = sizeof plan;
    plan.label = label_.buf;
    plan.note = note_.buf;
    EXPECT_EQ(plugin_->resource_plan_label(instance_, &domain.get(), &domain.resources()[index],
                                           &plan, &error_),
              SVIRT_OK)
        << error_.message;
    return plan;
  }
};

TEST_F(PluginPlan, GrantsAndSaysWhat) {
  TestDomain domain;
  domain.Add("/vm/base.img", SVIRT_OBJ_FILE, kR);
  EXPECT_EQ(Plan(domain, 0).action, uint32_t{SVIRT_PLAN_GRANT});
  EXPECT_EQ(label_.text(), "read");
}

TEST_F(PluginPlan, SaysWhereASocketWidensTheRights) {
  TestDomain domain;
  domain.Add("/run/vms/a.sock", SVIRT_OBJ_SOCKET, kRwc);
  EXPECT_EQ(Plan(domain, 0).action, uint32_t{SVIRT_PLAN_GRANT});
  EXPECT_EQ(label_.text(), "make-socket");
  EXPECT_THAT(note_.text(), HasSubstr("/run/vms"));
}

TEST_F(PluginPlan, RefusesTerminals) {
  TestDomain domain;
  domain.Add("/dev/ptmx", SVIRT_OBJ_CHAR, kRw, SVIRT_RES_SHARED, SVIRT_RES_CHARDEV);
  svirt_resource_plan plan{};
  plan.struct_size = sizeof plan;
  EXPECT_EQ(plugin_->resource_plan_label(instance_, &domain.get(), &domain.resources()[0], &plan,
                                         &error_),
            SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("type='unix'"));
}

TEST_F(PluginPlan, DoesNothingForTheUnconfined) {
  TestDomain domain;
  domain.Add("/vm/base.img", SVIRT_OBJ_FILE, kR);
  domain.get().label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(Plan(domain, 0).action, uint32_t{SVIRT_PLAN_NONE});
  EXPECT_EQ(label_.text(), "");
}

TEST_F(PluginTable, MayBeCalledFromManyThreads) {
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < 20; ++round) {
        TestDomain domain;
        domain.Add("/usr/bin/true", SVIRT_OBJ_FILE, kR);
        Buffer label, image;
        svirt_error error = MakeError();
        ASSERT_EQ(plugin_->domain_generate_label(instance_, &domain.get(), 0, &label.buf,
                                                 &image.buf, &error),
                  SVIRT_OK);
        svirt_exec exec{};
        exec.struct_size = sizeof exec;
        ASSERT_EQ(plugin_->domain_prepare_exec(instance_, &domain.get(), label.text().c_str(),
                                               &exec, &error),
                  SVIRT_OK);
        sdk::Fd(exec.op[0].fd).Reset();
      }
    });
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
}

}  // namespace
}  // namespace svirt::landlock
