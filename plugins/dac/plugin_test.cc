// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin's table as a host calls it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <svirt/ext/draft/object_entry.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <vector>

#include "plugin_fixture.h"
#include "testing/owned_file.h"

namespace svirt::dac {
namespace {

using sdk::Buffer;
using sdk::FakeHost;
using sdk::kRw;
using sdk::MakeError;
using sdk::TestDomain;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr uint64_t kFirst = 2'100'000'000;

TEST(PluginProbe, RefusesAConfigurationThatIsNone) {
  FakeHost host;
  host.settings["first_id"] = "root";
  svirt_error reason = MakeError();
  EXPECT_EQ(svirt_plugin_v1()->probe(host.get(), "kvm", &reason), SVIRT_E_INVALID);
  svirt_instance *instance = nullptr;
  EXPECT_EQ(svirt_plugin_v1()->init(host.get(), &instance, &reason), SVIRT_E_INVALID);
  EXPECT_EQ(instance, nullptr);
}

TEST(PluginProbe, IsInactiveAndNotInitialisedWithoutPrivilege) {
  if (WhyNotPrivileged().empty()) {
    GTEST_SKIP() << "needs a process without the privilege to give files away";
  }
  const FakeHost host;
  svirt_error reason = MakeError();
  EXPECT_EQ(svirt_plugin_v1()->probe(host.get(), "kvm", &reason), SVIRT_INACTIVE);
  svirt_instance *instance = nullptr;
  EXPECT_EQ(svirt_plugin_v1()->init(host.get(), &instance, &reason), SVIRT_E_NOTSUP);
}

class PluginTable : public testing::Test {
 protected:
  void SetUp() override {
    SVIRT_DAC_NEEDS_PRIVILEGES();
    ASSERT_EQ(plugin_->init(host_.get(), &instance_, &error_), SVIRT_OK) << error_.message;
  }
  void TearDown() override {
    if (instance_ != nullptr) {
      plugin_->fini(instance_);
    }
  }

  // The label, or the sentence.
  std::string Generate(TestDomain &domain, uint64_t index = kFirst) {
    const svirt_status status = plugin_->domain_generate_label(
        instance_, &domain.get(), index, &label_.buf, &image_label_.buf, &error_);
    return status == SVIRT_OK ? label_.text() : error_.message;
  }
  std::vector<std::pair<uint64_t, uint64_t>> Space(TestDomain &domain, const char *label) {
    std::array<svirt_index_run, 4> runs{};
    svirt_index_set set{};
    set.struct_size = sizeof set;
    set.run_capacity = runs.size();
    set.runs = runs.data();
    EXPECT_EQ(plugin_->domain_label_space(instance_, &domain.get(), label, &set, &error_), SVIRT_OK)
        << error_.message;
    std::vector<std::pair<uint64_t, uint64_t>> list;
    for (uint32_t i = 0; i < set.run_count; ++i) {
      list.emplace_back(runs[i].first, runs[i].count);
    }
    return list;
  }
  svirt_status Prepare(TestDomain &domain, const char *label) {
    exec_ = {};
    exec_.struct_size = sizeof exec_;
    return plugin_->domain_prepare_exec(instance_, &domain.get(), label, &exec_, &error_);
  }
  TestDomain Static(const char *label) {
    TestDomain domain;
    domain.get().label_type = SVIRT_LABEL_STATIC;
    domain.get().label = label;
    return domain;
  }

