// SPDX-License-Identifier: LGPL-2.1-or-later
// Numbers and sizes as the XML writes them.
#pragma once

#include <cstdint>
#include <string_view>

#include "host/util/result.h"

namespace svirt {

// A decimal number, or a hexadecimal one after 0x; nothing else around it. The sentence of an error
// starts with the quoted text.
Result<uint64_t> ParseUnsigned(std::string_view text, uint64_t max);

// A number of libvirt's unit in bytes: b, bytes; KB, MB, ... powers of 1000; k, KiB, M, MiB, ...
// powers of 1024, up to EB and EiB, in any case. unit "" means default_unit.
Result<uint64_t> ParseBytes(std::string_view number, std::string_view unit,
                            std::string_view default_unit);

}  // namespace svirt
