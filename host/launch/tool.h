// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs programs of the system, such as a toolstack's, and collects their output.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "host/util/result.h"

namespace svirt {

// A tool of the system that is run to its end.
struct ToolCall {
  std::string program;            // absolute path
  std::vector<std::string> argv;  // argv[0] included
  std::vector<std::string> env;   // complete environment, NAME=value
  std::string cwd = "/";
  std::chrono::milliseconds timeout = std::chrono::minutes(5);  // then it is killed
};

struct ToolAnswer {
  int status = -1;  // as a shell gives it: code, or 128 + signal
  std::string out;  // standard output, whole
  std::string err;  // the end of standard error
};

// Runs it without standard input, with the capabilities of this process. Returns when the tool has
// ended, also if what it left running keeps its output open. Errc::kSystem: it did not end in time,
// or wrote more than there is reason for.
Result<ToolAnswer> RunTool(const ToolCall &call);

}  // namespace svirt
