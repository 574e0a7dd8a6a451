// SPDX-License-Identifier: LGPL-2.1-or-later
// Lists all domains, asking all that run at the same time.
#include "host/service/listing.h"

#include <utility>

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
  std::vector<ListedDomain> listed;
  listed.reserve(stored.size());
  for (size_t i = 0; i < stored.size(); ++i) {
    if (auto one = One(std::move(stored[i]), answers[i], &locks)) {
      if (!one->problem) {
        one->problem = Lost(one->stored, &locks);
      }
      listed.push_back(std::move(*one));
    }
  }
  return listed;
}

// A program that is just being started in it does not run under its label yet, and the domain is
// locked until it does.
std::optional<Error> Listing::Lost(const StoredDomain &stored, PassingLocks *locks) const {
  Status status = inspection_->CheckNotLost(stored);
  if (const auto lock = status.ok() ? Result<Fd>(Fd()) : locks->Lock(stored.domain.uuid);
      !status.ok() && lock.ok()) {
    status = inspection_->CheckNotLost(stored);
  }
  return status.ok() ? std::nullopt : std::optional(std::move(status).error());
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
