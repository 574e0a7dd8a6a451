// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens databases, caches statements, and waits for locks within a time.
#include "host/util/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "host/util/end_request.h"
#include "host/util/file_lock.h"
#include "host/util/sqlite_vfs.h"

namespace svirt {
namespace {

constexpr const char *kInMemory = ":memory:";
constexpr std::chrono::microseconds kTimeOfCommit{200};
constexpr std::chrono::milliseconds kPatienceInPassing{5};
constexpr int kLongLog = 1000;  // pages; as SQLite's
constexpr int kTooLongLog = 4 * kLongLog;
constexpr std::chrono::milliseconds kSecondPatience{100};
// Who is asked to end may have to undo something first, beside others who write for a moment.
constexpr std::chrono::milliseconds kPatienceToUndo{1000};

}  // namespace

void StatementDeleter::operator()(sqlite3_stmt *statement) const {
  sqlite3_finalize(statement);
}

Query::Query(Database *database, const char *sql, StatementPtr statement, Texts texts)
    : database_(database), sql_(sql), statement_(std::move(statement)), texts_(texts) {}

Query::~Query() {
  if (statement_) {
    database_->GiveBack(sql_, std::move(statement_));
  }
}

void Query::BindInt(int64_t value) {
  const int rc = sqlite3_bind_int64(statement_.get(), ++arguments_, value);
  bind_error_ = rc == SQLITE_OK ? bind_error_ : rc;
}

void Query::Bind(std::string_view text) {
  // A view may point nowhere when it is empty; to SQLite that would be NULL.
  const char *data = text.data() == nullptr ? "" : text.data();
  const int rc =
      sqlite3_bind_text64(statement_.get(), ++arguments_, data, text.size(),
                          texts_ == Texts::kCopied ? SQLITE_TRANSIENT : SQLITE_STATIC, SQLITE_UTF8);
  bind_error_ = rc == SQLITE_OK ? bind_error_ : rc;
}

Result<bool> Query::Step() {
  if (bind_error_ != SQLITE_OK) {
    return database_->LastError();
  }
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return database_->LastError();
  }
}

int64_t Query::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Query::Text(int column) const {
  const auto *text = reinterpret_cast<const char *>(sqlite3_column_text(statement_.get(), column));
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return text == nullptr ? std::string() : std::string(text, size);
}

std::optional<std::string> Query::OptionalText(int column) const {
  if (sqlite3_column_type(statement_.get(), column) == SQLITE_NULL) {
    return std::nullopt;
  }
  return Text(column);
}

std::optional<int64_t> Query::OptionalInt(int column) const {
  if (sqlite3_column_type(statement_.get(), column) == SQLITE_NULL) {
    return std::nullopt;
  }
  return Int(column);
}

Database::Database(std::string path) : path_(std::move(path)) {}

Result<std::unique_ptr<Database>> Database::Open(const std::string &path, const Options &options) {
  std::unique_ptr<Database> database(new Database(path));
  const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
  const char *vfs = options.read_only ? nullptr : LogVfs();
  if (vfs == nullptr && !options.read_only) {
    return Error{Errc::kInternal, "SQLite does not take the VFS for its log"};
  }
  if (sqlite3_open_v2(path.c_str(), &database->handle_, flags, vfs) != SQLITE_OK) {
    return database->LastError();
  }
  // A short-lived process that happens to be the last one need not sync the whole log for that.
  sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  database->busy_timeout_ = options.busy_timeout;
  sqlite3_busy_handler(database->handle_, &Database::OnBusy, database.get());
  sqlite3_wal_hook(database->handle_, &Database::OnCommit, database.get());
  // As the VFS needs it. This reads the file already, and may have to wait for somebody who
  // recovers it.
  if (sqlite3_exec(database->handle_, "PRAGMA synchronous=FULL; PRAGMA cache_spill=OFF", nullptr,
                   nullptr, nullptr) != SQLITE_OK) {
    return database->LastError();
  }
  return database;
}

Database::~Database() {
  cache_.clear();
  sqlite3_close(handle_);
}

Status Database::Execute(const std::string &sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return LastError();
  }
  return {};
}

// SQLite's own handler sleeps longer and longer, so that among many processes the unlucky ones
// starve. Short sleeps of uneven length give each its turn. A commit holds the lock for less time
// than the shortest sleep takes: at first the processor is only left to others.
int Database::OnBusy(void *self, int count) {
  auto *database = static_cast<Database *>(self);
  const auto now = std::chrono::steady_clock::now();
  if (count == 0) {
    database->busy_since_ = now;
  }
  if (database->in_passing_) {  // who sleeps would find the lock taken again each time
    std::this_thread::yield();
    return now - database->busy_since_ < kPatienceInPassing ? 1 : 0;
  }
  // Who has just waited in vain and goes on with something else need not wait so long again.
  const bool has_waited = database->gave_up_ && now - *database->gave_up_ < database->busy_timeout_;
  const auto patience =
      has_waited ? std::min(database->busy_timeout_, kSecondPatience) : database->busy_timeout_;
  const auto waited = now - database->busy_since_;
  if (waited >= patience || (waited >= kPatienceToUndo && IsAskedToEnd())) {
    if (!has_waited) {
      database->gave_up_ = now;
    }
    return 0;
  }
  if (waited < kTimeOfCommit) {
    std::this_thread::yield();
    return 1;
  }
  int noise = 0;
  sqlite3_randomness(sizeof(noise), &noise);
  const int longest = std::min(200 + 100 * count, 2000);
  std::this_thread::sleep_for(std::chrono::microseconds(50 + (noise & 0x7fffffff) % longest));
  return 1;
}

