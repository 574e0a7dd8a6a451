// SPDX-License-Identifier: LGPL-2.1-or-later
// Collects refusals, and joins them into one error.
#include "host/util/refusals.h"

#include <algorithm>

namespace svirt {
namespace {

// What is about no line comes behind the others.
unsigned long Place(const Error &error) {
  return error.line - 1;  // which of 0 is the greatest number
}

// Be it with the line that it is about.
bool Has(const std::vector<Error> &list, const std::string &sentence) {
  return std::ranges::any_of(list, [&](const Error &error) {
    return error.message == sentence ||
           (error.line != 0 && error.message.ends_with(": " + sentence));
  });
}

}  // namespace

void Refusals::Put(const Status &status, std::vector<Error> *list) {
  if (!status.ok() && !Has(lasting_, status.error().message) &&
      !Has(for_now_, status.error().message)) {
    const auto behind = std::ranges::upper_bound(*list, Place(status.error()), {}, Place);
    list->insert(behind, status.error());
  }
}

void Refusals::Add(const Refusals &others) {
  for (const Error &error : others.lasting_) {
    Put(error, &lasting_);
  }
  for (const Error &error : others.for_now_) {
    Put(error, &for_now_);
  }
}

void Refusals::Drop(const Refusals &known) {
  const auto is_known = [&known](const Error &error) {
    return Has(known.lasting_, error.message) || Has(known.for_now_, error.message);
  };
  std::erase_if(lasting_, is_known);
  std::erase_if(for_now_, is_known);
}

std::vector<Error> Refusals::all() const {
  std::vector<Error> both = lasting_;
  both.insert(both.end(), for_now_.begin(), for_now_.end());
  std::ranges::stable_sort(both, {}, Place);
  return both;
}

Status Refusals::Join(const std::vector<Error> &errors) {
  if (errors.empty()) {
    return {};
  }
  Error all = errors.front();
  for (size_t i = 1; i < errors.size(); ++i) {
    all.message += "\n" + errors[i].message;
    if (errors[i].code == Errc::kRefused) {
      all.code = Errc::kRefused;
    }
  }
  return all;
}

}  // namespace svirt
