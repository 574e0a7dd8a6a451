// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes labels from base contexts and pairs of categories, and asks the kernel whether they hold.
#include "labels.h"

#include <svirt/sdk.h>

#include <cstring>

#include "context.h"

namespace svirt::selinux {
namespace {

// A context that the kernel has refused: which of its parts is it? Each is tried beside parts that
// are known to be good, those of this process; object_r goes with every type and user.
std::string Diagnose(SelinuxApi *api, const Context &context) {
  const auto valid = [&](const std::string &user, const std::string &role, const std::string &type,
                         const std::optional<Range> &range) {
    return api->CheckContext(FormatContext({user, role, type, range})) == 0;
  };
  std::optional<Range> lowest = context.range;
  if (lowest) {
    lowest->low.categories.reset();
    lowest->high = lowest->low;
  }
  if (valid(context.user, context.role, context.type, lowest)) {
    return "the policy has no level " + FormatRange(*context.range) + ", or its user " +
           context.user + " may not have it";
  }
  std::string text, why;
  const auto known = api->OwnContext(&text) == 0 ? ParseContext(text, &why) : std::nullopt;
  if (!known) {
    return "the policy does not have it";
  }
  if (!valid(known->user, "object_r", known->type, lowest)) {
    return lowest ? "the policy has no level " + FormatLevel(lowest->low)
                  : "the policy wants a level at its end, such as s0";
  }
  if (!valid(known->user, "object_r", context.type, lowest)) {
    return "the policy has no type " + context.type;
  }
  if (!valid(context.user, "object_r", context.type, lowest)) {
    return "the policy has no user " + context.user;
  }
  return "the policy lets no user " + context.user + " with role " + context.role +
         " have the type " + context.type;
}

// The policy's part of CheckLabel.
svirt_status AskPolicy(SelinuxApi *api, const Context &context, const char *what,
                       svirt_error *error) {
  const std::string text = FormatContext(context);
  const int errnum = api->CheckContext(text);
  if (errnum == 0) {
    return SVIRT_OK;
  }
  if (errnum != EINVAL) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, errnum,
                     "cannot ask SELinux whether %s '%s' is valid: %s", what, text.c_str(),
                     std::strerror(errnum));
  }
  return sdk::Fail(error, SVIRT_E_INVALID, errnum, "%s '%s' is not valid: %s", what, text.c_str(),
                   Diagnose(api, context).c_str());
}

// Type of a <baselabel>, which is a bare type, "type:level" or a whole context; nothing else of it
// is used. "" if there is none in it.
std::string BaseLabelType(std::string_view base_label) {
  std::vector<std::string_view> part;
  for (size_t at = 0; at <= base_label.size() && part.size() < 3;) {
    const size_t colon = std::min(base_label.find(':', at), base_label.size());
    part.push_back(base_label.substr(at, colon - at));
    at = colon + 1;
  }
  const std::string_view type = part.size() < 3 ? part.front() : part[2];
  for (const char c : type) {
    if (c <= ' ' || c > '~') {
      return "";
    }
  }
  return std::string(type);
}

svirt_status ProcessBase(const BaseContexts &base, const svirt_domain &domain, Context *process,
                         svirt_error *error) {
  *process = base.ForVirtType(domain.virt_type);
  if (domain.base_label != nullptr && *domain.base_label != '\0') {
    process->type = BaseLabelType(domain.base_label);
    if (process->type.empty()) {
      return sdk::Fail(error, SVIRT_E_INVALID, 0,
                       "the base label '%s' names no type: write svirt_t, or a whole context such "
                       "as system_u:system_r:svirt_t:s0",
                       domain.base_label);
    }
  }
  return SVIRT_OK;
}

