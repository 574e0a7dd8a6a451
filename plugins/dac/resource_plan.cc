// SPDX-License-Identifier: LGPL-2.1-or-later
// Separates what one domain alone uses from what is shared, comes open, or has an owner by name.
#include "resource_plan.h"

#include <svirt/sdk.h>

#include "identity.h"
#include "shared_nodes.h"

namespace svirt::dac {
namespace {

svirt_status None(const char *note, sdk::ResourcePlan *plan) {
  *plan = {SVIRT_PLAN_NONE, 0, "", note};
  return SVIRT_OK;
}

// The owner wanted for it by name. It may be anybody, also root.
svirt_status PlanOverride(const svirt_domain &domain, const svirt_resource &resource,
                          const char *path, sdk::ResourcePlan *plan, svirt_error *error) {
  std::string why;
  const auto owner = ParseIdentity(resource.override_label, &why);
  if (!owner) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0, "%s cannot have the owner '%s': %s", path,
                     resource.override_label, why.c_str());
  }
  const auto own = ParseIdentity(domain.image_label != nullptr ? domain.image_label : "", &why);
  const uint32_t flags = own && own->uid == owner->uid ? SVIRT_PLAN_EXCLUSIVE : 0;
  *plan = {SVIRT_PLAN_SET, flags, FormatIdentity(*owner), ""};
  return SVIRT_OK;
}

}  // namespace

bool HasOverride(const svirt_resource &resource) {
  return resource.override_label != nullptr && *resource.override_label != '\0';
}

bool IsHandedOver(const svirt_resource &resource) {
  // The emulator's own output; a log that it makes itself is another matter. Network devices are
  // opened for it.
  return (resource.kind == SVIRT_RES_LOG && (resource.access & SVIRT_ACCESS_CREATE) == 0) ||
         resource.kind == SVIRT_RES_NET;
}

bool IsProgram(const svirt_resource &resource) {
  return resource.kind == SVIRT_RES_EMULATOR || (resource.access & SVIRT_ACCESS_EXEC) != 0;
}

bool IsMadeByDomain(const svirt_resource &resource) {
  return resource.object == SVIRT_OBJ_SOCKET && (resource.access & SVIRT_ACCESS_CREATE) != 0;
}

const char *PathOf(const svirt_resource &resource) {
  return resource.path != nullptr ? resource.path : "the resource";
}

svirt_status PlanOwner(const svirt_domain &domain, const svirt_resource &resource,
                       sdk::ResourcePlan *plan, svirt_error *error) {
  const char *path = PathOf(resource);
  // Before the override: nobody may ask for these.
  if (IsSharedNode(path)) {
    return None("a device node that all programs share keeps its owner", plan);
  }
  if (HasOverride(resource)) {
    return PlanOverride(domain, resource, path, plan, error);
  }
  if (domain.label_type == SVIRT_LABEL_NONE) {
    return None("the domain runs as the user that starts it", plan);
  }
  if (IsProgram(resource)) {
    return None("programs keep their owner", plan);
  }
  // One owner cannot be several domains: entries let them in (entry_plan.h).
  if ((resource.flags & SVIRT_RES_SHARED) != 0) {
    return None("shared, so it keeps its owner", plan);
  }
  if ((resource.access & (SVIRT_ACCESS_WRITE | SVIRT_ACCESS_CREATE)) == 0) {
    return None("only read, so it keeps its owner", plan);
  }
  if (IsHandedOver(resource)) {
    return None("handed over open, so it keeps its owner", plan);
  }
  if (domain.image_label == nullptr || *domain.image_label == '\0') {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "%s needs the domain's image label, and the domain has none", path);
  }
  *plan = {SVIRT_PLAN_SET, SVIRT_PLAN_EXCLUSIVE, domain.image_label, ""};
  return SVIRT_OK;
}

std::optional<Identity> OwnerToGive(const svirt_domain &domain, const svirt_resource &resource) {
  sdk::ResourcePlan plan;
  if ((resource.flags & SVIRT_RES_AS_IT_IS) != 0 ||
      PlanOwner(domain, resource, &plan, nullptr) != SVIRT_OK || plan.action != SVIRT_PLAN_SET) {
    return std::nullopt;
  }
  std::string why;
  return ParseIdentity(plan.label, &why);
}

}  // namespace svirt::dac
