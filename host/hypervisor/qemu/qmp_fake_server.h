// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests: a monitor that answers by a script.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "host/util/fd.h"

namespace svirt {

inline constexpr char kGreeting[] = R"({"QMP": {"version": {}, "capabilities": []}})";

// The far end of a socket pair, played by a script in a thread.
class FakeServer {
 public:
  explicit FakeServer(std::function<void(FakeServer &)> script) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    client_.Reset(ends[0]);
    server_.Reset(ends[1]);
    thread_ = std::thread([this, script = std::move(script)] {
      script(*this);
      server_.Reset();
    });
  }
  ~FakeServer() { thread_.join(); }
  FakeServer(const FakeServer &) = delete;
  FakeServer &operator=(const FakeServer &) = delete;

  Fd TakeClient() { return std::move(client_); }
  void Write(const std::string &text) const {
    for (size_t sent = 0; sent < text.size();) {
      const ssize_t n = send(server_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) {
        return;  // the client has given up
      }
      sent += static_cast<size_t>(n);
    }
  }
  void Line(const std::string &text) const { Write(text + "\r\n"); }
  // The next request; null when the client is gone.
  nlohmann::json Read() {
    size_t end = 0;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      char chunk[4096];
      const ssize_t n = Receive(chunk, sizeof chunk);
      if (n <= 0) {
        return nullptr;
      }
      buffer_.append(chunk, static_cast<size_t>(n));
    }
    nlohmann::json request = nlohmann::json::parse(buffer_.substr(0, end));
    buffer_.erase(0, end + 1);
    return request;
  }
  // The descriptor that came last, once; none if none came.
  Fd TakeFd() { return std::move(fd_); }
  void Return(const nlohmann::json &request, const nlohmann::json &value) const {
    Line(nlohmann::json{{"return", value}, {"id", request.at("id")}}.dump());
  }
  void Greet() {
    Line(kGreeting);
    const nlohmann::json request = Read();
    EXPECT_EQ(request.value("execute", ""), "qmp_capabilities");
    Return(request, nlohmann::json::object());
  }

 private:
  ssize_t Receive(char *chunk, size_t size) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    iovec data = {chunk, size};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t n = recvmsg(server_.get(), &message, MSG_CMSG_CLOEXEC);
    const cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
      fd_.Reset(fd);
    }
    return n;
  }

  Fd client_, server_, fd_;
  std::string buffer_;
  std::thread thread_;
};

}  // namespace svirt
