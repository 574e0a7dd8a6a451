// SPDX-License-Identifier: LGPL-2.1-or-later
// One loaded plugin as a C++ class.
#pragma once

#include <svirt/plugin.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/domain/resource.h"
#include "host/domain/seclabel.h"
#include "host/loader/call_watch.h"
#include "host/util/result.h"
#include "host/util/setting.h"

struct svirt_object_entry;

namespace svirt {

// Settings of one model's plugin, by key.
using ModelSettings = std::map<std::string, Setting>;

// What a plugin answers about its model (struct svirt_model).
struct ModelInfo {
  std::string model, doi, policy_type, base_label;
  uint32_t policy_version = 0;
  bool enforcing = false;
  bool is_object = false;        // labels objects
  bool is_profile = false;       // puts resources into a policy of the domain
  bool is_unverifiable = false;  // the kernel cannot be asked for a process's label
  bool is_fixed = false;         // what a process may use is settled when it starts
};

// One resource as a plugin is shown it: with the O_PATH descriptor of the checked object, or -1.
struct ResourceRef {
  const Resource *resource = nullptr;
  int fd = -1;
  bool as_it_is = false;  // under the model that is asked, its label and entries are left alone
  bool is_real = false;   // no symbolic link was in the path when the host opened it
};

// A domain as a plugin is shown it. seclabel is the one for the plugin's model, its type already
// decided (never kDefault).
struct DomainRef {
  std::string uuid, name, virt_type, emulator;
  SecLabel seclabel;
  pid_t pid = -1;
  int id = -1;  // number by the hypervisor, or -1
  std::vector<ResourceRef> resources;
};

// Labels of a domain: of its process, and of the objects that are its own.
struct LabelPair {
  std::string label, image_label;
};

// A run of label indexes: [first, first + count).
struct IndexRun {
  uint64_t first = 0, count = 0;
};

// What a plugin wants for one resource (struct svirt_resource_plan).
struct ResourcePlan {
  // kEntry: an entry on the object that is the domain's own (see Plugin::PlanEntry).
  enum class Action { kNone, kSet, kGrant, kEntry };
  Action action = Action::kNone;
  bool exclusive = false;  // the label shuts other domains out
  bool keep = false;       // stays when the domain ends
  std::string label, note;
};

struct LabelState {
  std::string label;
  bool enforcing = false;
};

// What a probe found.
struct ProbeResult {
  enum class State { kActive, kInactive, kError };
  State state = State::kError;
  std::string reason;
};

// A key that a plugin understands (svirt/ext/draft/config_keys.h).
struct ConfigKey {
  enum class Type { kText, kNumber, kBool, kPath };
  std::string name, help;
  Type type = Type::kText;
  std::optional<std::string> default_value;
};

using LogSink = std::function<void(int level, std::string_view sentence)>;

// Held exclusively around probe, init and fini, during which the ABI allows no other call into the
// plugin, and shared around every other call. All Plugins made of one table must share one.
using PluginGate = std::shared_mutex;

struct PluginOptions {
  LogSink log = {};
  // Shared by all Plugins of one table; none makes one for this Plugin alone.
  std::shared_ptr<PluginGate> gate = {};
  // What the plugin finds in its configuration (svirt/ext/config.h).
  ModelSettings settings = {};
  std::string file = {};  // where the plugin lies, for messages
  // Watches its calls, and outlives the Plugin; nullptr: nobody does.
  CallWatch *watch = nullptr;
};

// One plugin's table behind C++ types: checks what comes back (sizes, lengths, control characters,
// reserved members), turns status codes into Errors whose sentence names the model, and serialises
// the calls of a SERIAL plugin. Destroying it calls fini. All calls may be made from any thread.
// Once a call was overdue the plugin is asked nothing any more, not even fini: kTimeout.
//
// What a status becomes (the sentence is "MODEL: " and what the plugin said):
//   SVIRT_E_INVALID kInvalid, _NOTSUP kUnsupported, _DENIED kPermission (kRefused from
//   PrepareExec: going on would mean no confinement), _SYSTEM kSystem (kPermission if errno is
//   EPERM or EACCES), _NODATA and _GONE kNotFound, _INTERNAL and everything else kInternal. So is
//   an answer that breaks a rule of the ABI: _RANGE although the buffer held the longest label, a
//   control character in a label, an unknown flag, a reserved member that is not 0, ...
class Plugin {
 public:
  // table: what svirt_plugin_v1() returned; the members this host knows are copied, an absent tail
  // reads as NULL. Refuses a table that breaks a rule of the ABI, with the rule. Nothing of the
  // plugin is called.
  static Result<std::unique_ptr<Plugin>> Create(const svirt_plugin *table,
                                                PluginOptions options = {});
  ~Plugin();
  Plugin(const Plugin &) = delete;
  Plugin &operator=(const Plugin &) = delete;

  const std::string &model() const { return model_; }
  const std::string &version() const { return version_; }
  const std::string &vendor() const { return vendor_; }

  // virt_type "" asks for any.
  ProbeResult Probe(const std::string &virt_type);
  // Everything below needs a successful Init; it calls the plugin's init at most once, and answers
  // as it did the first time from then on.
  Status Init();

