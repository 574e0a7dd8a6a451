// SPDX-License-Identifier: LGPL-2.1-or-later
// What is told of every domain, whatever is wrong with one of them.
#include <utility>

#include "host/service/host.h"
#include "host/util/parallel.h"

namespace svirt {

// One that does not answer holds up the others for nothing: all are asked at the same time.
std::vector<Host::Answer> Host::AskAll(const std::vector<StoredDomain> &domains) const {
  std::vector<Answer> answers(domains.size());
  std::vector<size_t> asked;
  for (size_t i = 0; i < domains.size(); ++i) {
    const auto &running = domains[i].running;
    const auto hypervisor = running ? HypervisorFor(running->domain) : Error{};
    if (hypervisor.ok() && (*hypervisor)->RunsProcesses() && !running->starting) {
      asked.push_back(i);
    }
  }
  ForAllAtOnce(asked.size(), [&](size_t n) {
    const StoredDomain &stored = domains[asked[n]];
    answers[asked[n]] =
        (*HypervisorFor(stored.running->domain))
            ->State(*stored.running, store_.PlaceOf(stored.domain.uuid), kListAnswerTime);
  });
  return answers;
}

Result<std::vector<ListedDomain>> Host::List() {
  SVIRT_ASSIGN(std::vector<StoredDomain> stored, store_.List());
  const std::vector<Answer> answers = AskAll(stored);
  PassingLocks locks(&store_);
  std::vector<ListedDomain> listed;
  listed.reserve(stored.size());
  for (size_t i = 0; i < stored.size(); ++i) {
    if (auto one = ListOne(std::move(stored[i]), answers[i], &locks)) {
      listed.push_back(std::move(*one));
    }
  }
  return listed;
}

std::optional<ListedDomain> Host::ListOne(StoredDomain stored, const Answer &answer,
                                          PassingLocks *locks) {
  ListedDomain listed{std::move(stored), std::nullopt, std::nullopt};
  const std::string uuid = listed.stored.domain.uuid;
  // What cannot be told of a domain that is undefined meanwhile is no problem.
  const auto with = [&](const Error &problem) -> std::optional<ListedDomain> {
    listed.problem = problem;
    return IsDefined(uuid) ? std::optional(std::move(listed)) : std::nullopt;
  };
  if (listed.stored.bad_status) {
    listed.problem = *listed.stored.damage();
    const auto processes = ProcessesOf(listed.stored);
    listed.stored.named_process.reset();
    if (processes.ok() && !processes->empty()) {
      listed.stored.named_process = processes->front();
    }
    return listed;
  }
  const auto ended = HasEnded(listed.stored);
  if (!ended.ok()) {
    return with(ended.error());
  }
  if (*ended) {
    const auto clean_up = [&]() -> Status {
      SVIRT_ASSIGN(const Fd lock, locks->Lock(uuid));
      // Somebody else may be starting it again just now.
      SVIRT_ASSIGN(listed.stored, store_.FindEvenDamaged(uuid));
      return CleanUpIfEnded(&listed.stored);
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
  const auto state = is_told ? *answer : State(&listed.stored, kListAnswerTime);
  if (!state.ok()) {
    return with(state.error());
  }
  listed.state = *state;
  return listed;
}

}  // namespace svirt
