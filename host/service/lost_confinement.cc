// SPDX-License-Identifier: LGPL-2.1-or-later
// Compares what the kernel says of a domain's processes now with what it said at the start.
#include "host/service/lost_confinement.h"

namespace svirt {

std::optional<Error> LostConfinement(const RunningDomain &running,
                                     const std::vector<ProcessId> &others) {
  if (running.attribute.empty() || running.id >= 0) {
    return std::nullopt;
  }
  std::vector<ProcessId> processes = others;
  processes.push_back(running.process);
  for (const ProcessId &process : processes) {
    const std::string now = SecurityAttribute(process.pid);
    if (!now.empty() && now != running.attribute && IsRunning(process)) {
      return Error{Errc::kRefused,
                   "process " + std::to_string(process.pid) + " of domain " + running.domain.name +
                       " was started under " + running.attribute + " and runs under " + now +
                       " now: its policy was removed or replaced. It is not confined as it should "
                       "be: end it ('svirt destroy " +
                       running.domain.name + "'), and start it again"};
    }
  }
  return std::nullopt;
}

}  // namespace svirt