// SQLite's own hook writes the log back at each commit once it is long, and starts it anew only if
// nobody has written meanwhile: among several who write that is never, and all sync at each commit.
// This one takes a moment in which the others stand aside, so that who writes next starts anew. A
// file that grows again costs more; where that moment has been missed for long the log is emptied.
int Database::OnCommit(void *self, sqlite3 *handle, const char *name, int pages) {
  auto *database = static_cast<Database *>(self);
  database->long_log_ = pages < kLongLog ? kLongLog : database->long_log_;
  if (pages < database->long_log_) {
    return SQLITE_OK;
  }
  // If that fails, the transaction is done nevertheless, and a later one tries again. SQLite does
  // not wait for another one's checkpoint.
  database->in_passing_ = true;
  sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  const auto deadline = std::chrono::steady_clock::now() + kPatienceInPassing;
  const int mode = pages < kTooLongLog ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_TRUNCATE;
  int rc = SQLITE_BUSY;
  while (rc == SQLITE_BUSY && std::chrono::steady_clock::now() < deadline) {
    rc = sqlite3_wal_checkpoint_v2(handle, name, mode, nullptr, nullptr);
  }
  database->in_passing_ = false;
  database->long_log_ = rc == SQLITE_OK ? kLongLog : pages + kLongLog;
  return SQLITE_OK;
}

Result<StatementPtr> Database::Take(const char *sql) {
  const auto cached = cache_.find(sql);
  if (cached != cache_.end() && cached->second) {
    return std::move(cached->second);
  }
  sqlite3_stmt *statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    return LastError();
  }
  return StatementPtr(statement);
}

void Database::GiveBack(const char *sql, StatementPtr statement) {
  sqlite3_reset(statement.get());
  sqlite3_clear_bindings(statement.get());
  cache_[sql] = std::move(statement);
}

int64_t Database::LastInsertId() const {
  return sqlite3_last_insert_rowid(handle_);
}

// Who writes has locked the index of the log, or, while there is no log, the file itself.
std::string Database::Busy(const std::string &where) const {
  auto holder = FindLockHolder(path_ + "-shm", LockKind::kPosix);
  if (!holder) {
    holder = FindLockHolder(path_, LockKind::kPosix);
  }
  const std::string who = holder ? holder->Describe() : std::string("another connection");
  return IsAskedToEnd()
             ? "a signal ended the wait for " + who + " to unlock " + where
             : where + " has been locked by " + who + " for more than " +
                   std::to_string(busy_timeout_.count()) + " ms; try again when it has ended";
}

Error Database::LastError() const {
  const int extended = sqlite3_extended_errcode(handle_);
  const int sys_errno = sqlite3_system_errno(handle_);
  const std::string where = "database " + path_;
  switch (extended & 0xff) {
    case SQLITE_BUSY:
      return Error{Errc::kConflict, Busy(where)};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error{Errc::kSystem,
                   where + " is damaged (" + sqlite3_errmsg(handle_) +
                       "); move the file away, and let 'svirt recover' enter again what runs"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Error{Errc::kPermission,
                   where + " cannot be written by this user: " + sqlite3_errmsg(handle_),
                   sys_errno};
    case SQLITE_FULL:
      return Error{Errc::kSystem, where + " cannot grow: no space left; free some and try again",
                   sys_errno};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return Error{Errc::kSystem,
                   where + ": " + sqlite3_errmsg(handle_) +
                       (sys_errno != 0 ? std::string(": ") + std::strerror(sys_errno) : ""),
                   sys_errno};
    default:
      return Error{Errc::kSystem, where + ": " + sqlite3_errmsg(handle_), sys_errno};
  }
}

Status Database::OpenLog() {
  if (log_ || path_ == kInMemory) {
    return {};
  }
  const std::string path = path_ + "-wal";
  const auto open_log = [&] {
    log_.Reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  };
  open_log();
  if (!log_ && errno == ENOENT) {
    SVIRT_TRY(Execute("SELECT 1 FROM sqlite_schema LIMIT 1"));  // SQLite makes it when it reads
    open_log();
  }
  if (!log_ && errno == ENOENT) {
    return Error{Errc::kRefused, "database " + path_ +
                                     " has been taken out of write-ahead mode; run sqlite3 " +
                                     path_ + " 'PRAGMA journal_mode=WAL'"};
  }
  return log_ ? Status() : SystemError(errno, "cannot open " + path);
}

Status Database::Sync() const {
  // A checkpoint since the commit has synced the log itself.
  if (path_ != kInMemory && ::fdatasync(log_.get()) != 0) {
    return SystemError(errno, "cannot sync " + path_ + "-wal");
  }
  return {};
}

Snapshot::Snapshot(Database *database) : database_(database) {
  if (!database_->Run("BEGIN").ok()) {
    database_ = nullptr;
  }
}

Snapshot::~Snapshot() {
  if (database_ != nullptr) {
    [[maybe_unused]] const Status status = database_->Run("ROLLBACK");
  }
}

Result<Transaction> Transaction::Begin(Database *database) {
  SVIRT_TRY(database->Run("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) {
    // Fails only where SQLite has rolled back by itself already.
    [[maybe_unused]] const Status status = database_->Run("ROLLBACK");
  }
}

Status Transaction::Commit() {
  SVIRT_TRY(database_->Run("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace svirt
