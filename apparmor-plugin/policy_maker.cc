// SPDX-License-Identifier: LGPL-2.1-or-later
// Gathers all parts of a domain's policy, and makes the profile and its text from them.
#include "policy_maker.h"

#include <svirt/sdk.h>

#include <stdexcept>

#include "compiler.h"
#include "digest.h"
#include "manifest_rules.h"
#include "policy/shared_policy.h"
#include "profile_text.h"

namespace svirt::apparmor {

namespace {

// Changes when the same policy would be made into another profile.
constexpr std::string_view kPolicyForm = "1";

// In base it would be granted; in limit it shows what base denies.
constexpr std::string_view kEverything = "\n/ rwkm,\n/** rwlkm,\n";

std::string LocalText(const Policy &policy, std::string_view more) {
  return FormatProfile({.name = "svirt",
                        .comment = "",
                        .mode = Mode::kEnforce,
                        .shared = std::string(SharedRules()),
                        .rules = {},
                        .local = policy.local.rules + std::string(more)});
}

PolicyImage ParseShared() {
  auto image = PolicyImage::Parse(SharedImage());
  if (!image) {
    throw std::logic_error("the shared policy is no image");
  }
  return std::move(*image);
}

}  // namespace

std::string Policy::DigestText() const {
  DigestOf digest;
  digest.Add(kPolicyForm).Add(uuid).Add(SharedImage()).Add(local.rules);
  digest.Add(mode == Mode::kComplain ? "complain" : "enforce");
  for (const FileRule &rule : rules) {
    digest.Add(rule.path).Add(rule.below ? "below" : "").Add(std::to_string(rule.permissions));
  }
  return digest.Get();
}

PolicyMaker::PolicyMaker(Settings settings)
    : settings_(std::move(settings)),
      cache_(settings_.cache_directory),
      shared_{ParseShared(), std::nullopt} {}

svirt_status PolicyMaker::Gather(const svirt_domain &domain, Policy *policy,
                                 svirt_error *error) const {
  Policy gathered;
  gathered.uuid = domain.uuid;
  gathered.domain_name = domain.name != nullptr ? domain.name : "";
  svirt_status status = DomainRules(domain, &gathered.rules, error);
  if (status == SVIRT_OK) {
    status = LoadLocalPolicy(settings_.local_directory, gathered.uuid, &gathered.local, error);
  }
  if (status == SVIRT_OK) {
    const auto &until = gathered.local.complain_until;
    gathered.mode = until && std::time(nullptr) < *until ? Mode::kComplain : Mode::kEnforce;
    *policy = std::move(gathered);
  }
  return status;
}

svirt_status PolicyMaker::LocalBase(const Policy &policy, Base *base, svirt_error *error) const {
  const std::string texts[] = {LocalText(policy, ""), LocalText(policy, kEverything)};
  const std::string key =
      DigestOf().Add(kPolicyForm).Add(PolicyFeatures()).Add(texts[0]).Add(texts[1]).Get();
  auto images = cache_.Find(policy.uuid, key);
  const bool cached = images.has_value() && images->size() == std::size(texts);
  if (!cached) {
    images.emplace(std::size(texts));
    for (size_t i = 0; i < std::size(texts); ++i) {
      const svirt_status status = Compile(settings_.parser, texts[i], &images->at(i), error);
      if (status != SVIRT_OK) {
        return status;
      }
    }
  }
  auto granted = PolicyImage::Parse(images->at(0)), limit = PolicyImage::Parse(images->at(1));
  if (!granted || !limit) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "%s/%s.rules makes something else of the domain's profile than one profile "
                     "with file rules; it may only hold rules",
                     settings_.local_directory.c_str(), policy.uuid.c_str());
  }
  if (!cached) {
    // Without it the next start compiles again.
    cache_.Keep(policy.uuid, key, *images);
  }
  *base = {std::move(*granted), std::move(limit)};
  return SVIRT_OK;
}

svirt_status PolicyMaker::Prepare(const Policy &policy, svirt_error *error) const {
  if (policy.local.rules.empty()) {
    return SVIRT_OK;
  }
  Base base{shared_.base, std::nullopt};
  return LocalBase(policy, &base, error);
}

svirt_status PolicyMaker::MakeWith(const Base &base, const Policy &policy, const std::string &name,
                                   std::string *image, svirt_error *error) const {
  const auto files =
      AddRules(base.base.files(), base.limit ? &base.limit->files() : nullptr, policy.rules);
  if (!files) {
    return sdk::Fail(error, SVIRT_E_INVALID, E2BIG,
                     "the %zu paths of domain %s are more than one AppArmor profile can hold: "
                     "share directories instead of single files, or give it fewer",
                     policy.rules.size(), policy.uuid.c_str());
  }
  *image = base.base.Make(name, policy.mode, *files);
  return SVIRT_OK;
}

svirt_status PolicyMaker::Make(const Policy &policy, const std::string &name, std::string *image,
                               svirt_error *error) const {
  if (policy.local.rules.empty()) {
    return MakeWith(shared_, policy, name, image, error);
  }
  Base base{shared_.base, std::nullopt};
  const svirt_status status = LocalBase(policy, &base, error);
  return status == SVIRT_OK ? MakeWith(base, policy, name, image, error) : status;
}

std::string PolicyMaker::Describe(const Policy &policy, const std::string &name) {
  return FormatProfile({.name = name,
                        .comment = "domain " + policy.domain_name,
                        .mode = policy.mode,
                        .shared = "include <abstractions/svirt>",
                        .rules = policy.rules,
                        .local = policy.local.rules});
}

}  // namespace svirt::apparmor