  const svirt_plugin *plugin_ = svirt_plugin_v1();
  FakeHost host_;
  svirt_instance *instance_ = nullptr;
  svirt_error error_ = MakeError();
  svirt_exec exec_{};
  Buffer label_, image_label_;
};

TEST_F(PluginTable, SaysWhatTheModelIs) {
  svirt_model model{};
  model.struct_size = sizeof model;
  ASSERT_EQ(plugin_->get_model(instance_, "qemu", &model, &error_), SVIRT_OK);
  EXPECT_STREQ(model.model, "dac");
  EXPECT_EQ(model.flags, SVIRT_MODEL_OBJECT);
  EXPECT_EQ(model.enforcing, 1);
  EXPECT_STREQ(model.doi, "");
}

TEST_F(PluginTable, OffersItsIdsAsIndexes) {
  TestDomain domain;
  EXPECT_THAT(Space(domain, nullptr), ElementsAre(Pair(kFirst, 65536)));
  EXPECT_EQ(Generate(domain, kFirst), "+2100000000:+2100000000");
  EXPECT_EQ(image_label_.text(), label_.text());
  EXPECT_EQ(Generate(domain, kFirst + 65535), "+2100065535:+2100065535");
  EXPECT_THAT(Generate(domain, kFirst + 65536), HasSubstr("none of the ids"));
  EXPECT_THAT(Generate(domain, 0), HasSubstr("none of the ids"));
  domain.get().label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(Generate(domain), "");
  EXPECT_THAT(Space(domain, nullptr), ElementsAre());
}

TEST_F(PluginTable, TakesItsIdsFromOthers) {
  TestDomain any;
  EXPECT_THAT(Space(any, "+2100000007:+2100000007"), ElementsAre(Pair(kFirst + 7, 1)));
  EXPECT_THAT(Space(any, "+1000:+1000"), ElementsAre()) << "a user's process is no domain";
  TestDomain given = Static("107:108");
  EXPECT_THAT(Space(given, "107:108"), ElementsAre(Pair(107, 1)))
      << "a group may have many members";
  EXPECT_THAT(Space(given, "107:2100000007"), ElementsAre(Pair(107, 1), Pair(kFirst + 7, 1)));
  EXPECT_THAT(Space(given, "+2100000009:+2100000007"),
              ElementsAre(Pair(kFirst + 7, 1), Pair(kFirst + 9, 1)));
  EXPECT_THAT(Space(given, "+2100000008:+2100000007"), ElementsAre(Pair(kFirst + 7, 2)));
}

TEST_F(PluginTable, MakesStaticLabelsCanonical) {
  for (const char *text : {"+107:+108", "107:108", "+107:108"}) {
    TestDomain domain = Static(text);
    EXPECT_EQ(plugin_->domain_verify_label(instance_, &domain.get(), &error_), SVIRT_OK) << text;
    EXPECT_EQ(Generate(domain), "+107:+108") << text;
  }
}

TEST_F(PluginTable, RefusesRootAndWhatIsNoLabel) {
  for (const char *text : {"+0:+107", "+107:+0", "root:root", "0:0", "", "x", "107"}) {
    TestDomain domain = Static(text);
    EXPECT_EQ(plugin_->domain_verify_label(instance_, &domain.get(), &error_), SVIRT_E_INVALID);
    EXPECT_THAT(Generate(domain),
                testing::AnyOf(HasSubstr("may not run as root"), HasSubstr("is no DAC label")));
    EXPECT_EQ(Prepare(domain, text), SVIRT_E_INVALID);
    EXPECT_EQ(exec_.op_count, 0u);
  }
  TestDomain based;
  based.get().base_label = "+1:+1";
  EXPECT_EQ(plugin_->domain_verify_label(instance_, &based.get(), &error_), SVIRT_E_INVALID);
  TestDomain overridden;
  overridden.Add("/d", SVIRT_OBJ_FILE, kRw);
  overridden.resources()[0].override_label = "x";
  EXPECT_EQ(plugin_->domain_verify_label(instance_, &overridden.get(), &error_), SVIRT_E_INVALID);
}

TEST_F(PluginTable, GivesNoDomainAnIdThatSomebodyHas) {
  TestDomain domain;
  domain.get().label = "+65534:+65534";  // nobody
  EXPECT_EQ(plugin_->domain_verify_label(instance_, &domain.get(), &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("of user nobody of this host"));
  TestDomain wanted = Static("+65534:+65534");
  EXPECT_EQ(plugin_->domain_verify_label(instance_, &wanted.get(), &error_), SVIRT_OK)
      << "by name it may be had";
}

TEST_F(PluginTable, PreparesToBecomeTheDomain) {
  TestDomain domain;
  ASSERT_EQ(Prepare(domain, "+2100000007:+2100000009"), SVIRT_OK) << error_.message;
  EXPECT_EQ(exec_.op_count, 1u);
  EXPECT_EQ(exec_.op[0].kind, uint32_t{SVIRT_EXEC_CREDENTIALS});
  EXPECT_EQ(exec_.op[0].uid, 2'100'000'007u);
  EXPECT_EQ(exec_.op[0].gid, 2'100'000'009u);
  domain.get().label_type = SVIRT_LABEL_NONE;
  exec_.op_count = 3;
  ASSERT_EQ(plugin_->domain_prepare_exec(instance_, &domain.get(), "", &exec_, &error_), SVIRT_OK);
  EXPECT_EQ(exec_.op_count, 0u);
  TestDomain nowhere(sdk::kUuidA, "true");
  EXPECT_EQ(Prepare(nowhere, "+1:+1"), SVIRT_E_INVALID);
}

TEST_F(PluginTable, RefusesToStartWhatCannotWork) {
  const sdk::TempDir dir(0600);
  const std::string path = dir.File("disk");
  TestDomain shut(sdk::kUuidA, path.c_str());
  EXPECT_EQ(Prepare(shut, "+2100000007:+2100000007"), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("may not execute " + path));

  const sdk::Fd fd = OpenPath(path), share = OpenPath(dir.path());
  TestDomain domain;
  domain.Add(path, SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK, fd.get());
  EXPECT_EQ(Prepare(domain, "+2100000007:+2100000007"), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("may not read and write " + path));
  EXPECT_EQ(exec_.op_count, 0u);

  ASSERT_EQ(plugin_->resource_set_label(instance_, &domain.resources()[0],
                                        "+2100000007:+2100000007", &error_),
            SVIRT_OK)
      << error_.message;
  domain.get().image_label = "+2100000007:+2100000007";
  EXPECT_EQ(Prepare(domain, "+2100000007:+2100000007"), SVIRT_OK) << error_.message;
  EXPECT_THAT(host_.log, ElementsAre());
  // What is in a directory has modes of its own.
  domain.Add(dir.path(), SVIRT_OBJ_DIR, SVIRT_ACCESS_WRITE, 0, SVIRT_RES_RUNDIR, share.get());
  EXPECT_EQ(Prepare(domain, "+2100000007:+2100000007"), SVIRT_OK) << error_.message;
  EXPECT_THAT(host_.log, ElementsAre());
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(Prepare(domain, "+2100000007:+2100000007"), SVIRT_OK) << error_.message;
  EXPECT_THAT(host_.log, ElementsAre(path + " is the domain's alone, but its mode lets everybody "
                                            "in: chmod o= it"));
}

TEST_F(PluginTable, ReadsTheLabelOfAProcess) {
  TestDomain domain;
  svirt_label_state state{};
  state.struct_size = sizeof state;
  state.label = label_.buf;
  domain.get().pid = ::getpid();
  ASSERT_EQ(plugin_->domain_get_label(instance_, &domain.get(), &state, &error_), SVIRT_OK);
  EXPECT_EQ(label_.text(), FormatIdentity({::getuid(), ::getgid()}));
  EXPECT_EQ(state.enforcing, 1);
  domain.get().pid = -1;
  EXPECT_EQ(plugin_->domain_get_label(instance_, &domain.get(), &state, &error_), SVIRT_E_GONE);
}

TEST_F(PluginTable, ReadsAndSetsTheOwnerOfAnObject) {
  const sdk::TempDir dir;
  const std::string path = dir.File("disk");
  const sdk::Fd fd = OpenPath(path);
  svirt_resource disk = sdk::MakeResource(path.c_str(), SVIRT_OBJ_FILE, kRw);
  disk.fd = fd.get();
  ASSERT_EQ(plugin_->resource_get_label(instance_, &disk, &label_.buf, &error_), SVIRT_OK);
  EXPECT_EQ(label_.text(), OwnerOf(path));
  ASSERT_EQ(plugin_->resource_set_label(instance_, &disk, "+5:+6", &error_), SVIRT_OK);
  EXPECT_EQ(OwnerOf(path), "+5:+6");
  EXPECT_EQ(plugin_->resource_set_label(instance_, &disk, "x", &error_), SVIRT_E_INVALID);
  EXPECT_EQ(plugin_->resource_set_label(instance_, &disk, nullptr, &error_), SVIRT_E_NOTSUP);
  EXPECT_EQ(OwnerOf(path), "+5:+6");
}

class PluginEntry : public PluginTable {
 protected:
  void SetUp() override {
    PluginTable::SetUp();
    extension_ =
        static_cast<const svirt_object_entry *>(plugin_->get_extension(SVIRT_EXT_OBJECT_ENTRY));
    ASSERT_NE(extension_, nullptr);
    ASSERT_EQ(extension_->struct_size, sizeof *extension_);
  }
  // The answer, or the sentence.
  std::string Plan(TestDomain &domain, const svirt_resource &resource) {
    const svirt_status status =
        extension_->plan(instance_, &domain.get(), &resource, &label_.buf, &error_);
    return status == SVIRT_OK ? label_.text() : error_.message;
  }
  std::string Get(const svirt_resource &resource, const char *entry) {
    const svirt_status status = extension_->get(instance_, &resource, entry, &label_.buf, &error_);
    return status == SVIRT_OK ? label_.text() : status == SVIRT_E_NODATA ? "" : error_.message;
  }

  const svirt_object_entry *extension_ = nullptr;
};

// As a host starts two of them on one base image, and ends them.
TEST_F(PluginEntry, LetsTwoDomainsReadOneImage) {
  const sdk::TempDir dir(0600);
  const std::string path = dir.File("base.img"), owner = OwnerOf(path);
  const sdk::Fd fd = OpenPath(path);
  std::vector<std::string> entries;
  for (const char *label : {"+2100000007:+2100000007", "+2100000008:+2100000008"}) {
    TestDomain domain;
    domain.Add(path, SVIRT_OBJ_FILE, SVIRT_ACCESS_READ, 0, SVIRT_RES_BACKING, fd.get());
    domain.get().label = label;
    domain.get().image_label = label;
    EXPECT_EQ(Prepare(domain, label), SVIRT_E_DENIED) << "without an entry";
    entries.push_back(Plan(domain, domain.resources()[0]));
    EXPECT_EQ(Get(domain.resources()[0], entries.back().c_str()), "");
    ASSERT_EQ(extension_->set(instance_, &domain.resources()[0], entries.back().c_str(), &error_),
              SVIRT_OK)
        << error_.message;
    EXPECT_EQ(Get(domain.resources()[0], entries.back().c_str()), entries.back());
    EXPECT_EQ(Prepare(domain, label), SVIRT_OK) << error_.message;
    EXPECT_EQ(OwnerOf(path), owner);
  }
  EXPECT_THAT(entries, ElementsAre("+2100000007:r--", "+2100000008:r--"));
  svirt_resource image = sdk::MakeResource(path.c_str(), SVIRT_OBJ_FILE, SVIRT_ACCESS_READ);
  image.fd = fd.get();
  for (const std::string &entry : entries) {
    EXPECT_EQ(Get(image, entry.c_str()), entry) << "the end of the other one leaves it alone";
    ASSERT_EQ(extension_->remove(instance_, &image, entry.c_str(), &error_), SVIRT_OK);
    EXPECT_EQ(Get(image, entry.c_str()), "");
  }
  EXPECT_EQ(ModeOf(path), 0600u);
}

TEST_F(PluginEntry, IsNoneOfUnconfinedDomains) {
  const sdk::TempDir dir(0600);
  const std::string path = dir.File("base.img");
  const sdk::Fd fd = OpenPath(path);
  TestDomain domain;
  domain.Add(path, SVIRT_OBJ_FILE, SVIRT_ACCESS_READ, 0, SVIRT_RES_BACKING, fd.get());
  domain.get().label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(
      extension_->plan(instance_, &domain.get(), &domain.resources()[0], &label_.buf, &error_),
      SVIRT_E_NODATA);
  domain.get().label_type = SVIRT_LABEL_DYNAMIC;
  EXPECT_THAT(Plan(domain, domain.resources()[0]), HasSubstr("is no DAC label"));
}

TEST_F(PluginEntry, RefusesWhatIsNoEntry) {
  const sdk::TempDir dir(0600);
  const std::string path = dir.File("base.img");
  const sdk::Fd fd = OpenPath(path);
  svirt_resource image = sdk::MakeResource(path.c_str(), SVIRT_OBJ_FILE, SVIRT_ACCESS_READ);
  image.fd = fd.get();
  for (const char *entry : {"", "x", "+5:+6", "+2100000007:r"}) {
    EXPECT_EQ(extension_->set(instance_, &image, entry, &error_), SVIRT_E_INVALID);
    EXPECT_THAT(error_.message, HasSubstr("written +UID:rwx"));
    EXPECT_EQ(extension_->remove(instance_, &image, entry, &error_), SVIRT_E_INVALID);
    EXPECT_EQ(extension_->get(instance_, &image, entry, &label_.buf, &error_), SVIRT_E_INVALID);
  }
  EXPECT_EQ(ModeOf(path), 0600u);
}

TEST_F(PluginTable, HasNothingToTellTheSystem) {
  TestDomain domain;
  EXPECT_EQ(plugin_->domain_set_label(instance_, &domain.get(), "+5:+6", &error_), SVIRT_OK);
  EXPECT_EQ(plugin_->domain_set_label(instance_, &domain.get(), nullptr, &error_), SVIRT_OK);
  EXPECT_EQ(plugin_->domain_set_label(instance_, &domain.get(), "+0:+0", &error_), SVIRT_E_INVALID);
  EXPECT_EQ(plugin_->get_extension("svirt.unknown/1"), nullptr);
}

TEST_F(PluginTable, LeavesBuffersAloneThatAreTooSmall) {
  TestDomain domain;
  Buffer small(10);
  EXPECT_EQ(plugin_->domain_generate_label(instance_, &domain.get(), kFirst, &small.buf,
                                           &image_label_.buf, &error_),
            SVIRT_E_RANGE);
  EXPECT_EQ(small.buf.used, 24u);
  EXPECT_EQ(small.bytes, std::string(10, '#'));
}

TEST_F(PluginTable, MayBeCalledFromManyThreads) {
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < 20; ++round) {
        TestDomain domain = Static("nobody:+7");
        svirt_error error = MakeError();
        ASSERT_EQ(plugin_->domain_verify_label(instance_, &domain.get(), &error), SVIRT_OK);
        svirt_exec exec{};
        exec.struct_size = sizeof exec;
        ASSERT_EQ(plugin_->domain_prepare_exec(instance_, &domain.get(), "+7:+7", &exec, &error),
                  SVIRT_OK);
      }
    });
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
}

}  // namespace
}  // namespace svirt::dac
