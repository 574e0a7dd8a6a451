// SPDX-License-Identifier: LGPL-2.1-or-later
// Paths that no domain may have, whoever wrote them into its definition: with them a guest that
// breaks out would have the host.
#pragma once

#include <svirt/plugin.h>

#include <string>
#include <string_view>
#include <vector>

namespace svirt::apparmor {

class DangerousPaths {
 public:
  // allowed: paths, by the administrator's word; one that ends in '/' stands for all below it.
  DangerousPaths(const svirt_domain &domain, const std::vector<svirt_resource> &resources,
                 const std::vector<std::string> &allowed);

  // A sentence, or "" if the domain may have it. Both the path as written and the object it leads
  // to are judged.
  std::string WhyRefused(const svirt_resource &resource) const;

 private:
  std::string WhyPathRefused(const svirt_resource &resource, const std::string &path) const;
  bool IsAllowed(std::string_view path, bool subtree) const;

  const std::vector<std::string> &allowed_;
  std::string uuid_;
  std::vector<std::string> own_;          // the domain's run directories
  std::vector<std::string> run_parents_;  // where those of other domains are
};

}  // namespace svirt::apparmor