// Process labels have the caller's user and role and image labels its user, as libvirt gives them.
// Where the policy does not let these have the type (a caller outside virtd_t's user and role),
// the policy's own base context supplies them.
svirt_status Fit(SelinuxApi *api, Context preferred, const Context &base, const char *what,
                 std::string *label, svirt_error *error) {
  if (api->CheckContext(FormatContext(preferred)) == EINVAL) {
    preferred.user = base.user;
    preferred.role = base.role;
    const svirt_status status = AskPolicy(api, preferred, what, error);
    if (status != SVIRT_OK) {
      return status;
    }
  }
  *label = FormatContext(preferred);
  return SVIRT_OK;
}

Level OwnLowLevel(const Context &own) {
  Level level;
  level.sensitivity = own.range ? own.range->low.sensitivity : 0;
  return level;
}

// How many categories the policy has, for a caller whose own range does not tell.
CategorySet PolicyCategories(SelinuxApi *api, Context context, const Level &level) {
  const auto valid = [&](unsigned category) {
    Level probe = level;
    probe.categories.set(category);
    context.range = Range{probe, probe};
    return api->CheckContext(FormatContext(context)) == 0;
  };
  unsigned known = 0;  // categories below are valid
  unsigned beyond = kCategories;
  if (valid(kCategories - 1)) {
    known = kCategories;
  }
  while (known < beyond) {
    const unsigned middle = known + (beyond - known) / 2;
    if (valid(middle)) {
      known = middle + 1;
    } else {
      beyond = middle;
    }
  }
  CategorySet set;
  for (unsigned category = 0; category < known; ++category) {
    set.set(category);
  }
  return set;
}

}  // namespace

svirt_status CheckLabel(SelinuxApi *api, std::string_view label, const char *what, Context *parsed,
                        svirt_error *error) {
  const std::string text(label);
  std::string why;
  const auto context = ParseContext(label, &why);
  if (!context) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0, "%s '%s' is not a security context: %s", what,
                     text.c_str(), why.c_str());
  }
  // The kernel answers in canonical form; a label in another one would never be found again.
  if (const std::string canonical = FormatContext(*context); canonical != label) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "%s '%s' is not in the form the kernel uses: write '%s'", what, text.c_str(),
                     canonical.c_str());
  }
  *parsed = *context;
  return AskPolicy(api, *context, what, error);
}

svirt_status AvailablePairs(SelinuxApi *api, const svirt_domain &domain,
                            std::vector<svirt_index_run> *runs, svirt_error *error) {
  runs->clear();
  if (domain.label_type != SVIRT_LABEL_DYNAMIC) {
    return SVIRT_OK;
  }
  Context own;
  svirt_status status = LoadOwnContext(api, &own, error);
  if (status != SVIRT_OK) {
    return status;
  }
  CategorySet set = own.high().categories;
  std::string source = "the range of this process, " + (own.range ? FormatRange(*own.range) : "s0");
  if (set.none()) {
    BaseContexts base;
    status = LoadBaseContexts(api, &base, error);
    if (status != SVIRT_OK) {
      return status == SVIRT_INACTIVE ? SVIRT_E_NOTSUP : status;
    }
    set = PolicyCategories(api, base.ForVirtType(domain.virt_type), OwnLowLevel(own));
    source = "the loaded policy";
  }
  if (set.count() < 2) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "%s has %zu of the two or more categories that labels are made from: run in a "
                     "wider range, such as s0-s0:c0.c1023 (semanage login or user), under a policy "
                     "with MCS",
                     source.c_str(), set.count());
  }
  *runs = PairsWithin(set);
  return SVIRT_OK;
}

svirt_status ClaimedPairs(SelinuxApi *api, const svirt_domain &domain, const std::string &label,
                          std::vector<svirt_index_run> *runs, svirt_error *error) {
  runs->clear();
  std::string why;
  const auto context = ParseContext(label, &why);
  if (!context) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0, "'%s' is not a security context: %s", label.c_str(),
                     why.c_str());
  }
  BaseContexts base;
  const svirt_status status = LoadBaseContexts(api, &base, error);
  if (status != SVIRT_OK) {
    return status == SVIRT_INACTIVE ? SVIRT_E_NOTSUP : status;
  }
  const bool ours =
      base.IsDomainType(context->type) || domain.label_type == SVIRT_LABEL_STATIC ||
      (domain.base_label != nullptr && context->type == BaseLabelType(domain.base_label));
  if (ours) {
    *runs = PairsTouchedBy(context->high().categories);
  }
  return SVIRT_OK;
}

