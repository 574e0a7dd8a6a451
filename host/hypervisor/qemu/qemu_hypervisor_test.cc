// SPDX-License-Identifier: LGPL-2.1-or-later
// A running domain whose QEMU is a process that listens at its monitor and then does what it must
// not do.
#include "host/hypervisor/qemu/qemu_hypervisor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>

#include "host/hypervisor/qemu/qemu_command.h"
#include "host/hypervisor/qemu/qemu_test_support.h"
#include "host/hypervisor/qemu/qmp_fake_server.h"
#include "host/util/process.h"

namespace svirt {
namespace {

using testing::HasSubstr;

class QemuHypervisorTest : public testing::Test {
 protected:
  enum class Qemu { kEndsWhenAsked, kClosesWhenAsked, kNeverAnswers, kLosesItsMainThread };

  ~QemuHypervisorTest() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  void Run(Qemu behaviour) {
    const Fd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir_.path().c_str(),
                  QemuPaths().monitor.c_str());
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      listen(listener.get(), 1);  // by the process that SO_PEERCRED is to name
      close(write_end.get());
      Play(listener.get(), behaviour);
    }
    write_end.Reset();
    char none = 0;
    ASSERT_EQ(read(read_end.get(), &none, 1), 0) << "it listens now";
    const auto process = IdentifyProcess(pid_);
    ASSERT_TRUE(process.ok()) << process.error().message;
    running_.process = *process;
    place_.run_dir = dir_.path();
  }

  // Nothing but system calls: it is the child of a process that may have threads.
  [[noreturn]] static void Play(int listener, Qemu behaviour) {
    if (behaviour == Qemu::kNeverAnswers) {
      pause();
    }
    if (behaviour == Qemu::kLosesItsMainThread) {
      std::thread([] { pause(); }).detach();
      syscall(SYS_exit, 0);
    }
    const int peer = accept(listener, nullptr, nullptr);
    send(peer, kGreeting, std::strlen(kGreeting), MSG_NOSIGNAL);
    send(peer, "\n", 1, MSG_NOSIGNAL);
    pollfd asked = {peer, POLLIN, 0};
    poll(&asked, 1, 10000);
    // What was not read makes this a reset for the other side.
    close(peer);
    if (behaviour == Qemu::kClosesWhenAsked) {
      pause();
    }
    _exit(0);
  }

  QemuTempDir dir_;
  QemuHypervisor qemu_;
  RunningDomain running_;
  DomainPlace place_;
  pid_t pid_ = -1;
};

TEST_F(QemuHypervisorTest, OneThatEndsWhileItIsAskedIsShutOff) {
  Run(Qemu::kEndsWhenAsked);
  const auto state = qemu_.State(running_, place_, kAnswerTime);
  ASSERT_TRUE(state.ok()) << state.error().message;
  EXPECT_EQ(*state, DomainState::kShutOff);
}

TEST_F(QemuHypervisorTest, OneThatOnlyClosesItsMonitorIsNot) {
  Run(Qemu::kClosesWhenAsked);
  const auto state = qemu_.State(running_, place_, kAnswerTime);
  ASSERT_FALSE(state.ok());
  EXPECT_THAT(state.error().message, HasSubstr("monitor"));
}

TEST_F(QemuHypervisorTest, OneThatDoesNotAnswerIsWaitedForAsLongAsTheCallerWants) {
  Run(Qemu::kNeverAnswers);
  const auto begin = std::chrono::steady_clock::now();
  const auto state = qemu_.State(running_, place_, std::chrono::milliseconds(300));
  const auto time = std::chrono::steady_clock::now() - begin;
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().code, Errc::kTimeout);
  EXPECT_THAT(state.error().message, HasSubstr("did not answer"));
  EXPECT_GE(time, std::chrono::milliseconds(300));
  EXPECT_LT(time, std::chrono::seconds(5));
}

TEST_F(QemuHypervisorTest, OneThatHasLostItsMonitorIsNotTakenForOneThatDoesNotAnswer) {
  Run(Qemu::kNeverAnswers);
  ASSERT_EQ(unlink((dir_.path() + "/" + QemuPaths().monitor).c_str()), 0);
  const auto state = qemu_.State(running_, place_, kAnswerTime);
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().code, Errc::kNotFound);
  EXPECT_THAT(state.error().message, HasSubstr("does not listen"));
}

TEST_F(QemuHypervisorTest, OneWithoutItsMainThreadRunsUntilItIsEnded) {
  Run(Qemu::kLosesItsMainThread);
  for (int tries = 0; tries < 1000 && !HasLostItsMainThread(running_.process); ++tries) {
    usleep(10000);
  }
  EXPECT_TRUE(*qemu_.IsAlive(running_));
  const auto state = qemu_.State(running_, place_, kAnswerTime);
  ASSERT_TRUE(state.ok()) << state.error().message;
  EXPECT_EQ(*state, DomainState::kRunning);
  ASSERT_TRUE(qemu_.End(running_).ok());
  EXPECT_FALSE(*qemu_.IsAlive(running_));
  siginfo_t info{};
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT), 0);
  EXPECT_EQ(info.si_pid, pid_) << "with all its threads";
}

TEST_F(QemuHypervisorTest, OneThatNeverWasHasEnded) {
  EXPECT_TRUE(qemu_.End(running_).ok());
}

TEST_F(QemuHypervisorTest, OneThatCannotBeReachedIsNotTakenForEnded) {
  Run(Qemu::kClosesWhenAsked);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const Status ended = qemu_.End(running_);
  const auto state = qemu_.State(running_, place_, kAnswerTime);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(ended.ok());
  EXPECT_FALSE(state.ok());
  EXPECT_EQ(waitpid(pid_, nullptr, WNOHANG), 0) << "it runs";

  EXPECT_TRUE(qemu_.End(running_).ok());
  EXPECT_TRUE(qemu_.End(running_).ok()) << "again is no error";
  const auto after = qemu_.State(running_, place_, kAnswerTime);
  ASSERT_TRUE(after.ok()) << after.error().message;
  EXPECT_EQ(*after, DomainState::kShutOff);
}

}  // namespace
}  // namespace svirt
