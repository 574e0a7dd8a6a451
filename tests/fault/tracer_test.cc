// SPDX-License-Identifier: LGPL-2.1-or-later
// The tracer strikes where it says it does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>

#include "host/labels/testing/fake_model.h"
#include "tests/fault/tracer.h"

namespace svirt::fault {
namespace {

class TracerTest : public testing::Test {
 protected:
  // Once without tracing, so that later times find the memory they need.
  void SetUp() override {
    MakeFiles();
    for (const char *name : {"a", "b", "c"}) {
      ASSERT_EQ(::rmdir((dir_ / name).c_str()), 0);
    }
  }
  // Makes three files, one after the other; the result is the number of those it could not make.
  int MakeFiles() {
    int failed = 0;
    for (const char *name : {"a", "b", "c"}) {
      failed += ::mkdir((dir_ / name).c_str(), 0700) == 0 ? 0 : 1;
    }
    return failed;
  }
  // The place of the second of the calls, from 1. There may be others around them: sanitizers make
  // calls of their own.
  static uint64_t SecondMkdir(const Outcome &outcome) {
    const auto begin = outcome.numbers.begin(), end = outcome.numbers.end();
    const auto second = std::find(std::find(begin, end, SYS_mkdir) + 1, end, SYS_mkdir);
    return static_cast<uint64_t>(second - begin) + 1;
  }
  bool Exists(const char *name) { return ::access((dir_ / name).c_str(), F_OK) == 0; }

  fake::TempDir dir_;
};

TEST_F(TracerTest, CountsWithoutStriking) {
  const auto outcome = Trace([this] { return MakeFiles(); }, {});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome->status, 0);
  EXPECT_EQ(outcome->struck, -1);
  EXPECT_EQ(std::count(outcome->numbers.begin(), outcome->numbers.end(), SYS_mkdir), 3);
  EXPECT_EQ(outcome->numbers.back(), SYS_exit_group);
  EXPECT_EQ(outcome->calls, outcome->numbers.size());
}

TEST_F(TracerTest, KillsBeforeTheCall) {
  const auto counted = Trace([this] { return MakeFiles(); }, {});
  ASSERT_TRUE(counted.ok());
  for (const char *name : {"a", "b", "c"}) {
    ASSERT_EQ(::rmdir((dir_ / name).c_str()), 0);
  }
  const auto outcome =
      Trace([this] { return MakeFiles(); }, {Strike::Action::kKill, SecondMkdir(*counted), 0});
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(WIFSIGNALED(outcome->status) && WTERMSIG(outcome->status) == SIGKILL);
  EXPECT_EQ(CallName(outcome->struck), "mkdir");
  EXPECT_TRUE(Exists("a"));
  EXPECT_FALSE(Exists("b"));
}

TEST_F(TracerTest, MakesOneCallFail) {
  const auto counted = Trace([this] { return MakeFiles(); }, {});
  ASSERT_TRUE(counted.ok());
  for (const char *name : {"a", "b", "c"}) {
    ASSERT_EQ(::rmdir((dir_ / name).c_str()), 0);
  }
  const auto outcome =
      Trace([this] { return MakeFiles(); }, {Strike::Action::kFail, SecondMkdir(*counted), 0});
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(WIFEXITED(outcome->status));
  EXPECT_EQ(WEXITSTATUS(outcome->status), 1);
  EXPECT_EQ(outcome->error, ENOSPC);
  EXPECT_TRUE(Exists("a") && Exists("c"));
  EXPECT_FALSE(Exists("b"));
}

TEST_F(TracerTest, CountsOnlyCallsOfOneNameOrFromOneOn) {
  const Strike second{.action = Strike::Action::kKill, .call = 2, .only = CallNumber("mkdir")};
  auto outcome = Trace([this] { return MakeFiles(); }, second);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->struck, SYS_mkdir);
  EXPECT_TRUE(Exists("a"));
  EXPECT_FALSE(Exists("b"));
  ASSERT_EQ(::rmdir((dir_ / "a").c_str()), 0);
  const Strike from_third{
      .action = Strike::Action::kKill, .call = 1, .since = CallNumber("mkdir"), .since_count = 3};
  outcome = Trace([this] { return MakeFiles(); }, from_third);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->struck, SYS_mkdir);
  EXPECT_TRUE(Exists("b"));
  EXPECT_FALSE(Exists("c"));
}

TEST_F(TracerTest, ThreadsBelongToTheProcess) {
  const auto outcome = Trace(
      [this] {
        std::thread([this] { MakeFiles(); }).join();
        return 0;
      },
      {});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome->status, 0);
  EXPECT_EQ(std::count(outcome->numbers.begin(), outcome->numbers.end(), SYS_mkdir), 3);
}

TEST_F(TracerTest, FollowsChildrenIfItIsTold) {
  for (const bool follow : {false, true}) {
    const auto outcome = Trace(
        [] {
          const pid_t pid = ::fork();
          if (pid == 0) {
            ::kill(::getppid(), 0);
            ::_exit(0);
          }
          int status = -1;
          ::waitpid(pid, &status, 0);
          return status;
        },
        {}, {.follow = follow});
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->status, 0);
    EXPECT_EQ(std::count(outcome->numbers.begin(), outcome->numbers.end(), SYS_kill),
              follow ? 1 : 0);
  }
}

}  // namespace
}  // namespace svirt::fault
