// SPDX-License-Identifier: LGPL-2.1-or-later
// Which owner a resource should have.
#pragma once

#include <svirt/sdk_driver.h>

#include <optional>

#include "identity.h"

namespace svirt::dac {

svirt_status PlanOwner(const svirt_domain &domain, const svirt_resource &resource,
                       sdk::ResourcePlan *plan, svirt_error *error);

// The owner that the host will give the object, as PlanOwner says; nullopt: it keeps its own.
std::optional<Identity> OwnerToGive(const svirt_domain &domain, const svirt_resource &resource);

// Does the domain get the resource as an open descriptor, so that it need not reach it itself?
bool IsHandedOver(const svirt_resource &resource);

// Is its override label there, so that an owner was asked for by name?
bool HasOverride(const svirt_resource &resource);

// Is it executed?
bool IsProgram(const svirt_resource &resource);

// Is it a socket that the domain itself makes?
bool IsMadeByDomain(const svirt_resource &resource);

// For messages.
const char *PathOf(const svirt_resource &resource);

}  // namespace svirt::dac
