// SPDX-License-Identifier: LGPL-2.1-or-later
// Each transaction is one write to the log, and no sync is left out that others depend on.
#include "host/util/sqlite_vfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace svirt {
namespace {

namespace fs = std::filesystem;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

// Between the VFS and SQLite's file: what is written and synced, and what is to fail.
struct Spy : sqlite3_io_methods {
  explicit Spy(sqlite3_file *file) : sqlite3_io_methods(*file->pMethods), inner(file->pMethods) {
    xWrite = [](sqlite3_file *f, const void *data, int size, sqlite3_int64 offset) {
      Spy *spy = current;
      spy->writes.push_back(size);
      if (spy->writes_until_full > 0 && --spy->writes_until_full == 0) {
        spy->inner->xWrite(f, data, size / 2, offset);
        return SQLITE_FULL;
      }
      return spy->inner->xWrite(f, data, size, offset);
    };
    xSync = [](sqlite3_file *f, int flags) {
      ++current->syncs;
      return current->inner->xSync(f, flags);
    };
    file->pMethods = this;
    current = this;
  }

  void Reset() {
    writes.clear();
    syncs = 0;
  }

  static inline Spy *current = nullptr;
  const sqlite3_io_methods *inner;
  std::vector<int> writes;
  int syncs = 0;
  int writes_until_full = 0;
};

// SQLite's own VFS, whose logs have a Spy.
struct SpyVfs : sqlite3_vfs {
  SpyVfs() : sqlite3_vfs(*sqlite3_vfs_find(nullptr)), real(sqlite3_vfs_find(nullptr)) {
    zName = "spy";
    xOpen = [](sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
               int *out_flags) {
      auto *self = static_cast<SpyVfs *>(vfs);
      const int rc = self->real->xOpen(self->real, name, file, flags, out_flags);
      if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
        self->spies.push_back(std::make_unique<Spy>(file));
      }
      return rc;
    };
    EXPECT_EQ(sqlite3_vfs_register(this, 0), SQLITE_OK);
  }
  sqlite3_vfs *real;
  std::vector<std::unique_ptr<Spy>> spies;
};

struct Closer {
  void operator()(sqlite3 *connection) const { sqlite3_close(connection); }
};
using ConnectionPtr = std::unique_ptr<sqlite3, Closer>;

class SqliteVfsTest : public testing::Test {
 protected:
  SqliteVfsTest() {
    dir_ = (fs::temp_directory_path() / "svirt-sqlite-vfs-XXXXXX").string();
    EXPECT_NE(::mkdtemp(dir_.data()), nullptr);
    other_ = Connect(dir_ + "/db");
    Run(other_,
        "PRAGMA page_size=1024; PRAGMA journal_mode=WAL; CREATE TABLE t(k INTEGER PRIMARY KEY, v)");
    static SpyVfs spied;
    static const bool registered = RegisterLogVfs("spied-log", "spy");
    EXPECT_TRUE(registered);
    own_ = Connect(dir_ + "/db", "spied-log");
    Run(own_,
        "PRAGMA synchronous=FULL; PRAGMA cache_spill=OFF; SELECT 1 FROM sqlite_schema LIMIT 1");
    sqlite3_file_control(own_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &file_);
    spy_ = spied.spies.back().get();
    spy_->Reset();
  }
  ~SqliteVfsTest() override {
    own_.reset();
    other_.reset();
    fs::remove_all(dir_);
  }

