// SPDX-License-Identifier: LGPL-2.1-or-later
// Locks are waited for within a time, and whoever holds one is named.
#include "host/util/file_lock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "host/util/end_request.h"
#include "host/util/file.h"
#include "host/util/pidfd.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

class FileLockTest : public testing::Test {
 protected:
  FileLockTest() {
    std::string pattern = (fs::temp_directory_path() / "svirt-lock-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
    path_ = dir_ + "/lock";
  }
  ~FileLockTest() override {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    fs::remove_all(dir_);
  }

  // A process that does this first, and then nothing.
  void Fork(const std::function<bool()> &first) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    child_ = ::fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) {
      const char done = first() ? 'y' : 'n';
      [[maybe_unused]] const ssize_t n = ::write(pipe[1], &done, 1);
      for (;;) ::pause();
    }
    char done = 0;
    ASSERT_EQ(::read(pipe[0], &done, 1), 1);
    EXPECT_EQ(done, 'y');
    ::close(pipe[0]);
    ::close(pipe[1]);
  }
  void HoldElsewhere() {
    Fork([&] { return LockFile(path_, 0ms).value().Release() >= 0; });
  }

  std::string dir_, path_;
  pid_t child_ = -1;
};

TEST_F(FileLockTest, WaitingEndsWithWhoHoldsIt) {
  HoldElsewhere();
  const auto begin = steady_clock::now();
  const auto lock = LockFile(path_, 150ms);
  const auto took = steady_clock::now() - begin;
  ASSERT_FALSE(lock.ok());
  EXPECT_EQ(lock.error().code, Errc::kConflict);
  EXPECT_THAT(lock.error().message, HasSubstr("process " + std::to_string(child_) + " (util_test"));
  EXPECT_THAT(lock.error().message, HasSubstr("has held the lock " + path_ + " since 20"));
  EXPECT_GE(took, 150ms);
  EXPECT_LT(took, 10s);
}

TEST_F(FileLockTest, OneThatIsStoppedIsToldAsThat) {
  HoldElsewhere();
  ASSERT_EQ(::kill(child_, SIGSTOP), 0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child_), &info, WSTOPPED | WNOWAIT), 0);
  EXPECT_THAT(
      LockFile(path_, 0ms).error().message,
      HasSubstr("which is stopped and goes on after 'kill -CONT " + std::to_string(child_) + "'"));
}

TEST_F(FileLockTest, ItIsTakenAsSoonAsItsHolderDies) {
  HoldElsewhere();
  std::thread killer([&] {
    std::this_thread::sleep_for(50ms);
    ::kill(child_, SIGKILL);
  });
  EXPECT_TRUE(LockFile(path_, 10s).ok());
  killer.join();
}

TEST_F(FileLockTest, AnotherThreadOfThisProcessMayHoldIt) {
  const auto lock = LockFile(path_, 0ms);
  ASSERT_TRUE(lock.ok());
  EXPECT_THAT(LockFile(path_, 0ms).error().message,
              HasSubstr("process " + std::to_string(::getpid())));
}

// A name that has been given to another file meanwhile, and one that nobody holds.
TEST_F(FileLockTest, NobodyIsBlamedForAnotherFile) {
  HoldElsewhere();
  EXPECT_EQ(FindLockHolder(path_, LockKind::kFlock)->pid, child_);
  EXPECT_FALSE(FindLockHolder(path_, LockKind::kPosix));
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/other", "", 0600).ok());
  EXPECT_FALSE(FindLockHolder(dir_ + "/other", LockKind::kFlock));
  EXPECT_FALSE(FindLockHolder(dir_ + "/none", LockKind::kFlock));
}

TEST_F(FileLockTest, FindsWhoHoldsAPosixLock) {
  Fork([&] {
    const int fd = ::open(path_.c_str(), O_RDWR | O_CREAT, 0600);
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_start = 120;
    range.l_len = 1;
    return ::fcntl(fd, F_SETLK, &range) == 0;
  });
  const auto holder = FindLockHolder(path_, LockKind::kPosix);
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->pid, child_);
  EXPECT_THAT(holder->command, HasSubstr("util_test"));
}

TEST_F(FileLockTest, ALinkIsNotFollowed) {
  fs::create_symlink(dir_ + "/elsewhere", path_);
  EXPECT_FALSE(LockFile(path_, 0ms).ok());
  EXPECT_FALSE(fs::exists(dir_ + "/elsewhere"));
}

// In a process of its own, since signals are the process's.
TEST_F(FileLockTest, ASignalThatTheCallerBlocksEndsTheWait) {
  const auto lock = LockFile(path_, 0ms);
  ASSERT_TRUE(lock.ok());
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    Fork([&] {
      sigset_t set;
      ::sigemptyset(&set);
      ::sigaddset(&set, signal);
      ::sigprocmask(SIG_BLOCK, &set, nullptr);
      ::raise(signal);
      const auto begin = steady_clock::now();
      const auto taken = LockFile(path_, 20s);
      const bool soon = steady_clock::now() - begin < 5s;
      const bool was_asked = IsAskedToEnd();
      // What is ignored says nothing, though the kernel keeps it while it is blocked.
      ::signal(signal, SIG_IGN);
      ::raise(signal);
      sigset_t waiting;
      ::sigpending(&waiting);
      return !taken.ok() && soon && taken.error().message.ends_with("ended by a signal") &&
             was_asked && ::sigismember(&waiting, signal) == 1 && !IsAskedToEnd();
    });
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
  }
}

// One that it does not block ends the process as everywhere.
TEST_F(FileLockTest, ASignalEndsTheProcessThatWaits) {
  const auto lock = LockFile(path_, 0ms);
  ASSERT_TRUE(lock.ok());
  for (const int signal : {SIGTERM, SIGINT}) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      ::signal(signal, SIG_DFL);
      [[maybe_unused]] const auto taken = LockFile(path_, 30s);
      ::_exit(1);
    }
    std::this_thread::sleep_for(100ms);
    const auto begin = steady_clock::now();
    ASSERT_EQ(::kill(pid, signal), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_LT(steady_clock::now() - begin, 5s);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << status;
  }
}

}  // namespace
}  // namespace svirt
