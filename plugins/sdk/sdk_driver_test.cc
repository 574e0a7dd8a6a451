// SPDX-License-Identifier: MIT
// A driver behind its table, as a host calls it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <svirt/sdk_driver.h>

#include <array>
#include <functional>
#include <stdexcept>

#include "plugin_fixture.h"

namespace svirt::sdk {
namespace {

using testing::HasSubstr;

// Which of its instances are there.
int alive = 0;

// Fills its results and answers what the test wants, or throws.
class Scripted : public Driver {
 public:
  Scripted() { ++alive; }
  ~Scripted() override { --alive; }

  svirt_status GetModel(const char *, svirt_model *model, svirt_error *) const override {
    EXPECT_EQ(model->struct_size, sizeof *model);
    model->enforcing = 1;
    CopyText(model->base_label, "base");
    return answer();
  }
  svirt_status LabelSpace(const svirt_domain &, const char *, std::vector<svirt_index_run> *runs,
                          svirt_error *) const override {
    *runs = {{1, 2}, {7, 1}};
    return answer();
  }
  svirt_status GenerateLabel(const svirt_domain &domain, uint64_t, DomainLabels *labels,
                             svirt_error *) const override {
    *labels = {"process", domain.base_label == nullptr ? "image" : domain.base_label};
    return answer();
  }
  svirt_status VerifyLabel(const svirt_domain &, svirt_error *) const override { return answer(); }
  svirt_status GetLabel(const svirt_domain &, LabelState *state, svirt_error *) const override {
    *state = {"process", true};
    return answer();
  }
  svirt_status PrepareExec(const svirt_domain &, const char *, svirt_exec *exec,
                           svirt_error *) const override {
    EXPECT_EQ(exec->op_count, 0u);
    exec->op[0].kind = SVIRT_EXEC_CREDENTIALS;
    exec->op_count = 1;
    return answer();
  }
  svirt_status PlanLabel(const svirt_domain &, const svirt_resource &, ResourcePlan *plan,
                         svirt_error *) const override {
    *plan = {SVIRT_PLAN_SET, SVIRT_PLAN_KEEP, "image", "note"};
    return answer();
  }

  static std::function<svirt_status()> answer;
};
std::function<svirt_status()> Scripted::answer;

// The same with labels on objects, and a policy to load.
class Complete : public Scripted {
 public:
  svirt_status SetLabel(const svirt_domain &, const char *, svirt_error *) const override {
    return answer();
  }
  svirt_status GetResourceLabel(const svirt_resource &, std::string *label,
                                svirt_error *) const override {
    *label = "image";
    return answer();
  }
  svirt_status SetResourceLabel(const svirt_resource &, const char *,
                                svirt_error *) const override {
    return answer();
  }
  svirt_status PlanEntry(const svirt_domain &, const svirt_resource &, std::string *entry,
                         svirt_error *) const override {
    *entry = "planned";
    return answer();
  }
  svirt_status GetEntry(const svirt_resource &, const char *entry, std::string *present,
                        svirt_error *) const override {
    *present = std::string(entry) + " present";
    return answer();
  }
  svirt_status SetEntry(const svirt_resource &, const char *, svirt_error *) const override {
    return answer();
  }
  svirt_status RemoveEntry(const svirt_resource &, const char *, svirt_error *) const override {
    return answer();
  }
};

svirt_status Probe(const svirt_host *, const char *, svirt_error *) {
  return Scripted::answer();
}

template <typename Made>
svirt_status Init(const svirt_host *, std::unique_ptr<Driver> *driver, svirt_error *) {
  *driver = std::make_unique<Made>();
  return Scripted::answer();
}

constexpr int kExtension = 1;
const void *FindExtension(std::string_view id) noexcept {
  return id == "com.example/1" ? &kExtension : nullptr;
}

constexpr svirt_object_entry kEntries = MakeObjectEntry();

constexpr svirt_plugin kPlain =
    MakeTable<Probe, Init<Scripted>>({.model = "plain", .version = "1", .vendor = "test"});
constexpr svirt_plugin kComplete =
    MakeTable<Probe, Init<Complete>, FindExtension>({.model = "complete",
                                                     .version = "2",
                                                     .vendor = "test",
                                                     .threads = SVIRT_THREADS_PARALLEL,
                                                     .min_host_minor = 3});

// All outputs of a host, and the calls that fill them.
class DriverTable : public testing::Test {
 protected:
  using Call = svirt_status (DriverTable::*)();

