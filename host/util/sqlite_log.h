// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes transactions of SQLite cheap: each is one write, and its sync can wait.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <vector>

#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// The write-ahead log of an SQLite connection. Stands before SQLite's own file and gathers what a
// transaction writes: SQLite writes the header and the content of each page by calls of their own,
// while all others who want to write wait.
//
// Nor does it let a transaction sync the log at its end: Sync does, later. The connection is given
// synchronous=FULL nevertheless, since with it SQLite asks, before it takes a transaction for
// committed, for what that has written. All other syncs are done.
//
// The connection writes nothing before a COMMIT (PRAGMA cache_spill): what is gathered is always of
// one that is under way, which does nothing else with the file. This also keeps clear of an error
// of SQLite (3.40): after a ROLLBACK TO of a transaction that had to write before, what it commits
// is lost in a crash.
class LogFile {
 public:
  // What the connection has to be given first. SQLite opens the log when it reads.
  static constexpr const char *kSettings =
      "PRAGMA synchronous=FULL; PRAGMA cache_spill=OFF; SELECT 1 FROM sqlite_schema LIMIT 1";

  // database: its path. The connection must be outside a transaction. What is returned must outlive
  // it. kRefused: it is not in write-ahead mode.
  static Result<std::unique_ptr<LogFile>> Attach(sqlite3 *connection, const std::string &database);
  LogFile(const LogFile &) = delete;
  LogFile &operator=(const LogFile &) = delete;

  // All that has been committed is on the disk when this returns. Any thread may call.
  Status Sync() const;

 private:
  // SQLite hands its file to each method, and from there its table leads to the LogFile.
  struct Methods : sqlite3_io_methods {
    LogFile *log;
  };

  LogFile(sqlite3_file *file, std::string path);
  static LogFile *Of(sqlite3_file *file);
  static int OnWrite(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset);
  static int OnSync(sqlite3_file *file, int flags);
  int Flush();

  std::string path_;
  Fd fd_;  // for Sync; SQLite holds its locks elsewhere
  sqlite3_file *file_;
  const sqlite3_io_methods *inner_;
  Methods methods_;
  std::vector<char> pending_;  // of the COMMIT that is under way; to be written at offset_
  sqlite3_int64 offset_ = 0;
};

}  // namespace svirt
