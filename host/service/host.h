// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/config.h"
#include "host/domain/domain.h"
#include "host/hypervisor/hypervisor.h"
#include "host/hypervisor/running_domain.h"
#include "host/labels/engine.h"
#include "host/labels/handover.h"
#include "host/labels/label_store.h"
#include "host/launch/launch.h"
#include "host/service/listed_domain.h"
#include "host/service/models/drivers.h"
#include "host/service/store/domain_store.h"
#include "host/util/result.h"

namespace svirt {

struct HostOptions {
  Config config;
  Paths paths;
  std::string scanner;  // helper that tries plugins first; see LoaderOptions
  LogSink log;
  // None means those of this build; tests give others.
  std::vector<std::unique_ptr<Hypervisor>> hypervisors;
};

// One security driver's view of a running domain.
struct DomainLabel {
  ModelInfo model;
  std::string label;
  bool enforcing = false;
  bool verified = false;  // read from the kernel just now, not remembered from the start
};

// What the policy lets one domain do with another.
struct AccessAnswer {
  std::string model, source_label, target_label;
  bool read_memory = false, write_memory = false;  // that the other shares with it
  bool copy_memory = false;                        // through the hypervisor
  bool notify = false;                             // events, both ways
};

// This host: its configuration, security drivers, domains and labels. What a command or a daemon
// works with. All lasting state is on disk and shared with every other Host on the same paths; a
// Host is for one thread at a time.
class Host {
 public:
  static Result<std::unique_ptr<Host>> Open(HostOptions options);

  const Paths &paths() const { return options_.paths; }
  const Config &config() const { return options_.config; }
  SecurityDrivers &drivers() { return drivers_; }
  // The domain types that its hypervisors serve.
  std::vector<std::string> DomainTypes() const;

  // Reads a domain and decides its uuid: the XML's; else that of the defined domain with its
  // name; else one made from the name, so that the same file always means the same domain.
  Result<Domain> Parse(std::string_view xml, const std::string &file);

  // Keeps the domain, if its labels are valid here.
  Result<Domain> Define(std::string_view xml, const std::string &file);
  Status Undefine(const std::string &name_or_uuid);

  // A domain whose process has ended by itself is cleaned up before it is shown.
  Result<StoredDomain> Find(const std::string &name_or_uuid);
  // Not those that are undefined while they are looked at. What is wrong with one stands beside it.
  Result<std::vector<ListedDomain>> List();
  // Also true if that cannot be found out.
  bool IsDefined(const std::string &uuid) const;
  // One that has ended since it was looked up is cleaned up, and *stored does not run any more.
  // It may have been undefined as well, which is an error: see IsDefined.
  Result<DomainState> State(StoredDomain *stored, std::chrono::milliseconds patience = kAnswerTime);
  Result<std::vector<DomainLabel>> Labels(StoredDomain *stored);
  // What the driver reads from the kernel about a process of the domain.
  Result<LabelState> ProcessLabel(Plugin *plugin, const Domain &domain, pid_t pid);
  // What it reads about a domain that runs, wherever that is.
  Result<LabelState> RunningLabel(Plugin *plugin, const RunningDomain &running);

  // What may source do with target, each a domain (which runs, or has a static label) or a label?
  // kUnsupported where the model in use cannot be asked.
  Result<AccessAnswer> Access(const std::string &source, const std::string &target);

  // Are the domain's labels valid here?
  Status Verify(const Domain &domain);
  // Are its resources such as a domain may have? kRefused with all that are not.
  Status CheckPaths(const Domain &domain) const;

  Result<RunningDomain> Start(const std::string &name_or_uuid);
  // Ends the process at once, and puts every label back.
  Status Destroy(const std::string &name_or_uuid);

  // Gives a running domain the device in the XML, or takes the disk from it that the XML names by
  // its target. Its definition stays. kUnsupported where its hypervisor, or a model whose labels
  // stand for a domain's resources, cannot do that while it runs; nothing is changed after a
  // failure.
  Status AttachDevice(const std::string &name_or_uuid, std::string_view xml,
                      const std::string &file);
  Status DetachDevice(const std::string &name_or_uuid, std::string_view xml,
                      const std::string &file);

  // Lets a running domain write to a backing image of its disks, or not any more, and has its
  // emulator open it so: for a block job (block-commit) that writes to it. Whoever asks for the job
  // calls this before and afterwards. Nothing is changed after a failure.
  Status SetAccess(const std::string &name_or_uuid, const std::string &path, bool writable);

  // The same plan, labels and restore without a process, for hooks of other VM managers.
  Result<Plan> MakePlan(const Domain &domain);
  Result<Plan> Label(const Domain &domain);
  // even_trees: also what keep_trees leaves labelled for the next start.
  Status Restore(const Domain &domain, bool even_trees = false);

  // Who holds which labels, by uuid.
  Result<std::vector<OwnerState>> LabelOwners();
  // After a crash, or a boot: puts back what domains that do not run any more have left, and what
  // commands that were ended left half done. Goes on after a failure and reports the first; a
  // domain that somebody else keeps locked is one. notes: the other failures, and sentences about
  // objects that were left alone.
  Status Recover(std::vector<std::string> *notes);