  DriverTable() {
    Scripted::answer = [] { return svirt_status{SVIRT_OK}; };
    model_.struct_size = sizeof model_;
    set_.struct_size = sizeof set_;
    set_.run_capacity = 2;
    set_.runs = runs_.data();
    state_.struct_size = sizeof state_;
    state_.label = label_.buf;
    exec_.struct_size = sizeof exec_;
    plan_.struct_size = sizeof plan_;
    plan_.label = label_.buf;
    plan_.note = note_.buf;
  }
  ~DriverTable() override {
    if (instance_ != nullptr) {
      table_->fini(instance_);
    }
  }
  void Start(const svirt_plugin *table) {
    table_ = table;
    ASSERT_EQ(table_->init(host_.get(), &instance_, &error_), SVIRT_OK);
  }

  svirt_status Probe() { return table_->probe(host_.get(), "kvm", &error_); }
  svirt_status Init() {
    svirt_instance *instance = nullptr;
    const svirt_status status = table_->init(host_.get(), &instance, &error_);
    EXPECT_EQ(instance, nullptr);
    return status;
  }
  svirt_status GetModel() { return table_->get_model(instance_, "kvm", &model_, &error_); }
  svirt_status LabelSpace() {
    return table_->domain_label_space(instance_, &domain_.get(), nullptr, &set_, &error_);
  }
  svirt_status Generate() {
    return table_->domain_generate_label(instance_, &domain_.get(), 0, &label_.buf, &note_.buf,
                                         &error_);
  }
  svirt_status Verify() { return table_->domain_verify_label(instance_, &domain_.get(), &error_); }
  svirt_status GetLabel() {
    return table_->domain_get_label(instance_, &domain_.get(), &state_, &error_);
  }
  svirt_status SetLabel() {
    return table_->domain_set_label(instance_, &domain_.get(), "x", &error_);
  }
  svirt_status Prepare() {
    return table_->domain_prepare_exec(instance_, &domain_.get(), "x", &exec_, &error_);
  }
  svirt_status Plan() {
    return table_->resource_plan_label(instance_, &domain_.get(), &disk_, &plan_, &error_);
  }
  svirt_status GetResource() {
    return table_->resource_get_label(instance_, &disk_, &label_.buf, &error_);
  }
  svirt_status SetResource() {
    return table_->resource_set_label(instance_, &disk_, nullptr, &error_);
  }
  svirt_status PlanEntry() {
    return kEntries.plan(instance_, &domain_.get(), &disk_, &label_.buf, &error_);
  }
  svirt_status GetEntry() { return kEntries.get(instance_, &disk_, "mine", &label_.buf, &error_); }
  svirt_status SetEntry() { return kEntries.set(instance_, &disk_, "mine", &error_); }
  svirt_status RemoveEntry() { return kEntries.remove(instance_, &disk_, "mine", &error_); }
  static constexpr std::array<Call, 16> kCalls = {
      &DriverTable::Probe,      &DriverTable::Init,        &DriverTable::GetModel,
      &DriverTable::LabelSpace, &DriverTable::Generate,    &DriverTable::Verify,
      &DriverTable::GetLabel,   &DriverTable::SetLabel,    &DriverTable::Prepare,
      &DriverTable::Plan,       &DriverTable::GetResource, &DriverTable::SetResource,
      &DriverTable::PlanEntry,  &DriverTable::GetEntry,    &DriverTable::SetEntry,
      &DriverTable::RemoveEntry};

