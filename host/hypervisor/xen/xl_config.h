// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns a domain into a configuration file for xl.
#pragma once

#include <string>
#include <string_view>

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// A string of an xl configuration, in quotes. Control characters, which xl writes into logs and
// its own files, are refused; what: whose it is, for the message.
Result<std::string> QuoteForXl(std::string_view what, std::string_view text);

// The domain as a configuration for xl (xl.cfg(5)). seclabel: the label that it is built under; ""
// gives it none, and so the hypervisor's default. Touches nothing. What the XML asks for and
// cannot be said, or would need an emulator in the control domain, is Errc::kUnsupported, or
// kInvalid, with the device in the sentence.
Result<std::string> BuildXlConfig(const Domain &domain, const std::string &seclabel);

}  // namespace svirt
