// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds the dynamic loader of an emulator, which it needs the right to execute.
#pragma once

#include <svirt/plugin.h>

#include <string>

namespace svirt::landlock {

// The program that the kernel executes along with an ELF program (PT_INTERP: the dynamic loader);
// "" for a static one. fd is open for reading, path is for messages. SVIRT_E_DENIED for a script:
// its shell, and all that it calls, are not what was asked to be confined.
svirt_status FindInterpreter(int fd, const char *path, std::string *interpreter,
                             svirt_error *error);

}  // namespace svirt::landlock
