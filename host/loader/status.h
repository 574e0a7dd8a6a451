// SPDX-License-Identifier: LGPL-2.1-or-later
// The status codes and errors of the plugin ABI.
#pragma once

#include <svirt/plugin.h>

#include <string>

#include "host/util/result.h"

namespace svirt {

// An error as a host hands it over: zero but for its size.
svirt_error BlankError();

// The sentence in it, made fit to be shown.
std::string MessageOf(const svirt_error &error);

// One of the failures the ABI knows?
bool IsStatus(svirt_status status);

// What a failed function of that name came to, in the terms of the host (see Plugin). The sentence
// has no subject yet.
Error ErrorFromStatus(const std::string &name, svirt_status status, const svirt_error &error);

}  // namespace svirt
