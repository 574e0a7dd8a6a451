// SPDX-License-Identifier: LGPL-2.1-or-later
// The one place where plugins are loaded, and who owns them then.
#pragma once

#include <svirt/plugin.h>

#include <boost/dll/shared_library.hpp>
#include <cstdint>

#include "host/loader/elf_image.h"
#include "host/loader/trust.h"
#include "host/util/result.h"

namespace svirt {

// An object that is mapped into this process, for good.
struct MappedObject {
  boost::dll::shared_library library;  // its owner; it stays mapped even without
  const svirt_plugin *table = nullptr;
  Status verdict;  // why there is no table
};

// Maps the verified file behind fd, which must stay open as long as the object does, and asks it
// for its table. The object is bound at once, kept to itself and never unmapped. serial: a number
// that this process has not used before. An error means that nothing was mapped; its sentence has
// no subject.
Result<MappedObject> MapObject(int fd, const FileIdentity &identity, uint32_t serial,
                               const ElfImage &image);

}  // namespace svirt
