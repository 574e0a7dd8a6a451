// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/loader/select.h"

#include <algorithm>
#include <tuple>

namespace svirt {
namespace {

bool Contains(const std::vector<std::string> &list, const std::string &text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// The place of a model in the order of asking, comparable: the lower comes first.
auto RankOf(const LoaderOptions &options, const Candidate &candidate) {
  const auto at = std::find(options.order.begin(), options.order.end(), candidate.model);
  // With an explicit order the note's priority has no say; behind it only what is off.
  const int priority = options.order.empty() ? -candidate.priority : 0;
  return std::tuple(at - options.order.begin(), priority, candidate.model);
}

// An answer, or the lack of one, that leaves open whether the plugin should have been chosen.
bool Blocks(const LoaderOptions &options, const std::vector<Candidate> &all,
            const Candidate &candidate) {
  if (Contains(options.not_critical, candidate.model) || !MayBeChosen(options, candidate)) {
    return false;
  }
  if (candidate.probe_failed) {
    return true;
  }
  const bool unusable =
      candidate.state == CandidateState::kRefused || candidate.state == CandidateState::kFailed;
  if (!unusable || !Contains(options.order, candidate.model)) {
    return false;
  }
  // Another, sound file may provide the model that the order names.
  return std::none_of(all.begin(), all.end(), [&](const Candidate &other) {
    return other.model == candidate.model &&
           (other.state == CandidateState::kActive || other.state == CandidateState::kInactive);
  });
}

}  // namespace

bool IsListed(const LoaderOptions &options, const std::string &model) {
  return options.order.empty() || Contains(options.order, model);
}

bool MayBeChosen(const LoaderOptions &options, const Candidate &candidate) {
  return !options.order.empty() || candidate.priority > 0;
}

void SortCandidates(const LoaderOptions &options, std::vector<Candidate> *candidates) {
  const auto key = [&](const Candidate &candidate) {
    const bool refused = candidate.state == CandidateState::kRefused;
    return std::tuple(refused, RankOf(options, candidate), candidate.path);
  };
  std::sort(candidates->begin(), candidates->end(),
            [&](const Candidate &a, const Candidate &b) { return key(a) < key(b); });
}

Status Decide(const LoaderOptions &options, std::vector<Candidate> *candidates) {
  Candidate *selected = nullptr;
  const Candidate *blocking = nullptr;
  for (Candidate &candidate : *candidates) {
    candidate.blocks = Blocks(options, *candidates, candidate);
    const auto earlier = [&](const Candidate *than) {
      return than == nullptr || RankOf(options, candidate) < RankOf(options, *than);
    };
    if (candidate.blocks && earlier(blocking)) {
      blocking = &candidate;
    }
    if (candidate.state == CandidateState::kActive && MayBeChosen(options, candidate) &&
        earlier(selected)) {
      selected = &candidate;
    }
  }
  if (blocking != nullptr &&
      (selected == nullptr || RankOf(options, *blocking) < RankOf(options, *selected))) {
    return Error{Errc::kRefused,
                 "no security driver is chosen because " + blocking->model +
                     " would be asked first and cannot answer (" + blocking->reason +
                     "); mend it, remove " + blocking->path + ", or list " + blocking->model +
                     " as not critical",
                 0};
  }
  if (selected != nullptr) {
    selected->state = CandidateState::kSelected;
  }
  return {};
}

}  // namespace svirt
