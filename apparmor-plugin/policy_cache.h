// SPDX-License-Identifier: LGPL-2.1-or-later
// Compiled rules of administrators, so that a start has nothing to compile. Losing the cache loses
// time only: what is in it is found again by the content it was made from, or not at all.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace svirt::apparmor {

class PolicyCache {
 public:
  explicit PolicyCache(std::string directory) : directory_(std::move(directory)) {}

  // What was kept under name for this very key. Damaged, foreign and stale entries are none.
  std::optional<std::vector<std::string>> Find(const std::string &name,
                                               const std::string &key) const;

  // Replaces what is kept under name. 0 or errno; a system that cannot be written goes without.
  int Keep(const std::string &name, const std::string &key,
           const std::vector<std::string> &parts) const;

 private:
  std::string directory_;
};

}  // namespace svirt::apparmor
