// SPDX-License-Identifier: LGPL-2.1-or-later
// Orders the candidates and takes the first active one, unless a broken one comes before it.
#include "host/loader/select.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "host/loader/trust.h"

namespace svirt {
namespace {

bool Contains(const std::vector<std::string> &list, const std::string &text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

size_t PlaceInOrder(const LoaderOptions &options, const Candidate &candidate) {
  const auto place = [&](const std::string &model) {
    return std::find(options.order.begin(), options.order.end(), model) - options.order.begin();
  };
  return static_cast<size_t>(std::min(place(candidate.model), place(candidate.named)));
}

// The place of a candidate in the order of asking, comparable: the lower comes first.
auto RankOf(const LoaderOptions &options, const Candidate &candidate) {
  // With an explicit order the note's priority has no say; behind it only what is off.
  int priority = 0;
  if (options.order.empty()) {
    priority = candidate.has_priority ? -candidate.priority : std::numeric_limits<int>::min();
  }
  return std::tuple(PlaceInOrder(options, candidate), priority, candidate.model);
}

// Is it left open what the model would have answered?
bool IsUnanswered(const Candidate &candidate) {
  return !candidate.repeats && (candidate.state == CandidateState::kRefused ||
                                candidate.state == CandidateState::kFailed ||
                                candidate.state == CandidateState::kMissing);
}

bool IsExempt(const LoaderOptions &options, const Candidate &candidate) {
  const auto is_exempt = [&](const std::string &model) {
    return Contains(options.not_critical, model);
  };
  // What its note says is not to excuse a file of another name.
  return !candidate.named.empty() && is_exempt(candidate.named) && is_exempt(candidate.model);
}

// Of the two names that a file goes by, the ones that a list has, or has not.
std::string NamesIn(const std::vector<std::string> &list, bool has, const Candidate &candidate) {
  std::string names;
  for (const std::string &name : {candidate.model, candidate.named}) {
    if (Contains(list, name) == has && name != names) {
      names += (names.empty() ? "" : " and ") + name;
    }
  }
  return names;
}

Error Stopped(const LoaderOptions &options, const Candidate &blocking) {
  const std::string sentence = "no security driver is chosen because ";
  if (blocking.named.empty()) {
    return Refusal(sentence + "it cannot be told which plugins are in " + blocking.path + " (" +
                   blocking.reason + "); mend it, or take it out of the plugin directories");
  }
  const bool is_missing = blocking.state == CandidateState::kMissing;
  const std::string file = is_missing ? PluginFileName(blocking.named) : blocking.path;
  std::string reason = blocking.reason;
  if (const std::string subject = "refusing " + file + ": "; reason.starts_with(subject)) {
    reason.erase(0, subject.size());
  }
  std::string remedies = is_missing ? "install it again" : "mend it, remove it if it is to be gone";
  if (!options.order.empty()) {
    remedies += ", take " + NamesIn(options.order, true, blocking) + " out of the order";
  }
  if (blocking.chosen_before && blocking.model == blocking.named) {
    remedies += ", run 'svirt plugins --forget " + blocking.model + "' if it is gone on purpose";
  }
  return Refusal(sentence + file + " would be asked first and cannot answer (" + reason + "); " +
                 remedies + ", or list " + NamesIn(options.not_critical, false, blocking) +
                 " as not critical");
}

}  // namespace

bool IsListed(const LoaderOptions &options, const std::string &model) {
  return options.order.empty() || Contains(options.order, model) || Contains(options.beside, model);
}

bool MayBeChosen(const LoaderOptions &options, const Candidate &candidate) {
  if (!options.order.empty()) {
    // A directory may hold what is listed, but then that is missing.
    return PlaceInOrder(options, candidate) < options.order.size();
  }
  return !candidate.has_priority || candidate.priority > 0;
}

void AddMissing(const LoaderOptions &options, const std::vector<ExpectedModel> &before,
                std::vector<Candidate> *candidates) {
  const auto add = [&](const std::string &model, const std::string &why) -> Candidate & {
    const auto found = std::find_if(candidates->begin(), candidates->end(), [&](const auto &each) {
      return each.model == model || each.named == model;
    });
    if (found != candidates->end()) {
      return *found;
    }
    Candidate missing;
    missing.model = missing.named = model;
    missing.state = CandidateState::kMissing;
    std::string directories;
    for (const std::string &directory : options.directories) {
      directories += (directories.empty() ? "" : ", ") + directory;
      if (missing.path.empty()) {
        missing.path = directory + (directory.ends_with('/') ? "" : "/") + PluginFileName(model);
      }
    }
    missing.reason = PluginFileName(model) + " is in none of the plugin directories (" +
                     directories + "), but " + why;
    candidates->push_back(std::move(missing));
    return candidates->back();
  };
  for (const std::string &model : options.order) {
    add(model, "the plugin order lists " + model);
  }
  for (const ExpectedModel &expected : before) {
    if (!IsListed(options, expected.model)) {
      continue;  // off
    }
    Candidate &candidate =
        add(expected.model, expected.model + " is the model that was chosen here before");
    candidate.chosen_before = true;
    if (candidate.state == CandidateState::kMissing && expected.priority) {
      candidate.priority = *expected.priority;
      candidate.has_priority = true;
    }
  }
}

bool ComesBefore(const LoaderOptions &options, const Candidate &one, const Candidate &other) {
  return std::tuple(RankOf(options, one), one.path) <
         std::tuple(RankOf(options, other), other.path);
}

void SortCandidates(const LoaderOptions &options, std::vector<Candidate> *candidates) {
  std::sort(candidates->begin(), candidates->end(),
            [&](const Candidate &a, const Candidate &b) { return ComesBefore(options, a, b); });
}

Status Decide(const LoaderOptions &options, std::vector<Candidate> *candidates) {
  const auto is_before = [&](const Candidate &one, const Candidate *other) {
    return other == nullptr || RankOf(options, one) < RankOf(options, *other);
  };
  Candidate *selected = nullptr;
  for (Candidate &candidate : *candidates) {
    if (candidate.state == CandidateState::kActive && MayBeChosen(options, candidate) &&
        is_before(candidate, selected)) {
      selected = &candidate;
    }
  }
  const Candidate *first = nullptr;
  for (Candidate &candidate : *candidates) {
    // A broken file of the selected model itself is as good as one before it.
    const bool too_late =
        selected != nullptr && RankOf(options, *selected) < RankOf(options, candidate);
    candidate.blocks = IsUnanswered(candidate) && MayBeChosen(options, candidate) &&
                       !IsExempt(options, candidate) && !too_late;
    if (candidate.blocks && is_before(candidate, first)) {
      first = &candidate;
    }
  }
  if (first != nullptr) {
    return Stopped(options, *first);
  }
  if (selected != nullptr) {
    selected->state = CandidateState::kSelected;
  }
  return {};
}

}  // namespace svirt
