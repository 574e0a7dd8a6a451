// SPDX-License-Identifier: MIT
// Keeps the tests of svirt-validate apart from each other.
#pragma once

#include "plugins/sdk/tools/validate_case.h"

namespace svirt::validate {

// Runs one test in a child process. A crash or no end within timeout_ms is a failure.
Verdict RunInChild(const Case &test, const Subject &subject, int timeout_ms);

}  // namespace svirt::validate
