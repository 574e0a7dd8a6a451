// SPDX-License-Identifier: LGPL-2.1-or-later
// Chooses the models and the paths of a scan for labels of domains that are gone.
#include "host/service/scanning.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "host/service/lost_labels.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;

// As the kernel writes it, if no part of it is a symbolic link.
Result<std::string> WholePath(const std::string &given) {
  std::error_code error;
  const fs::path whole = fs::absolute(given, error).lexically_normal();
  std::string path = whole.string();
  if (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  const fs::path real = error ? fs::path() : fs::canonical(path, error);
  if (error) {
    return SystemError(error.value(), "cannot scan " + given);
  }
  if (real != path) {
    return Error{Errc::kInvalid, given + " leads through a symbolic link; scan " + real.string()};
  }
  return path;
}

}  // namespace

Result<std::vector<ScanModel>> Scanning::Models() const {
  std::vector<ScanModel> models;
  for (const std::string &type : machine_->DomainTypes()) {
    SVIRT_ASSIGN(const std::vector<Candidate> candidates, machine_->models().Candidates(type));
    for (const Candidate &candidate : candidates) {
      const bool is_active = candidate.state == CandidateState::kSelected ||
                             candidate.state == CandidateState::kActive;
      if (!is_active || candidate.repeats) {
        continue;
      }
      SVIRT_ASSIGN(Plugin *const plugin, machine_->models().Named(candidate.model, type));
      SVIRT_ASSIGN(ModelInfo info, plugin->GetModel(type));
      if (!info.is_object) {
        continue;
      }
      auto known = std::ranges::find(models, plugin, &ScanModel::plugin);
      if (known == models.end()) {
        models.push_back({plugin, std::move(info.doi), {}});
        known = models.end() - 1;
      }
      known->virt_types.push_back(type);
    }
  }
  return models;
}

Status Scanning::Scan(const std::vector<std::string> &paths, bool dry_run,
                      const std::function<void(const FoundLabel &)> &found,
                      std::vector<std::string> *notes, int64_t *objects) const {
  std::vector<std::string> whole;
  for (const std::string &path : paths) {
    SVIRT_ASSIGN(std::string one, WholePath(path));
    whole.push_back(std::move(one));
  }
  Status first;
  const auto keep = [&](Error error) {
    if (first.ok()) {
      first = std::move(error);
    } else {
      notes->push_back(std::move(error.message));
    }
  };
  if (!dry_run) {
    if (Status status = recovery_->Recover(notes); !status.ok()) {
      keep(std::move(status).error());
    }
  }
  std::unique_ptr<LabelStore> read_only;
  LabelStore *labels = nullptr;
  if (dry_run) {
    SVIRT_ASSIGN(read_only, machine_->OpenLabelsReadOnly());
    labels = read_only.get();
  } else {
    SVIRT_ASSIGN(labels, machine_->Labels());
  }
  // What runs is not to be taken for gone.
  SVIRT_TRY(LostLabels(machine_).Check(labels, false));
  SVIRT_ASSIGN(std::vector<ScanModel> models, Models());
  if (models.empty()) {
    return Error{Errc::kUnsupported,
                 "no model that labels objects is active here; 'svirt plugins' says why"};
  }
  LabelScan scan(labels, {.models = std::move(models),
                          .proc = "/proc",
                          .dry_run = dry_run,
                          .found = found,
                          .failed = keep});
  for (const std::string &path : whole) {
    if (Status status = scan.Walk(path); !status.ok()) {
      const bool is_end = status.error().sys_errno == EINTR;
      keep(std::move(status).error());
      if (is_end) {
        break;
      }
    }
  }
  *objects = scan.objects();
  if (!dry_run) {
    if (Status status = Engine(labels, {}, {}).Settle(); !status.ok()) {
      keep(std::move(status).error());
    }
  }
  return first;
}

}  // namespace svirt
