// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/service/host.h"

#include <algorithm>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <filesystem>
#include <iterator>
#include <utility>

#include "host/domain/domain_xml.h"
#include "host/domain/manifest.h"
#include "host/labels/opened_manifest.h"

namespace svirt {
namespace {

bool AllNone(const Domain &domain) {
  return !domain.seclabels.empty() &&
         std::ranges::all_of(domain.seclabels, [](const SecLabel &label) {
           return label.type == SecLabel::Type::kNone;
         });
}

DomainRef ToRef(const Domain &domain) {
  DomainRef ref;
  ref.uuid = domain.uuid;
  ref.name = domain.name;
  ref.virt_type = domain.type;
  ref.seclabel.type = SecLabel::Type::kDynamic;
  return ref;
}

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

}  // namespace

Host::Host(HostOptions options, DomainStore store)
    : options_(std::move(options)),
      store_(std::move(store)),
      drivers_(options_.config, options_.scanner, options_.paths,
               ForeignTypes(options_.hypervisors), options_.log) {}

Result<std::unique_ptr<Host>> Host::Open(HostOptions options) {
  SVIRT_ASSIGN(DomainStore store, DomainStore::Open(options.paths));
  if (options.hypervisors.empty()) {
    options.hypervisors = MakeHypervisors();
  }
  return std::unique_ptr<Host>(new Host(std::move(options), std::move(store)));
}

std::vector<std::string> Host::DomainTypes() const {
  std::vector<std::string> all;
  for (const auto &hypervisor : options_.hypervisors) {
    std::ranges::copy(hypervisor->Types(), std::back_inserter(all));
  }
  return all;
}

Result<Hypervisor *> Host::HypervisorFor(const Domain &domain) const {
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

// Domains of other types may be labelled for other VM managers, and programs run as them.
Result<Manifest> Host::ReadManifest(const Domain &domain) const {
  const auto hypervisor = HypervisorFor(domain);
  return BuildManifest(domain, hypervisor.ok() ? (*hypervisor)->Options() : ManifestOptions{});
}

Result<Manifest> Host::FullManifest(const Domain &domain) const {
  SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(domain));
  SVIRT_ASSIGN(Manifest manifest, ReadManifest(domain));
  std::ranges::move(hypervisor->Resources(store_.PlaceOf(domain.uuid)),
                    std::back_inserter(manifest.resources));
  return manifest;
}

LabelStore::Options Host::StoreOptions() const {
  LabelStore::Options options;
  options.directory = options_.paths.state_dir;
  return options;
}

Result<LabelStore *> Host::Store() {
  if (!labels_) {
    SVIRT_ASSIGN(labels_, LabelStore::Open(StoreOptions()));
  }
  return labels_.get();
}

Result<Domain> Host::Parse(std::string_view xml, const std::string &file) {
  SVIRT_ASSIGN(Domain domain, ParseDomainXml(xml, file));
  if (domain.document.get("domain.uuid", "").empty()) {
    if (auto stored = store_.FindEvenDamaged(domain.name); stored.ok()) {
      domain.uuid = stored->domain.uuid;
    } else if (stored.error().code == Errc::kNotFound) {
      boost::uuids::name_generator_sha1 generator(boost::uuids::ns::oid());
      domain.uuid = boost::uuids::to_string(generator("svirt domain " + domain.name));
    } else {
      return std::move(stored).error();
    }
  }
  return domain;
}

Result<Engine> Host::EngineFor(const Domain &domain, SecurityDrivers::Use use) {
  SVIRT_ASSIGN(LabelStore * labels, Store());
  return EngineFor(domain, labels, use);
}

Result<Engine> Host::EngineFor(const Domain &domain, LabelStore *labels, SecurityDrivers::Use use) {
  auto plugins = drivers_.For(domain.type, use);
  if (!plugins.ok() && AllNone(domain) && !options_.config.require_confined &&
      options_.config.require_model.empty()) {
    // Its owner wants it unconfined by every model it names; that needs none but those that stand
    // beside whichever there is.
    plugins = drivers_.Beside(domain.type);
  }
  if (!plugins.ok()) {
    return std::move(plugins).error();
  }
  ConfinementPolicy policy = Policy(domain);
  policy.has_primary = !plugins->empty() && !drivers_.IsBeside(*plugins->front());
  return Engine(labels, *plugins, policy);
}

ConfinementPolicy Host::Policy(const Domain &domain) const {
  ConfinementPolicy policy;
  policy.default_confined = options_.config.default_confined;
  policy.require_confined = options_.config.require_confined;
  policy.keep_trees = options_.config.keep_trees;
  policy.export_labels = options_.config.export_labels;
  policy.require_enforcing = options_.config.require_enforcing;
  policy.allow_unlabelled = options_.config.allow_unlabelled;
  policy.paths = PathsFor(domain);
  return policy;
}

Result<std::vector<Plugin *>> Host::PluginsOfRunning(const Domain &running) {
  std::vector<Plugin *> plugins;
  for (const SecLabel &seclabel : running.seclabels) {
    auto plugin = drivers_.Named(seclabel.model, running.type);
    if (!plugin.ok() && seclabel.type == SecLabel::Type::kNone) {
      continue;
    }
    if (!plugin.ok()) {
      return Error{Errc::kUnsupported,
                   "domain '" + running.name + "' was started under model " + seclabel.model +
                       ", which is not active any more: " + plugin.error().message};
    }
    plugins.push_back(*plugin);
  }
  return plugins;
}

Result<Engine> Host::EngineForRunning(const Domain &running) {
  SVIRT_ASSIGN(LabelStore * labels, Store());
  SVIRT_ASSIGN(std::vector<Plugin *> plugins, PluginsOfRunning(running));
  return Engine(labels, std::move(plugins), Policy(running));
}

Result<Engine> Host::EngineToUndo(const std::string &uuid, const std::string &virt_type) {
  SVIRT_ASSIGN(LabelStore * labels, Store());
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, labels->Describe(uuid));
  auto given_now = drivers_.For(virt_type);
  std::vector<Plugin *> plugins = given_now.ok() ? *given_now : std::vector<Plugin *>{};
  for (const HeldLabel &held : owner ? owner->labels : std::vector<HeldLabel>{}) {
    if (FindPlugin(plugins, held.model) != nullptr) {
      continue;
    }
    // Without one the engine does what it can, and says which model is missing.
    if (auto plugin = drivers_.Named(held.model, virt_type); plugin.ok()) {
      plugins.push_back(*plugin);
    } else {
      Report({plugin.error().message});
    }
  }
  Domain domain;
  domain.uuid = uuid;
  domain.type = virt_type;
  return Engine(labels, std::move(plugins), Policy(domain));
}

