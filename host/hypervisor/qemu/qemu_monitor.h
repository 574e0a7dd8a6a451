// SPDX-License-Identifier: LGPL-2.1-or-later
// The monitor of a domain's QEMU: how it is reached, and what it is asked.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "host/domain/domain.h"
#include "host/hypervisor/qemu/qmp_client.h"
#include "host/hypervisor/running_domain.h"
#include "host/launch/launch.h"
#include "host/util/result.h"

namespace svirt {

// A QEMU that has closed its monitor is about to end: how long that may take.
inline constexpr std::chrono::milliseconds kQemuEndInterval{2000};

// Waits until a QEMU that was just started answers. If it ends first: Errc::kSystem with the last
// lines of its log, but for the first log_start bytes, which are not its word. The child is not
// reaped here.
Result<QmpClient> WaitForMonitor(const DomainPlace &place, off_t log_start, const Child &child,
                                 std::chrono::milliseconds timeout);

// Of a domain that was started before. pid: of its QEMU, which must be the one that listens.
Result<QmpClient> ConnectMonitor(const std::string &run_dir, pid_t pid,
                                 QmpClient::Clock::time_point deadline);

// Asks the guest for the part of its memory that <currentMemory> leaves out.
Status SetMemory(QmpClient &monitor, const Domain &domain);
// Lets the guest run; it is started paused.
Status Resume(QmpClient &monitor);
// "prelaunch", "running", "paused", "shutdown", ...: RunState of QMP.
Result<std::string> QueryStatus(QmpClient &monitor,
                                std::chrono::milliseconds timeout = std::chrono::seconds(10));

}  // namespace svirt
