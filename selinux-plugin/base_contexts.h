// SPDX-License-Identifier: LGPL-2.1-or-later
// What the policy says about virtual machines: the two context files of libselinux.
#pragma once

#include <svirt/plugin.h>

#include <optional>
#include <string>
#include <string_view>

#include "context.h"
#include "selinux_api.h"

namespace svirt::selinux {

struct BaseContexts {
  Context domain;                  // virtual_domain_context, line 1: svirt_t
  std::optional<Context> tcg;      // line 2: svirt_tcg_t
  Context image;                   // virtual_image_context, line 1: read and written by one domain
  std::optional<Context> content;  // line 2: read by many
  std::string domain_path, image_path;  // of the two files, for messages

  // For virt_type "qemu" (software emulation, which needs execmem) the second line if there is one.
  const Context &ForVirtType(const char *virt_type) const;
  bool IsDomainType(std::string_view type) const {
    return type == domain.type || (tcg && type == tcg->type);
  }
};

// Read anew for each question, for the policy may change under a running host.
// SVIRT_INACTIVE: the policy does not know virtual machines (a file is missing or has no line).
svirt_status LoadBaseContexts(SelinuxApi *api, BaseContexts *base, svirt_error *error);

// The caller's own context. SVIRT_E_SYSTEM, or SVIRT_E_INVALID if it cannot be read as one.
svirt_status LoadOwnContext(SelinuxApi *api, Context *own, svirt_error *error);

}  // namespace svirt::selinux
