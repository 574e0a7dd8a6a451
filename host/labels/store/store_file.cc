// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the tables of the label database, and checks what kind of file it is and who may write it.
#include "host/labels/store/store_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <utility>

#include "host/util/fd.h"
#include "host/util/file_lock.h"

namespace svirt {
namespace {

constexpr int64_t kApplicationId = 0x73566c62;  // "sVlb"
constexpr int64_t kSchemaVersion = 10;

// In each space (model, doi) the indexes that no owner has taken are free runs, never two adjacent,
// so that a free index is found by one look into a tree, however many are taken. Runs are first
// and last inclusive.
//
// ForgetOwner takes every row that names an owner with it; there must be no use of it left.
//
// An owner that has ended is retired, with the number of the boot and that of its uses, where a
// power failure could still take from its objects what they were given back: its uses stay, with
// work 0, and count for nobody, until the file systems have been synced, or are undone again at the
// next boot. They are in no index that others have to search.
//
// A use is there per owner, model and object, numbered per owner in the order of labelling, with
// the label that the object had before anybody of us changed it: who joins others takes that from
// one of their uses. One row and one entry of an index are all that an object costs. Of what is
// away another host knows the old label as well, and will give it back.
//
// What is marked may bear a mark of this host for others (label_mark.h); the last use here takes it
// off.
//
// restored tells those who are about to record old labels which of them may be stale
// (journal_rows.h).
//
// What is below a directory is numbered as that (kBelow in journal_rows.h). extent 1 is such a
// directory; 2, if everything below it bears the label, and keeps it when the domain stops. extent
// 3 is an entry on the object: label and old_label are what the domain has on it and had before,
// and other uses of the object, of the same model too, stand beside it.
//
// A keeper is a holder too: process 1 of a namespace in which processes of the owner run, and none
// of them. A table of its own: who has opened an older format enters holders by the place of
// columns.
//
// An object is borne while it bears the label of an index and no domain gave it that. The index is
// taken then by an owner of its own; a foreign one, whose uuid begins with borne: (borne_rows.h).
//
// work_kind is there while a process is at work on objects of an owner: on those whose use names
// work_id, or (kind 2) on all. Kind 0: they are being labelled for a domain that lives; kinds 1 and
// 2: they are being given their old labels back. What a process that has ended left half done is
// known by that.
constexpr const char *kSchema = R"sql(
CREATE TABLE meta(seeded INTEGER NOT NULL) STRICT;
INSERT INTO meta VALUES(0);
CREATE TABLE restored(time INTEGER PRIMARY KEY, objects INTEGER NOT NULL) STRICT;
CREATE TABLE owner(
  id INTEGER PRIMARY KEY,
  uuid TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  virt_type TEXT NOT NULL,
  pinned INTEGER NOT NULL DEFAULT 0,
  handover INTEGER NOT NULL DEFAULT 0,
  foreign_space INTEGER,
  work_kind INTEGER,
  work_id INTEGER,
  work_boot TEXT,
  work_pid INTEGER,
  work_start INTEGER,
  retired INTEGER NOT NULL DEFAULT 0,
  retired_uses INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX owner_retired ON owner(retired) WHERE retired<>0;
CREATE INDEX owner_foreign ON owner(foreign_space) WHERE foreign_space IS NOT NULL;
CREATE TABLE holder(
  owner INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  pid INTEGER NOT NULL,
  start_time INTEGER NOT NULL,
  provisional INTEGER NOT NULL,
  PRIMARY KEY(owner, boot_id, pid, start_time)
) STRICT, WITHOUT ROWID;
CREATE TABLE keeper(
  owner INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  pid INTEGER NOT NULL,
  start_time INTEGER NOT NULL,
  PRIMARY KEY(owner, boot_id, pid, start_time)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER holder_gone AFTER DELETE ON holder BEGIN
  DELETE FROM keeper WHERE owner=old.owner AND boot_id=old.boot_id AND pid=old.pid AND
    start_time=old.start_time;
END;
CREATE TABLE label(
  owner INTEGER NOT NULL,
  model TEXT NOT NULL,
  doi TEXT NOT NULL,
  type INTEGER NOT NULL,
  number INTEGER,
  label TEXT NOT NULL,
  image_label TEXT NOT NULL,
  PRIMARY KEY(owner, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX label_text ON label(label);
CREATE INDEX label_image ON label(image_label);
CREATE TABLE space(
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  doi TEXT NOT NULL,
  cursor INTEGER,
  UNIQUE(model, doi)
) STRICT;
CREATE TABLE free(
  space INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY(space, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE taken(
  space INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  owner INTEGER NOT NULL,
  PRIMARY KEY(space, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX taken_owner ON taken(owner);
CREATE TABLE boot(id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE use(
  owner INTEGER NOT NULL,
  number INTEGER NOT NULL,
  model TEXT NOT NULL,
  path TEXT NOT NULL,
  dev INTEGER NOT NULL,
  ino INTEGER NOT NULL,
  btime INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  old_state INTEGER NOT NULL,
  old_label TEXT NOT NULL,
  label TEXT NOT NULL,
  earlier_label TEXT,
  exclusive INTEGER NOT NULL,
  keep INTEGER NOT NULL,
  away INTEGER NOT NULL,
  extent INTEGER NOT NULL,
  marked INTEGER NOT NULL,
  work INTEGER,
  PRIMARY KEY(owner, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX use_identity ON use(ino, btime) WHERE work IS NOT 0;
CREATE TABLE borne(
  owner INTEGER NOT NULL,
  ino INTEGER NOT NULL,
  btime INTEGER NOT NULL,
  dev INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  path TEXT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY(owner, ino, btime, dev)
) STRICT, WITHOUT ROWID;
)sql";

// What makes a database of the format before that of each number; the first is of format 8.
constexpr int64_t kFirstMigration = 8;
constexpr std::array<const char *, 3> kMigrations = {
    R"sql(
ALTER TABLE owner ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;
ALTER TABLE owner ADD COLUMN retired_uses INTEGER NOT NULL DEFAULT 0;
CREATE INDEX owner_retired ON owner(retired) WHERE retired<>0;
DROP INDEX use_identity;
CREATE INDEX use_identity ON use(ino, btime) WHERE work IS NOT 0;
)sql",
    R"sql(
CREATE TABLE borne(
  owner INTEGER NOT NULL,
  ino INTEGER NOT NULL,
  btime INTEGER NOT NULL,
  dev INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  path TEXT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY(owner, ino, btime, dev)
) STRICT, WITHOUT ROWID;
)sql",
    R"sql(
CREATE TABLE keeper(
  owner INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  pid INTEGER NOT NULL,
  start_time INTEGER NOT NULL,
  PRIMARY KEY(owner, boot_id, pid, start_time)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER holder_gone AFTER DELETE ON holder BEGIN
  DELETE FROM keeper WHERE owner=old.owner AND boot_id=old.boot_id AND pid=old.pid AND
    start_time=old.start_time;
END;
)sql"};
static_assert(kFirstMigration + kMigrations.size() - 1 == kSchemaVersion);

// The file is made under another name and linked into place: SQLite must be the only one in this
// process that closes a descriptor of it, since that would drop SQLite's locks (POSIX).
Status CreateEmptyFile(const std::string &directory, const std::string &path) {
  std::string name = directory + "/.labels.XXXXXX";
  const Fd fd(::mkostemp(name.data(), O_CLOEXEC));  // mode 0600
  if (!fd) {
    return SystemError(errno, "cannot create the label database in " + directory);
  }
  const int rc = ::link(name.c_str(), path.c_str());
  const int error = errno;
  ::unlink(name.c_str());
  if (rc != 0 && error != EEXIST) {
    return SystemError(error, "cannot create " + path);
  }
  return {};
}

Status CheckFile(const std::string &path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) {
    return SystemError(errno, "cannot look at " + path);
  }
  if (!S_ISREG(st.st_mode)) {
    return Error{Errc::kRefused,
                 "the label database " + path + " is not a regular file; remove it"};
  }
  if ((st.st_uid != 0 && st.st_uid != ::geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error{Errc::kRefused, "the label database " + path +
                                     " can be written by other users; run chmod 600 and chown on "
                                     "it if you trust its content, else remove it"};
  }
  return {};
}

Status CreateTables(Database *database) {
  SVIRT_ASSIGN(const auto tables, database->AskInt("SELECT count(*) FROM sqlite_schema"));
  if (tables != 0) {
    return {};  // somebody else's; the caller finds out
  }
  // Properties of the file, which cannot be chosen inside a transaction. A transaction changes a
  // few rows in each of some tables, and writes whole pages: small ones.
  SVIRT_TRY(database->Execute("PRAGMA page_size=1024; PRAGMA journal_mode=WAL"));
  SVIRT_ASSIGN(Transaction transaction, Transaction::Begin(database));
  SVIRT_ASSIGN(const auto version, database->AskInt("PRAGMA user_version"));
  if (version != 0) {
    return {};  // another process was faster
  }
  SVIRT_TRY(database->Execute(kSchema));
  SVIRT_TRY(database->Execute("PRAGMA application_id=" + std::to_string(kApplicationId)));
  SVIRT_TRY(database->Execute("PRAGMA user_version=" + std::to_string(kSchemaVersion)));
  SVIRT_TRY(transaction.Commit());
  SVIRT_TRY(database->OpenLog());
  return database->Sync();
}

Error OfAnotherFormat(const std::string &path, int64_t version) {
  const bool newer = version > kSchemaVersion;
  return Error{
      Errc::kUnsupported,
      path + " was written by " + (newer ? "a newer" : "an older") + " svirt (its format is " +
          std::to_string(version) + ", this one knows " + std::to_string(kFirstMigration - 1) +
          " to " + std::to_string(kSchemaVersion) + "); " +
          (newer ? "upgrade svirt" : "stop all domains with that svirt, then move the file away")};
}

// Copies the database to PATH.format-VERSION; one that is there is of an attempt that failed, or of
// a database that was put back.
Status BackUp(Database *database, const std::string &path, int64_t version) {
  const std::string backup = path + ".format-" + std::to_string(version);
  const std::string half = backup + ".new";
  if (::unlink(half.c_str()) != 0 && errno != ENOENT) {
    return SystemError(errno, "cannot remove " + half);
  }
  SVIRT_ASSIGN(Query query, database->Ask("VACUUM INTO ?1", half));
  if (auto copied = query.Step(); !copied.ok()) {
    return Error{copied.error().code,
                 "the label database is to be migrated, and cannot be copied to " + half +
                     " before: " + copied.error().message,
                 copied.error().sys_errno};
  }
  const Fd file(::open(half.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file || ::fchmod(file.get(), 0600) != 0 || ::fsync(file.get()) != 0 ||
      ::rename(half.c_str(), backup.c_str()) != 0) {
    return SystemError(errno, "cannot keep a copy of the label database in " + backup);
  }
  return {};
}

// Brings an older format to this one. Another process may try the same at the same time.
Status Migrate(Database *database, const std::string &path, int64_t version,
               std::chrono::milliseconds timeout) {
  SVIRT_ASSIGN([[maybe_unused]] const Fd lock,
               LockFile(path.substr(0, path.rfind('/')) + "/" + kStoreLock, timeout));
  SVIRT_ASSIGN(const auto now, database->AskInt("PRAGMA user_version"));
  if (now != version) {
    return {};  // another process was faster
  }
  SVIRT_TRY(BackUp(database, path, version));
  SVIRT_ASSIGN(Transaction transaction, Transaction::Begin(database));
  for (int64_t format = version + 1; format <= kSchemaVersion; ++format) {
    SVIRT_TRY(database->Execute(kMigrations[static_cast<size_t>(format - kFirstMigration)]));
  }
  SVIRT_TRY(database->Execute("PRAGMA user_version=" + std::to_string(kSchemaVersion)));
  SVIRT_TRY(transaction.Commit());
  SVIRT_TRY(database->OpenLog());
  return database->Sync();
}

// What the file says that it is, by one look.
struct Kind {
  int64_t application = 0, version = 0;
};
Result<Kind> KindOf(Database *database) {
  SVIRT_ASSIGN(Query query, database->Ask("SELECT application_id, user_version FROM "
                                          "pragma_application_id, pragma_user_version"));
  SVIRT_ASSIGN(const bool row, query.Step());
  return row ? Kind{query.Int(0), query.Int(1)} : Kind();
}

}  // namespace

Result<std::string> PrepareStoreFile(const std::string &directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return SystemError(errno, "cannot create the state directory " + directory);
  }
  char resolved[PATH_MAX];
  if (::realpath(directory.c_str(), resolved) == nullptr) {
    return SystemError(errno, "cannot find the state directory " + directory);
  }
  const std::string path = std::string(resolved) + "/labels.db";
  if (::access(path.c_str(), F_OK) != 0) {
    SVIRT_TRY(CreateEmptyFile(resolved, path));
  }
  SVIRT_TRY(CheckFile(path));
  return path;
}

Result<std::unique_ptr<Database>> ConnectStore(const std::string &path,
                                               const Database::Options &options) {
  SVIRT_ASSIGN(std::unique_ptr<Database> database, Database::Open(path, options));
  SVIRT_ASSIGN(Kind kind, KindOf(database.get()));
  if (kind.version == 0 && !options.read_only) {
    SVIRT_TRY(CreateTables(database.get()));
    SVIRT_ASSIGN(kind, KindOf(database.get()));
  }
  if (kind.application != kApplicationId) {
    return Error{Errc::kRefused, path + " is not a label database of svirt; move it away"};
  }
  if (kind.version + 1 >= kFirstMigration && kind.version < kSchemaVersion) {
    if (options.read_only) {
      return Error{Errc::kUnsupported,
                   path + " is of format " + std::to_string(kind.version) +
                       ", and this svirt reads format " + std::to_string(kSchemaVersion) +
                       "; 'svirt recover' migrates it, after it has made a copy"};
    }
    SVIRT_TRY(Migrate(database.get(), path, kind.version, options.busy_timeout));
    SVIRT_ASSIGN(kind, KindOf(database.get()));
  }
  if (kind.version != kSchemaVersion) {
    return OfAnotherFormat(path, kind.version);
  }
  return database;
}

}  // namespace svirt
