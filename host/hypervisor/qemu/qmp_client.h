// SPDX-License-Identifier: LGPL-2.1-or-later
// The connection to one QEMU's monitor.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// QEMU's machine protocol (QMP) over a unix socket. The other side may be an emulator that its
// guest has taken over, so nothing it sends is trusted: lines, events and waiting are all bounded.
// One thread at a time.
class QmpClient {
 public:
  using Clock = std::chrono::steady_clock;

  // Longest line taken from QEMU; the longest it has reason to send is query-qmp-schema's.
  static constexpr size_t kMaxLine = size_t{4} << 20;
  // Events kept for NextEvent; the oldest are dropped.
  static constexpr size_t kMaxEvents = 1024;

  // Speaks over a connected stream socket: waits for the greeting and negotiates capabilities.
  static Result<QmpClient> Open(Fd socket, Clock::time_point deadline);

  // Connects to the socket name in the directory. Going through the directory's descriptor, the
  // path may be longer than a socket address. Errc::kNotFound: nobody listens there (yet);
  // kTimeout: who listens does not answer.
  // peer (if positive): the process that must have made the socket, or kRefused.
  static Result<QmpClient> Connect(int dir_fd, const std::string &name, pid_t peer,
                                   Clock::time_point deadline);

  // Until this is called every wait ends if this thread IsAskedToEnd (end_request.h). What follows
  // is not to be left half done.
  void GoOnIfAsked() { ends_if_asked_ = false; }

  // Runs one command and returns its "return" value. QEMU's own error is Errc::kSystem with its
  // description, or kNotFound if it has no such device; kTimeout: it did not answer. Events that
  // come meanwhile are kept. After a failure of the connection itself every call fails.
  Result<nlohmann::json> Execute(const std::string &command,
                                 nlohmann::json arguments = nlohmann::json::object(),
                                 std::chrono::milliseconds timeout = std::chrono::seconds(10));

  // Gives QEMU a copy of the descriptor, under a name for the arguments of later commands. One it
  // has by that name is replaced.
  Status PassFd(const std::string &name, const Fd &fd,
                std::chrono::milliseconds timeout = std::chrono::seconds(10));

  // The next event, waiting for one until the deadline. Errc::kTimeout: none came in time;
  // kSystem: QEMU has closed the connection.
  Result<nlohmann::json> NextEvent(Clock::time_point deadline);

 private:
  explicit QmpClient(Fd socket) : socket_(std::move(socket)) {}

  // fd: goes with the first byte; -1 for none.
  Status Send(const std::string &text, int fd, Clock::time_point deadline);
  // The next message of any kind.
  Result<nlohmann::json> Receive(Clock::time_point deadline);
  Result<std::string> ReadLine(Clock::time_point deadline);
  Result<nlohmann::json> Call(const std::string &command, nlohmann::json arguments,
                              Clock::time_point deadline, int fd = -1);
  void KeepEvent(nlohmann::json event);

  Fd socket_;
  bool ends_if_asked_ = true;
  std::string buffer_;  // received and not yet returned
  size_t scanned_ = 0;  // bytes of buffer_ known to have no newline
  std::deque<nlohmann::json> events_;
  uint64_t last_id_ = 0;
};

}  // namespace svirt
