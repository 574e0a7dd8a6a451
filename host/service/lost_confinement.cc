// SPDX-License-Identifier: LGPL-2.1-or-later
// Compares what models say of a domain's processes now with what they said at its start.
#include "host/service/lost_confinement.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "host/labels/plan/draft.h"
#include "host/util/process.h"

namespace svirt {
namespace {

// A thread of a process, or a domain that its hypervisor keeps by a number.
struct Subject {
  DomainRef ref;  // with the seclabel of no model yet
  std::optional<ProcessId> process;
  std::string name;  // "process 12"
};

// Its main thread is the first.
std::vector<pid_t> ThreadsOf(pid_t pid, LostConfinement::Depth depth) {
  std::vector<pid_t> threads = {pid};
  std::error_code error;
  std::filesystem::directory_iterator each("/proc/" + std::to_string(pid) + "/task", error);
  const bool all = depth == LostConfinement::Depth::kThreads;
  for (; all && !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    const std::string name = each->path().filename();
    pid_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    if (thread > 0 && thread != pid) {
      threads.push_back(thread);
    }
  }
  return threads;
}

std::vector<Subject> SubjectsOf(const RunningDomain &running, const std::vector<ProcessId> &others,
                                LostConfinement::Depth depth) {
  DomainRef ref = MakeDomainRef(running.domain, {}, {});
  if (running.id >= 0) {
    ref.id = running.id;
    return {{ref, std::nullopt, "number " + std::to_string(running.id)}};
  }
  std::vector<ProcessId> processes = {running.process};
  std::ranges::copy_if(others, std::back_inserter(processes),
                       [&](const ProcessId &other) { return other != running.process; });
  std::vector<Subject> subjects;
  for (const ProcessId &process : processes) {
    for (const pid_t thread : ThreadsOf(process.pid, depth)) {
      ref.pid = thread;
      std::string name = "process " + std::to_string(process.pid);
      if (thread != process.pid) {
        name = "thread " + std::to_string(thread) + " of " + name;
      }
      subjects.push_back({ref, process, std::move(name)});
    }
  }
  return subjects;
}

bool HasEnded(const Subject &subject) {
  return subject.process &&
         (!IsRunning(*subject.process) || !IdentifyProcess(subject.ref.pid).ok());
}

// A model that tells domains apart by their uuids may give each program that is run in a domain a
// label of its own.
bool IsOfProgram(Plugin *plugin, const RunningDomain &running, const Subject &subject,
                 const std::string &label) {
  if (!subject.process || *subject.process == running.process) {
    return false;
  }
  DomainRef ref = subject.ref;
  const auto space = plugin->LabelSpace(ref);
  ref.seclabel.label = label;
  return space.ok() && space->empty() && ref.seclabel.type == SecLabel::Type::kDynamic &&
         plugin->VerifyLabel(ref).ok();
}

Mismatch OtherLabel(const Domain &domain, const SecLabel &seclabel, const std::string &subject,
                    const std::string &now) {
  return {.kind = Mismatch::Kind::kProcessLabel,
          .model = seclabel.model,
          .where = subject,
          .planned = seclabel.label,
          .found = now,
          .message = subject + " of domain " + domain.name + " was started under " +
                     seclabel.label + " and runs under " + now +
                     " now: its policy was removed or replaced. It is not confined as it should be",
          .mend = "end it ('svirt destroy " + domain.name + "'), and start it again"};
}

Mismatch NotEnforced(const Domain &domain, const SecLabel &seclabel, const std::string &subject) {
  return {.kind = Mismatch::Kind::kNotEnforced,
          .model = seclabel.model,
          .where = subject,
          .planned = seclabel.label,
          .found = seclabel.label,
          .message = "model " + seclabel.model + " enforced its policy on " + subject +
                     " of domain " + domain.name +
                     " when it was started, and is permissive for it now: it reports what the "
                     "domain does that it should not, and lets it do that",
          .mend =
              "'svirt recover' loads the domain's policy again; where the whole model is "
              "permissive, make it enforce again, or end the domain"};
}

}  // namespace

Result<std::vector<Mismatch>> LostConfinement::Find(const RunningDomain &running,
                                                    Depth depth) const {
  std::vector<Mismatch> mismatches;
  const Domain &domain = running.domain;
  if (running.starting) {
    return mismatches;  // it does not run under them yet
  }
  SVIRT_ASSIGN(const std::vector<Plugin *> plugins, engines_->PluginsOfRunning(domain));
  const auto owner = machine_->OwnerOf(domain.uuid);  // else its own process is all that is known
  for (Subject &subject :
       SubjectsOf(running, owner.ok() && *owner ? (*owner)->Programs() : std::vector<ProcessId>{},
                  depth)) {
    for (const SecLabel &seclabel : domain.seclabels) {
      Plugin *const plugin = FindPlugin(plugins, seclabel.model);
      if (plugin == nullptr || seclabel.type == SecLabel::Type::kNone) {
        continue;
      }
      subject.ref.seclabel = seclabel;
      const auto now = plugin->GetLabel(subject.ref);
      const bool was_enforced =
          std::ranges::find(running.enforced, seclabel.model) != running.enforced.end();
      const bool is_right = now.ok() && (now->label == seclabel.label ||
                                         IsOfProgram(plugin, running, subject, now->label));
      if ((is_right && (now->enforcing || !was_enforced)) ||
          (!now.ok() && now.error().code == Errc::kUnsupported) || HasEnded(subject)) {
        continue;
      }
      if (!now.ok()) {
        return now.error();
      }
      mismatches.push_back(is_right ? NotEnforced(domain, seclabel, subject.name)
                                    : OtherLabel(domain, seclabel, subject.name, now->label));
    }
  }
  return mismatches;
}

Status LostConfinement::Check(const RunningDomain &running) const {
  SVIRT_ASSIGN(const std::vector<Mismatch> mismatches, Find(running, Depth::kProcesses));
  return mismatches.empty() ? Status() : Refusal(mismatches.front().Sentence());
}

std::vector<std::string> LostConfinement::Enforced(const RunningDomain &running) const {
  std::vector<std::string> enforced;
  const auto plugins = engines_->PluginsOfRunning(running.domain);
  DomainRef ref = MakeDomainRef(running.domain, {}, {});
  ref.id = running.id;
  ref.pid = running.id < 0 ? running.process.pid : -1;
  for (const SecLabel &seclabel : running.domain.seclabels) {
    Plugin *const plugin = plugins.ok() ? FindPlugin(*plugins, seclabel.model) : nullptr;
    if (plugin == nullptr || seclabel.type == SecLabel::Type::kNone) {
      continue;
    }
    ref.seclabel = seclabel;
    const auto now = plugin->GetLabel(ref);
    if (now.ok() && now->label == seclabel.label && now->enforcing) {
      enforced.push_back(seclabel.model);
    }
  }
  return enforced;
}

}  // namespace svirt
