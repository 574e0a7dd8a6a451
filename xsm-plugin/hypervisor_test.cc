// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver on a real hypervisor, with FLASK enforcing a policy like Xen's own example: needs a
// Xen control domain and root, and makes domains (without memory) that it destroys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

extern "C" {
#include <xenctrl.h>
}

#include <svirt/ext/draft/access.h>

#include <cerrno>

#include "access.h"
#include "domain_label.h"
#include "label_space.h"
#include "labels.h"
#include "probe.h"
#include "resource_label.h"
#include "testing/fake_xen.h"

namespace svirt::flask {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr uint32_t kAll =
    SVIRT_MAY_READ_MEMORY | SVIRT_MAY_WRITE_MEMORY | SVIRT_MAY_COPY_MEMORY | SVIRT_MAY_NOTIFY;

class HypervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    Error reason;
    ASSERT_EQ(Probe(api_.get(), "xen", &reason), SVIRT_OK) << reason.message;
    handle_ = xc_interface_open(nullptr, nullptr, 0);
    ASSERT_NE(handle_, nullptr);
    ASSERT_EQ(FindBaseLabel(api_.get(), "xen", &base_), 0);
  }
  void TearDown() override {
    for (const uint32_t domid : domids_) {
      xc_domain_destroy(handle_, domid);
    }
    if (handle_ != nullptr) {
      xc_interface_close(handle_);
    }
  }

  // A domain that has been made with the label, and has neither memory nor processors.
  svirt_domain Make(const std::string &label) {
    xen_domctl_createdomain config{};
    EXPECT_EQ(FindSid(api_.get(), label, &config.ssidref), 0) << label;
    config.max_vcpus = 1;
    config.max_evtchn_port = 127;
    config.max_grant_frames = config.max_maptrack_frames = -1;
    config.grant_opts = XEN_DOMCTL_GRANT_version(1);
    uint32_t domid = 0;
    EXPECT_EQ(xc_domain_create(handle_, &domid, &config), 0) << label << ": " << errno;
    domids_.push_back(domid);
    svirt_domain domain = MakeDomain();
    domain.id = static_cast<int32_t>(domid);
    return domain;
  }
  std::string LabelOf(const svirt_domain &domain) {
    std::string label;
    bool enforcing = false;
    Error error;
    EXPECT_EQ(GetDomainLabel(api_.get(), domain, &label, &enforcing, &error), SVIRT_OK)
        << error.message;
    EXPECT_TRUE(enforcing);
    return label;
  }
  uint32_t Ask(const std::string &source, const std::string &target) {
    uint32_t may = 0;
    Error error;
    EXPECT_EQ(AskAccess(api_.get(), source.c_str(), target.c_str(), &may, &error), SVIRT_OK)
        << error.message;
    return may;
  }
  // The base label with another type.
  std::string WithType(const char *type) {
    Context context = base_;
    context.type = type;
    return sdk::FormatContext(context);
  }

  std::unique_ptr<XenApi> api_ = MakeLibxenctrlApi();
  xc_interface *handle_ = nullptr;
  std::vector<uint32_t> domids_;
  Context base_;
};

TEST_F(HypervisorTest, TheControlDomainHasItsLabel) {
  svirt_domain control = MakeDomain();
  control.id = 0;
  EXPECT_THAT(LabelOf(control), StartsWith("system_u:system_r:dom0_t"));
}

TEST_F(HypervisorTest, LabelsAreCheckedByThePolicy) {
  Context parsed;
  Error error;
  EXPECT_EQ(CheckLabel(api_.get(), sdk::FormatContext(base_), "it", &parsed, &error), SVIRT_OK)
      << error.message;
  EXPECT_EQ(CheckLabel(api_.get(), WithType("nowhere_t"), "it", &parsed, &error), SVIRT_E_INVALID);
  EXPECT_THAT(error.text(), HasSubstr("no type nowhere_t"));
  Context other = base_;
  other.user = "nobody_u";
  EXPECT_EQ(CheckLabel(api_.get(), sdk::FormatContext(other), "it", &parsed, &error),
            SVIRT_E_INVALID);
  EXPECT_THAT(error.text(), HasSubstr("no user nobody_u"));
  // The longest the hypervisor takes, and one more.
  const std::string prefix = "system_u:system_r:";
  for (const size_t size : {4095U, 4096U, 4097U}) {
    const std::string label = prefix + std::string(size - prefix.size(), 't');
    EXPECT_EQ(CheckLabel(api_.get(), label, "it", &parsed, &error), SVIRT_E_INVALID) << size;
  }
}

