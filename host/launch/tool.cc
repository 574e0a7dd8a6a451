// SPDX-License-Identifier: LGPL-2.1-or-later
// Launches a tool, collects its output, and kills it when its time is over.
#include "host/launch/tool.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "host/launch/launch.h"
#include "host/util/fd.h"
#include "host/util/poll.h"

namespace svirt {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostOutput = 4u << 20;
constexpr size_t kMostErrors = 4096;

struct Pipe {
  Fd read, write;
};

Result<Pipe> OpenPipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    return SystemError(errno, "cannot make a pipe for a tool's output");
  }
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  // The tool's end waits as it expects.
  if (::fcntl(pipe.write.get(), F_SETFL, 0) != 0) {
    return SystemError(errno, "cannot prepare a pipe for a tool's output");
  }
  return pipe;
}

// Takes what there is, up to the most; closes the end when nobody writes any more.
void Drain(Fd *fd, std::string *text) {
  std::array<char, 16384> buffer;
  while (*fd && text->size() <= kMostOutput) {
    const ssize_t n = ::read(fd->get(), buffer.data(), buffer.size());
    if (n > 0) {
      text->append(buffer.data(), static_cast<size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      return;
    } else if (n == 0 || errno != EINTR) {
      fd->Reset();
    }
  }
}

Error Failed(const ToolCall &call, const std::string &why) {
  return Error{Errc::kSystem, call.program + " " + why + " and was killed"};
}

}  // namespace

Result<ToolAnswer> RunTool(const ToolCall &call) {
  SVIRT_ASSIGN(Pipe out, OpenPipe());
  SVIRT_ASSIGN(Pipe err, OpenPipe());
  LaunchSpec spec;
  spec.program = call.program;
  spec.argv = call.argv;
  spec.env = call.env;
  spec.cwd = call.cwd;
  spec.keep_privileges = true;
  spec.fds = {{out.write.get(), 1}, {err.write.get(), 2}};
  const Clock::time_point deadline = Clock::now() + call.timeout;
  SVIRT_ASSIGN(Child child, Launch(spec));
  out.write.Reset();
  err.write.Reset();
  ToolAnswer answer;
  for (bool ended = false; !ended;) {
    std::array<pollfd, 3> items = {
        pollfd{child.pidfd.get(), POLLIN, 0}, pollfd{out.read.get(), POLLIN, 0},
        pollfd{err.read.get(), POLLIN, 0}};  // poll skips those that are -1
    if (PollUntil(items.data(), items.size(), deadline) <= 0) {
      Kill(child);
      return Failed(call, "did not end within " + std::to_string(call.timeout.count()) + " ms");
    }
    ended = items[0].revents != 0;
    Drain(&out.read, &answer.out);
    Drain(&err.read, &answer.err);
    if (answer.err.size() > kMostErrors) {
      answer.err.erase(0, answer.err.size() - kMostErrors);
    }
    if (answer.out.size() > kMostOutput) {
      Kill(child);
      return Failed(call, "wrote more than " + std::to_string(kMostOutput) + " bytes");
    }
  }
  SVIRT_ASSIGN(answer.status, Wait(child));
  return answer;
}

}  // namespace svirt
