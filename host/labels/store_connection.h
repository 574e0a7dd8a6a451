// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <utility>

#include "host/labels/label_store.h"

namespace svirt {

// A connection borrowed from its store; it goes back when this ends.
class LabelStore::Connection {
 public:
  Connection(LabelStore *store, std::unique_ptr<Database> database)
      : store_(store), database_(std::move(database)) {}
  ~Connection() {
    if (database_) {
      const std::lock_guard lock(store_->mutex_);
      store_->idle_.push_back(std::move(database_));
    }
  }
  Connection(Connection &&) noexcept = default;
  Connection &operator=(Connection &&) = delete;
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;

  Database *get() const { return database_.get(); }
  Database *operator->() const { return database_.get(); }

 private:
  LabelStore *store_;
  std::unique_ptr<Database> database_;
};

}  // namespace svirt