// Our own are those of this configuration and those of the system.
PathRules Host::PathsFor(const Domain &domain) const {
  const Paths &paths = options_.paths;
  const Paths system = Paths::System();
  // Plugins have files of theirs beside it.
  const std::string system_config = std::filesystem::path(system.config_file).parent_path();
  const DomainPlace place = store_.PlaceOf(domain.uuid);
  PathRules rules{.allowed = options_.config.allow_paths,
                  .own = {paths.config_file, paths.state_dir, paths.run_dir, system_config,
                          system.state_dir, system.run_dir},
                  .given = {place.run_dir, place.log_path, paths.state_dir + "/images",
                            system.state_dir + "/images"}};
  std::ranges::copy(options_.config.plugin_directories, std::back_inserter(rules.own));
  return rules;
}

Status Host::Verify(const Domain &domain) {
  SVIRT_ASSIGN(Engine engine, EngineFor(domain));
  // What the host lacks now, such as an unplugged device, it may have when the domain starts.
  const auto manifest = ReadManifest(domain);
  return engine.Verify(domain, manifest.ok() ? *manifest : Manifest{});
}

Status Host::CheckPaths(const Domain &domain) const {
  SVIRT_ASSIGN(const Manifest manifest, ReadManifest(domain));
  SVIRT_ASSIGN(PathPolicy paths, PathPolicy::Prepare(PathsFor(domain)));
  return OpenedManifest::CheckPaths(manifest, &paths);
}

