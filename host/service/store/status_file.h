// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes and reads the status of a running domain.
#pragma once

#include <optional>
#include <string>

#include "host/hypervisor/running_domain.h"
#include "host/util/result.h"

namespace svirt {

// The text of the file that tells later commands what a running domain is.
std::string FormatStatus(const RunningDomain &running);

// file: for the error, Errc::kInvalid. One of another version is refused rather than misread.
Result<RunningDomain> ParseStatus(const std::string &text, const std::string &file);

// What a text that ParseStatus refuses still says of the process, be it cut off further down. Not
// to be believed without the process's own word: its start time has to be that one.
std::optional<ProcessId> SalvageProcess(const std::string &text);

}  // namespace svirt
