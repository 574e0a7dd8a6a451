// SPDX-License-Identifier: LGPL-2.1-or-later
// Goes through a directory of processes and asks the plugin for each one's label.
#include "host/labels/plan/process_scan.h"

#include <charconv>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

namespace svirt {
namespace {

Result<std::vector<pid_t>> ListProcesses(const std::string &proc) {
  std::vector<pid_t> pids;
  std::error_code error;
  for (std::filesystem::directory_iterator it(proc, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    pid_t pid = 0;
    const auto [stop, parse] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parse == std::errc() && stop == name.data() + name.size()) {
      pids.push_back(pid);
    }
  }
  if (error) {
    return SystemError(error.value(), "cannot list the running processes in " + proc);
  }
  return pids;
}

}  // namespace

Result<std::vector<ForeignLabel>> ScanProcesses(Plugin *plugin, const std::string &virt_type,
                                                const std::string &proc) {
  SVIRT_ASSIGN(const auto pids, ListProcesses(proc));
  DomainRef ref;
  ref.uuid = "00000000-0000-0000-0000-000000000000";
  ref.virt_type = virt_type;
  ref.seclabel.model = plugin->model();
  // Not kStatic: nobody has asked for these labels, so only those of the model's own domains count,
  // not a shell's that happens to span the whole range.
  ref.seclabel.type = SecLabel::Type::kDynamic;
  // Few labels are borne by many processes: each label is judged once.
  std::map<std::string, ForeignLabel> labels;
  for (const pid_t pid : pids) {
    ref.pid = pid;
    const auto state = plugin->GetLabel(ref);
    if (!state.ok()) {
      if (state.error().code == Errc::kUnsupported) {
        return std::vector<ForeignLabel>();
      }
      continue;
    }
    const auto [entry, is_new] = labels.try_emplace(state->label);
    ForeignLabel &foreign = entry->second;
    if (is_new) {
      foreign.label = state->label;
      // A label the plugin does not know how to judge takes no index that it could give out.
      if (auto runs = plugin->LabelClaim(ref, state->label); runs.ok()) {
        foreign.runs = std::move(*runs);
      }
    }
    if (foreign.runs.empty()) {
      continue;
    }
    if (auto process = IdentifyProcess(pid); process.ok()) {
      foreign.processes.push_back(std::move(*process));
    }
  }
  std::vector<ForeignLabel> found;
  for (auto &[text, foreign] : labels) {
    if (!foreign.runs.empty() && !foreign.processes.empty()) {
      found.push_back(std::move(foreign));
    }
  }
  return found;
}

}  // namespace svirt