Result<Domain> Host::Define(std::string_view xml, const std::string &file) {
  SVIRT_ASSIGN(Domain domain, Parse(xml, file));
  SVIRT_TRY(Verify(domain));
  SVIRT_TRY(store_.Define(domain));
  return domain;
}

Status Host::Undefine(const std::string &name_or_uuid) {
  SVIRT_ASSIGN(const StoredDomain found, store_.FindEvenDamaged(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, store_.Lock(found.domain.uuid));
  SVIRT_ASSIGN(StoredDomain now, store_.FindEvenDamaged(found.domain.uuid));
  SVIRT_TRY(now.bad_status ? CleanUpDamaged(now) : CleanUpIfEnded(&now));
  if (now.running) {
    return Error{Errc::kConflict,
                 "domain '" + now.domain.name + "' is running; 'svirt destroy' ends it first"};
  }
  SVIRT_ASSIGN(LabelStore * labels, Store());
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, labels->Describe(now.domain.uuid));
  if (owner && owner->objects > 0) {
    SVIRT_ASSIGN(Engine engine, EngineToUndo(now.domain.uuid, owner->owner.virt_type));
    SVIRT_TRY(Reporting([&](auto *notes) { return engine.Forget(now.domain.uuid, notes); }));
  }
  return store_.Undefine(now.domain.uuid);
}

Status Host::CleanUp(const Domain &domain) {
  SVIRT_ASSIGN(LabelStore * labels, Store());
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, labels->Describe(domain.uuid));
  if (owner) {  // what holds no label needs no driver
    SVIRT_ASSIGN(Engine engine, EngineToUndo(domain.uuid, domain.type));
    SVIRT_TRY(Reporting([&](auto *notes) { return engine.Restore(domain.uuid, notes); }));
  }
  return store_.ClearRunning(domain.uuid);
}

Result<bool> Host::HasEnded(const StoredDomain &stored) {
  if (!stored.running) {
    return false;
  }
  SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(stored.running->domain));
  SVIRT_ASSIGN(const bool alive, hypervisor->IsAlive(*stored.running));
  return !alive;
}

// Who was to start it has ended, or the lock would not be free. A guest that runs had been let go,
// so all that comes before is done; one that was not is of no use to anybody.
Status Host::EndHalfStarted(StoredDomain *stored) {
  RunningDomain &running = *stored->running;
  SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(running.domain));
  const auto state = hypervisor->State(running, store_.PlaceOf(stored->domain.uuid), kAnswerTime);
  if (state.ok() && *state == DomainState::kRunning) {
    running.starting = false;
    return store_.SetRunning(stored->domain.uuid, running);
  }
  if (!state.ok() && state.error().code != Errc::kNotFound) {
    return state.error();
  }
  SVIRT_TRY(EndAndCleanUp(*hypervisor, running));
  stored->running.reset();
  return {};
}

Status Host::CleanUpIfEnded(StoredDomain *stored) {
  SVIRT_ASSIGN(const bool ended, HasEnded(*stored));
  if (ended) {
    SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(stored->running->domain));
    SVIRT_TRY(EndAndCleanUp(*hypervisor, *stored->running));
    stored->running.reset();
  }
  return stored->running && stored->running->starting ? EndHalfStarted(stored) : Status();
}

Result<StoredDomain> Host::FindLocked(const std::string &uuid) {
  SVIRT_ASSIGN(StoredDomain stored, store_.Find(uuid));
  SVIRT_TRY(CleanUpIfEnded(&stored));
  return stored;
}

