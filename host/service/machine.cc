// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens what all services share, and finds the hypervisor of a domain.
#include "host/service/machine.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace svirt {
namespace {

// Domain types whose domains are no processes of this kernel.
std::vector<std::string> ForeignTypes(const std::vector<std::unique_ptr<Hypervisor>> &hypervisors) {
  std::vector<std::string> types;
  for (const auto &hypervisor : hypervisors) {
    if (!hypervisor->RunsProcesses()) {
      std::ranges::copy(hypervisor->Types(), std::back_inserter(types));
    }
  }
  return types;
}

CallWatch::Options WatchOptions(const MachineOptions &options) {
  CallWatch::Options watch{options.config.call_timeout, options.overdue, options.is_given_up};
  if (!watch.overdue) {
    watch.overdue = [log = options.log](const OverdueCall &call) {
      if (log) {
        log(SVIRT_LOG_ERROR, call.Describe() +
                                 "; it is waited for, and the plugin is asked nothing any more "
                                 "afterwards");
      }
    };
  }
  return watch;
}

MachineOptions WithHypervisors(MachineOptions options) {
  if (options.hypervisors.empty()) {
    options.hypervisors = MakeHypervisors();
  }
  return options;
}

}  // namespace

Machine::Machine(MachineOptions options)
    : options_(WithHypervisors(std::move(options))),
      domains_(options_.paths),
      watch_(WatchOptions(options_)),
      models_(options_.config, options_.scanner, options_.paths, ForeignTypes(options_.hypervisors),
              options_.log, &watch_, options_.trusted_root) {}

Result<WallFindings> Machine::FindWall() const {
  return svirt::FindWall({.keeper = keeper(),
                          .without = options_.config.without,
                          .required = options_.config.require_wall});
}

Result<LabelStore *> Machine::Labels() {
  if (!labels_) {
    LabelStore::Options options;
    options.directory = options_.paths.state_dir;
    SVIRT_ASSIGN(labels_, LabelStore::Open(options));
  }
  return labels_.get();
}

Result<std::unique_ptr<LabelStore>> Machine::OpenLabelsReadOnly() const {
  LabelStore::Options options;
  options.directory = options_.paths.state_dir;
  options.read_only = true;
  return LabelStore::Open(options);
}

Result<std::optional<OwnerState>> Machine::OwnerOf(const std::string &uuid) {
  SVIRT_ASSIGN(LabelStore *const labels, Labels());
  return labels->registry().Describe(uuid);
}

std::vector<std::string> Machine::DomainTypes() const {
  std::vector<std::string> all;
  for (const auto &hypervisor : options_.hypervisors) {
    std::ranges::copy(hypervisor->Types(), std::back_inserter(all));
  }
  return all;
}

Result<Hypervisor *> Machine::HypervisorFor(const Domain &domain) const {
  for (const auto &hypervisor : options_.hypervisors) {
    const std::vector<std::string> types = hypervisor->Types();
    if (std::ranges::find(types, domain.type) != types.end()) {
      return hypervisor.get();
    }
  }
  std::string known;
  for (const std::string &type : DomainTypes()) {
    known += (known.empty() ? "" : ", ") + type;
  }
  return Error{Errc::kUnsupported, "no hypervisor of this host runs domains of type '" +
                                       domain.type + "'; the types known here are " + known};
}

void Machine::Report(const std::vector<std::string> &notes) const {
  if (options_.log) {
    for (const std::string &note : notes) {
      options_.log(SVIRT_LOG_WARNING, note);
    }
  }
}

Status Machine::Reporting(
    const std::function<Status(std::vector<std::string> *notes)> &work) const {
  std::vector<std::string> notes;
  Status status = work(&notes);
  Report(notes);
  return status;
}

}  // namespace svirt
