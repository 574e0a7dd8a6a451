// SPDX-License-Identifier: LGPL-2.1-or-later
// Collects refusals, and joins them into one error.
#include "host/util/refusals.h"

#include <algorithm>

namespace svirt {
namespace {

bool Has(const std::vector<Error> &list, const std::string &sentence) {
  return std::ranges::find(list, sentence, &Error::message) != list.end();
}

}  // namespace

void Refusals::Put(const Status &status, std::vector<Error> *list) {
  if (!status.ok() && !Has(lasting_, status.error().message) &&
      !Has(for_now_, status.error().message)) {
    list->push_back(status.error());
  }
}

std::vector<Error> Refusals::all() const {
  std::vector<Error> both = lasting_;
  both.insert(both.end(), for_now_.begin(), for_now_.end());
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
