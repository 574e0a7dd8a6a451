// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens the database, takes turns at it, and keeps the holders of labels.
#include "host/labels/label_store.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <thread>
#include <utility>

#include "host/labels/journal_rows.h"
#include "host/labels/owners.h"
#include "host/labels/store_connection.h"
#include "host/labels/store_file.h"
#include "host/util/file.h"
#include "host/util/file_lock.h"

namespace svirt {
namespace {

constexpr int kTriesBeforeSleep = 4000;
constexpr int kTriesBeforeYield = 800;

// Who waits busily takes less from the other thread of the same core, and sees sooner what changes.
void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

// FNV-1a: spreads host ids over the label spaces; nothing depends on its quality.
uint64_t Hash(const std::string &text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

Result<StoreMark> MarkOf(Database *db) {
  SVIRT_ASSIGN(Query query,
               db->Ask("SELECT (SELECT max(time) FROM restored), seeded, EXISTS (SELECT 1 FROM "
                       "owner WHERE foreign_space IS NOT NULL) FROM meta"));
  SVIRT_ASSIGN(const bool row, query.Step());
  return row ? StoreMark{query.Int(0), query.Int(1), query.Int(2) != 0} : StoreMark();
}

}  // namespace

Result<std::unique_ptr<LabelStore>> LabelStore::Open(Options options) {
  SVIRT_ASSIGN(ProcessId self, IdentifyProcess(::getpid()));
  std::unique_ptr<LabelStore> store(new LabelStore(std::move(options), std::move(self)));
  std::string &directory = store->options_.directory;
  if (store->options_.read_only && ::access((directory + "/labels.db").c_str(), F_OK) != 0) {
    store->path_ = ":memory:";
    store->options_.read_only = false;
  } else {
    SVIRT_ASSIGN(store->path_, PrepareStoreFile(directory));
  }
  if (const auto machine_id = ReadFile(store->options_.machine_id_file, 4096); machine_id.ok()) {
    store->host_number_ = Hash(*machine_id);
  } else {
    store->machine_id_ = machine_id.error();
  }
  // Errors of the file show now rather than at the first start of a domain.
  SVIRT_ASSIGN(store->own_, store->OpenDatabase());
  if (!store->options_.read_only) {
    SVIRT_TRY(store->own_->OpenLog());
  }
  return store;
}

LabelStore::~LabelStore() = default;

Result<std::unique_ptr<Database>> LabelStore::OpenDatabase() const {
  return ConnectStore(path_,
                      {.read_only = options_.read_only, .busy_timeout = options_.busy_timeout});
}

std::unique_lock<std::mutex> LabelStore::TryTurn() {
  std::unique_lock turn(turn_, std::try_to_lock);
  for (int tries = 1; !turn && tries < kTriesBeforeSleep; ++tries) {
    if (tries % kTriesBeforeYield == 0) {
      std::this_thread::yield();
    }
    Pause();
    turn = std::unique_lock(turn_, std::try_to_lock);
  }
  return turn;
}

Result<std::string> LabelStore::HostName() const {
  if (!machine_id_.ok()) {
    return Error{machine_id_.error().code,
                 "this host has no name for its marks on files (export_labels): " +
                     machine_id_.error().message + "; systemd-machine-id-setup makes one",
                 machine_id_.error().sys_errno};
  }
  std::array<char, 17> name;
  std::snprintf(name.data(), name.size(), "%016" PRIx64, host_number_);
  return std::string(name.data());
}

Result<Fd> LabelStore::LockEntries() {
  return LockFile(path_.substr(0, path_.rfind('/')) + "/entries.lock", options_.busy_timeout);
}

Result<LabelStore::Connection> LabelStore::Connect() {
  if (std::unique_lock turn = TryTurn(); turn) {
    return Connection(own_.get(), std::move(turn));
  }
  {
    const std::lock_guard lock(mutex_);
    if (!spare_.empty()) {
      Connection connection(this, std::move(spare_.back()));
      spare_.pop_back();
      return connection;
    }
  }
  SVIRT_ASSIGN(auto database, OpenDatabase());
  return Connection(this, std::move(database));
}

Result<LabelStore::Writing> LabelStore::Write() {
  // Another thread's transaction is short, and to sleep and be woken takes longer than most.
  std::unique_lock turn = TryTurn();
  if (!turn) {
    turn.lock();
  }
  SVIRT_ASSIGN(Transaction transaction, Transaction::Begin(own_.get()));
  return Writing(std::move(turn), own_.get(), std::move(transaction));
}

Status LabelStore::AddHolder(const std::string &uuid, const ProcessId &process) {
  SVIRT_ASSIGN(Writing db, Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return Error{Errc::kNotFound, "no labels are entered for domain " + uuid};
  }
  SVIRT_TRY(db->Run("DELETE FROM holder WHERE owner=?1 AND provisional", owner->id));
  SVIRT_TRY(AddHolderRow(db.get(), owner->id, process, false));
  return db.Commit();
}

Status LabelStore::Pin(const std::string &uuid, PinnedFor whom) {
  SVIRT_ASSIGN(Writing db, Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return Error{Errc::kNotFound, "no labels are entered for domain " + uuid};
  }
  SVIRT_TRY(db->Run("DELETE FROM holder WHERE owner=?1 AND provisional", owner->id));
  // What a hypervisor runs stays known as that, whoever pins it besides.
  SVIRT_TRY(db->Run("UPDATE owner SET pinned=max(pinned, ?2) WHERE id=?1", owner->id,
                    static_cast<int>(whom)));
  return db.Commit();
}

Status LabelStore::DropOwnHold(const std::string &uuid) {
  SVIRT_ASSIGN(Writing db, Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (owner) {
    SVIRT_TRY(DropOwnHoldRow(db.get(), owner->id, self_));
  }
  return db.Commit();
}

Result<StoreMark> LabelStore::Mark() {
  SVIRT_ASSIGN(const Connection db, Connect());
  return MarkOf(db.get());
}

Result<std::optional<OwnerState>> LabelStore::Describe(const std::string &uuid, StoreMark *mark) {
  SVIRT_ASSIGN(const Connection db, Connect());
  const Snapshot snapshot(db.get());
  if (mark != nullptr) {
    SVIRT_ASSIGN(*mark, MarkOf(db.get()));
  }
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return std::optional<OwnerState>();
  }
  OwnerState state;
  state.owner = owner->owner;
  state.pinned = owner->pinned;
  state.handover = owner->handover;
  state.in_hypervisor = owner->in_hypervisor;
  SVIRT_ASSIGN(Holders holders, HoldersSeenBy(db.get(), owner->id, self_));
  state.processes = std::move(holders.processes);
  state.own_hold = holders.own_hold;
  SVIRT_ASSIGN(
      const auto objects,
      db->AskInt("SELECT count(*) FROM use WHERE owner=?1 AND number<?2", owner->id, kBelow));
  state.objects = objects.value_or(0);
  state.interrupted = owner->work && !IsRunning(owner->work->process);
  SVIRT_ASSIGN(state.labels, LabelsOf(db.get(), owner->id));
  return std::optional<OwnerState>(std::move(state));
}

Result<std::vector<std::string>> LabelStore::Owners() {
  SVIRT_ASSIGN(const Connection db, Connect());
  SVIRT_ASSIGN(Query query,
               db->Ask("SELECT uuid FROM owner WHERE foreign_space IS NULL ORDER BY uuid"));
  std::vector<std::string> uuids;
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return uuids;
    }
    uuids.push_back(query.Text(0));
  }
}

}  // namespace svirt
