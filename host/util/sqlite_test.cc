// SPDX-License-Identifier: LGPL-2.1-or-later
// Databases: values, transactions, bounded waits, and errors that say which file and who.
#include "host/util/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace svirt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class SqliteTest : public testing::Test {
 protected:
  SqliteTest() {
    dir_ = (fs::temp_directory_path() / "svirt-sqlite-XXXXXX").string();
    EXPECT_NE(::mkdtemp(dir_.data()), nullptr);
    std::ofstream(dir_ + "/db") << "";
    database_ = Open();
    EXPECT_TRUE(database_->Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(a, b)").ok());
  }
  ~SqliteTest() override {
    database_.reset();
    fs::remove_all(dir_);
  }
  std::unique_ptr<Database> Open(const Database::Options &options = {}) {
    auto database = Database::Open(dir_ + "/db", options);
    EXPECT_TRUE(database.ok()) << database.error().message;
    return database.ok() ? std::move(*database) : nullptr;
  }
  int64_t Count(Database &database) { return **database.AskInt("SELECT count(*) FROM t"); }

  std::string dir_;
  std::unique_ptr<Database> database_;
};

TEST_F(SqliteTest, KeepsEveryKindOfValue) {
  const std::string text("with \0 inside", 13);
  const uint64_t large = uint64_t{1} << 62;
  ASSERT_TRUE(database_->Run("INSERT INTO t VALUES(?1, ?2)", large, text).ok());
  ASSERT_TRUE(
      database_->Run("INSERT INTO t VALUES(?1, ?2)", std::optional<uint64_t>(), std::string_view())
          .ok());
  auto query = database_->Ask("SELECT a, b FROM t ORDER BY rowid");
  ASSERT_TRUE(query.ok());
  ASSERT_TRUE(*query->Step());
  EXPECT_EQ(query->Unsigned(0), large);
  EXPECT_EQ(query->Text(1), text);
  ASSERT_TRUE(*query->Step());
  EXPECT_EQ(query->OptionalText(0), std::nullopt);
  EXPECT_EQ(query->OptionalText(1), "");
  EXPECT_FALSE(*query->Step());
}

TEST_F(SqliteTest, AStatementIsReusedAlsoWhileItIsInUse) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(database_->Run("INSERT INTO t VALUES(?1, 0)", i).ok());
  }
  int pairs = 0;
  const auto all = [this] { return database_->Ask("SELECT a FROM t"); };
  auto outer = all();
  while (*outer->Step()) {
    auto inner = all();
    while (*inner->Step()) {
      ++pairs;
    }
  }
  EXPECT_EQ(pairs, 9);
}

TEST_F(SqliteTest, WithoutCommitATransactionIsUndone) {
  {
    auto transaction = Transaction::Begin(database_.get());
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(database_->Run("INSERT INTO t VALUES(1, 1)").ok());
  }
  EXPECT_EQ(Count(*database_), 0);
  auto transaction = Transaction::Begin(database_.get());
  ASSERT_TRUE(database_->Run("INSERT INTO t VALUES(1, 1)").ok());
  ASSERT_TRUE(transaction->Commit().ok());
  EXPECT_EQ(Count(*Open()), 1);
}

TEST_F(SqliteTest, OnlyAWriteAheadLogCanBeSynced) {
  EXPECT_TRUE(database_->OpenLog().ok());
  EXPECT_TRUE(database_->Sync().ok());
  const auto other = Open();
  database_.reset();
  ASSERT_TRUE(other->Execute("PRAGMA journal_mode=DELETE").ok());
  EXPECT_EQ(other->OpenLog().error().code, Errc::kRefused);
}

// SQLite by itself starts the log anew only when nobody else writes.
TEST_F(SqliteTest, TheLogStaysShortWhileSeveralWrite) {
  const auto write = [this] {
    const auto database = Open();
    ASSERT_NE(database, nullptr);
    for (int i = 0; i < 4000; ++i) {
      auto transaction = Transaction::Begin(database.get());
      ASSERT_TRUE(transaction.ok()) << transaction.error().message;
      ASSERT_TRUE(database->Run("INSERT INTO t VALUES(?1, zeroblob(3000))", i).ok());
      ASSERT_TRUE(transaction->Commit().ok());
    }
  };
  std::thread other(write);
  write();
  other.join();
  EXPECT_EQ(Count(*database_), 8000);
  EXPECT_LT(fs::file_size(dir_ + "/db-wal"), 8 * 1000 * 4096U);
}

