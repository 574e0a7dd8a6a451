// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// The domain with the device that the XML describes, as the last of its devices. The seclabels are
// those of the definition, not those a running domain was given. file names the text in errors.
Result<Domain> WithDevice(const Domain &domain, std::string_view xml, std::string_view file);

// The domain without the disk that the XML names by its <target dev=>. Errc::kNotFound if it has
// none; Errc::kUnsupported for other devices.
Result<Domain> WithoutDevice(const Domain &domain, std::string_view xml, std::string_view file);

}  // namespace svirt
