// SPDX-License-Identifier: LGPL-2.1-or-later
// SQLite databases: statements, transactions, and errors with the file's name.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "host/util/fd.h"
#include "host/util/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace svirt {

class Database;

struct StatementDeleter {
  void operator()(sqlite3_stmt *statement) const;
};
using StatementPtr = std::unique_ptr<sqlite3_stmt, StatementDeleter>;

// A compiled statement with its arguments, borrowed from the cache of its Database, which must
// outlive it.
class Query {
 public:
  // What becomes of texts that are bound: borrowed ones must outlive the query.
  enum class Texts { kCopied, kBorrowed };
  Query(Database *database, const char *sql, StatementPtr statement, Texts texts);
  ~Query();
  Query(Query &&) noexcept = default;
  Query &operator=(Query &&) = delete;
  Query(const Query &) = delete;
  Query &operator=(const Query &) = delete;

  // Arguments fill ?1, ?2, ... in turn. A failure shows in the next Step.
  template <typename T>
  requires std::is_integral_v<T>
  void Bind(T value) { BindInt(static_cast<int64_t>(value)); }
  void Bind(std::string_view text);
  // nullopt is NULL.
  template <typename T>
  void Bind(const std::optional<T> &value) {
    if (value) {
      Bind(*value);
    } else {
      ++arguments_;  // arguments are NULL until they are bound
    }
  }

  // Goes to the next row; false: there is none.
  Result<bool> Step();
  // Columns of the row, from 0. NULL reads as 0 and as "".
  int64_t Int(int column) const;
  uint64_t Unsigned(int column) const { return static_cast<uint64_t>(Int(column)); }
  std::string Text(int column) const;
  std::optional<std::string> OptionalText(int column) const;
  std::optional<int64_t> OptionalInt(int column) const;

 private:
  void BindInt(int64_t value);

  Database *database_;
  const char *sql_;
  StatementPtr statement_;
  Texts texts_;
  int arguments_ = 0;
  int bind_error_ = 0;
};

// One connection to an SQLite database file. For one thread at a time, and not across fork.
class Database {
 public:
  struct Options {
    bool read_only = false;
    // How long an operation may wait for other connections before it fails with kConflict, which
    // names the process that it waited for. A signal that the caller blocks ends a wait of a
    // second; and for as long after that failure others fail soon.
    std::chrono::milliseconds busy_timeout{10000};
  };

  // The file must exist, and path must not go through a symbolic link. ":memory:" is a private
  // database in memory.
  static Result<std::unique_ptr<Database>> Open(const std::string &path, const Options &options);
  ~Database();
  Database(const Database &) = delete;
  Database &operator=(const Database &) = delete;

  // One or more statements without arguments; rows are dropped.
  Status Execute(const std::string &sql);

  // sql must be a literal: it is compiled once per connection, and found again by its address.
  template <typename... Args>
  Result<Query> Ask(const char *sql, Args &&...args) {
    return Make(Query::Texts::kCopied, sql, args...);
  }

  // A statement whose rows, if any, do not matter.
  template <typename... Args>
  Status Run(const char *sql, Args &&...args) {
    SVIRT_ASSIGN(Query query, Make(Query::Texts::kBorrowed, sql, args...));
    SVIRT_ASSIGN([[maybe_unused]] bool row, query.Step());
    return {};
  }

  // First column of the first row as an integer; nullopt if there is no row.
  template <typename... Args>
  Result<std::optional<int64_t>> AskInt(const char *sql, Args &&...args) {
    SVIRT_ASSIGN(Query query, Make(Query::Texts::kBorrowed, sql, args...));
    SVIRT_ASSIGN(bool row, query.Step());
    return row ? std::optional<int64_t>(query.Int(0)) : std::nullopt;
  }

  // For a connection that writes: it can Sync then (sqlite_vfs.h). kRefused: the database is not in
  // write-ahead mode.
  Status OpenLog();
  // All that has been committed on this connection is on the disk when this returns. OpenLog must
  // have been called at some time. Any thread may call, also while another one uses the connection.
  // SQLite's own way (synchronous=FULL) would sync while it holds the lock for writing: this way
  // others go on meanwhile, and one sync serves all that have committed.
  Status Sync() const;

  int64_t LastInsertId() const;
  // The present error of the connection as an Error.
  Error LastError() const;

 private:
  friend class Query;
  friend class Transaction;
  explicit Database(std::string path);
  template <typename... Args>
  Result<Query> Make(Query::Texts texts, const char *sql, const Args &...args) {
    auto statement = Take(sql);
    if (!statement.ok()) {
      return std::move(statement).error();
    }
    Query query(this, sql, std::move(statement).value(), texts);
    (query.Bind(args), ...);
    return query;
  }
  static int OnBusy(void *self, int count);
  static int OnCommit(void *self, sqlite3 *handle, const char *name, int pages);
  std::string Busy(const std::string &where) const;
  Result<StatementPtr> Take(const char *sql);
  void GiveBack(const char *sql, StatementPtr statement);

  std::string path_;
  Fd log_;  // for Sync; SQLite has its locks elsewhere
  std::chrono::milliseconds busy_timeout_{0};
  std::chrono::steady_clock::time_point busy_since_;
  std::optional<std::chrono::steady_clock::time_point> gave_up_;
  int long_log_ = 0;         // pages of the log from which on it is written back
  bool in_passing_ = false;  // what waits now can be left for another time
  sqlite3 *handle_ = nullptr;
  std::unordered_map<const char *, StatementPtr> cache_;
};

// Calls take with the query at each of its rows.
template <typename Take>
Status ForEachRow(Result<Query> query, Take take) {
  if (!query.ok()) {
    return query.error();
  }
  for (;;) {
    SVIRT_ASSIGN(const bool row, query->Step());
    if (!row) {
      return {};
    }
    take(*query);
  }
}

// What is read while it lives is of one moment, and the database is locked for reading once only
// instead of once per query. No writing meanwhile.
class Snapshot {
 public:
  // Without effect if it cannot be had: the next query then says why.
  explicit Snapshot(Database *database);
  ~Snapshot();
  Snapshot(const Snapshot &) = delete;
  Snapshot &operator=(const Snapshot &) = delete;

 private:
  Database *database_;
};

// A write transaction, taken at once, so that what is read in it stays true until Commit. Without
// Commit it is undone. What is committed survives the death of every process; a power failure may
// lose it and what follows, until Database::Sync.
class Transaction {
 public:
  static Result<Transaction> Begin(Database *database);
  ~Transaction();
  Transaction(Transaction &&other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction &operator=(Transaction &&) = delete;
  Transaction(const Transaction &) = delete;
  Transaction &operator=(const Transaction &) = delete;

  Status Commit();

 private:
  explicit Transaction(Database *database) : database_(database) {}
  Database *database_;
};

}  // namespace svirt
