// SPDX-License-Identifier: LGPL-2.1-or-later
// What all services work with: this machine's configuration, domains, labels, models, hypervisors.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/domain/domain.h"
#include "host/hypervisor/hypervisor.h"
#include "host/labels/store/label_store.h"
#include "host/launch/find_wall.h"
#include "host/loader/call_watch.h"
#include "host/service/models/drivers.h"
#include "host/service/store/domain_store.h"
#include "host/util/progress.h"
#include "host/util/result.h"

namespace svirt {

struct MachineOptions {
  Config config;
  Paths paths;
  std::string scanner;  // helper that tries plugins first; see LoaderOptions
  std::string keeper;   // program that keeps a domain's namespace (wall.h); "": there is none
  LogSink log;
  // What becomes of a call of a plugin that takes too long, and whether anybody waits for it still;
  // see CallWatch. Without it the log is told.
  CallWatch::Handler overdue;
  std::function<bool()> is_given_up;
  ProgressSink progress;  // of work on many objects
  // None means those of this build; tests give others.
  std::vector<std::unique_ptr<Hypervisor>> hypervisors;
  std::string trusted_root = "/";  // of plugins; see LoaderOptions
};

// All lasting state is on disk and shared with every other Machine on the same paths. For one
// thread at a time.
class Machine {
 public:
  // What it keeps its state in, it makes; where that fails, all that needs it fails with what it
  // was.
  explicit Machine(MachineOptions options);
  Machine(const Machine &) = delete;
  Machine &operator=(const Machine &) = delete;

  const Paths &paths() const { return options_.paths; }
  const Config &config() const { return options_.config; }
  // The program that tries plugins first; "" if none does.
  const std::string &scanner() const {
    return options_.config.scanner.empty() ? options_.scanner : options_.config.scanner;
  }
  // "": there is none.
  const std::string &keeper() const {
    return options_.config.keeper.empty() ? options_.keeper : options_.config.keeper;
  }
  // What domains are kept apart by that are processes. Errc::kUnsupported: it cannot be had, and is
  // required.
  Result<WallFindings> FindWall() const;
  const ProgressSink &progress() const { return options_.progress; }
  DomainStore &domains() { return domains_; }
  const DomainStore &domains() const { return domains_; }
  SecurityDrivers &models() { return models_; }

  // The label store, opened when it is first needed.
  Result<LabelStore *> Labels();
  // For plans: creates nothing.
  Result<std::unique_ptr<LabelStore>> OpenLabelsReadOnly() const;
  // What the label store knows of a domain.
  Result<std::optional<OwnerState>> OwnerOf(const std::string &uuid);

  // The domain types that its hypervisors serve.
  std::vector<std::string> DomainTypes() const;
  // The one that serves the domain's type; Errc::kUnsupported if there is none.
  Result<Hypervisor *> HypervisorFor(const Domain &domain) const;

  // Sentences about what was found and stops nobody, for people.
  void Report(const std::vector<std::string> &notes) const;
  // The same for work that collects them, also if it fails.
  Status Reporting(const std::function<Status(std::vector<std::string> *notes)> &work) const;

 private:
  MachineOptions options_;
  DomainStore domains_;
  std::unique_ptr<LabelStore> labels_;
  CallWatch watch_;
  SecurityDrivers models_;
};

}  // namespace svirt
