// SPDX-License-Identifier: LGPL-2.1-or-later
// A VFS of SQLite that makes transactions cheap: each is one write, and its sync can wait.
#pragma once

namespace svirt {

// Stands before another VFS and gathers what a transaction writes to the write-ahead log: SQLite
// writes the header and the content of each page by calls of their own, while all others who want
// to write wait.
//
// Nor does it let a transaction sync the log at its end: Database::Sync does, later. The connection
// needs synchronous=FULL nevertheless, since with it SQLite asks, before it takes a transaction for
// committed, for what that has written. All other syncs are done.
//
// The connection must write nothing before a COMMIT (PRAGMA cache_spill=OFF): what is gathered is
// always of one that is under way, which does nothing else with the file. This also keeps clear of
// an error of SQLite (3.40): after a ROLLBACK TO of a transaction that had to write before, what it
// commits is lost in a crash.
//
// Made as https://www.sqlite.org/vfs.html says; SQLite's own cksumvfs is an example.

// The name of that VFS before SQLite's own one; registered at the first call. nullptr: it cannot
// be. Any thread may call.
const char *LogVfs();

// Registers one of that name before VFS base; false: there is no base. name must last.
bool RegisterLogVfs(const char *name, const char *base);

}  // namespace svirt
