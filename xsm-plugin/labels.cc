// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes labels from the policy's types, users and categories, and checks static ones.
#include "labels.h"

#include <svirt/sdk.h>
#include <svirt/sdk_category_pair.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "label_space.h"

namespace svirt::flask {
namespace {

struct GuestKind {
  const char *virt_type, *type;
};

constexpr const char *kDomainType = "domU_t";
constexpr GuestKind kGuestKinds[] = {{"xen-pv", "domPV_t"},
                                     {"xen-pvh", "domPVH_t"},
                                     {"xen-hvm", "domHVM_t"},
                                     {"xen-dm", "dm_dom_t"}};

// What Xen's policy calls the type of devices that are handed to domains.
constexpr const char *kDeviceType = "nic_dev_t";

// What the label of a domain that is still being built ends in, by the policy's own macros.
constexpr const char *kBuildSuffix = "_building";

// The label of devices that belong to a domain with that label alone.
int FindDeviceLabel(XenApi *api, Context context, std::string *label) {
  context.role = "object_r";
  context.type = kDeviceType;
  const int errnum = CheckContext(api, context);
  *label = errnum == 0 ? sdk::FormatContext(context) : "";
  return errnum == EINVAL ? 0 : errnum;
}

std::string TypeOfBaseLabel(std::string_view base_label) {
  std::string why;
  const auto context = sdk::ParseContext(base_label, &why);
  return context ? context->type : std::string(base_label);
}

svirt_status DynamicLabel(XenApi *api, const svirt_domain &domain, uint64_t index, bool may_share,
                          Context *made, svirt_error *error) {
  Context base;
  const svirt_status status = DynamicBase(api, domain, &base, error);
  if (status != SVIRT_OK) {
    return status;
  }
  if (!LabelOfIndex(base, index, made) || (index == kSharedIndex && !may_share)) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "there is no label number %llu under the loaded policy",
                     static_cast<unsigned long long>(index));
  }
  Context checked;
  return CheckLabel(api, sdk::FormatContext(*made), "the generated label", &checked, error);
}

svirt_status NeedsStaticLabel(svirt_error *error) {
  return sdk::Fail(error, SVIRT_E_INVALID, 0, "a static FLASK label is asked for, but not given");
}

}  // namespace

int FindBaseLabel(XenApi *api, const char *virt_type, Context *base) {
  bool has_mls = false;
  if (const int errnum = api->HasMls(&has_mls); errnum != 0) {
    return errnum;
  }
  Context context{"system_u", "system_r", kDomainType, std::nullopt};
  if (has_mls) {
    context.range.emplace();
  }
  for (const GuestKind &kind : kGuestKinds) {
    if (virt_type == nullptr || std::strcmp(virt_type, kind.virt_type) != 0) {
      continue;
    }
    Context special = context;
    special.type = kind.type;
    const int errnum = CheckContext(api, special);
    if (errnum != EINVAL) {
      *base = special;
      return errnum;
    }
  }
  *base = context;
  return CheckContext(api, context);
}

svirt_status DynamicBase(XenApi *api, const svirt_domain &domain, Context *base,
                         svirt_error *error) {
  const int errnum = FindBaseLabel(api, domain.virt_type, base);
  if (errnum != 0 && errnum != EINVAL) {
    return CallFailed(errnum, "ask for the base label of domains", error);
  }
  const bool is_given = domain.base_label != nullptr && *domain.base_label != '\0';
  if (is_given) {
    base->type = TypeOfBaseLabel(domain.base_label);
    std::string why;
    const auto parsed = sdk::ParseContext(sdk::FormatContext(*base), &why);
    if (!parsed || parsed->type != base->type) {
      return sdk::Fail(
          error, SVIRT_E_INVALID, 0,
          "the base label '%.512s' names no type: write domU_t, or a whole context such "
          "as system_u:system_r:domU_t",
          domain.base_label);
    }
  }
  Context checked;
  return CheckLabel(api, sdk::FormatContext(*base), "the base label", &checked, error);
}

svirt_status GenerateLabels(XenApi *api, const svirt_domain &domain, uint64_t index, bool may_share,
                            DomainLabels *labels, svirt_error *error) {
  if (domain.label_type == SVIRT_LABEL_NONE) {
    *labels = {};
    return SVIRT_OK;
  }
  Context context;
  svirt_status status = SVIRT_OK;
  if (domain.label_type == SVIRT_LABEL_DYNAMIC) {
    status = DynamicLabel(api, domain, index, may_share, &context, error);
  } else if (domain.label_type != SVIRT_LABEL_STATIC) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0, "label type %u is not known", domain.label_type);
  } else if (domain.label == nullptr || *domain.label == '\0') {
    return NeedsStaticLabel(error);
  } else {
    status = CheckLabel(api, domain.label, "the static label", &context, error);
  }
  if (status != SVIRT_OK) {
    return status;
  }
  DomainLabels made;
  made.process = sdk::FormatContext(context);
  if (const int errnum = FindDeviceLabel(api, context, &made.image); errnum != 0) {
    return CallFailed(errnum, "ask for the label of devices", error);
  }
  *labels = std::move(made);
  return SVIRT_OK;
}

svirt_status VerifyDomain(XenApi *api, const svirt_domain &domain, svirt_error *error) {
  Context context;
  if (domain.label != nullptr && *domain.label != '\0') {
    const svirt_status status = CheckLabel(api, domain.label, "the label", &context, error);
    if (status != SVIRT_OK) {
      return status;
    }
    if (context.role == "object_r") {
      return sdk::Fail(error, SVIRT_E_INVALID, 0,
                       "the label '%.512s' is one of a device: a domain has another role than "
                       "object_r, such as system_r",
                       domain.label);
    }
  } else if (domain.label_type == SVIRT_LABEL_STATIC) {
    return NeedsStaticLabel(error);
  }
  if (domain.base_label != nullptr && *domain.base_label != '\0') {
    const svirt_status status = DynamicBase(api, domain, &context, error);
    if (status != SVIRT_OK) {
      return status;
    }
  }
  for (const svirt_resource &resource : sdk::Resources(domain)) {
    if (resource.override_label == nullptr || *resource.override_label == '\0') {
      continue;
    }
    const std::string what =
        "the label given for " + std::string(resource.path != nullptr ? resource.path : "a device");
    const svirt_status status =
        CheckLabel(api, resource.override_label, what.c_str(), &context, error);
    if (status != SVIRT_OK) {
      return status;
    }
  }
  return SVIRT_OK;
}

svirt_status FindBuildLabel(XenApi *api, const char *label, std::string *build_label,
                            svirt_error *error) {
  Context context;
  const svirt_status status = CheckLabel(api, label, "the label", &context, error);
  if (status != SVIRT_OK) {
    return status;
  }
  Context build = context;
  build.type += kBuildSuffix;
  const bool fits = sdk::FormatContext(build).size() <= SVIRT_LABEL_MAX;
  const int errnum = fits ? CheckContext(api, build) : EINVAL;
  if (errnum != 0 && errnum != EINVAL) {
    return CallFailed(errnum, "ask for the label that domains are built with", error);
  }
  *build_label = sdk::FormatContext(errnum == 0 ? build : context);
  return SVIRT_OK;
}

}  // namespace svirt::flask
