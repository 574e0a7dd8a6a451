// SPDX-License-Identifier: LGPL-2.1-or-later
// Stands between SQLite and its log file, gathers writes, and leaves out the syncs that can wait.
#include "host/util/sqlite_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace svirt {
namespace {

// SQLite's file for Unix takes less than 128 KiB at a time (seekAndWriteFd masks the size).
constexpr size_t kMostPending = size_t{64} * 1024;

// Of the log: https://www.sqlite.org/fileformat2.html section 4.1.
constexpr sqlite3_int64 kHeaderSize = 32;

}  // namespace

Result<std::unique_ptr<LogFile>> LogFile::Attach(sqlite3 *connection, const std::string &database) {
  sqlite3_file *file = nullptr;
  if (sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK ||
      file == nullptr || file->pMethods == nullptr) {
    return Error{Errc::kRefused, "database " + database +
                                     " has been taken out of write-ahead mode; run sqlite3 " +
                                     database + " 'PRAGMA journal_mode=WAL'"};
  }
  std::unique_ptr<LogFile> log(new LogFile(file, database + "-wal"));
  log->fd_.Reset(::open(log->path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!log->fd_) {
    return SystemError(errno, "cannot open " + log->path_);
  }
  file->pMethods = &log->methods_;
  return log;
}

LogFile::LogFile(sqlite3_file *file, std::string path)
    : path_(std::move(path)), file_(file), inner_(file->pMethods), methods_{*file->pMethods, this} {
  methods_.xWrite = &LogFile::OnWrite;
  methods_.xSync = &LogFile::OnSync;
}

Status LogFile::Sync() const {
  // A checkpoint since the commit has synced the log itself.
  if (::fdatasync(fd_.get()) != 0) {
    return SystemError(errno, "cannot sync " + path_);
  }
  return {};
}

LogFile *LogFile::Of(sqlite3_file *file) {
  return static_cast<const Methods *>(file->pMethods)->log;
}

int LogFile::Flush() {
  if (pending_.empty()) {
    return SQLITE_OK;
  }
  const int rc = inner_->xWrite(file_, pending_.data(), static_cast<int>(pending_.size()), offset_);
  pending_.clear();  // also of a transaction that fails by this
  return rc;
}

int LogFile::OnWrite(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset) {
  LogFile *log = Of(file);
  const auto *bytes = static_cast<const char *>(data);
  const auto more = static_cast<size_t>(size);
  const auto end = log->offset_ + static_cast<sqlite3_int64>(log->pending_.size());
  if (offset != end || log->pending_.size() + more > kMostPending) {
    if (const int rc = log->Flush(); rc != SQLITE_OK) {
      return rc;
    }
  }
  if (log->pending_.empty()) {
    log->offset_ = offset;
  }
  log->pending_.insert(log->pending_.end(), bytes, bytes + more);
  return SQLITE_OK;
}

int LogFile::OnSync(sqlite3_file *file, int flags) {
  LogFile *log = Of(file);
  // A checkpoint has written nothing, and a header must be on the disk before what follows it.
  const bool is_commit = !log->pending_.empty() && log->offset_ >= kHeaderSize;
  const int rc = log->Flush();
  return rc != SQLITE_OK || is_commit ? rc : log->inner_->xSync(file, flags);
}

}  // namespace svirt
