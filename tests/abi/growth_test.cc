// SPDX-License-Identifier: LGPL-2.1-or-later
// Plugins and hosts of different minors together. Compiled twice: with the loader of today, and
// with a loader built on the header of an ABI 1.1 whose structs have grown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "host/loader/loader.h"

namespace svirt {
namespace {

using ::testing::HasSubstr;

// The host reads and loads the files where they were built; who may write there is not the point.
Result<std::vector<Candidate>> ScanOnly(const std::string &directory, const std::string &scanner) {
  LoaderOptions options;
  options.directories = {directory};
  options.trusted_root = directory;
  options.scanner = scanner;
  options.scanner_cpu_seconds = 60;
  options.scanner_wall_ms = 240000;
  static std::vector<std::unique_ptr<Loader>> loaders;  // candidates point into them
  loaders.push_back(std::make_unique<Loader>(options));
  return loaders.back()->Scan("qemu");
}

Candidate Only(const std::string &name) {
  const auto scan = ScanOnly(std::string(PLUGINS_DIR) + "/" + name, "");
  if (!scan.ok() || scan->size() != 1) {
    ADD_FAILURE() << (scan.ok() ? "not one plugin" : scan.error().message);
    return {};
  }
  return (*scan)[0];
}

TEST(Growth, TheHeadersDiffer) {
  EXPECT_EQ(SVIRT_ABI_MINOR, EXPECTED_MINOR);
  EXPECT_EQ(sizeof(svirt_plugin), EXPECTED_MINOR == 0 ? 152u : 160u);
}

// A plugin of 1.0 answers a host of either minor the same: every struct it is handed may be longer
// than the one it was compiled with.
TEST(Growth, APluginOfTodayWorksWithBothHosts) {
  const Candidate candidate = Only("today");
  ASSERT_EQ(candidate.state, CandidateState::kSelected) << candidate.reason;
  Plugin *plugin = candidate.plugin;
  ASSERT_TRUE(plugin->Init().ok());
  const auto model = plugin->GetModel("qemu");
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->model, "breaker");

  Resource one, two;
  one.path = "/12345";
  two.path = "/123456789";
  one.access = two.access = kAccessRead | kAccessWrite;  // what is only read keeps its label
  DomainRef domain;
  domain.uuid = "5f3c1d2e-0000-4000-8000-000000000001";
  domain.seclabel.type = SecLabel::Type::kDynamic;
  domain.emulator = "/bin/true";
  domain.resources = {{&one, -1}, {&two, -1}};
  const auto space = plugin->LabelSpace(domain);
  ASSERT_TRUE(space.ok());
  EXPECT_EQ(space->at(0).count, 1000u);
  // The sum of the path lengths: wrong if the array is walked at the wrong distance.
  const auto labels = plugin->GenerateLabel(domain, 3);
  ASSERT_TRUE(labels.ok()) << labels.error().message;
  EXPECT_EQ(labels->label, "breaker:3:16");
  const auto plan = plugin->PlanResource(domain, {&one, -1});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->label, "image");
  EXPECT_EQ(plugin->GetResourceLabel({&one, -1})->value(), "image");
  svirt_exec exec{};
  EXPECT_TRUE(plugin->PrepareExec(domain, "breaker:3:16", &exec).ok());
  EXPECT_EQ(exec.op_count, 1u);
}

TEST(Growth, APluginOfTheFutureWorksWithBothHosts) {
  const Candidate candidate = Only("future");
  ASSERT_EQ(candidate.state, CandidateState::kSelected) << candidate.reason;
  EXPECT_EQ(candidate.abi, "1.1");
  ASSERT_TRUE(candidate.plugin->Init().ok());
  EXPECT_TRUE(candidate.plugin->GetModel("").ok());
}

TEST(Growth, APluginThatNeedsTheFutureIsRefusedWithBothNumbers) {
  const Candidate candidate = Only("needs");
  if (SVIRT_ABI_MINOR == 0) {
    EXPECT_EQ(candidate.state, CandidateState::kRefused);
    EXPECT_THAT(candidate.reason, HasSubstr("it needs host ABI 1.1, this host provides 1.0"));
  } else {
    EXPECT_EQ(candidate.state, CandidateState::kSelected) << candidate.reason;
  }
}

}  // namespace
}  // namespace svirt
