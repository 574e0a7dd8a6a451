// SPDX-License-Identifier: LGPL-2.1-or-later
// The file that the registry lives in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "host/labels/store/registry_fixture.h"

namespace svirt::fake {
namespace {

using testing::HasSubstr;

TEST_F(RegistryTest, TheFileIsPrivate) {
  struct stat st {};
  ASSERT_EQ(::stat((dir_ / "state/labels.db").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
  ASSERT_EQ(::stat((dir_ / "state").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700u);
  Acquire(1);
  ASSERT_EQ(::stat((dir_ / "state/labels.db-wal").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
}

TEST_F(RegistryTest, RefusesAFileThatOthersMayWrite) {
  store_.reset();
  ASSERT_EQ(::chmod((dir_ / "state/labels.db").c_str(), 0660), 0);
  const auto store = LabelStore::Open({.directory = dir_ / "state"});
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Errc::kRefused);
  EXPECT_THAT(store.error().message, HasSubstr("can be written by other users"));
}

TEST_F(RegistryTest, RefusesALinkInPlaceOfTheFile) {
  store_.reset();
  const std::string file = dir_ / "state/labels.db";
  ASSERT_EQ(::rename(file.c_str(), (dir_ / "elsewhere.db").c_str()), 0);
  ASSERT_EQ(::symlink((dir_ / "elsewhere.db").c_str(), file.c_str()), 0);
  const auto store = LabelStore::Open({.directory = dir_ / "state"});
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(store.error().message, HasSubstr("not a regular file"));
}

TEST_F(RegistryTest, RefusesTheFileOfAnotherVersionAndOfAnotherProgram) {
  store_.reset();
  const std::string file = dir_ / "state/labels.db";
  const std::pair<int, const char *> versions[] = {{1, "an older svirt"}, {99, "a newer svirt"}};
  for (const auto &[version, writer] : versions) {
    {
      auto database = Database::Open(file, {});
      ASSERT_TRUE(database.ok());
      ASSERT_TRUE((*database)->Execute("PRAGMA user_version=" + std::to_string(version)).ok());
    }
    const auto store = LabelStore::Open({.directory = dir_ / "state"});
    ASSERT_FALSE(store.ok());
    EXPECT_EQ(store.error().code, Errc::kUnsupported);
    EXPECT_THAT(store.error().message, HasSubstr(writer));
  }
  {
    auto database = Database::Open(file, {});
    ASSERT_TRUE((*database)->Execute("PRAGMA user_version=0; PRAGMA application_id=7").ok());
  }
  const auto store = LabelStore::Open({.directory = dir_ / "state"});
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Errc::kRefused);
  EXPECT_THAT(store.error().message, HasSubstr("not a label database"));
}

TEST_F(RegistryTest, ADamagedFileIsNamed) {
  store_.reset();
  std::ofstream(dir_ / "state/labels.db") << std::string(8192, 'x');
  std::remove((dir_ / "state/labels.db-wal").c_str());
  const auto store = LabelStore::Open({.directory = dir_ / "state"});
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(store.error().message, HasSubstr("labels.db is damaged"));
}

TEST_F(RegistryTest, AReadOnlyStoreCreatesNothing) {
  const auto store = LabelStore::Open({.directory = dir_ / "other", .read_only = true});
  ASSERT_TRUE(store.ok());
  EXPECT_TRUE((*store)->registry().Peek(Owner(1), Dynamic(kSmall), {}).ok());
  EXPECT_NE(::access((dir_ / "other").c_str(), F_OK), 0);
  Acquire(1);
  const auto reader = LabelStore::Open({.directory = dir_ / "state", .read_only = true});
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_TRUE((*reader)->registry().Describe(Owner(1).uuid)->has_value());
  const auto refused = (*reader)->registry().Acquire(Owner(2), Dynamic(kSmall));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kPermission);
}

// The parameter is the format that it begins with.
class MigrationTest : public testing::TestWithParam<int> {
 protected:
  MigrationTest() {
    std::ifstream dump(std::string(SVIRT_LABEL_DUMPS) + "/labels-" + Format() + ".sql");
    std::ostringstream sql;
    sql << dump.rdbuf();
    ::mkdir((dir_ / "state").c_str(), 0700);
    std::ofstream(File()).close();
    ::chmod(File().c_str(), 0600);
    auto database = Database::Open(File(), {});
    EXPECT_TRUE(database.ok());
    const Status made = (*database)->Execute(sql.str());
    EXPECT_TRUE(made.ok()) << made.error().message;
  }
  static std::string Format() { return std::to_string(GetParam()); }
  std::string File() { return dir_ / "state/labels.db"; }
  std::string Copy() { return File() + ".format-" + Format(); }
  static int64_t Version(const std::string &path) {
    auto database = Database::Open(path, {.read_only = true});
    EXPECT_TRUE(database.ok()) << database.error().message;
    return **(*database)->AskInt("PRAGMA user_version");
  }
  auto Open(bool read_only = false) {
    return LabelStore::Open({.directory = dir_ / "state", .read_only = read_only});
  }

  TempDir dir_;
};

constexpr const char *kWeb = "6b1f3a52-9c1d-4c7e-8a5e-0d2f6b7c8d91";

TEST_P(MigrationTest, AnOlderFormatIsBroughtToThisOneWithAllThatItKnows) {
  const auto store = Open();
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_EQ((*store)->registry().Owners()->size(), 2u);
  const auto web = (*store)->registry().Describe(kWeb);
  ASSERT_TRUE(web.ok() && web->has_value());
  EXPECT_TRUE((*web)->pinned);
  ASSERT_EQ((*web)->labels.size(), 2u);
  EXPECT_EQ((*web)->labels[0].label, "+2100024857:+2100024857");
  const auto uses = (*store)->journal().Uses(kWeb);
  ASSERT_EQ(uses->size(), 3u);
  EXPECT_EQ(uses->at(1).path, "/var/lib/libvirt/images/web.img");
  EXPECT_EQ(uses->at(1).old.label, "+0:+0");
  EXPECT_EQ(uses->at(2).extent, Extent::kEntry);
  // It works as one that was made anew.
  EXPECT_TRUE((*store)->journal().FinishUndo(kWeb, {}, false).ok());
  EXPECT_EQ((*store)->journal().Lost()->size(), GetParam() >= 8 ? 1u : 0u);
  EXPECT_TRUE((*store)->registry().Borne()->empty());
  EXPECT_EQ(Version(File()), 10);
}

TEST_P(MigrationTest, ACopyIsMadeBefore) {
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(Version(Copy()), GetParam());
  struct stat st {};
  ASSERT_EQ(::stat(Copy().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
  auto database = Database::Open(Copy(), {.read_only = true});
  EXPECT_EQ(**(*database)->AskInt("SELECT count(*) FROM use WHERE owner<3"), 6);
}

TEST_P(MigrationTest, WithoutACopyNothingIsChanged) {
  ASSERT_EQ(::mkdir((Copy() + ".new").c_str(), 0700), 0);
  const auto refused = Open();
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr(".format-" + Format() + ".new"));
  EXPECT_EQ(Version(File()), GetParam());
}

TEST_P(MigrationTest, WhoeverOnlyReadsIsToldToRecover) {
  const auto refused = Open(true);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("'svirt recover' migrates it"));
  EXPECT_EQ(Version(File()), GetParam());
}

TEST_P(MigrationTest, OneOfManyMigratesAndAllGoOn) {
  std::vector<std::thread> threads;
  std::atomic<int> opened = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto store = Open();
      opened += store.ok() ? 1 : 0;
      EXPECT_TRUE(store.ok()) << store.error().message;
    });
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
  EXPECT_EQ(opened, 8);
  EXPECT_EQ(Version(File()), 10);
  EXPECT_EQ(Version(Copy()), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Formats, MigrationTest, testing::Values(7, 8, 9));

}  // namespace
}  // namespace svirt::fake
