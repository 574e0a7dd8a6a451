// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and sets the labels of objects.
#pragma once

#include <svirt/plugin.h>

#include <optional>
#include <string>

#include "selinux_api.h"

namespace svirt::selinux {

// Has the label categories, so that it is one domain's? One that cannot be understood has none.
bool HasCategories(const std::string &label);

// Both work on the object behind resource.fd alone; resource.path is for messages and for the
// policy's file contexts.
//
// SVIRT_E_NOTSUP also where a mount gives all that is on it one label (mount(8), "context="),
// unless it is one domain's.
svirt_status GetResourceLabel(SelinuxApi *api, const svirt_resource &resource, std::string *label,
                              svirt_error *error);

// Writes only what differs. nullopt: what the policy's file contexts say for the path, or no label
// if they say nothing.
svirt_status SetResourceLabel(SelinuxApi *api, const svirt_resource &resource,
                              const std::optional<std::string> &label, svirt_error *error);

}  // namespace svirt::selinux
