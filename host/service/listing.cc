// SPDX-License-Identifier: LGPL-2.1-or-later
// Lists all domains, asking all that run at the same time.
#include "host/service/listing.h"

#include <algorithm>
#include <map>
#include <utility>

#include "host/service/lost_confinement.h"
#include "host/service/lost_labels.h"
#include "host/util/parallel.h"

namespace svirt {

// One that does not answer holds up the others for nothing: all are asked at the same time.
std::vector<Listing::Answer> Listing::AskAll(const std::vector<StoredDomain> &domains) const {
  std::vector<Answer> answers(domains.size());
  std::vector<size_t> asked;
  for (size_t i = 0; i < domains.size(); ++i) {
    const auto &running = domains[i].running;
    const auto hypervisor = running ? machine_->HypervisorFor(running->domain) : Error{};
    if (hypervisor.ok() && (*hypervisor)->RunsProcesses() && !running->starting) {
      asked.push_back(i);
    }
  }
  ForAllAtOnce(asked.size(), [&](size_t n) {
    const StoredDomain &stored = domains[asked[n]];
    answers[asked[n]] =
        (*machine_->HypervisorFor(stored.running->domain))
            ->State(*stored.running, machine_->domains().PlaceOf(stored.domain.uuid),
                    kPassingAnswerTime);
  });
  return answers;
}

Result<std::vector<ListedDomain>> Listing::All() const {
  SVIRT_ASSIGN(std::vector<StoredDomain> stored, machine_->domains().List());
  const std::vector<Answer> answers = AskAll(stored);
  PassingLocks locks(&machine_->domains());
  const LostLabels lost_labels(machine_);
  std::map<std::string, Error> lost;
  const bool any_runs = std::ranges::any_of(
      stored, [](const StoredDomain &domain) { return domain.running.has_value(); });
  if (const auto labels = any_runs ? machine_->Labels() : Result<LabelStore *>(Error{});
      labels.ok()) {
    SVIRT_ASSIGN(const std::vector<StoredDomain> found, lost_labels.Find(*labels));
    for (const StoredDomain &domain : found) {
      lost.emplace(domain.domain.uuid, lost_labels.Describe(domain));
    }
  }
  std::vector<ListedDomain> listed;
  listed.reserve(stored.size());
  for (size_t i = 0; i < stored.size(); ++i) {
    if (auto one = One(std::move(stored[i]), answers[i], &locks)) {
      if (const auto known = lost.find(one->stored.domain.uuid);
          known != lost.end() && !one->problem) {
        one->problem = known->second;
      }
      if (const auto &running = one->stored.running; running && !one->problem) {
        const auto owner = machine_->OwnerOf(running->domain.uuid);
        one->problem = LostConfinement(
            *running, owner.ok() && *owner ? (*owner)->processes : std::vector<ProcessId>{});
      }
      listed.push_back(std::move(*one));
    }
  }
  return listed;
}

std::optional<ListedDomain> Listing::One(StoredDomain stored, const Answer &answer,
                                         PassingLocks *locks) const {
  ListedDomain listed{std::move(stored), std::nullopt, std::nullopt};
  const std::string uuid = listed.stored.domain.uuid;
  // What cannot be told of a domain that is undefined meanwhile is no problem.
  const auto with = [&](const Error &problem) -> std::optional<ListedDomain> {
    listed.problem = problem;
    return definitions_->IsDefined(uuid) ? std::optional(std::move(listed)) : std::nullopt;
  };
  if (listed.stored.bad_status) {
    listed.problem = *listed.stored.damage();
    const auto processes = endings_->ProcessesOf(listed.stored);
    listed.stored.named_process.reset();
    if (processes.ok() && !processes->empty()) {
      listed.stored.named_process = processes->front();
    }
    return listed;
  }
  const auto ended = endings_->HasEnded(listed.stored);
  if (!ended.ok()) {
    return with(ended.error());
  }
  if (*ended) {
    const auto clean_up = [&]() -> Status {
      SVIRT_ASSIGN(const Fd lock, locks->Lock(uuid));
      // Somebody else may be starting it again just now.
      SVIRT_ASSIGN(listed.stored, machine_->domains().Get(uuid));
      return endings_->CleanUpIfEnded(&listed.stored, kPassingAnswerTime);
    };
    if (const Status cleaned = clean_up(); !cleaned.ok()) {
      listed.state = DomainState::kShutOff;
      listed.stored.running.reset();
      return with(cleaned.error());
    }
  }
  if (const Error *damage = listed.stored.damage()) {
    listed.problem = *damage;
    return listed;
  }
  const bool is_told = !*ended && answer && !(answer->ok() && **answer == DomainState::kShutOff);
  const auto state = is_told ? *answer : inspection_->State(&listed.stored, kPassingAnswerTime);
  if (!state.ok()) {
    return with(state.error());
  }
  listed.state = *state;
  return listed;
}

}  // namespace svirt
