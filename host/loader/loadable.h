// SPDX-License-Identifier: LGPL-2.1-or-later
// Decides whether a shared object may be loaded at all.
#pragma once

#include "host/loader/elf_image.h"
#include "host/util/result.h"

namespace svirt {

// Is it fit to be loaded into this process, as far as its headers tell? Errc::kRefused if not; the
// sentence has no subject.
Status CheckLoadable(const ElfImage &image);

}  // namespace svirt
