// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds QEMU's monitor in the run directory of its domain.
#include "host/hypervisor/qemu/qemu_monitor.h"

#include <fcntl.h>

#include <cerrno>

#include "host/hypervisor/qemu/log_tail.h"
#include "host/hypervisor/qemu/qemu_command.h"
#include "host/util/end_request.h"
#include "host/util/fd.h"
#include "host/util/pidfd.h"

namespace svirt {
namespace {

using nlohmann::json;

constexpr auto kPollInterval = std::chrono::milliseconds(20);

Error EndedEarly(const DomainPlace &place, off_t log_start) {
  const std::string tail = LogTail(place.log_path, log_start);
  return Error{Errc::kSystem,
               "QEMU ended before its monitor answered" +
                   (tail.empty() ? "; it wrote nothing to " + place.log_path : ": " + tail)};
}

Result<Fd> OpenRunDir(const std::string &run_dir) {
  Fd fd(open(run_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    return SystemError(errno, "cannot open the run directory " + run_dir);
  }
  return fd;
}

}  // namespace

Result<QmpClient> WaitForMonitor(const DomainPlace &place, off_t log_start, const Child &child,
                                 std::chrono::milliseconds timeout) {
  const auto deadline = QmpClient::Clock::now() + timeout;
  SVIRT_ASSIGN(const Fd run_dir, OpenRunDir(place.run_dir));
  for (;;) {
    SVIRT_TRY(CheckNotAskedToEnd());
    Result<QmpClient> monitor =
        QmpClient::Connect(run_dir.get(), QemuPaths().monitor, child.pid, deadline);
    if (monitor) {
      return monitor;
    }
    // The monitor exists before QEMU has set up its machine: it may accept us and end then.
    const bool not_yet =
        monitor.error().code == Errc::kNotFound || monitor.error().code == Errc::kTimeout;
    if (PidfdEndsWithin(child.pidfd, not_yet ? kPollInterval : kQemuEndInterval)) {
      return EndedEarly(place, log_start);
    }
    if (!not_yet) {
      return monitor;
    }
    if (QmpClient::Clock::now() >= deadline) {
      return Error{Errc::kTimeout, "QEMU's monitor did not answer within " +
                                       std::to_string(timeout.count()) + " ms"};
    }
  }
}

Result<QmpClient> ConnectMonitor(const std::string &run_dir, pid_t pid,
                                 QmpClient::Clock::time_point deadline) {
  SVIRT_ASSIGN(const Fd dir, OpenRunDir(run_dir));
  return QmpClient::Connect(dir.get(), QemuPaths().monitor, pid, deadline);
}

Status SetMemory(QmpClient &monitor, const Domain &domain) {
  if (domain.current_memory_bytes == 0 || domain.current_memory_bytes == domain.memory_bytes) {
    return {};
  }
  const Result<json> answer = monitor.Execute("balloon", {{"value", domain.current_memory_bytes}});
  return answer ? Status() : Status(answer.error());
}

Status Resume(QmpClient &monitor) {
  const Result<json> answer = monitor.Execute("cont");
  return answer ? Status() : Status(answer.error());
}

Result<std::string> QueryStatus(QmpClient &monitor, std::chrono::milliseconds timeout) {
  SVIRT_ASSIGN(const json answer, monitor.Execute("query-status", json::object(), timeout));
  const auto status = answer.is_object() ? answer.find("status") : answer.end();
  if (status == answer.end() || !status->is_string()) {
    return Error{Errc::kSystem, "QEMU's answer to query-status has no status"};
  }
  return OneLine(status->get<std::string>());
}

}  // namespace svirt
