// SPDX-License-Identifier: LGPL-2.1-or-later
// Definitions and status files: found by key, unique, private, and never misread.
#include "host/service/store/domain_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "host/domain/domain_xml.h"
#include "host/util/file.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kUuidA[] = "11111111-1111-4111-8111-111111111111";
constexpr char kUuidB[] = "22222222-2222-4222-8222-222222222222";

class DomainStoreTest : public testing::Test {
 protected:
  DomainStoreTest() {
    std::string pattern = (fs::temp_directory_path() / "svirt-store-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~DomainStoreTest() override { fs::remove_all(root_); }

  DomainStore Open() {
    DomainStore store(Paths::Below(root_));
    EXPECT_TRUE(store.made().ok());
    return store;
  }
  static Domain Make(const std::string &name, const std::string &uuid) {
    auto domain = ParseDomainXml("<domain type='qemu'><name>" + name + "</name><uuid>" + uuid +
                                     "</uuid><memory>1024</memory><os><type>hvm</type></os>"
                                     "</domain>",
                                 "test");
    EXPECT_TRUE(domain.ok()) << (domain.ok() ? "" : domain.error().message);
    return std::move(domain).value();
  }
  RunningDomain Running(Domain domain) {
    SecLabel label;
    label.type = SecLabel::Type::kDynamic;
    label.model = "fake";
    label.label = "process:c1,c2";
    label.image_label = "image:c1,c2";
    domain.seclabels = {label};
    return {*IdentifyProcess(::getpid()), std::move(domain)};
  }

  std::string root_;
};

TEST_F(DomainStoreTest, WithoutItsDirectoriesAllThatNeedsThemSaysWhy) {
  ASSERT_TRUE(WriteFileAtomic(root_ + "/state", "", 0600).ok());
  DomainStore store(Paths::Below(root_));
  ASSERT_FALSE(store.made().ok());
  const std::string why = store.made().error().message;
  EXPECT_THAT(why, testing::HasSubstr(root_ + "/state"));
  const Domain domain = Make("a", kUuidA);
  EXPECT_EQ(store.Find("a").error().message, why);
  EXPECT_EQ(store.List().error().message, why);
  EXPECT_EQ(store.Traces().error().message, why);
  EXPECT_EQ(store.Define(domain).error().message, why);
  EXPECT_EQ(store.Lock(kUuidA).error().message, why);
  EXPECT_EQ(store.MakeRunDirectory(kUuidA).error().message, why);
  EXPECT_EQ(store.SetRunning(kUuidA, {}).error().message, why);
}

TEST_F(DomainStoreTest, FindsByNameAndByUuid) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  EXPECT_EQ(store.Find("a")->domain.uuid, kUuidA);
  EXPECT_EQ(store.Find(kUuidA)->domain.name, "a");
  EXPECT_EQ(store.Find("b").error().code, Errc::kNotFound);
}

TEST_F(DomainStoreTest, AUuidIsFoundBeforeANameThatLooksLikeIt) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  ASSERT_TRUE(store.Define(Make(kUuidA, kUuidB)).ok());
  EXPECT_EQ(store.Find(kUuidA)->domain.name, "a");
}

TEST_F(DomainStoreTest, NamesAndUuidsAreUnique) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  EXPECT_TRUE(store.Define(Make("a", kUuidA)).ok()) << "defining again replaces";
  EXPECT_EQ(store.Define(Make("a", kUuidB)).error().code, Errc::kExists);
  EXPECT_THAT(store.Define(Make("b", kUuidA)).error().message, HasSubstr("'a'"));
  EXPECT_EQ(store.List()->size(), 1u);
}

TEST_F(DomainStoreTest, WhatBearsNoLabelIsKnownWhileADomainRuns) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  RunningDomain running = Running(Make("a", kUuidA));
  running.unlabelled = {"/mnt/nfs/a.img"};
  ASSERT_TRUE(store.SetRunning(kUuidA, running).ok());
  EXPECT_EQ(store.Find("a")->running->unlabelled, running.unlabelled);
}

TEST_F(DomainStoreTest, DefinitionsAreNobodyElsesBusiness) {
  const mode_t before = ::umask(0);
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  ASSERT_TRUE(store.SetRunning(kUuidA, Running(Make("a", kUuidA))).ok());
  ASSERT_TRUE(store.MakeRunDirectory(kUuidA).ok());
  ::umask(before);
  for (const auto &entry : fs::recursive_directory_iterator(root_)) {
    struct stat st {};
    ASSERT_EQ(::lstat(entry.path().c_str(), &st), 0);
    if (entry.is_regular_file() || entry.path() == store.RunDirectory(kUuidA)) {
      EXPECT_EQ(st.st_mode & 077u, 0u) << entry.path();
    }
  }
}

