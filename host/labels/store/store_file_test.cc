// SPDX-License-Identifier: LGPL-2.1-or-later
// The file that the registry lives in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

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

}  // namespace
}  // namespace svirt::fake
