// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "host/labels/label_store.h"

namespace svirt {

// A connection borrowed from its store; it goes back when this ends.
class LabelStore::Connection {
 public:
  Connection(LabelStore *store, std::unique_ptr<Database> database)
      : store_(store), database_(std::move(database)) {}
  ~Connection() { GiveBack(); }
  Connection(Connection &&) noexcept = default;
  Connection &operator=(Connection &&) = delete;
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;

  Database *get() const { return database_.get(); }
  Database *operator->() const { return database_.get(); }

  void GiveBack() {
    if (database_) {
      const std::lock_guard lock(store_->mutex_);
      store_->idle_.push_back(std::move(database_));
    }
  }

 private:
  LabelStore *store_;
  std::unique_ptr<Database> database_;
};

// A write transaction on a connection of its own. Threads of this process wait for each other
// before they take a connection: it is then the one that wrote last, whose cache is right still,
// and who waits is woken, and not asleep as where SQLite waits for another process.
class LabelStore::Writing {
 public:
  Writing(std::unique_lock<std::mutex> turn, Connection connection, Transaction transaction)
      : turn_(std::move(turn)),
        connection_(std::move(connection)),
        transaction_(std::move(transaction)) {}

  Database *get() const { return connection_.get(); }
  Database *operator->() const { return connection_.get(); }

  // Nothing may be asked of it any more then.
  Status Commit() {
    SVIRT_TRY(transaction_.Commit());
    connection_.GiveBack();
    turn_.unlock();
    return {};
  }
  // On the disk, with all that went before, when this returns. If syncing fails the error says so,
  // but the transaction is done.
  Status CommitDurably() {
    SVIRT_TRY(transaction_.Commit());
    turn_.unlock();
    return connection_->Sync();
  }

 private:
  std::unique_lock<std::mutex> turn_;
  Connection connection_;
  Transaction transaction_;
};

}  // namespace svirt