  void ExpectOutputsUntouched() {
    EXPECT_EQ(model_.enforcing, 0);
    EXPECT_STREQ(model_.base_label, "");
    EXPECT_EQ(set_.run_count, 0u);
    EXPECT_EQ(label_.bytes[0], '#');
    EXPECT_EQ(note_.bytes[0], '#');
    EXPECT_EQ(state_.enforcing, 0);
    EXPECT_EQ(exec_.op_count, 0u);
    EXPECT_EQ(plan_.action, 0u);
  }

  FakeHost host_;
  const svirt_plugin *table_ = nullptr;
  svirt_instance *instance_ = nullptr;
  svirt_error error_ = MakeError();
  TestDomain domain_;
  svirt_resource disk_ = MakeResource("/d", SVIRT_OBJ_FILE, SVIRT_ACCESS_READ);
  Buffer label_, note_;
  svirt_model model_{};
  svirt_index_set set_{};
  std::array<svirt_index_run, 2> runs_{};
  svirt_label_state state_{};
  svirt_exec exec_{};
  svirt_resource_plan plan_{};
};

TEST_F(DriverTable, SaysWhoItIs) {
  EXPECT_EQ(kComplete.struct_size, sizeof(svirt_plugin));
  EXPECT_EQ(kComplete.abi_major, SVIRT_ABI_MAJOR);
  EXPECT_EQ(kComplete.abi_minor, SVIRT_ABI_MINOR);
  EXPECT_STREQ(kComplete.model, "complete");
  EXPECT_STREQ(kComplete.version, "2");
  EXPECT_STREQ(kComplete.vendor, "test");
  EXPECT_EQ(kEntries.struct_size, sizeof(svirt_object_entry));
  EXPECT_EQ(kComplete.threads, SVIRT_THREADS_PARALLEL);
  EXPECT_EQ(kComplete.min_host_minor, 3);
  EXPECT_EQ(kComplete.flags, 0u);
  EXPECT_EQ(kComplete.get_extension("com.example/1"), &kExtension);
  EXPECT_EQ(kComplete.get_extension("com.example/2"), nullptr);
  EXPECT_EQ(kPlain.threads, SVIRT_THREADS_SERIAL) << "unless it says otherwise";
  EXPECT_EQ(kPlain.get_extension("com.example/1"), nullptr);
}

TEST_F(DriverTable, HandsOverWhatTheDriverAnswers) {
  Start(&kComplete);
  ASSERT_EQ(GetModel(), SVIRT_OK);
  EXPECT_EQ(model_.enforcing, 1);
  EXPECT_STREQ(model_.base_label, "base");
  ASSERT_EQ(LabelSpace(), SVIRT_OK);
  EXPECT_EQ(set_.run_count, 2u);
  EXPECT_EQ(runs_[1].first, 7u);
  ASSERT_EQ(Generate(), SVIRT_OK);
  EXPECT_EQ(label_.text(), "process");
  EXPECT_EQ(note_.text(), "image");
  EXPECT_EQ(Verify(), SVIRT_OK);
  ASSERT_EQ(GetLabel(), SVIRT_OK);
  EXPECT_EQ(label_.text(), "process");
  EXPECT_EQ(state_.enforcing, 1);
  EXPECT_EQ(SetLabel(), SVIRT_OK);
  ASSERT_EQ(Prepare(), SVIRT_OK);
  EXPECT_EQ(exec_.op_count, 1u);
  EXPECT_EQ(exec_.op[0].kind, uint32_t{SVIRT_EXEC_CREDENTIALS});
  ASSERT_EQ(Plan(), SVIRT_OK);
  EXPECT_EQ(plan_.action, uint32_t{SVIRT_PLAN_SET});
  EXPECT_EQ(plan_.flags, SVIRT_PLAN_KEEP);
  EXPECT_EQ(label_.text(), "image");
  EXPECT_EQ(note_.text(), "note");
  ASSERT_EQ(GetResource(), SVIRT_OK);
  EXPECT_EQ(label_.text(), "image");
  EXPECT_EQ(SetResource(), SVIRT_OK);
  ASSERT_EQ(PlanEntry(), SVIRT_OK);
  EXPECT_EQ(label_.text(), "planned");
  ASSERT_EQ(GetEntry(), SVIRT_OK);
  EXPECT_EQ(label_.text(), "mine present");
  EXPECT_EQ(SetEntry(), SVIRT_OK);
  EXPECT_EQ(RemoveEntry(), SVIRT_OK);
}

TEST_F(DriverTable, LetsNoExceptionOutAndNoOutputOfAFailedCall) {
  Start(&kComplete);
  for (const Call call : kCalls) {
    Scripted::answer = []() -> svirt_status { throw std::runtime_error("oops"); };
    EXPECT_EQ((this->*call)(), SVIRT_E_INTERNAL);
    EXPECT_THAT(error_.message, HasSubstr("oops"));
    Scripted::answer = [] { return svirt_status{SVIRT_E_DENIED}; };
    EXPECT_EQ((this->*call)(), SVIRT_E_DENIED);
  }
  ExpectOutputsUntouched();
  EXPECT_EQ(alive, 1) << "what a failed init made is gone";
}

TEST_F(DriverTable, FillsNothingWhereThereIsNoRoom) {
  Start(&kComplete);
  note_.buf.size = plan_.note.size = state_.label.size = 4;
  set_.run_capacity = 1;
  EXPECT_EQ(LabelSpace(), SVIRT_E_RANGE);
  EXPECT_EQ(set_.run_count, 2u);
  set_.run_count = 0;
  EXPECT_EQ(Generate(), SVIRT_E_RANGE);
  EXPECT_EQ(note_.buf.used, sizeof "image");
  EXPECT_EQ(GetLabel(), SVIRT_E_RANGE);
  EXPECT_EQ(Plan(), SVIRT_E_RANGE);
  label_.buf.size = 4;
  EXPECT_EQ(PlanEntry(), SVIRT_E_RANGE);
  EXPECT_EQ(label_.buf.used, sizeof "planned");
  EXPECT_EQ(GetEntry(), SVIRT_E_RANGE);
  ExpectOutputsUntouched();
}

TEST_F(DriverTable, TakesStructsOfOtherSizes) {
  Start(&kComplete);
  // An older host: what lies behind its struct is neither read nor written.
  domain_.get().base_label = "not of the struct";
  domain_.get().struct_size = offsetof(svirt_domain, base_label);
  ASSERT_EQ(Generate(), SVIRT_OK);
  EXPECT_EQ(note_.text(), "image");
  model_.struct_size = offsetof(svirt_model, base_label);
  ASSERT_EQ(GetModel(), SVIRT_OK);
  EXPECT_EQ(model_.enforcing, 1);
  EXPECT_STREQ(model_.base_label, "");
  EXPECT_EQ(model_.struct_size, offsetof(svirt_model, base_label));
}

TEST_F(DriverTable, HasHonestAnswersForWhatADriverLeavesOut) {
  Start(&kPlain);
  Scripted::answer = [] { return svirt_status{SVIRT_E_DENIED}; };
  EXPECT_EQ(SetLabel(), SVIRT_OK);
  EXPECT_EQ(GetResource(), SVIRT_E_NOTSUP);
  EXPECT_THAT(error_.message, HasSubstr("labels no objects"));
  EXPECT_EQ(SetResource(), SVIRT_E_NOTSUP);
  EXPECT_EQ(PlanEntry(), SVIRT_E_NODATA);
  EXPECT_THAT(error_.message, HasSubstr("no entries on objects"));
  EXPECT_EQ(GetEntry(), SVIRT_E_NODATA);
  EXPECT_EQ(SetEntry(), SVIRT_E_NOTSUP);
  EXPECT_EQ(RemoveEntry(), SVIRT_OK) << "there is none";
  ExpectOutputsUntouched();
}

TEST_F(DriverTable, FiniEndsTheDriver) {
  Start(&kPlain);
  EXPECT_EQ(alive, 1);
  table_->fini(instance_);
  instance_ = nullptr;
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace svirt::sdk
