// SPDX-License-Identifier: LGPL-2.1-or-later
// Compares the status files of domains with the registry, once for each pair of database files.
#include "host/service/lost_labels.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "host/util/file.h"
#include "host/util/process.h"

namespace svirt {
namespace {

constexpr size_t kLargestSeen = 4096;

bool HasLabels(const Domain &domain) {
  return std::ranges::any_of(domain.seclabels, [](const SecLabel &label) {
    return label.type != SecLabel::Type::kNone && !label.label.empty();
  });
}

// What tells a file from one that took its place.
std::string IdentityOf(const std::string &path) {
  struct statx st {};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &st) != 0) {
    return "-";
  }
  return std::to_string(st.stx_dev_major) + ":" + std::to_string(st.stx_dev_minor) + ":" +
         std::to_string(st.stx_ino) + ":" + std::to_string(st.stx_btime.tv_sec) + "." +
         std::to_string(st.stx_btime.tv_nsec);
}

}  // namespace

Result<bool> LostLabels::IsLost(LabelStore *labels, const StoredDomain &stored) const {
  const auto &running = stored.running;
  // A hypervisor that keeps domains by a number is asked for those elsewhere. What has ended
  // meanwhile was given back, and is not lost.
  if (!running || running->id >= 0 || !HasLabels(running->domain) || !IsRunning(running->process)) {
    return false;
  }
  SVIRT_ASSIGN(const auto owner, labels->registry().Describe(stored.domain.uuid));
  return !owner || std::ranges::find(owner->processes, running->process) == owner->processes.end();
}

Result<std::vector<StoredDomain>> LostLabels::Find(LabelStore *labels) const {
  std::vector<StoredDomain> lost;
  SVIRT_ASSIGN(const std::set<std::string> traces, machine_->domains().Traces());
  for (const std::string &uuid : traces) {
    SVIRT_ASSIGN(const auto owner, labels->registry().Describe(uuid));
    if (owner && !owner->processes.empty()) {
      continue;
    }
    auto stored = machine_->domains().Get(uuid);
    if (!stored.ok() && stored.error().code == Errc::kNotFound) {
      continue;
    }
    if (!stored.ok()) {
      return std::move(stored).error();
    }
    SVIRT_ASSIGN(const bool is_lost, IsLost(labels, *stored));
    if (is_lost) {
      lost.push_back(std::move(*stored));
    }
  }
  return lost;
}

Error LostLabels::Describe(const StoredDomain &lost) const {
  return Error{Errc::kRefused,
               "domain " + lost.domain.name + " (" + lost.domain.uuid + ") runs as process " +
                   std::to_string(lost.running->process.pid) + ", and the label database in " +
                   machine_->paths().state_dir +
                   " does not know its labels: it was lost, or an older copy was put back; 'svirt "
                   "recover' enters again what can still be known, and says what cannot"};
}

Status LostLabels::Check(LabelStore *labels, bool may_note) const {
  const std::string database = machine_->paths().state_dir + "/labels.db";
  const std::string seen_file = machine_->paths().run_dir + "/labels.seen";
  const std::string now = IdentityOf(database) + " " + IdentityOf(database + "-wal") + "\n";
  if (const auto seen = ReadFile(seen_file, kLargestSeen); seen.ok() && *seen == now) {
    return {};
  }
  SVIRT_ASSIGN(const std::vector<StoredDomain> lost, Find(labels));
  if (lost.empty()) {
    // Where it cannot be written, the next command looks again.
    [[maybe_unused]] const Status written =
        may_note ? WriteFileAtomic(seen_file, now, 0644) : Status();
    return {};
  }
  Error error = Describe(lost.front());
  for (size_t i = 1; i < lost.size(); ++i) {
    error.message += "; " + Describe(lost[i]).message;
  }
  return error;
}

}  // namespace svirt