svirt_status GenerateLabels(SelinuxApi *api, const svirt_domain &domain, uint64_t index,
                            DomainLabels *labels, svirt_error *error) {
  BaseContexts base;
  Context own;
  svirt_status status = LoadBaseContexts(api, &base, error);
  if (status != SVIRT_OK) {
    return status == SVIRT_INACTIVE ? SVIRT_E_NOTSUP : status;
  }
  status = LoadOwnContext(api, &own, error);
  if (status != SVIRT_OK) {
    return status;
  }
  Context image = base.image;
  image.user = own.user;
  DomainLabels made;
  switch (domain.label_type) {
    case SVIRT_LABEL_DYNAMIC: {
      if (index >= kPairs) {
        return sdk::Fail(
            error, SVIRT_E_INVALID, 0, "there is no category pair number %llu (the last is %llu)",
            static_cast<unsigned long long>(index), static_cast<unsigned long long>(kPairs - 1));
      }
      const CategoryPair pair = PairOfIndex(index);
      Level level = OwnLowLevel(own);
      level.categories.set(pair.lo).set(pair.hi);
      Context process;
      status = ProcessBase(base, domain, &process, error);
      if (status != SVIRT_OK) {
        return status;
      }
      image.range = process.range = Range{level, level};
      const Context fallback = process;
      process.user = own.user;
      process.role = own.role;
      status = Fit(api, process, fallback, "the generated label", &made.process, error);
      break;
    }
    case SVIRT_LABEL_STATIC: {
      Context given;
      status = CheckLabel(api, domain.label != nullptr ? domain.label : "", "the static label",
                          &given, error);
      made.process = FormatContext(given);
      image.range = given.range;
      break;
    }
    case SVIRT_LABEL_NONE:
      image.range = Range{OwnLowLevel(own), OwnLowLevel(own)};
      break;
    default:
      return sdk::Fail(error, SVIRT_E_INVALID, 0, "label type %u is not known", domain.label_type);
  }
  if (status == SVIRT_OK) {
    status = Fit(api, image, base.image, "the generated image label", &made.image, error);
  }
  if (status == SVIRT_OK) {
    *labels = std::move(made);
  }
  return status;
}

svirt_status VerifyDomain(SelinuxApi *api, const svirt_domain &domain, svirt_error *error) {
  Context context;
  svirt_status status = SVIRT_OK;
  if (domain.label != nullptr && *domain.label != '\0') {
    status = CheckLabel(api, domain.label, "the label", &context, error);
    if (status != SVIRT_OK) {
      return status;
    }
    if (context.role == "object_r") {
      return sdk::Fail(error, SVIRT_E_INVALID, 0,
                       "the label '%s' is one of a file: a process has another role than object_r, "
                       "such as system_r",
                       domain.label);
    }
  } else if (domain.label_type == SVIRT_LABEL_STATIC) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "a static SELinux label is asked for, but not given");
  }
  if (domain.base_label != nullptr && *domain.base_label != '\0') {
    DomainLabels labels;
    svirt_domain trial = domain;
    trial.label_type = SVIRT_LABEL_DYNAMIC;
    status = GenerateLabels(api, trial, 0, &labels, error);
    if (status != SVIRT_OK) {
      return status;
    }
  }
  for (const svirt_resource &resource : sdk::Resources(domain)) {
    if (resource.override_label != nullptr && *resource.override_label != '\0') {
      const std::string what = "the label given for " +
                               std::string(resource.path != nullptr ? resource.path : "a device");
      status = CheckLabel(api, resource.override_label, what.c_str(), &context, error);
      if (status != SVIRT_OK) {
        return status;
      }
    }
  }
  return SVIRT_OK;
}

}  // namespace svirt::selinux
