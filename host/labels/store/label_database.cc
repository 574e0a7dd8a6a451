// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens the label database, and lets threads take turns at it.
#include "host/labels/store/label_database.h"

#include <unistd.h>

#include "host/labels/store/store_file.h"
#include "host/util/file.h"

namespace svirt {
namespace {

// FNV-1a: spreads host ids over the label spaces.
uint64_t Hash(const std::string &text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace

Result<std::unique_ptr<LabelDatabase>> LabelDatabase::Open(Options options) {
  SVIRT_ASSIGN(ProcessId self, IdentifyProcess(::getpid()));
  std::unique_ptr<LabelDatabase> store(new LabelDatabase(std::move(options), std::move(self)));
  const std::string &directory = store->options_.directory;
  if (store->options_.read_only && ::access((directory + "/labels.db").c_str(), F_OK) != 0) {
    store->path_ = ":memory:";
    store->options_.read_only = false;
  } else {
    SVIRT_ASSIGN(store->path_, PrepareStoreFile(directory));
  }
  // Errors of the file show now rather than at the first start of a domain.
  SVIRT_ASSIGN(store->own_, store->Connect());
  if (!store->options_.read_only) {
    SVIRT_TRY(store->own_->OpenLog());
  }
  return store;
}

void LabelDatabase::ReadMachineId() const {
  std::call_once(machine_id_read_, [this] {
    if (const auto machine_id = ReadFile(options_.machine_id_file, 4096); machine_id.ok()) {
      host_number_ = Hash(*machine_id);
    } else {
      machine_id_ = machine_id.error();
    }
  });
}

uint64_t LabelDatabase::host_number() const {
  ReadMachineId();
  return host_number_;
}

const Status &LabelDatabase::machine_id() const {
  ReadMachineId();
  return machine_id_;
}

Result<std::unique_ptr<Database>> LabelDatabase::Connect() const {
  return ConnectStore(path_,
                      {.read_only = options_.read_only, .busy_timeout = options_.busy_timeout});
}

Result<LabelDatabase::Reading> LabelDatabase::Read() {
  if (std::unique_lock turn(turn_, std::try_to_lock); turn) {
    return Reading(own_.get(), std::move(turn));
  }
  {
    const std::lock_guard lock(mutex_);
    if (!spare_.empty()) {
      Reading reading(this, std::move(spare_.back()));
      spare_.pop_back();
      return reading;
    }
  }
  SVIRT_ASSIGN(auto database, Connect());
  return Reading(this, std::move(database));
}

Result<LabelDatabase::Writing> LabelDatabase::Write() {
  std::unique_lock turn(turn_);
  SVIRT_ASSIGN(Transaction transaction, Transaction::Begin(own_.get()));
  return Writing(std::move(turn), own_.get(), std::move(transaction));
}

}  // namespace svirt
