// SPDX-License-Identifier: LGPL-2.1-or-later
// How the files that implement LabelStore reach the database, for reading and for writing.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "host/labels/label_store.h"

namespace svirt {

// A connection for reading: the store's own one if it is idle, which has in its cache what was
// written last, or else a spare one, so that nobody waits for somebody who writes.
class LabelStore::Connection {
 public:
  Connection(Database *own, std::unique_lock<std::mutex> turn)
      : turn_(std::move(turn)), database_(own) {}
  Connection(LabelStore *store, std::unique_ptr<Database> spare)
      : store_(store), spare_(std::move(spare)), database_(spare_.get()) {}
  ~Connection() {
    if (spare_) {
      const std::lock_guard lock(store_->mutex_);
      store_->spare_.push_back(std::move(spare_));
    }
  }
  Connection(Connection &&) noexcept = default;
  Connection &operator=(Connection &&) = delete;
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;

  Database *get() const { return database_; }
  Database *operator->() const { return database_; }

 private:
  std::unique_lock<std::mutex> turn_;
  LabelStore *store_ = nullptr;
  std::unique_ptr<Database> spare_;
  Database *database_;
};

// A write transaction, on the store's own connection: its cache is right then unless another
// process has written, and who waits for his turn is woken, and not asleep as where SQLite waits.
class LabelStore::Writing {
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