  Result<ModelInfo> GetModel(const std::string &virt_type);
  // Indexes the domain may be given; empty: labels are told apart by uuid.
  Result<std::vector<IndexRun>> LabelSpace(const DomainRef &domain);
  // Indexes that label takes from all other domains; empty: it may be shared.
  Result<std::vector<IndexRun>> LabelClaim(const DomainRef &domain, const std::string &label);
  Result<LabelPair> GenerateLabel(const DomainRef &domain, uint64_t index);
  Status VerifyLabel(const DomainRef &domain);
  // The label of domain.pid from the kernel. Errc::kUnsupported if it cannot be asked.
  Result<LabelState> GetLabel(const DomainRef &domain);
  // No label withdraws it.
  Status SetLabel(const DomainRef &domain, const std::optional<std::string> &label);
  // Recipe for the child, checked: known kinds, flags and attribute names only, sizes in range,
  // descriptors open and close-on-exec. They belong to the caller; those of a recipe that is
  // refused have been closed, and exec is empty after every failure.
  Status PrepareExec(const DomainRef &domain, const std::string &label, svirt_exec *exec);
  Result<ResourcePlan> PlanResource(const DomainRef &domain, const ResourceRef &resource);
  // nullopt: the object has no label. Errc::kUnsupported: it cannot have one.
  Result<std::optional<std::string>> GetResourceLabel(const ResourceRef &resource);
  Status SetResourceLabel(const ResourceRef &resource, const std::optional<std::string> &label);
  // Entries of a domain's own on objects that it shares (svirt/ext/draft/object_entry.h).
  Result<bool> HasEntries() const;
  // nullopt: the object needs none. Errc::kUnsupported, kPermission: it needs one, and cannot have
  // it, or would be of no use to the domain even so.
  Result<std::optional<std::string>> PlanEntry(const DomainRef &domain,
                                               const ResourceRef &resource);
  // What the subject of the entry has on the object now; nullopt: nothing.
  Result<std::optional<std::string>> GetEntry(const ResourceRef &resource,
                                              const std::string &entry);
  Status SetEntry(const ResourceRef &resource, const std::string &entry);
  Status RemoveEntry(const ResourceRef &resource, const std::string &entry);
  // The policy that the domain would be given, in the model's own language (svirt/ext/describe.h).
  // Works before Init, and where the model is not active. nullopt: it makes none, or cannot say.
  Result<std::optional<std::string>> Describe(const DomainRef &domain);
  // The keys of its section in svirt.conf. Works before Init. nullopt: it does not say.
  Result<std::optional<std::vector<ConfigKey>>> ConfigKeys() const;
  // What is wrong with the settings that it was created with, a sentence each.
  Result<std::vector<std::string>> CheckSettings() const;
  // The label under which a domain is built that shall run with label; label itself if the model
  // has none of its own for that (svirt/ext/draft/build_label.h).
  Result<std::string> BuildLabel(const std::string &label);
  // SVIRT_MAY_* that the policy gives a domain labelled source over one labelled target
  // (svirt/ext/draft/access.h). Errc::kUnsupported: the model cannot say.
  Result<uint32_t> Access(const std::string &source, const std::string &target);

 private:
  // What a slot returned, and said about it.
  struct Answer {
    svirt_status status = SVIRT_E_INTERNAL;
    svirt_error error{};
  };

  // A call as it is told of: the slot, and what it is about.
  struct CallName {
    const char *slot = nullptr;
    const std::string *domain = nullptr;  // its name
    const std::string *object = nullptr;  // its path
  };
  static CallName About(const char *slot, const DomainRef &domain) { return {slot, &domain.name}; }
  static CallName About(const char *slot, const ResourceRef &resource) {
    return {slot, nullptr, resource.resource != nullptr ? &resource.resource->path : nullptr};
  }

  Plugin() = default;

  template <typename Slot, typename... Args>
  Result<Answer> Ask(const CallName &name, Slot slot, Args... args);
  template <typename Slot, typename... Args>
  Status Call(const CallName &name, Slot slot, Args... args);
  // In plugin_call.h. The one place from which code of the plugin is called, and watched.
  template <typename Body>
  Status Timed(const CallName &name, Body body) const;
  // Errc::kTimeout: somebody else is inside for too long.
  template <typename Lock>
  Result<Lock> PassGate() const;
  // question: with the instance and an error to fill in, as the plugin's code wants to be called.
  template <typename Question>
  Result<Answer> AskInstance(const CallName &name, Question question);
  // nullptr: the plugin has none of that id. One that is too short, or without one of the slots, is
  // refused.
  template <typename Extension, typename... Slots>
  Result<const Extension *> FindExtension(const char *id, Slots Extension::*...slots) const;
  // nullptr: the model has no entries.
  Result<const svirt_object_entry *> EntryExtension() const;
  // The text with which an extension's slot answers; nullopt: SVIRT_E_NODATA.
  template <typename Question>
  Result<std::optional<std::string>> AskText(const CallName &name, std::string_view what,
                                             Question question);
  template <typename Slot>
  Status ChangeEntry(const char *name, Slot svirt_object_entry::*slot, const ResourceRef &resource,
                     const std::string &entry);
  Result<std::vector<IndexRun>> AskIndexes(const DomainRef &domain, const char *label);
  Error ErrorOf(const char *name, const Answer &answer) const;
  Error Named(Error error) const;
  void Log(int level, const char *sentence) const;
  static const void *HostExtension(const svirt_host *host, const char *id) noexcept;

  svirt_plugin table_{};
  svirt_host host_{};
  svirt_instance *instance_ = nullptr;
  std::optional<Status> init_result_;
  bool serial_ = true;
  std::shared_ptr<PluginGate> gate_;
  std::mutex mutex_;  // around each call of a SERIAL plugin's instance
  LogSink log_;
  ModelSettings settings_;
  std::string file_;
  CallWatch *watch_ = nullptr;
  // The slot from which a call did not come back in time.
  mutable std::atomic<const char *> overdue_{nullptr};
  std::string model_, version_, vendor_;
};

}  // namespace svirt
