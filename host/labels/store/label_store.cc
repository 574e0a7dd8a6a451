// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens the registry and the journal, and names this host.
#include "host/labels/store/label_store.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "host/labels/store/store_file.h"
#include "host/util/file_lock.h"

namespace svirt {

Result<std::unique_ptr<LabelStore>> LabelStore::Open(Options options) {
  SVIRT_ASSIGN(auto database, LabelDatabase::Open(std::move(options)));
  return std::unique_ptr<LabelStore>(new LabelStore(std::move(database)));
}

Result<std::string> LabelStore::HostName() const {
  if (const Status &machine_id = database_->machine_id(); !machine_id.ok()) {
    return Error{machine_id.error().code,
                 "this host has no name for its marks on files (export_labels): " +
                     machine_id.error().message + "; systemd-machine-id-setup makes one",
                 machine_id.error().sys_errno};
  }
  std::array<char, 17> name;
  std::snprintf(name.data(), name.size(), "%016" PRIx64, database_->host_number());
  return std::string(name.data());
}

Result<Fd> LabelStore::LockEntries() {
  return LockFile(database_->Directory() + "/" + kStoreLock, database_->busy_timeout());
}

}  // namespace svirt
