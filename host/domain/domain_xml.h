// SPDX-License-Identifier: LGPL-2.1-or-later
// Domain XML in and out: from text to Domain and back.
#pragma once

#include <string>
#include <string_view>

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// Reads libvirt's domain XML. file names the text in errors: "FILE:LINE: sentence". What is not
// understood is kept in Domain::document.
Result<Domain> ParseDomainXml(std::string_view text, std::string_view file);

// Writes domain.document with name, uuid and seclabels as they are in the struct. inactive: as it
// is defined, without the labels a running domain was given; otherwise with them.
std::string FormatDomainXml(const Domain &domain, bool inactive);

}  // namespace svirt
