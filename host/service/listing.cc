// SPDX-License-Identifier: LGPL-2.1-or-later
// What is told of every domain, whatever is wrong with one of them.
#include <utility>

#include "host/service/host.h"

namespace svirt {

Result<std::vector<ListedDomain>> Host::List() {
  SVIRT_ASSIGN(std::vector<StoredDomain> stored, store_.List());
  std::vector<ListedDomain> listed;
  for (StoredDomain &domain : stored) {
    if (auto one = ListOne(std::move(domain))) {
      listed.push_back(std::move(*one));
    }
  }
  return listed;
}

std::optional<ListedDomain> Host::ListOne(StoredDomain stored) {
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
      SVIRT_ASSIGN(const Fd lock, store_.Lock(uuid));
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
  const auto state = State(&listed.stored, kListAnswerTime);
  if (!state.ok()) {
    return with(state.error());
  }
  listed.state = *state;
  return listed;
}

}  // namespace svirt