Result<StoredDomain> Host::Find(const std::string &name_or_uuid) {
  SVIRT_ASSIGN(StoredDomain stored, store_.Find(name_or_uuid));
  SVIRT_ASSIGN(const bool ended, HasEnded(stored));
  if (!ended) {
    return stored;
  }
  // Somebody else may be starting it again just now.
  SVIRT_ASSIGN(const Fd lock, store_.Lock(stored.domain.uuid));
  return FindLocked(stored.domain.uuid);
}

bool Host::IsDefined(const std::string &uuid) const {
  const auto stored = store_.Find(uuid);
  return stored.ok() || stored.error().code != Errc::kNotFound;
}

Result<DomainState> Host::State(StoredDomain *stored, std::chrono::milliseconds patience) {
  SVIRT_ASSIGN(const DomainState state, AskState(*stored, patience));
  if (!stored->running || state != DomainState::kShutOff) {
    return state;
  }
  SVIRT_ASSIGN(*stored, Find(stored->domain.uuid));
  return AskState(*stored, patience);  // somebody may have started it again
}

Result<DomainState> Host::AskState(const StoredDomain &stored, std::chrono::milliseconds patience) {
  if (!stored.running) {
    return DomainState::kShutOff;
  }
  if (stored.running->starting) {
    return DomainState::kPaused;  // its monitor may not answer yet
  }
  SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(stored.running->domain));
  return hypervisor->State(*stored.running, store_.PlaceOf(stored.domain.uuid), patience);
}

Result<LabelState> Host::ProcessLabel(Plugin *plugin, const Domain &domain, pid_t pid) {
  DomainRef ref = ToRef(domain);
  ref.pid = pid;
  return plugin->GetLabel(ref);
}

Result<LabelState> Host::RunningLabel(Plugin *plugin, const RunningDomain &running) {
  DomainRef ref = ToRef(running.domain);
  ref.id = running.id;
  ref.pid = running.id < 0 ? running.process.pid : -1;
  return plugin->GetLabel(ref);
}

Result<std::vector<DomainLabel>> Host::Labels(StoredDomain *stored) {
  auto labels = AskLabels(*stored);
  if (labels.ok()) {
    return labels;
  }
  SVIRT_ASSIGN(const bool ended, HasEnded(*stored));
  if (!ended) {
    return labels;
  }
  SVIRT_ASSIGN(*stored, Find(stored->domain.uuid));
  return AskLabels(*stored);
}

Result<std::vector<DomainLabel>> Host::AskLabels(const StoredDomain &stored) {
  std::vector<DomainLabel> labels;
  const Domain &domain = stored.running ? stored.running->domain : stored.domain;
  const bool has_labels = stored.running && !domain.seclabels.empty();
  auto plugins = has_labels ? PluginsOfRunning(domain) : drivers_.For(domain.type);
  if (!plugins.ok() && !has_labels) {
    return labels;  // nothing active says nothing about a domain that does not run, or unconfined
  }
  if (!plugins.ok()) {
    return std::move(plugins).error();
  }
  for (Plugin *plugin : *plugins) {
    DomainLabel label;
    SVIRT_ASSIGN(label.model, drivers_.Describe(plugin, domain.type));
    label.enforcing = label.model.enforcing;
    if (stored.running) {
      for (const SecLabel &seclabel : domain.seclabels) {
        if (seclabel.model == label.model.model) {
          label.label = seclabel.label;
          label.enforcing = label.enforcing && seclabel.type != SecLabel::Type::kNone;
        }
      }
      auto state = RunningLabel(plugin, *stored.running);
      if (state.ok()) {
        label.label = state->label;
        label.enforcing = state->enforcing;
        label.verified = true;
      } else if (state.error().code != Errc::kUnsupported) {
        return std::move(state).error();
      }
    }
    labels.push_back(std::move(label));
  }
  return labels;
}

