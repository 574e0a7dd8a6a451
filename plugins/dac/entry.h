// SPDX-License-Identifier: LGPL-2.1-or-later
// One user's entry in the ACL of an object that others use too, "+UID:rw-": read, set and removed
// through the object's descriptor alone. What an ACL may become is decided in acl_change.h.
#pragma once

#include <svirt/plugin.h>

#include <optional>
#include <string>
#include <string_view>

#include "guard.h"

namespace svirt::dac {

struct Entry {
  uid_t uid = 0;
  unsigned rights = 0;

  bool operator==(const Entry &) const = default;
};

std::optional<Entry> ParseEntry(std::string_view text);
std::string FormatEntry(const Entry &entry);

// What the entry's user has on the object now. SVIRT_E_NODATA: nothing.
svirt_status GetEntry(const svirt_resource &resource, const Entry &entry, std::string *present,
                      svirt_error *error);
svirt_status SetEntry(const svirt_resource &resource, const Entry &entry, svirt_error *error);
svirt_status RemoveEntry(const svirt_resource &resource, const Entry &entry, svirt_error *error);

// Would SetEntry set it, as far as can be told from the object and this process?
svirt_status CheckEntry(const svirt_resource &resource, const Guard &guard, const Entry &entry,
                        svirt_error *error);

}  // namespace svirt::dac
