// SPDX-License-Identifier: LGPL-2.1-or-later
// Which resources get the domain's owner, and which are left alone.
#include "resource_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_fixture.h"
#include "shared_nodes.h"

namespace svirt::dac {
namespace {

using sdk::kR;
using sdk::kRw;
using sdk::kRwc;
using sdk::kW;
using testing::HasSubstr;

constexpr char kOwn[] = "+2100000007:+2100000007";

class Plan : public testing::Test {
 protected:
  // The label, with "!" behind it if it is exclusive; "" for an object that keeps its owner.
  std::string Of(uint32_t kind, uint32_t object, uint32_t access, uint32_t flags = 0,
                 const char *path = "/vm/a") {
    svirt_resource resource = sdk::MakeResource(path, object, access, flags, kind);
    resource.override_label = override_;
    plan_ = {};
    EXPECT_EQ(PlanOwner(domain_.get(), resource, &plan_, &error_), SVIRT_OK) << error_.message;
    EXPECT_EQ(plan_.action, plan_.label.empty() ? SVIRT_PLAN_NONE : SVIRT_PLAN_SET);
    EXPECT_EQ(plan_.note.empty(), !plan_.label.empty());
    return plan_.label + ((plan_.flags & SVIRT_PLAN_EXCLUSIVE) != 0 ? "!" : "");
  }

  void SetUp() override { domain_.get().image_label = kOwn; }

  sdk::TestDomain domain_;
  const char *override_ = nullptr;
  sdk::ResourcePlan plan_;
  svirt_error error_ = sdk::MakeError();
};

TEST_F(Plan, GivesTheDomainWhatItAloneWrites) {
  const std::string own = std::string(kOwn) + "!";
  EXPECT_EQ(Of(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRw), own);
  EXPECT_EQ(Of(SVIRT_RES_DISK, SVIRT_OBJ_BLOCK, kRw), own);
  EXPECT_EQ(Of(SVIRT_RES_BACKING, SVIRT_OBJ_FILE, kRw), own);
  EXPECT_EQ(Of(SVIRT_RES_NVRAM, SVIRT_OBJ_FILE, kRw), own);
  EXPECT_EQ(Of(SVIRT_RES_CHARDEV, SVIRT_OBJ_FILE, kW | SVIRT_ACCESS_CREATE), own);
  EXPECT_EQ(Of(SVIRT_RES_CHARDEV, SVIRT_OBJ_FIFO, kRw), own);
  EXPECT_EQ(Of(SVIRT_RES_SOCKET, SVIRT_OBJ_SOCKET, kRwc), own);
  EXPECT_EQ(Of(SVIRT_RES_HOSTDEV, SVIRT_OBJ_CHAR, kRw, 0, "/dev/vfio/12"), own);
  EXPECT_EQ(Of(SVIRT_RES_SHARE, SVIRT_OBJ_DIR, kRwc, SVIRT_RES_SUBTREE), own);
  EXPECT_EQ(Of(SVIRT_RES_RUNDIR, SVIRT_OBJ_DIR, kRwc, SVIRT_RES_SUBTREE), own);
  EXPECT_EQ(Of(SVIRT_RES_LOG, SVIRT_OBJ_FILE, kW | SVIRT_ACCESS_CREATE), own);
  EXPECT_EQ(Of(4711, SVIRT_OBJ_ANY, kRw), own);
}

TEST_F(Plan, LeavesAloneWhatOthersUseToo) {
  EXPECT_EQ(Of(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRw, SVIRT_RES_SHARED), "");
  EXPECT_THAT(plan_.note, HasSubstr("shared"));
  EXPECT_EQ(Of(SVIRT_RES_BACKING, SVIRT_OBJ_FILE, kR), "");
  EXPECT_THAT(plan_.note, HasSubstr("only read"));
  EXPECT_EQ(Of(SVIRT_RES_SHARE, SVIRT_OBJ_DIR, kR, SVIRT_RES_SUBTREE), "");
  EXPECT_EQ(Of(SVIRT_RES_EMULATOR, SVIRT_OBJ_FILE, kR | SVIRT_ACCESS_EXEC), "");
  EXPECT_EQ(Of(SVIRT_RES_EMULATOR, SVIRT_OBJ_FILE, kRw), "");
  EXPECT_EQ(Of(SVIRT_RES_LOG, SVIRT_OBJ_FILE, kW), "");
  EXPECT_THAT(plan_.note, HasSubstr("handed over open"));
}

TEST_F(Plan, LeavesSharedDeviceNodesAloneWhateverIsAsked) {
  override_ = kOwn;
  for (const char *node : {"/dev/null", "/dev/zero", "/dev/urandom", "/dev/kvm", "/dev/ptmx"}) {
    EXPECT_EQ(Of(SVIRT_RES_CHARDEV, SVIRT_OBJ_CHAR, kRw, 0, node), "") << node;
  }
  EXPECT_TRUE(IsSharedNode(1, 3));
  EXPECT_FALSE(IsSharedNode(10, 224)) << "a TPM is a domain's";
}

TEST_F(Plan, DoesWhatTheOwnerAsksFor) {
  override_ = "107:108";
  EXPECT_EQ(Of(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kR, SVIRT_RES_SHARED), "+107:+108");
  override_ = "root:+6";
  EXPECT_EQ(Of(SVIRT_RES_DISK, SVIRT_OBJ_BLOCK, kRw), "+0:+6");
  override_ = "2100000007:108";
  EXPECT_EQ(Of(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRw), "+2100000007:+108!");
  override_ = "nonsense";
  const svirt_resource bad = [this] {
    svirt_resource resource = sdk::MakeResource("/vm/a", SVIRT_OBJ_FILE, kRw);
    resource.override_label = override_;
    return resource;
  }();
  EXPECT_EQ(PlanOwner(domain_.get(), bad, &plan_, &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("/vm/a cannot have the owner 'nonsense'"));
}

TEST_F(Plan, LeavesTheFilesOfUnconfinedDomainsAlone) {
  domain_.get().label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(Of(SVIRT_RES_DISK, SVIRT_OBJ_FILE, kRw), "");
}

TEST_F(Plan, NeedsALabelToGive) {
  domain_.get().image_label = nullptr;
  const svirt_resource disk = sdk::MakeResource("/vm/a", SVIRT_OBJ_FILE, kRw);
  EXPECT_EQ(PlanOwner(domain_.get(), disk, &plan_, &error_), SVIRT_E_INVALID);
}

}  // namespace
}  // namespace svirt::dac