  static ConnectionPtr Connect(const std::string &path, const char *vfs = nullptr) {
    sqlite3 *connection = nullptr;
    EXPECT_EQ(
        sqlite3_open_v2(path.c_str(), &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
        SQLITE_OK);
    return ConnectionPtr(connection);
  }
  static void Run(const ConnectionPtr &connection, const std::string &sql) {
    EXPECT_EQ(sqlite3_exec(connection.get(), sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sql << ": " << sqlite3_errmsg(connection.get());
  }
  static std::string Ask(const ConnectionPtr &connection, const std::string &sql) {
    std::string answer;
    EXPECT_EQ(sqlite3_exec(
                  connection.get(), sql.c_str(),
                  [](void *to, int, char **values, char **) {
                    *static_cast<std::string *>(to) += values[0] == nullptr ? "" : values[0];
                    return 0;
                  },
                  &answer, nullptr),
              SQLITE_OK)
        << sql << ": " << sqlite3_errmsg(connection.get());
    return answer;
  }
  // As somebody finds it after all processes have died.
  std::string AskAfterCrash(const std::string &sql) {
    fs::copy_file(dir_ + "/db", dir_ + "/copy", fs::copy_options::overwrite_existing);
    fs::copy_file(dir_ + "/db-wal", dir_ + "/copy-wal", fs::copy_options::overwrite_existing);
    return Ask(Connect(dir_ + "/copy"), sql);
  }
  void Fill(const ConnectionPtr &connection, int first, int count, int size) {
    for (int key = first; key < first + count; ++key) {
      Run(connection, "INSERT INTO t VALUES(" + std::to_string(key) + ", randomblob(" +
                          std::to_string(size) + "))");
    }
  }

  std::string dir_;
  ConnectionPtr other_, own_;
  sqlite3_file *file_ = nullptr;
  Spy *spy_ = nullptr;
};

TEST_F(SqliteVfsTest, ATransactionIsOneWriteAndNoSync) {
  Run(own_, "BEGIN IMMEDIATE");
  Fill(own_, 0, 20, 500);
  Run(own_, "COMMIT");
  EXPECT_THAT(spy_->writes, SizeIs(1));
  EXPECT_EQ(spy_->syncs, 0);
  EXPECT_EQ(Ask(other_, "SELECT count(*) FROM t"), "20");
  EXPECT_EQ(AskAfterCrash("SELECT count(*) FROM t"), "20");
}

TEST_F(SqliteVfsTest, AStatementOfItsOwnIsATransaction) {
  Fill(own_, 0, 1, 500);
  EXPECT_THAT(spy_->writes, SizeIs(1));
  EXPECT_EQ(AskAfterCrash("SELECT count(*) FROM t"), "1");
}

TEST_F(SqliteVfsTest, WritesNoMoreAtATimeThanSqlitesFileTakes) {
  Run(own_, "BEGIN IMMEDIATE");
  Fill(own_, 0, 2, 500'000);
  Run(own_, "COMMIT");
  EXPECT_THAT(spy_->writes, Each(Le(65536)));
  EXPECT_THAT(spy_->writes, SizeIs(testing::Ge(16U)));
  EXPECT_EQ(Ask(other_, "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(AskAfterCrash("SELECT sum(length(v)) FROM t"), "1000000");
}

TEST_F(SqliteVfsTest, ACheckpointSyncs) {
  Fill(own_, 0, 5, 500);
  EXPECT_EQ(spy_->syncs, 0);
  EXPECT_EQ(Ask(own_, "PRAGMA wal_checkpoint(FULL)"), "0");
  EXPECT_EQ(spy_->syncs, 1);
}

// If what follows it were on the disk before it, it would count with the old header.
TEST_F(SqliteVfsTest, TheHeaderOfALogThatBeginsAnewIsSynced) {
  Fill(own_, 0, 5, 500);
  Run(own_, "PRAGMA wal_checkpoint(RESTART)");
  spy_->Reset();
  Fill(own_, 5, 1, 500);
  EXPECT_EQ(spy_->writes[0], 32);
  EXPECT_EQ(spy_->syncs, 1);
  EXPECT_EQ(Ask(other_, "SELECT count(*) FROM t"), "6");
  EXPECT_EQ(AskAfterCrash("SELECT count(*) FROM t"), "6");
}

// It could be given up after all, and others could have written in its place since.
TEST_F(SqliteVfsTest, NothingIsWrittenBeforeTheCommit) {
  Run(own_, "PRAGMA cache_size=10");
  Run(own_, "BEGIN IMMEDIATE");
  Fill(own_, 0, 40, 1000);
  EXPECT_EQ(Ask(own_, "SELECT sum(length(v)) FROM t"), "40000");
  Run(own_, "ROLLBACK");
  EXPECT_THAT(spy_->writes, IsEmpty());
  Fill(other_, 100, 20, 1000);
  Fill(own_, 200, 1, 1000);
  EXPECT_THAT(spy_->writes, SizeIs(1));
  EXPECT_EQ(Ask(Connect(dir_ + "/db"), "SELECT count(*) FROM t"), "21");
  EXPECT_EQ(AskAfterCrash("SELECT count(*) FROM t"), "21");
}

// Whatever the order in which an SQLite of another version writes.
TEST_F(SqliteVfsTest, GathersOnlyWhatIsConnected) {
  const auto write = [this](const char *text, int offset) {
    EXPECT_EQ(file_->pMethods->xWrite(file_, text, 4, offset), SQLITE_OK);
  };
  write("cccc", 5008);
  write("dddd", 5012);
  write("bbbb", 5004);
  write("aaaa", 5000);
  EXPECT_EQ(file_->pMethods->xSync(file_, SQLITE_SYNC_NORMAL), SQLITE_OK);
  EXPECT_THAT(spy_->writes, ElementsAre(8, 4, 4));
  std::string read(16, ' ');
  EXPECT_EQ(file_->pMethods->xRead(file_, read.data(), 16, 5000), SQLITE_OK);
  EXPECT_EQ(read, "aaaabbbbccccdddd");
}

TEST_F(SqliteVfsTest, AConnectionMayEndInTheMiddle) {
  Run(own_, "BEGIN IMMEDIATE");
  Fill(own_, 0, 20, 1000);
  own_.reset();
  EXPECT_EQ(Ask(other_, "SELECT count(*) FROM t"), "0");
}

TEST_F(SqliteVfsTest, WithoutSpaceATransactionFails) {
  for (int nth = 1; nth <= 3; ++nth) {
    spy_->writes_until_full = nth;
    Run(own_, "BEGIN IMMEDIATE");
    Fill(own_, 0, 150, 1000);  // of which the log needs three writes
    EXPECT_EQ(sqlite3_exec(own_.get(), "COMMIT", nullptr, nullptr, nullptr), SQLITE_FULL) << nth;
    EXPECT_NE(sqlite3_get_autocommit(own_.get()), 0);
    EXPECT_EQ(Ask(own_, "SELECT count(*) FROM t"), "0");
    EXPECT_EQ(Ask(other_, "SELECT count(*) FROM t"), "0");
    EXPECT_EQ(AskAfterCrash("SELECT count(*) FROM t"), "0");
  }
  Fill(own_, 0, 1, 1000);
  EXPECT_EQ(AskAfterCrash("SELECT count(*) FROM t"), "1");
}

// Two connections that write by turns, parts and wholes that are given up, no space, checkpoints:
// both always read what has been committed, and so does who comes after a crash.
TEST_F(SqliteVfsTest, KeepsWhatHasBeenCommittedWhateverHappens) {
  std::mt19937 random(7);
  const auto pick = [&random](int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
  };
  Run(own_, "PRAGMA cache_size=10");
  std::map<int, std::string> content;
  const std::string all =
      "SELECT coalesce(group_concat(k || '=' || v, ' '), '') FROM (SELECT k, "
      "substr(v, 1, 8) AS v FROM t ORDER BY k)";
  for (int round = 0; round < 600; ++round) {
    const bool by_other = pick(3) == 0;
    const ConnectionPtr &connection = by_other ? other_ : own_;
    std::map<int, std::string> now = content, kept;
    Run(connection, "BEGIN IMMEDIATE");
    const int changes = 1 + pick(40);
    int savepoint = -1;
    for (int i = 0; i < changes; ++i) {
      if (savepoint < 0 && pick(10) == 0) {
        Run(connection, "SAVEPOINT s");
        savepoint = i;
        kept = now;
      }
      const int key = pick(200);
      const std::string value = std::to_string(10'000'000 + pick(80'000'000));
      Run(connection, "INSERT OR REPLACE INTO t VALUES(" + std::to_string(key) + ", '" + value +
                          std::string(static_cast<size_t>(pick(1500)), 'x') + "')");
      now[key] = value;
    }
    if (savepoint >= 0 && pick(2) == 0) {
      Run(connection, "ROLLBACK TO s");
      now = kept;
    }
    // Where it was not reached the transaction is committed.
    spy_->writes_until_full = !by_other && pick(5) == 0 ? 1 + pick(2) : 0;
    const bool commit = pick(4) != 0;
    const int rc =
        sqlite3_exec(connection.get(), commit ? "COMMIT" : "ROLLBACK", nullptr, nullptr, nullptr);
    spy_->writes_until_full = 0;
    if (commit && rc == SQLITE_OK) {
      content = now;
    }
    std::string expected;
    for (const auto &[key, value] : content) {
      expected += (expected.empty() ? "" : " ") + std::to_string(key) + "=" + value;
    }
    ASSERT_EQ(Ask(other_, all), expected) << "round " << round;
    ASSERT_EQ(Ask(own_, all), expected) << "round " << round;
    if (round % 20 == 0) {
      ASSERT_EQ(AskAfterCrash(all), expected) << "round " << round;
      ASSERT_EQ(AskAfterCrash("PRAGMA integrity_check"), "ok") << "round " << round;
      Run(pick(2) == 0 ? own_ : other_, "PRAGMA wal_checkpoint(RESTART)");
    }
  }
  EXPECT_EQ(Ask(own_, "PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace svirt
