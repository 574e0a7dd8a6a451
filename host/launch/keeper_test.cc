// SPDX-License-Identifier: LGPL-2.1-or-later
// With a keeper, everything that a program has started ends with it, and is out of others' reach.
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "host/launch/find_wall.h"
#include "host/launch/launch_test_support.h"
#include "host/util/pidfd.h"

namespace svirt {
namespace {

using std::chrono::seconds;

// As whoever runs the test: namespaces by privilege, or in a user namespace.
class KeeperTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string keeper =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "keeper/svirt-keeper";
    auto found = FindWall({.keeper = keeper, .without = {}, .required = true});
    if (!found.ok()) {
      GTEST_SKIP() << found.error().message;
    }
    wall_ = found->wall;
  }

  LaunchSpec Shell(const std::string &script) {
    LaunchSpec spec = Spec("/bin/sh", {"-c", script});
    spec.wall = wall_;
    spec.announce_keeper = [this](pid_t pid) -> Status {
      keeper_ = pid;
      return {};
    };
    return spec;
  }

  // A file that the script makes, with the number by which this process knows the one that the
  // script means: the one that has the file open.
  static pid_t Opener(const std::string &path) {
    for (int tries = 0; tries < 1000; ++tries) {
      for (const auto &entry : std::filesystem::directory_iterator("/proc")) {
        std::error_code error;
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") == std::string::npos &&
            std::filesystem::read_symlink(entry.path() / "fd/9", error) == path) {
          return std::stoi(name);
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return -1;
  }

  TempDir dir_;
  Wall wall_;
  pid_t keeper_ = -1;
};

TEST_F(KeeperTest, TellsHowTheProgramEnded) {
  for (const auto &[script, status] :
       {std::pair{"exit 0", 0}, {"exit 7", 7}, {"kill -TERM $$; sleep 9", 128 + SIGTERM}}) {
    auto child = Launch(Shell(script));
    ASSERT_TRUE(child.ok()) << child.error().message;
    EXPECT_NE(child->pid, keeper_);
    const auto ended = Wait(*child);
    ASSERT_TRUE(ended.ok());
    EXPECT_EQ(*ended, status) << script;
  }
}

TEST_F(KeeperTest, WhatTheProgramLeavesRunningEndsWithIt) {
  const std::string file = dir_ / "left";
  // Forked twice, in a session of its own, deaf to signals: nobody's child, nobody's group.
  auto child = Launch(Shell("(setsid sh -c 'trap \"\" TERM HUP INT; exec 9>" + file +
                            "; sleep 600' &) & sleep 600"));
  ASSERT_TRUE(child.ok()) << child.error().message;
  const pid_t left = Opener(file);
  ASSERT_GT(left, 0);
  const Fd held = PidfdOpen(left);
  ASSERT_TRUE(held);
  EXPECT_FALSE(PidfdEndsWithin(held, std::chrono::milliseconds(0)));
  child->watch.Reset();
  ASSERT_TRUE(PidfdSignal(child->pidfd, SIGKILL));
  ASSERT_TRUE(PidfdEndsWithin(child->keeper, seconds(10)));
  // The end of the keeper is the proof: nothing may be left when it shows.
  EXPECT_TRUE(PidfdEndsWithin(held, std::chrono::milliseconds(0)));
  EXPECT_EQ(*Wait(*child), 128 + SIGKILL);
}

TEST_F(KeeperTest, TheProgramEndsWithItsKeeper) {
  auto child = Launch(Shell("sleep 600"));
  ASSERT_TRUE(child.ok()) << child.error().message;
  ASSERT_TRUE(PidfdSignal(child->keeper, SIGKILL));
  EXPECT_TRUE(PidfdEndsWithin(child->pidfd, seconds(10)));
  Kill(*child);
}

// Signals of the program do not reach process 1 of its namespace, whoever's it is.
TEST_F(KeeperTest, TheProgramReachesNeitherItsKeeperNorOthers) {
  auto output = RunToEnd(Shell("kill -KILL 1; kill -TERM 1; kill -0 " + std::to_string(getpid()) +
                               " 2>&1 || echo alone; cat /proc/1/mem 2>&1 >/dev/null; exit 3"));
  EXPECT_EQ(output.status, 3);
  EXPECT_NE(output.text.find("alone"), std::string::npos) << output.text;
}

TEST_F(KeeperTest, SystemVObjectsOfOthersAreNotThere) {
  const int id = ::shmget(0x73766972, 4096, IPC_CREAT | 0666);
  ASSERT_GE(id, 0) << strerror(errno);
  LaunchSpec bare = Shell("cat /proc/sysvipc/shm");
  bare.wall.ipc_namespace = false;
  const auto without = RunToEnd(std::move(bare));
  const auto with = RunToEnd(Shell("cat /proc/sysvipc/shm"));
  ::shmctl(id, IPC_RMID, nullptr);
  const std::string key = std::to_string(0x73766972);
  EXPECT_NE(without.text.find(key), std::string::npos);
  EXPECT_EQ(with.text.find(key), std::string::npos);
}

TEST_F(KeeperTest, AProgramThatHasEndedStaysForWhoeverStartedIt) {
  auto child = Launch(Shell("exit 0"));
  ASSERT_TRUE(child.ok()) << child.error().message;
  ASSERT_TRUE(PidfdEndsWithin(child->pidfd, seconds(10)));
  EXPECT_TRUE(std::filesystem::exists("/proc/" + std::to_string(child->pid) + "/status"));
  EXPECT_FALSE(PidfdEndsWithin(child->keeper, std::chrono::milliseconds(0)));
  child->watch.Reset();
  EXPECT_TRUE(PidfdEndsWithin(child->keeper, seconds(10)));
  EXPECT_EQ(*Wait(*child), 0);
}

TEST_F(KeeperTest, HasNothing) {
  auto child = Launch(Shell("sleep 600"));
  ASSERT_TRUE(child.ok()) << child.error().message;
  const std::string proc = "/proc/" + std::to_string(keeper_);
  child->watch.Reset();
  const std::string status = ReadFile(proc + "/status");
  for (const char *line : {"CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
                           "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Name:\tsvirt-keeper"}) {
    EXPECT_TRUE(HasLine(status, line)) << line << "\n" << status;
  }
  if (geteuid() == 0) {  // others may not look into it
    for (int tries = 0; tries < 1000 && !std::filesystem::is_empty(proc + "/fd"); ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(std::filesystem::is_empty(proc + "/fd"));
    EXPECT_EQ(ReadFile(proc + "/environ"), "");
  }
  Kill(*child);
}

TEST_F(KeeperTest, IsTiedToItsMakerUntilItIsLetGo) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ASSERT_FALSE(InChild([this, &ends] {
    LaunchSpec spec = Shell("sleep 600");
    spec.announce = [&ends](pid_t) -> Status {
      [[maybe_unused]] const ssize_t n = write(ends[1], "x", 1);
      raise(SIGKILL);
      return {};
    };
    return Launch(spec).ok();
  }));
  close(ends[1]);
  char bytes[2];
  ASSERT_EQ(read(ends[0], bytes, sizeof bytes), 1);
  // Everybody who had the other end is gone.
  EXPECT_EQ(read(ends[0], bytes, sizeof bytes), 0);
  close(ends[0]);
}

TEST_F(KeeperTest, AProgramThatCannotBeExecutedLeavesNobody) {
  LaunchSpec spec = Shell("");
  spec.program = "/nonexistent";
  auto child = Launch(spec);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().sys_errno, ENOENT) << child.error().message;
  EXPECT_TRUE(Children().empty());
  spec = Shell("");
  spec.wall.keeper = "/etc/passwd";
  child = Launch(spec);
  ASSERT_FALSE(child.ok());
  EXPECT_NE(child.error().message.find("keeper"), std::string::npos) << child.error().message;
  EXPECT_TRUE(Children().empty());
}

TEST(WallTest, AKeeperThatIsMissingIsNotDoneWithout) {
  auto found = FindWall({.keeper = "/nonexistent", .without = {}, .required = false});
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.error().message.find("without = pid-namespace"), std::string::npos);
  // What is not wanted is not missed.
  found = FindWall({.keeper = "/nonexistent", .without = {"pid-namespace"}, .required = true});
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->notes.empty());
}

}  // namespace
}  // namespace svirt
