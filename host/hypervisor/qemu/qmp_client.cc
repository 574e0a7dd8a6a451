// SPDX-License-Identifier: LGPL-2.1-or-later
// Sends commands, and reads answers and events, all before a deadline.
#include "host/hypervisor/qemu/qmp_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "host/hypervisor/qemu/log_tail.h"
#include "host/util/end_request.h"
#include "host/util/poll.h"

namespace svirt {
namespace {

using nlohmann::json;
using Clock = QmpClient::Clock;

Error Broken(const std::string &what) {
  return Error{Errc::kSystem, "QEMU's monitor " + what};
}

Error TooLate() {
  return Error{Errc::kTimeout, "QEMU's monitor did not answer in time"};
}

// Waits until the socket is ready for events.
Status WaitFor(int fd, short events, bool ends_if_asked, Clock::time_point deadline) {
  pollfd item = {fd, events, 0};
  const int ready =
      ends_if_asked ? PollUnlessAskedToEnd(&item, 1, deadline) : PollUntil(&item, 1, deadline);
  if (ready < 0) {
    SVIRT_TRY(CheckNotAskedToEnd());
    return SystemError(errno, "cannot wait for QEMU's monitor");
  }
  return ready > 0 ? Status() : Status(TooLate());
}

ssize_t SendWithFd(int socket, const std::string &text, int fd) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  iovec data = {const_cast<char *>(text.data()), text.size()};  // only read
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return sendmsg(socket, &message, MSG_NOSIGNAL);
}

}  // namespace

Result<QmpClient> QmpClient::Open(Fd socket, Clock::time_point deadline) {
  const int flags = fcntl(socket.get(), F_GETFL);
  if (flags < 0 || fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return SystemError(errno, "cannot prepare the socket of QEMU's monitor");
  }
  QmpClient client(std::move(socket));
  SVIRT_ASSIGN(const json greeting, client.Receive(deadline));
  if (!greeting.contains("QMP")) {
    return Broken("did not greet as QMP does");
  }
  SVIRT_TRY(client.Call("qmp_capabilities", json::object(), deadline));
  return client;
}

Result<QmpClient> QmpClient::Connect(int dir_fd, const std::string &name, pid_t peer,
                                     Clock::time_point deadline) {
  const std::string path = "/proc/self/fd/" + std::to_string(dir_fd) + "/" + name;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{Errc::kInvalid, "the name of QEMU's monitor socket is too long: " + name};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) {
    return SystemError(errno, "cannot make a socket for QEMU's monitor");
  }
  // Non-blocking: with its backlog full QEMU would let us wait without end. EAGAIN says so.
  if (connect(socket.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) {
    const int err = errno;
    if (err == EAGAIN) {
      return Error{Errc::kTimeout, "QEMU's monitor does not answer those who wait at " + name, err};
    }
    if (err == ENOENT || err == ECONNREFUSED) {
      return Error{Errc::kNotFound, "QEMU's monitor does not listen at " + name, err};
    }
    return SystemError(err, "cannot connect to QEMU's monitor " + name);
  }
  if (peer > 0) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
      return SystemError(errno, "cannot tell who listens at QEMU's monitor socket");
    }
    if (credentials.pid != peer) {
      return Error{Errc::kRefused, "process " + std::to_string(credentials.pid) +
                                       " and not QEMU (" + std::to_string(peer) +
                                       ") listens at the monitor socket " + name +
                                       ": remove what made it"};
    }
  }
  return Open(std::move(socket), deadline);
}

Status QmpClient::Send(const std::string &text, int fd, Clock::time_point deadline) {
  for (size_t sent = 0; sent < text.size();) {
    const bool with_fd = fd >= 0 && sent == 0;
    const ssize_t n =
        with_fd ? SendWithFd(socket_.get(), text, fd)
                : send(socket_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      SVIRT_TRY(WaitFor(socket_.get(), POLLOUT, ends_if_asked_, deadline));
    } else if (errno != EINTR) {
      return SystemError(errno, "cannot send to QEMU's monitor");
    }
  }
  return {};
}

