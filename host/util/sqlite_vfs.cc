// SPDX-License-Identifier: LGPL-2.1-or-later
// Gathers writes to the write-ahead log, and leaves out the syncs that can wait.
#include "host/util/sqlite_vfs.h"

#include <sqlite3.h>

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace svirt {
namespace {

constexpr const char *kName = "svirt-log";

// SQLite's file for Unix takes less than 128 KiB at a time (seekAndWriteFd masks the size).
constexpr size_t kMostPending = size_t{64} * 1024;

// Of the log: https://www.sqlite.org/fileformat2.html section 4.1.
constexpr sqlite3_int64 kHeaderSize = 32;

// In memory of SQLite's, with the file of the other VFS behind it.
struct LogFile : sqlite3_file {
  std::vector<char> *pending;  // of the COMMIT that is under way; to be written at offset
  sqlite3_int64 offset;

  sqlite3_file *inner() { return reinterpret_cast<sqlite3_file *>(this + 1); }
};

LogFile *Of(sqlite3_file *file) {
  return static_cast<LogFile *>(file);
}

sqlite3_file *Inner(sqlite3_file *file) {
  return Of(file)->inner();
}

int Flush(LogFile *log) {
  if (log->pending->empty()) {
    return SQLITE_OK;
  }
  const int rc = log->inner()->pMethods->xWrite(
      log->inner(), log->pending->data(), static_cast<int>(log->pending->size()), log->offset);
  log->pending->clear();  // also of a transaction that fails by this
  return rc;
}

int OnClose(sqlite3_file *file) {
  const std::unique_ptr<std::vector<char>> pending(Of(file)->pending);
  return Inner(file)->pMethods->xClose(Inner(file));
}

int OnWrite(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset) {
  LogFile *log = Of(file);
  const auto *bytes = static_cast<const char *>(data);
  const auto more = static_cast<size_t>(size);
  const auto end = log->offset + static_cast<sqlite3_int64>(log->pending->size());
  if (offset != end || log->pending->size() + more > kMostPending) {
    if (const int rc = Flush(log); rc != SQLITE_OK) {
      return rc;
    }
  }
  if (log->pending->empty()) {
    log->offset = offset;
  }
  try {
    log->pending->insert(log->pending->end(), bytes, bytes + more);
  } catch (const std::bad_alloc &) {
    return SQLITE_NOMEM;
  }
  return SQLITE_OK;
}

int OnSync(sqlite3_file *file, int flags) {
  LogFile *log = Of(file);
  // A checkpoint has written nothing, and a header must be on the disk before what follows it.
  const bool is_commit = !log->pending->empty() && log->offset >= kHeaderSize;
  const int rc = Flush(log);
  return rc != SQLITE_OK || is_commit ? rc : Inner(file)->pMethods->xSync(Inner(file), flags);
}

int OnRead(sqlite3_file *file, void *data, int size, sqlite3_int64 offset) {
  const int rc = Flush(Of(file));
  return rc != SQLITE_OK ? rc : Inner(file)->pMethods->xRead(Inner(file), data, size, offset);
}

int OnTruncate(sqlite3_file *file, sqlite3_int64 size) {
  const int rc = Flush(Of(file));
  return rc != SQLITE_OK ? rc : Inner(file)->pMethods->xTruncate(Inner(file), size);
}

int OnFileSize(sqlite3_file *file, sqlite3_int64 *size) {
  const int rc = Flush(Of(file));
  return rc != SQLITE_OK ? rc : Inner(file)->pMethods->xFileSize(Inner(file), size);
}

// A log needs version 1 of the methods: it is neither mapped nor shared.
constexpr sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = OnClose,
    .xRead = OnRead,
    .xWrite = OnWrite,
    .xTruncate = OnTruncate,
    .xSync = OnSync,
    .xFileSize = OnFileSize,
    .xLock = [](sqlite3_file *file,
                int level) { return Inner(file)->pMethods->xLock(Inner(file), level); },
    .xUnlock = [](sqlite3_file *file,
                  int level) { return Inner(file)->pMethods->xUnlock(Inner(file), level); },
    .xCheckReservedLock =
        [](sqlite3_file *file, int *reserved) {
          return Inner(file)->pMethods->xCheckReservedLock(Inner(file), reserved);
        },
    .xFileControl =
        [](sqlite3_file *file, int operation, void *argument) {
          return Inner(file)->pMethods->xFileControl(Inner(file), operation, argument);
        },
    .xSectorSize =
        [](sqlite3_file *file) { return Inner(file)->pMethods->xSectorSize(Inner(file)); },
    .xDeviceCharacteristics =
        [](sqlite3_file *file) {
          return Inner(file)->pMethods->xDeviceCharacteristics(Inner(file));
        },
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr};

sqlite3_vfs *Base(sqlite3_vfs *vfs) {
  return static_cast<sqlite3_vfs *>(vfs->pAppData);
}

int OnOpen(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out_flags) {
  sqlite3_vfs *base = Base(vfs);
  if ((flags & SQLITE_OPEN_WAL) == 0) {
    return base->xOpen(base, name, file, flags, out_flags);  // it is the other VFS's alone
  }
  auto *log = new (file) LogFile;
  log->pMethods = nullptr;
  auto pending = std::unique_ptr<std::vector<char>>(new (std::nothrow) std::vector<char>);
  if (pending == nullptr) {
    return SQLITE_NOMEM;
  }
  log->offset = 0;
  const int rc = base->xOpen(base, name, log->inner(), flags, out_flags);
  if (log->inner()->pMethods != nullptr) {  // then it is to be closed, even after a failure
    log->pending = pending.release();
    log->pMethods = &kMethods;
  }
  return rc;
}

}  // namespace