TEST_F(DomainStoreTest, RunDirectoriesAreOutOfReachForOtherGuests) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root: only then do emulators own each other's directories";
  }
  const DomainStore store = Open();
  ASSERT_TRUE(store.MakeRunDirectory(kUuidA).ok());
  ASSERT_TRUE(store.MakeRunDirectory(kUuidB).ok());
  struct stat st {};
  ASSERT_EQ(::stat(fs::path(store.RunDirectory(kUuidA)).parent_path().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777u, 0u);
}

TEST_F(DomainStoreTest, ARunningDomainKeepsItsLabels) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  ASSERT_TRUE(store.MakeRunDirectory(kUuidA).ok());
  ASSERT_TRUE(store.SetRunning(kUuidA, Running(Make("a", kUuidA))).ok());
  const auto stored = Open().Find("a");
  ASSERT_TRUE(stored.ok() && stored->running);
  EXPECT_TRUE(IsRunning(stored->running->process));
  ASSERT_EQ(stored->running->domain.seclabels.size(), 1u);
  EXPECT_EQ(stored->running->domain.seclabels[0].label, "process:c1,c2");
  EXPECT_EQ(stored->running->domain.seclabels[0].image_label, "image:c1,c2");
  EXPECT_EQ(stored->running->domain.seclabels[0].type, SecLabel::Type::kDynamic);

  ASSERT_TRUE(store.ClearRunning(kUuidA).ok());
  EXPECT_FALSE(store.Find("a")->running);
  EXPECT_FALSE(fs::exists(store.RunDirectory(kUuidA)));
  EXPECT_TRUE(store.ClearRunning(kUuidA).ok()) << "again is no error";
}

TEST_F(DomainStoreTest, AStartIsUnfinishedUntilItIsSaidToBeFinished) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  RunningDomain running = Running(Make("a", kUuidA));
  for (const bool starting : {true, false}) {
    running.starting = starting;
    ASSERT_TRUE(store.SetRunning(kUuidA, running).ok());
    EXPECT_EQ(store.Find("a")->running->starting, starting);
  }
}

TEST_F(DomainStoreTest, ClearingTakesWhatACrashLeftOfTheStatus) {
  DomainStore store = Open();
  const std::string left = UnfinishedFile(store.RunDirectory(kUuidA) + ".json");
  ASSERT_TRUE(WriteFileAtomic(left, "{", 0600).ok());
  ASSERT_TRUE(store.ClearRunning(kUuidA).ok());
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(DomainStoreTest, AnotherVersionsStatusIsNotMisread) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  for (const char *text :
       {"{\"version\": 99}", "{\"version\": \"1\"}", "", "[]", "{\"version\": 1}"}) {
    ASSERT_TRUE(WriteFileAtomic(store.RunDirectory(kUuidA) + ".json", text, 0600).ok());
    const auto stored = store.Find("a");
    ASSERT_FALSE(stored.ok()) << text;
    EXPECT_THAT(stored.error().message, HasSubstr(kUuidA));
  }
}

TEST_F(DomainStoreTest, AStatusThatIsCutOffStillNamesItsProcess) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  const RunningDomain running = Running(Make("a", kUuidA));
  ASSERT_TRUE(store.SetRunning(kUuidA, running).ok());
  const std::string file = store.RunDirectory(kUuidA) + ".json";
  const std::string whole = *ReadFile(file, 1 << 20);
  int named = 0;
  for (size_t length = 0; length < whole.size() - 2; ++length) {
    ASSERT_TRUE(WriteFileAtomic(file, whole.substr(0, length), 0600).ok());
    const auto stored = store.FindEvenDamaged(kUuidA);
    ASSERT_TRUE(stored.ok()) << stored.error().message;
    ASSERT_TRUE(stored->bad_status) << "at " << length;
    EXPECT_FALSE(stored->running);
    EXPECT_EQ(stored->domain.name, "a");
    if (stored->named_process) {
      EXPECT_EQ(*stored->named_process, running.process) << "at " << length;
      ++named;
    }
  }
  EXPECT_GT(named, 100) << "all that is cut off behind its start time";
  EXPECT_EQ(store.Find("a").error().code, Errc::kInvalid);
}