// The registry knows labels by what the plugin calls their DOI, which does not change under running
// domains; the administrator's name for it is what people are shown.
void Host::NameDoi(Plan *plan) const {
  for (ModelLabels &labels : plan->models) {
    labels.doi = drivers_.DoiOf(labels.model, labels.doi);
  }
}

// A model that is permissive as a whole has been told of before the start.
void Host::WarnIfPermissive(const Domain &domain, pid_t pid) {
  const auto plugins = drivers_.For(domain.type);
  for (Plugin *plugin : plugins.ok() ? *plugins : std::vector<Plugin *>{}) {
    const auto model = plugin->GetModel(domain.type);
    const auto state = ProcessLabel(plugin, domain, pid);
    if (model.ok() && model->enforcing && state.ok() && !state->enforcing) {
      Report({"model " + plugin->model() + " is permissive for domain " + domain.name +
              ": it reports what the domain does that it should not, and lets it do that"});
    }
  }
}

void Host::Report(const std::vector<std::string> &notes) const {
  if (options_.log) {
    for (const std::string &note : notes) {
      options_.log(SVIRT_LOG_WARNING, note);
    }
  }
}

Status Host::Reporting(const std::function<Status(std::vector<std::string> *notes)> &work) const {
  std::vector<std::string> notes;
  Status status = work(&notes);
  Report(notes);
  return status;
}

Result<Plan> Host::MakePlan(const Domain &domain) {
  LabelStore::Options read_only = StoreOptions();
  read_only.read_only = true;
  SVIRT_ASSIGN(const std::unique_ptr<LabelStore> labels, LabelStore::Open(read_only));
  SVIRT_ASSIGN(Engine engine, EngineFor(domain, labels.get(), SecurityDrivers::Use::kPlan));
  SVIRT_ASSIGN(const Manifest manifest, ReadManifest(domain));
  SVIRT_ASSIGN(Plan plan, engine.MakePlan(domain, manifest));
  NameDoi(&plan);
  return plan;
}

Result<Plan> Host::Label(const Domain &domain) {
  SVIRT_ASSIGN(const Fd lock, store_.Lock(domain.uuid));
  SVIRT_ASSIGN(Engine engine, EngineFor(domain, SecurityDrivers::Use::kStart));
  SVIRT_ASSIGN(const Manifest manifest, ReadManifest(domain));
  SVIRT_ASSIGN(Plan plan, engine.Apply(domain, manifest));
  Report(plan.notes);
  NameDoi(&plan);
  SVIRT_TRY(engine.Pin(domain.uuid));  // until Restore, with or without a process
  return plan;
}

Status Host::Restore(const Domain &domain, bool even_trees) {
  SVIRT_ASSIGN(const Fd lock, store_.Lock(domain.uuid));
  SVIRT_ASSIGN(LabelStore * labels, Store());
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, labels->Describe(domain.uuid));
  if (owner && !owner->processes.empty()) {
    return Error{Errc::kConflict, "process " + std::to_string(owner->processes.front().pid) +
                                      " still runs as domain '" + domain.name +
                                      "'; its labels go back when it has ended"};
  }
  if (owner && owner->handover == HandoverState::kOutgoing) {
    return Error{Errc::kConflict, "domain '" + domain.name +
                                      "' is being handed to another host; 'svirt handover commit' "
                                      "or 'cancel' says first which host keeps it"};
  }
  if (owner && owner->in_hypervisor) {
    SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(domain));
    SVIRT_ASSIGN(const bool there, hypervisor->Has(domain.uuid));
    if (there) {
      return Error{Errc::kConflict, "domain '" + domain.name +
                                        "' runs; its labels go back when 'svirt destroy' has "
                                        "ended it"};
    }
  }
  SVIRT_ASSIGN(Engine engine, EngineToUndo(domain.uuid, domain.type));
  return Reporting([&](std::vector<std::string> *notes) -> Status {
    SVIRT_TRY(engine.Restore(domain.uuid, notes));
    return even_trees ? engine.Forget(domain.uuid, notes) : Status();
  });
}

}  // namespace svirt
