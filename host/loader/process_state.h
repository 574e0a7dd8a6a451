// SPDX-License-Identifier: LGPL-2.1-or-later
// Detects what a plugin has changed in its process.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace svirt {

// What the whole process shares and a plugin must leave alone (rule 5 of the plugin ABI), as text
// that can be compared and shown.
using ProcessState = std::map<std::string, std::string>;

// Changes the umask for an instant, so for single-threaded helpers only.
ProcessState CaptureProcessState();

// One sentence part for each difference: "changes the working directory from / to /tmp". New
// descriptors count if they are not close-on-exec.
std::vector<std::string> CompareProcessState(const ProcessState &before, const ProcessState &after);

// Number of open descriptors of this process.
size_t CountDescriptors();

}  // namespace svirt
