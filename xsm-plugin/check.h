// SPDX-License-Identifier: LGPL-2.1-or-later
// Contexts and the hypervisor: is one valid, what is the one of a SID, what may two do together.
#pragma once

#include <svirt/plugin.h>
#include <svirt/sdk_context.h>

#include <string>
#include <string_view>

#include "xen_api.h"

namespace svirt::flask {

using sdk::Context;

// 0 if the loaded policy has the context and the hypervisor writes it in the same way; EINVAL if
// not; else what went wrong.
int CheckContext(XenApi *api, const Context &context);

// The SID that the context has now. EINVAL: the policy has no such context. ENOBUFS: it is longer
// than a label may be.
int FindSid(XenApi *api, std::string_view context, uint32_t *sid);

// The context of a SID. ENOBUFS: it is longer than a label may be. EPROTO: it has no end.
int ReadContext(XenApi *api, uint32_t sid, std::string *context);

// A label that came from outside: our syntax first, then the policy, then the form in which the
// hypervisor writes it. what names it in the sentence: "the static label", ...
svirt_status CheckLabel(XenApi *api, std::string_view label, const char *what, Context *parsed,
                        svirt_error *error);

// For a call to the hypervisor that failed: "cannot <what>: <why>", with the status that belongs
// to errnum.
svirt_status CallFailed(int errnum, const std::string &what, svirt_error *error);

}  // namespace svirt::flask
