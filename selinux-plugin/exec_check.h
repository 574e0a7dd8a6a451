// SPDX-License-Identifier: LGPL-2.1-or-later
// The start of a domain: its recipe, and the label that its process then has.
#pragma once

#include <svirt/plugin.h>

#include <string>

#include "selinux_api.h"

namespace svirt::selinux {

// Fills in the recipe: the label goes to attr/exec. Before that the policy is asked for every right
// that the start takes, because a missing one shows later only as an EACCES of execve, or as a dead
// emulator. SVIRT_E_DENIED with the rule, boolean or file label that is missing; where nothing is
// enforced a warning in the host's log instead.
svirt_status PrepareExec(SelinuxApi *api, const svirt_host *host, const svirt_domain &domain,
                         const std::string &label, svirt_exec *exec, svirt_error *error);

// The label of a running process and whether SELinux holds it back. A text that is no whole context
// is refused: a short read must not pass for a label.
svirt_status GetProcessLabel(SelinuxApi *api, const svirt_domain &domain, std::string *label,
                             bool *enforcing, svirt_error *error);

}  // namespace svirt::selinux