Result<std::string> QmpClient::ReadLine(Clock::time_point deadline) {
  for (;;) {
    if (const size_t end = buffer_.find('\n', scanned_); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      scanned_ = 0;
      return line;
    }
    scanned_ = buffer_.size();
    if (buffer_.size() > kMaxLine) {
      return Broken("sent a line of more than " + std::to_string(kMaxLine) + " bytes");
    }
    SVIRT_TRY(WaitFor(socket_.get(), POLLIN, ends_if_asked_, deadline));
    char chunk[65536];
    const ssize_t n = recv(socket_.get(), chunk, sizeof chunk, 0);
    if (n > 0) {
      buffer_.append(chunk, static_cast<size_t>(n));
    } else if (n == 0) {
      return Broken("was closed");
    } else if (errno != EINTR && errno != EAGAIN) {
      return SystemError(errno, "cannot read from QEMU's monitor");
    }
    // One that never pauses must not keep us here for ever.
    if (Clock::now() >= deadline) {
      return TooLate();
    }
  }
}

Result<json> QmpClient::Receive(Clock::time_point deadline) {
  if (!socket_) {
    return Broken("has failed before");
  }
  Result<std::string> line = ReadLine(deadline);
  if (!line) {
    if (line.error().code != Errc::kTimeout) {
      socket_.Reset();
    }
    return std::move(line).error();
  }
  json message = json::parse(*line, nullptr, /*allow_exceptions=*/false);
  if (!message.is_object()) {
    socket_.Reset();
    return Broken("sent what is not a JSON object");
  }
  return message;
}

void QmpClient::KeepEvent(json event) {
  if (events_.size() == kMaxEvents) {
    events_.pop_front();
  }
  events_.push_back(std::move(event));
}

Result<json> QmpClient::Call(const std::string &command, json arguments, Clock::time_point deadline,
                             int fd) {
  if (!socket_) {
    return Broken("has failed before");
  }
  const uint64_t id = ++last_id_;
  std::string text;
  try {
    json request = {{"execute", command}, {"id", id}};
    if (!arguments.empty()) {
      request["arguments"] = std::move(arguments);
    }
    text = request.dump() + "\n";
  } catch (const json::exception &) {
    return Error{Errc::kInvalid, "an argument of " + command + " is not UTF-8"};
  }
  if (Status sent = Send(text, fd, deadline); !sent) {
    socket_.Reset();  // a part may have been sent: nothing sensible can follow
    return std::move(sent).error();
  }
  for (;;) {
    Result<json> received = Receive(deadline);
    if (!received) {
      if (received.error().code == Errc::kTimeout) {
        return Error{Errc::kTimeout, "QEMU did not answer " + command + " in time"};
      }
      return std::move(received).error();
    }
    json &message = *received;
    if (message.contains("event")) {
      KeepEvent(std::move(message));
      continue;
    }
    if (message.value("id", json()) != json(id)) {
      continue;  // the late answer to a command that was given up
    }
    if (message.contains("return")) {
      return std::move(message["return"]);
    }
    const auto error = message.find("error");
    const bool described = error != message.end() && error->is_object() &&
                           error->contains("desc") && (*error)["desc"].is_string();
    const bool absent = described && error->value("class", json()) == "DeviceNotFound";
    return Error{absent ? Errc::kNotFound : Errc::kSystem,
                 "QEMU refused " + command + ": " +
                     (described ? OneLine((*error)["desc"].get<std::string>())
                                : std::string("it does not say why"))};
  }
}

Result<json> QmpClient::Execute(const std::string &command, json arguments,
                                std::chrono::milliseconds timeout) {
  return Call(command, std::move(arguments), Clock::now() + timeout);
}

Status QmpClient::PassFd(const std::string &name, const Fd &fd, std::chrono::milliseconds timeout) {
  const auto answer = Call("getfd", {{"fdname", name}}, Clock::now() + timeout, fd.get());
  return answer ? Status() : Status(answer.error());
}

Result<json> QmpClient::NextEvent(Clock::time_point deadline) {
  while (events_.empty()) {
    SVIRT_ASSIGN(json message, Receive(deadline));
    if (message.contains("event")) {
      KeepEvent(std::move(message));
    }
  }
  json event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace svirt