TEST_F(SqliteTest, ADamagedSchemaIsNamed) {
  const auto other = Open();
  ASSERT_EQ(Count(*other), 0);
  ASSERT_TRUE(database_
                  ->Execute("PRAGMA writable_schema=ON; INSERT INTO sqlite_schema "
                            "VALUES('table', 'x', 'x', 0, 'no SQL'); PRAGMA schema_version=99")
                  .ok());
  const auto read = other->AskInt("SELECT count(*) FROM sqlite_schema");
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr(dir_ + "/db is damaged"));
}

TEST_F(SqliteTest, WaitingForALockIsBounded) {
  const auto other = Open();
  const auto held = Transaction::Begin(other.get());
  ASSERT_TRUE(held.ok());
  const auto database = Open({.busy_timeout = std::chrono::milliseconds(100)});
  const auto begin = std::chrono::steady_clock::now();
  const auto refused = Transaction::Begin(database.get());
  const auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr("has been locked by "));
  EXPECT_GE(took, std::chrono::milliseconds(100));
  EXPECT_LT(took, std::chrono::seconds(10));
}

// A process that is stopped in the middle of its transaction.
TEST_F(SqliteTest, WhoHasItLockedIsNamed) {
  database_.reset();  // SQLite's connections are not for two processes
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    const auto own = Open();
    const auto held = Transaction::Begin(own.get());
    ::raise(held.ok() ? SIGSTOP : SIGKILL);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, WUNTRACED), pid);
  ASSERT_TRUE(WIFSTOPPED(status));
  const auto database = Open({.busy_timeout = std::chrono::milliseconds(1000)});
  const auto took = [&] {
    const auto begin = std::chrono::steady_clock::now();
    const auto refused = Transaction::Begin(database.get());
    EXPECT_EQ(refused.error().code, Errc::kConflict);
    EXPECT_THAT(refused.error().message, HasSubstr("/db has been locked by process " +
                                                   std::to_string(pid) + " (sqlite_test"));
    EXPECT_THAT(refused.error().message, HasSubstr("kill -CONT"));
    return std::chrono::steady_clock::now() - begin;
  };
  EXPECT_GE(took(), std::chrono::milliseconds(1000));
  EXPECT_LT(took(), std::chrono::milliseconds(900)) << "it is known to be stuck";
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_TRUE(Transaction::Begin(database.get()).ok());
}

TEST_F(SqliteTest, ASignalThatTheCallerBlocksEndsTheWait) {
  const auto other = Open();
  const auto held = Transaction::Begin(other.get());
  ASSERT_TRUE(held.ok());
  const auto database = Open({.busy_timeout = std::chrono::seconds(30)});
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &set, nullptr), 0);
  ASSERT_EQ(::raise(SIGTERM), 0);
  const auto begin = std::chrono::steady_clock::now();
  const auto refused = Transaction::Begin(database.get());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  int taken = 0;
  ASSERT_EQ(::sigwait(&set, &taken), 0);
  ASSERT_EQ(::pthread_sigmask(SIG_UNBLOCK, &set, nullptr), 0);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("a signal ended the wait"));
}

TEST_F(SqliteTest, ErrorsNameTheFile) {
  const auto wrong = database_->Execute("SELECT 1 FROM nowhere");
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr(dir_ + "/db: no such table: nowhere"));
  const auto missing = Database::Open(dir_ + "/missing", {});
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("missing"));
  const auto reader = Open({.read_only = true});
  EXPECT_EQ(reader->Run("INSERT INTO t VALUES(1, 1)").error().code, Errc::kPermission);
}

TEST_F(SqliteTest, ErrorsOfTheFileSystemSayWhich) {
  ASSERT_TRUE(database_->Execute("PRAGMA max_page_count=3").ok());
  const auto full = database_->Execute("INSERT INTO t VALUES(zeroblob(100000), 1)");
  ASSERT_FALSE(full.ok());
  EXPECT_THAT(full.error().message, HasSubstr("no space left"));
  const auto missing = Database::Open(dir_ + "/missing", {});
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("No such file"));
  EXPECT_EQ(missing.error().sys_errno, ENOENT);
}

TEST_F(SqliteTest, RefusesALink) {
  fs::create_symlink(dir_ + "/db", dir_ + "/link");
  EXPECT_FALSE(Database::Open(dir_ + "/link", {}).ok());
}

}  // namespace
}  // namespace svirt
