// SPDX-License-Identifier: LGPL-2.1-or-later
// What this process has mapped. The only global of the host: several loaders, of several
// libraries, may live in one process and must not map or lock the same plugin twice.
#pragma once

#include <svirt/plugin.h>

#include <memory>
#include <string>
#include <vector>

#include "host/loader/elf_image.h"
#include "host/loader/loader.h"
#include "host/loader/note.h"
#include "host/loader/plugin.h"
#include "host/loader/trust.h"
#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// A plugin that is mapped and whose table has been found sound. Lives as long as the process.
struct LoadedObject {
  const svirt_plugin *table = nullptr;
  std::shared_ptr<PluginGate> gate;
};

// Maps the verified file, unless it is mapped already, and checks table against note. Errors have
// no subject. From any thread.
Result<LoadedObject> LoadOnce(Fd file, const FileIdentity &identity, const std::string &path,
                              const ElfImage &image, const Note &note);

// Is this very file mapped and sound?
bool IsLoaded(const FileIdentity &identity);

// Remembers for LoadedPlugins() what became of a loaded file.
void RecordState(const FileIdentity &identity, CandidateState state, const std::string &reason);

}  // namespace svirt