TEST_F(HypervisorTest, TwoDomainsAreKeptApart) {
  std::vector<svirt_index_run> runs;
  Error error;
  ASSERT_EQ(AvailableIndexes(api_.get(), MakeDomain(), false, &runs, &error), SVIRT_OK)
      << error.message;
  ASSERT_FALSE(runs.empty());
  ASSERT_GE(runs[0].count, 2U);
  DomainLabels labels[2];
  for (uint64_t i = 0; i < 2; ++i) {
    ASSERT_EQ(
        GenerateLabels(api_.get(), MakeDomain(), runs[0].first + i, false, &labels[i], &error),
        SVIRT_OK)
        << error.message;
    ASSERT_EQ(CheckCreate(api_.get(), labels[i].process.c_str(), &error), SVIRT_OK)
        << error.message;
    EXPECT_EQ(LabelOf(Make(labels[i].process)), labels[i].process);
  }
  EXPECT_NE(labels[0].process, labels[1].process);
  svirt_domain control = MakeDomain();
  control.id = 0;
  const std::string dom0 = LabelOf(control);
  EXPECT_EQ(Ask(labels[0].process, labels[1].process), 0U);
  EXPECT_EQ(Ask(labels[1].process, labels[0].process), 0U);
  for (const DomainLabels &each : labels) {
    EXPECT_EQ(Ask(dom0, each.process), kAll);
  }
  // The last of them is a label too, and the one after it none.
  const uint64_t end = runs.back().first + runs.back().count;
  EXPECT_EQ(GenerateLabels(api_.get(), MakeDomain(), end - 1, false, &labels[0], &error), SVIRT_OK)
      << error.message;
  EXPECT_EQ(GenerateLabels(api_.get(), MakeDomain(), end, false, &labels[0], &error),
            SVIRT_E_INVALID);
}

TEST_F(HypervisorTest, ABuiltDomainIsMovedToItsLabel) {
  const std::string running = WithType("nomigrate_t");
  std::string build;
  Error error;
  ASSERT_EQ(FindBuildLabel(api_.get(), running.c_str(), &build, &error), SVIRT_OK) << error.message;
  ASSERT_EQ(build, WithType("nomigrate_t_building"));
  const svirt_domain domain = Make(build);
  ASSERT_EQ(SetDomainLabel(api_.get(), domain, running.c_str(), &error), SVIRT_OK) << error.message;
  EXPECT_EQ(LabelOf(domain), running);
  // There is no way back, and no way to another type.
  for (const std::string &label : {build, WithType("dm_dom_t")}) {
    EXPECT_EQ(SetDomainLabel(api_.get(), domain, label.c_str(), &error), SVIRT_E_DENIED);
    EXPECT_THAT(error.text(), HasSubstr("the policy lacks domain"));
    EXPECT_EQ(LabelOf(domain), running);
  }
}

TEST_F(HypervisorTest, ADestroyedDomainIsGone) {
  const svirt_domain domain = Make(sdk::FormatContext(base_));
  Make(sdk::FormatContext(base_));  // the next one, which the library would tell of instead
  ASSERT_EQ(xc_domain_destroy(handle_, static_cast<uint32_t>(domain.id)), 0);
  std::string label;
  bool enforcing = false;
  Error error;
  EXPECT_EQ(GetDomainLabel(api_.get(), domain, &label, &enforcing, &error), SVIRT_E_GONE)
      << error.message;
  EXPECT_EQ(SetDomainLabel(api_.get(), domain, WithType("dm_dom_t").c_str(), &error), SVIRT_E_GONE);
}

// Hardware that no emulated machine has, so that nothing is taken from anybody.
TEST_F(HypervisorTest, HardwareIsLabelledOnce) {
  Context context = base_;
  context.role = "object_r";
  context.type = "nic_dev_t";
  const std::string mine = sdk::FormatContext(context);
  context.type = "device_t";
  const std::string other = sdk::FormatContext(context);
  const struct {
    Hardware kind;
    uint64_t first, last;
  } kRows[] = {{Hardware::kPciDevice, 0xfff8, 0xfff8},
               {Hardware::kIrq, 211, 211},
               {Hardware::kIoPorts, 0xe800, 0xe81f},
               {Hardware::kIoMemory, 0xfd000, 0xfd00f}};
  for (const auto &row : kRows) {
    const int kind = static_cast<int>(row.kind);
    ASSERT_EQ(api_->AddHardware(row.kind, row.first, row.last, mine), 0) << kind;
    EXPECT_EQ(api_->AddHardware(row.kind, row.first, row.last, mine), 0) << kind;
    EXPECT_EQ(api_->AddHardware(row.kind, row.first, row.last, other), EEXIST) << kind;
    int copies = 0;
    while (copies < 5 && api_->RemoveHardware(row.kind, row.first, row.last) == 0) {
      ++copies;
    }
    EXPECT_GE(copies, 1) << kind;
    EXPECT_EQ(api_->RemoveHardware(row.kind, row.first, row.last), ENOENT) << kind;
    EXPECT_EQ(api_->AddHardware(row.kind, row.first, row.last, other), 0) << kind;
    EXPECT_EQ(api_->RemoveHardware(row.kind, row.first, row.last), 0) << kind;
    EXPECT_EQ(api_->AddHardware(row.kind, row.first, row.last, WithType("nowhere_t")), EINVAL)
        << kind;
  }
}

}  // namespace
}  // namespace svirt::flask
