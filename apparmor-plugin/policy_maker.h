// SPDX-License-Identifier: LGPL-2.1-or-later
// A domain's profile: what all domains share, what the administrator has added for this one, and
// its manifest.
#pragma once

#include <svirt/plugin.h>

#include <optional>
#include <string>
#include <vector>

#include "file_rules.h"
#include "local_policy.h"
#include "policy_cache.h"
#include "policy_image.h"

namespace svirt::apparmor {

// Where things are, the system's own by default.
struct Settings {
  std::string local_directory = "/etc/svirt/apparmor";
  std::string cache_directory = "/var/cache/svirt/apparmor";
  std::string parser;  // of AppArmor's profiles, "" if there is none
};

// All that a profile is made of.
struct Policy {
  std::string uuid, domain_name;
  std::vector<FileRule> rules;
  LocalPolicy local;
  Mode mode = Mode::kEnforce;

  // Two policies with one digest are the same.
  std::string DigestText() const;
};

// Immutable; any thread.
class PolicyMaker {
 public:
  explicit PolicyMaker(Settings settings);

  // From the domain's manifest and the administrator's files, as they are now.
  svirt_status Gather(const svirt_domain &domain, Policy *policy, svirt_error *error) const;

  // Sees to it that Make will not have to compile: SVIRT_E_INVALID if the parser refuses the
  // administrator's rules.
  svirt_status Prepare(const Policy &policy, svirt_error *error) const;

  // The image of a profile of this name.
  svirt_status Make(const Policy &policy, const std::string &name, std::string *image,
                    svirt_error *error) const;

  // For people.
  static std::string Describe(const Policy &policy, const std::string &name);

 private:
  // What a domain's own rules are added to. limit is there if base may deny something.
  struct Base {
    PolicyImage base;
    std::optional<PolicyImage> limit;
  };
  svirt_status LocalBase(const Policy &policy, Base *base, svirt_error *error) const;
  svirt_status MakeWith(const Base &base, const Policy &policy, const std::string &name,
                        std::string *image, svirt_error *error) const;

  Settings settings_;
  PolicyCache cache_;
  Base shared_;
};

}  // namespace svirt::apparmor
