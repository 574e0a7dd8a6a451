// SPDX-License-Identifier: LGPL-2.1-or-later
// The file of the label database, as the registry and the journal read and write it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "host/util/process.h"
#include "host/util/result.h"
#include "host/util/sqlite.h"

namespace svirt {

// Any thread may call. Not across fork.
class LabelDatabase {
 public:
  struct Options {
    std::string directory;  // made with mode 0700 if it is missing; its parent must exist
    // Plans only: nothing is created, and without a database all labels are free.
    bool read_only = false;
    std::chrono::milliseconds busy_timeout{10000};
    // Tells hosts apart: each begins to number at a place of its own, so that hosts which share
    // storage seldom pick the same label.
    std::string machine_id_file = "/etc/machine-id";
  };
  static Result<std::unique_ptr<LabelDatabase>> Open(Options options);
  LabelDatabase(const LabelDatabase &) = delete;
  LabelDatabase &operator=(const LabelDatabase &) = delete;

  class Reading;
  class Writing;
  Result<Reading> Read();
  Result<Writing> Write();

  // Made of the machine id, which is read when it is asked for; nothing depends on its quality. Any
  // thread may ask.
  uint64_t host_number() const;
  // Can the machine id be read?
  const Status &machine_id() const;
  // This process.
  const ProcessId &self() const { return self_; }
  // That the file is in.
  std::string Directory() const { return path_.substr(0, path_.rfind('/')); }
  std::chrono::milliseconds busy_timeout() const { return options_.busy_timeout; }

 private:
  LabelDatabase(Options options, ProcessId self)
      : options_(std::move(options)), self_(std::move(self)) {}
  Result<std::unique_ptr<Database>> Connect() const;

  Options options_;
  ProcessId self_;
  std::string path_;
  void ReadMachineId() const;
  mutable std::once_flag machine_id_read_;
  mutable uint64_t host_number_ = 0;
  mutable Status machine_id_;
  std::mutex turn_;  // of own_
  std::unique_ptr<Database> own_;
  std::mutex mutex_;  // of spare_
  std::vector<std::unique_ptr<Database>> spare_;
};

// A connection for reading: the own one if it is idle, which has in its cache what was written
// last, or else a spare one, so that nobody waits for somebody who writes.
class LabelDatabase::Reading {
 public:
  Reading(Database *own, std::unique_lock<std::mutex> turn)
      : turn_(std::move(turn)), database_(own) {}
  Reading(LabelDatabase *owner, std::unique_ptr<Database> spare)
      : owner_(owner), spare_(std::move(spare)), database_(spare_.get()) {}
  ~Reading() {
    if (spare_) {
      const std::lock_guard lock(owner_->mutex_);
      owner_->spare_.push_back(std::move(spare_));
    }
  }
  Reading(Reading &&) noexcept = default;
  Reading &operator=(Reading &&) = delete;
  Reading(const Reading &) = delete;
  Reading &operator=(const Reading &) = delete;

  Database *get() const { return database_; }
  Database *operator->() const { return database_; }

 private:
  std::unique_lock<std::mutex> turn_;
  LabelDatabase *owner_ = nullptr;
  std::unique_ptr<Database> spare_;
  Database *database_;
};

// A write transaction, on the own connection: its cache is right then unless another process has
// written. Threads of this process take turns at it and do not wait in SQLite, which would sleep.
class LabelDatabase::Writing {
 public:
  Writing(std::unique_lock<std::mutex> turn, Database *database, Transaction transaction)
      : turn_(std::move(turn)), database_(database), transaction_(std::move(transaction)) {}

  Database *get() const { return database_; }
  Database *operator->() const { return database_; }

  // Nothing may be asked of it any more then.
  Status Commit() {
    SVIRT_TRY(transaction_.Commit());
    turn_.unlock();
    return {};
  }
  // On the disk, with all that went before, when this returns. If syncing fails the error says so,
  // but the transaction is done.
  Status CommitDurably() {
    SVIRT_TRY(transaction_.Commit());
    turn_.unlock();
    return database_->Sync();
  }

 private:
  std::unique_lock<std::mutex> turn_;
  Database *database_;
  Transaction transaction_;
};

}  // namespace svirt