bool RegisterLogVfs(const char *name, const char *base_name) {
  sqlite3_vfs *base = sqlite3_vfs_find(base_name);
  if (base == nullptr) {
    return false;
  }
  // SQLite keeps it for as long as the process lives. What it does not do itself the other one
  // does, which is given its own data by that.
  auto vfs = std::make_unique<sqlite3_vfs>();
  vfs->iVersion = 2;
  vfs->szOsFile = static_cast<int>(sizeof(LogFile)) + base->szOsFile;
  vfs->mxPathname = base->mxPathname;
  vfs->zName = name;
  vfs->pAppData = base;
  vfs->xOpen = OnOpen;
  vfs->xDelete = [](sqlite3_vfs *self, const char *path, int sync) {
    return Base(self)->xDelete(Base(self), path, sync);
  };
  vfs->xAccess = [](sqlite3_vfs *self, const char *path, int flags, int *answer) {
    return Base(self)->xAccess(Base(self), path, flags, answer);
  };
  vfs->xFullPathname = [](sqlite3_vfs *self, const char *path, int size, char *full) {
    return Base(self)->xFullPathname(Base(self), path, size, full);
  };
  vfs->xDlOpen = [](sqlite3_vfs *self, const char *path) {
    return Base(self)->xDlOpen(Base(self), path);
  };
  vfs->xDlError = [](sqlite3_vfs *self, int size, char *text) {
    Base(self)->xDlError(Base(self), size, text);
  };
  vfs->xDlSym = [](sqlite3_vfs *self, void *library, const char *symbol) {
    return Base(self)->xDlSym(Base(self), library, symbol);
  };
  vfs->xDlClose = [](sqlite3_vfs *self, void *library) {
    Base(self)->xDlClose(Base(self), library);
  };
  vfs->xRandomness = [](sqlite3_vfs *self, int size, char *bytes) {
    return Base(self)->xRandomness(Base(self), size, bytes);
  };
  vfs->xSleep = [](sqlite3_vfs *self, int microseconds) {
    return Base(self)->xSleep(Base(self), microseconds);
  };
  vfs->xCurrentTime = [](sqlite3_vfs *self, double *now) {
    return Base(self)->xCurrentTime(Base(self), now);
  };
  vfs->xGetLastError = [](sqlite3_vfs *self, int size, char *text) {
    return Base(self)->xGetLastError(Base(self), size, text);
  };
  vfs->xCurrentTimeInt64 = [](sqlite3_vfs *self, sqlite3_int64 *now) {
    return Base(self)->xCurrentTimeInt64(Base(self), now);
  };
  return sqlite3_vfs_register(vfs.release(), 0) == SQLITE_OK;
}

const char *LogVfs() {
  static const bool registered = RegisterLogVfs(kName, nullptr);
  return registered ? kName : nullptr;
}

}  // namespace svirt
