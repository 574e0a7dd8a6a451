// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads each file once, and records what became of it.
#include "host/loader/loaded_plugins.h"

#include <map>
#include <mutex>
#include <utility>

#include "host/loader/dl_open.h"
#include "host/loader/table_check.h"

namespace svirt {
namespace {

struct Record {
  Fd file;  // keeps the inode number from being given to another file
  FileIdentity identity;
  MappedObject mapped;
  Status verdict;
  std::shared_ptr<PluginGate> gate = std::make_shared<PluginGate>();
  Candidate shown;
};

struct Registry {
  std::mutex mutex;
  std::map<std::pair<uint64_t, uint64_t>, Record> records;  // by device and inode
  uint32_t loads = 0;

  Record *Find(const FileIdentity &identity) {
    const auto found = records.find({identity.device, identity.inode});
    return found != records.end() ? &found->second : nullptr;
  }
};

// Never destroyed: plugins' code may run until the very end of the process.
Registry &TheRegistry() {
  static auto *const registry = new Registry;
  return *registry;
}

Status CheckMapped(const MappedObject &mapped, const Note &note) {
  SVIRT_TRY(mapped.verdict);
  SVIRT_ASSIGN(const svirt_plugin table, CopyTable(mapped.table));
  return CheckTableAgrees(note, table);
}

}  // namespace

Result<LoadedObject> LoadOnce(Fd file, const FileIdentity &identity, const std::string &path,
                              const ElfImage &image, const Note &note) {
  Registry &registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  Record *record = registry.Find(identity);
  if (record == nullptr) {
    SVIRT_ASSIGN(MappedObject mapped, MapObject(file.get(), identity, registry.loads++, image));
    record = &registry.records[{identity.device, identity.inode}];
    record->file = std::move(file);
    record->identity = identity;
    record->mapped = std::move(mapped);
    record->verdict = CheckMapped(record->mapped, note);
    record->shown.path = path;
    record->shown.model = note.model;
    record->shown.version = note.version;
    record->shown.abi = note.abi();
    record->shown.priority = note.priority;
  } else if (record->identity.size != identity.size ||
             record->identity.modified_ns != identity.modified_ns) {
    return Error{Errc::kRefused,
                 "it was overwritten after this process had loaded it; restart the program, and "
                 "install plugins by renaming",
                 0};
  }
  SVIRT_TRY(record->verdict);
  return LoadedObject{record->mapped.table, record->gate};
}

bool IsLoaded(const FileIdentity &identity) {
  Registry &registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  const Record *record = registry.Find(identity);
  return record != nullptr && record->verdict.ok();
}

void RecordState(const FileIdentity &identity, CandidateState state, const std::string &reason) {
  Registry &registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  if (Record *record = registry.Find(identity); record != nullptr) {
    record->shown.state = state;
    record->shown.reason = reason;
  }
}

std::vector<Candidate> LoadedPlugins() {
  Registry &registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  std::vector<Candidate> all;
  all.reserve(registry.records.size());
  for (const auto &[key, record] : registry.records) {
    all.push_back(record.shown);
  }
  return all;
}

}  // namespace svirt