  // Hands the labels of a domain, which runs or was labelled, to another host on the same storage,
  // for a migration: see HandoverDesk. Both hosts must call the DOI of its models the same.
  Result<Handover> BeginHandover(const std::string &name_or_uuid);
  Status PrepareHandover(const Handover &handover, std::vector<std::string> *notes);
  // commit: it has moved; else it stays where it was.
  Status EndHandover(const std::string &name_or_uuid, bool commit);

  // Starts spec.program confined as the domain, with the domain's resources labelled; whatever
  // recipes spec has are replaced. Release when it has ended.
  Result<Child> LaunchConfined(const Domain &domain, LaunchSpec spec);
  // Puts the labels back, unless another process still runs as the domain.
  Status Release(const Domain &domain);
  // Both, and the time between: returns the program's exit status as a shell gives it. Standard
  // input and output go through pipes, so that the program never holds the caller's terminal.
  Result<int> Run(const Domain &domain, const std::vector<std::string> &argv,
                  const std::vector<std::string> &env);

 private:
  Host(HostOptions options, DomainStore store);

  // The label store, opened when it is first needed.
  Result<LabelStore *> Store();
  LabelStore::Options StoreOptions() const;
  // The engine with the drivers that this domain gets.
  Result<Engine> EngineFor(const Domain &domain,
                           SecurityDrivers::Use use = SecurityDrivers::Use::kLook);
  Result<Engine> EngineFor(const Domain &domain, LabelStore *labels, SecurityDrivers::Use use);
  // With those that a running domain was started with, whatever it would get now.
  Result<std::vector<Plugin *>> PluginsOfRunning(const Domain &running);
  Result<Engine> EngineForRunning(const Domain &running);
  // Also with those whose labels the domain holds.
  Result<Engine> EngineToUndo(const std::string &uuid, const std::string &virt_type);
  ConfinementPolicy Policy(const Domain &domain) const;
  // What of the machine it does not get.
  PathRules PathsFor(const Domain &domain) const;
  void NameDoi(Plan *plan) const;
  // Process pid has just been started as the domain.
  void WarnIfPermissive(const Domain &domain, pid_t pid);
  // Sentences about objects that were left alone, for people.
  void Report(const std::vector<std::string> &notes) const;
  // The same for work that collects them, also if it fails.
  Status Reporting(const std::function<Status(std::vector<std::string> *notes)> &work) const;
  Result<AccessAnswer> AccessUnder(const std::string &type, const std::string &source,
                                   const std::string &target);
  Result<std::string> LabelOf(const std::string &domain_or_label, Plugin *plugin);
  Result<bool> HasEnded(const StoredDomain &stored);
  Result<DomainState> AskState(const StoredDomain &stored, std::chrono::milliseconds patience);
  Result<std::vector<DomainLabel>> AskLabels(const StoredDomain &stored);
  // All with the domain's lock held.
  Status EndHalfStarted(StoredDomain *stored);
  Status CleanUpIfEnded(StoredDomain *stored);
  Result<StoredDomain> FindLocked(const std::string &uuid);
  Status CleanUp(const Domain &domain);
  // What a domain that runs as a process said of its state; others are not asked together.
  using Answer = std::optional<Result<DomainState>>;
  std::vector<Answer> AskAll(const std::vector<StoredDomain> &domains) const;
  std::optional<ListedDomain> ListOne(StoredDomain stored, const Answer &answer,
                                      PassingLocks *locks);
  // Of domains whose status cannot be used: what runs as one, be it as the status still names it or
  // as the registry knows it; Errc::kConflict if something does; what its end has left; its end.
  Result<std::vector<ProcessId>> ProcessesOf(const StoredDomain &damaged);
  Status CheckNothingRuns(const StoredDomain &damaged);
  Status CleanUpDamaged(const StoredDomain &damaged);
  Status DestroyDamaged(const StoredDomain &damaged);
  Result<LabelOwner> FindOwner(const std::string &name_or_uuid);
  // Was its label kept for a hypervisor that has it no more?
  Result<bool> HasLeftHypervisor(const LabelOwner &owner);
  Status ReleaseLocked(const Domain &domain);
  Result<RunningDomain> StartLocked(Domain domain);
  Status EndAndCleanUp(Hypervisor &hypervisor, const RunningDomain &running);
  // The one that serves the domain's type; Errc::kUnsupported if there is none.
  Result<Hypervisor *> HypervisorFor(const Domain &domain) const;
  // The resources of the XML.
  Result<Manifest> ReadManifest(const Domain &domain) const;
  // The resources of the XML and those of its hypervisor.
  Result<Manifest> FullManifest(const Domain &domain) const;
  // A running domain that nobody else changes meanwhile.
  struct LiveDomain {
    Fd lock;
    RunningDomain running;
  };
  Result<LiveDomain> OpenLive(const std::string &name_or_uuid);
  // Makes exactly what the running domain has what it may use, and tells it what of that bears no
  // label.
  // What a domain has, as far as that can be told.
  Manifest KnownTo(const Domain &domain) const;
  // known: what it has now.
  Status Relabel(RunningDomain *running, const Manifest &known);
  Status Relabel(RunningDomain *running, const Manifest &manifest, const Manifest &known);
  Status SetRunningAndRelabel(RunningDomain running, const Manifest &known);

  HostOptions options_;
  DomainStore store_;
  std::unique_ptr<LabelStore> labels_;
  SecurityDrivers drivers_;
};

}  // namespace svirt