// What is wrong with the definition of one domain is no matter of the others.
TEST_F(DomainStoreTest, OneBadDefinitionIsOneBadDomain) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  ASSERT_TRUE(store.Define(Make("b", kUuidB)).ok());
  const std::string file = root_ + "/state/domains/" + kUuidA + ".xml";
  const std::string whole = *ReadFile(file, 1 << 20);
  const std::string other = *ReadFile(root_ + "/state/domains/" + kUuidB + ".xml", 1 << 20);
  for (const std::string &text :
       {std::string(), whole.substr(0, whole.size() / 2), std::string("\0\xff\n", 3), other,
        std::string((16u << 20) + 1, ' ')}) {
    ASSERT_TRUE(WriteFileAtomic(file, text, 0600).ok());
    const auto listed = store.List();
    ASSERT_TRUE(listed.ok()) << listed.error().message;
    ASSERT_EQ(listed->size(), 2u);
    EXPECT_TRUE(listed->front().bad_definition);
    EXPECT_EQ(listed->front().domain.uuid, kUuidA);
    EXPECT_EQ(listed->front().domain.name, "");
    EXPECT_EQ(listed->back().damage(), nullptr);
    EXPECT_TRUE(store.Find("b").ok());
    EXPECT_TRUE(store.Find(kUuidB).ok());
    const auto found = store.Find(kUuidA);
    ASSERT_FALSE(found.ok());
    EXPECT_THAT(found.error().message, HasSubstr(std::string("svirt undefine ") + kUuidA));
    const auto by_name = store.Find("a");
    ASSERT_FALSE(by_name.ok());
    EXPECT_EQ(by_name.error().code, Errc::kNotFound);
    EXPECT_THAT(by_name.error().message, HasSubstr(kUuidA)) << "it may be this one";
    EXPECT_FALSE(store.Find("").ok());
    // Mended by a new definition.
    ASSERT_TRUE(store.Define(Make("b", kUuidB)).ok());
    ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
    EXPECT_TRUE(store.Find("a").ok());
  }
  ASSERT_TRUE(WriteFileAtomic(file, "<", 0600).ok());
  EXPECT_EQ(store.Define(Make("b", kUuidA)).error().code, Errc::kExists);
  EXPECT_TRUE(store.Undefine(kUuidA).ok());
  EXPECT_EQ(store.List()->size(), 1u);
}

TEST_F(DomainStoreTest, TheStatusTellsTheNameThatABadDefinitionDoesNot) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  ASSERT_TRUE(store.SetRunning(kUuidA, Running(Make("a", kUuidA))).ok());
  ASSERT_TRUE(WriteFileAtomic(root_ + "/state/domains/" + kUuidA + ".xml", "<", 0600).ok());
  const auto stored = store.FindEvenDamaged("a");
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_TRUE(stored->bad_definition && stored->running);
  EXPECT_EQ(stored->domain.type, "qemu");
  EXPECT_EQ(store.Define(Make("a", kUuidB)).error().code, Errc::kExists) << "the name is taken";
  EXPECT_TRUE(store.Define(Make("a", kUuidA)).ok());
  EXPECT_TRUE(store.Find("a").ok());
}

TEST_F(DomainStoreTest, ADirectoryThatCannotBeReadIsNoEmptyOne) {
  const DomainStore store = Open();
  fs::remove(root_ + "/state/domains");
  ASSERT_TRUE(WriteFileAtomic(root_ + "/state/domains", "", 0600).ok());
  EXPECT_FALSE(store.List().ok());
  EXPECT_NE(store.Find("a").error().code, Errc::kNotFound);
}

TEST_F(DomainStoreTest, RemovingARunDirectoryFollowsNoLink) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make("a", kUuidA)).ok());
  ASSERT_TRUE(store.MakeRunDirectory(kUuidA).ok());
  fs::create_directory(root_ + "/precious");
  ASSERT_TRUE(WriteFileAtomic(root_ + "/precious/file", "x", 0600).ok());
  fs::create_directory_symlink(root_ + "/precious", store.RunDirectory(kUuidA) + "/link");
  ASSERT_TRUE(store.ClearRunning(kUuidA).ok());
  EXPECT_TRUE(fs::exists(root_ + "/precious/file"));
}

TEST_F(DomainStoreTest, OneAtATimeHoldsADomain) {
  DomainStore store = Open();
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20; ++n) {
        const auto lock = store.Lock(kUuidA);
        ASSERT_TRUE(lock.ok());
        const int now = ++inside;
        if (now > most) most = now;
        std::this_thread::yield();
        --inside;
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(most, 1);
}

// One bad definition is one bad domain.
TEST_F(DomainStoreTest, AFifoInPlaceOfADefinitionHoldsNobodyUp) {
  const std::string fifo = root_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const auto text = ReadRegularFile(fifo, 1000);
  ASSERT_FALSE(text.ok());
  EXPECT_THAT(text.error().message, HasSubstr("is no file; remove"));
}

}  // namespace
}  // namespace svirt
