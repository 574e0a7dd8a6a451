// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes of one domain another that has one device more, or one less.
#pragma once

#include <string_view>

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// The domain with the device that the XML describes, as the last of its devices. All its devices
// have their names written down (PinDevices). The seclabels are those of the definition, not those
// a running domain was given. file names the text in errors. Errc::kExists: it has one that has
// the same target, name, address or path.
Result<Domain> WithDevice(const Domain &domain, std::string_view xml, std::string_view file);

// The domain without the one device that the XML means (see MatchDevices): a disk, interface,
// character device, memory device or device of the host. Errc::kNotFound if it has none such,
// kInvalid if more than one, kUnsupported for other devices.
Result<Domain> WithoutDevice(const Domain &domain, std::string_view xml, std::string_view file);

}  // namespace svirt
