// SPDX-License-Identifier: LGPL-2.1-or-later
// The check that qcow2 images need no file which the XML does not name.
#pragma once

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// Are the images of the disk what the XML says? A qcow2 image at the end of the chain must name no
// backing file, and one without <dataStore> no data file: QEMU is told that there is none, so the
// guest would read nonsense. Only images whose declared format is qcow2 are read, never a raw one,
// whose bytes are the guest's.
Status CheckImageHeaders(const Disk &disk);

}  // namespace svirt
