// SPDX-License-Identifier: LGPL-2.1-or-later
// A launched program gets what it was promised and nothing else, or never runs.
#include "host/launch/launch.h"

#include <grp.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>

#include "host/launch/launch_test_support.h"
#include "host/util/end_request.h"

namespace svirt {
namespace {

TEST(Launch, GivesArgumentsEnvironmentDirectorySessionAndUmask) {
  const TempDir dir;
  LaunchSpec spec = Spec(ProbePath(), {"a b", "c,d", "\xc3\xa4\n"});
  spec.env = {"ONLY=this"};
  spec.cwd = dir.path();
  const Output output = RunToEnd(std::move(spec));
  EXPECT_EQ(output.status, 0);
  EXPECT_TRUE(HasLine(output.text, "arg a b"));
  EXPECT_TRUE(HasLine(output.text, "arg c,d"));
  EXPECT_TRUE(HasLine(output.text, "arg \xc3\xa4\n"));
  EXPECT_TRUE(HasLine(output.text, "env ONLY=this"));
  EXPECT_EQ(output.text.find("env PATH"), std::string::npos);
  EXPECT_TRUE(HasLine(output.text, "cwd " + dir.path()));
  EXPECT_TRUE(HasLine(output.text, "leader 1"));
  EXPECT_TRUE(HasLine(output.text, "umask 077"));
}

TEST(Launch, StaysInTheSessionIfAsked) {
  LaunchSpec spec = Spec(ProbePath());
  spec.new_session = false;
  EXPECT_TRUE(HasLine(RunToEnd(std::move(spec)).text, "leader 0"));
}

TEST(Launch, ChildHasOnlyTheListedDescriptors) {
  const TempDir dir;
  const auto file = [&](const std::string &name) {
    return Fd(open((dir / name).c_str(), O_RDWR | O_CREAT, 0600));  // not close-on-exec: a leak
  };
  const Fd a = file("a");
  const Fd b = file("b");
  const Fd c = file("c");
  const Fd leak = file("leak");
  const Fd high_leak(fcntl(leak.get(), F_DUPFD, 300));
  LaunchSpec spec = Spec(ProbePath());
  // Crossed over, so that a naive dup2 in order would overwrite a source; one far up.
  spec.fds = {{a.get(), b.get()}, {b.get(), a.get()}, {c.get(), 200}, {c.get(), 2}};
  const Output output = RunToEnd(std::move(spec));
  std::istringstream lines(output.text);
  std::set<std::string> fds;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("fd ", 0) == 0) {
      fds.insert(line.find("pipe:") == std::string::npos ? line : "fd 1 pipe");
    }
  }
  const auto number = [](const Fd &fd) { return std::to_string(fd.get()); };
  EXPECT_EQ(
      fds, (std::set<std::string>{"fd 0 /dev/null", "fd 1 pipe", "fd 2 " + (dir / "c"),
                                  "fd " + number(b) + " " + (dir / "a"),
                                  "fd " + number(a) + " " + (dir / "b"), "fd 200 " + (dir / "c")}));
}

TEST(Launch, CloseOnExecSourceUnderItsOwnNumberIsKept) {
  const Fd null(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  LaunchSpec spec = Spec(ProbePath());
  spec.fds = {{null.get(), null.get()}};
  EXPECT_TRUE(
      HasLine(RunToEnd(std::move(spec)).text, "fd " + std::to_string(null.get()) + " /dev/zero"));
  EXPECT_EQ(fcntl(null.get(), F_GETFD), FD_CLOEXEC);
}

TEST(Launch, RefusesBadDescriptors) {
  LaunchSpec spec = Spec(ProbePath());
  spec.fds = {{1, 5}, {2, 5}};
  auto child = Launch(spec);
  ASSERT_FALSE(child.ok());
  EXPECT_NE(child.error().message.find("given twice"), std::string::npos);
  spec.fds = {{987654, 5}};
  child = Launch(spec);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().sys_errno, EBADF);
  EXPECT_NE(child.error().message.find("descriptor 987654"), std::string::npos)
      << child.error().message;
}

TEST(Launch, SignalsAreUnblockedAndDefault) {
  sigset_t block;
  sigset_t old;
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigaddset(&block, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &block, &old);
  const auto old_pipe = std::signal(SIGPIPE, SIG_IGN);
  const auto old_usr2 = std::signal(SIGUSR2, [](int) {});
  struct sigaction realtime {};
  realtime.sa_handler = SIG_IGN;
  struct sigaction old_realtime {};
  sigaction(SIGRTMAX, &realtime, &old_realtime);
  const Output output = RunToEnd(Spec(ProbePath()));
  sigaction(SIGRTMAX, &old_realtime, nullptr);
  std::signal(SIGUSR2, old_usr2);
  std::signal(SIGPIPE, old_pipe);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  EXPECT_TRUE(HasLine(output.text, "SigBlk:\t0000000000000000")) << output.text;
  EXPECT_TRUE(HasLine(output.text, "SigIgn:\t0000000000000000")) << output.text;
  EXPECT_TRUE(HasLine(output.text, "SigCgt:\t0000000000000000")) << output.text;
}

TEST(Launch, IsAnnouncedBeforeItRuns) {
  const TempDir dir;
  pid_t announced = -1;
  LaunchSpec spec = Spec("/usr/bin/touch", {dir / "ran"});
  spec.announce = [&](pid_t pid) {
    announced = pid;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_FALSE(std::filesystem::exists(dir / "ran"));
    return Status();
  };
  auto child = Launch(spec);
  ASSERT_TRUE(child.ok()) << child.error().message;
  EXPECT_EQ(child->pid, announced);
  EXPECT_EQ(*Wait(*child), 0);
  EXPECT_TRUE(std::filesystem::exists(dir / "ran"));
}

TEST(Launch, NeverRunsIfItCannotBeAnnounced) {
  const TempDir dir;
  pid_t announced = -1;
  LaunchSpec spec = Spec("/usr/bin/touch", {dir / "ran"});
  spec.announce = [&](pid_t pid) -> Status {
    announced = pid;
    return Error{Errc::kSystem, "nobody listens"};
  };
  const auto child = Launch(spec);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().message, "nobody listens");
  EXPECT_EQ(kill(announced, 0), -1) << "the child is left";
  EXPECT_FALSE(std::filesystem::exists(dir / "ran"));
}

// Somebody stops it between fork and exec.
TEST(Launch, AChildThatIsStoppedBeforeItRunsIsNotWaitedForForEver) {
  const TempDir dir;
  LaunchSpec spec = Spec("/usr/bin/touch", {dir / "ran"});
  spec.timeout = std::chrono::milliseconds(300);
  spec.announce = [](pid_t pid) { return kill(pid, SIGSTOP) == 0 ? Status() : Error{}; };
  const auto child = Launch(spec);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code, Errc::kTimeout);
  EXPECT_NE(child.error().message.find("was not executed within 300 ms"), std::string::npos);
  EXPECT_TRUE(Children().empty());
  EXPECT_FALSE(std::filesystem::exists(dir / "ran"));
}

TEST(Launch, ASignalThatTheCallerHoldsEndsTheWaitForIt) {
  const TempDir dir;
  LaunchSpec spec = Spec("/usr/bin/touch", {dir / "ran"});
  spec.timeout = std::chrono::minutes(5);
  spec.ends_if_asked = true;
  spec.announce = [](pid_t pid) { return kill(pid, SIGSTOP) == 0 ? Status() : Error{}; };
  HoldEndSignals();
  std::thread asker([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    kill(getpid(), SIGTERM);
  });
  const auto child = Launch(spec);
  asker.join();
  sigset_t taken;
  sigemptyset(&taken);
  sigaddset(&taken, SIGTERM);
  EXPECT_EQ(sigwaitinfo(&taken, nullptr), SIGTERM) << "it is the caller's still";
  EndAsAsked();  // which is nothing now
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().message.find("SIGTERM ended this before it was done"), 0U);
  EXPECT_TRUE(Children().empty());
}

TEST(Launch, NeverRunsIfItsParentEndsWhileAnnouncing) {
  const TempDir dir;
  const pid_t parent = fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    LaunchSpec spec = Spec("/usr/bin/touch", {dir / "ran"});
    spec.announce = [&](pid_t pid) -> Status {
      WriteFile(dir / "pid", std::to_string(pid));
      kill(getpid(), SIGKILL);
      return {};
    };
    (void)Launch(spec);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(parent, &status, 0), parent);
  EXPECT_TRUE(WIFSIGNALED(status));
  const std::string stat = "/proc/" + ReadFile(dir / "pid") + "/stat";
  const auto runs = [&] {  // whoever inherits it may not have reaped it yet
    const std::string text = ReadFile(stat);
    return !text.empty() && text.find(") Z ") == std::string::npos;
  };
  for (int i = 0; i < 100 && runs(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_FALSE(runs());
  EXPECT_FALSE(std::filesystem::exists(dir / "ran"));
}

TEST(Launch, ReportsAProgramThatCannotRun) {
  const TempDir dir;
  auto child = Launch(Spec(dir / "missing"));
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code, Errc::kNotFound);
  EXPECT_NE(child.error().message.find(dir / "missing"), std::string::npos);
  WriteFile(dir / "text", "not a program");
  child = Launch(Spec(dir / "text"));
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code, Errc::kPermission);
  chmod((dir / "text").c_str(), 0700);
  child = Launch(Spec(dir / "text"));
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().sys_errno, ENOEXEC);
  LaunchSpec spec = Spec("/bin/true");
  spec.cwd = dir / "missing";
  child = Launch(spec);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code, Errc::kNotFound);
  EXPECT_TRUE(Children().empty());
}

TEST(Launch, RefusesStringsThatExecWouldCutShort) {
  EXPECT_EQ(Launch(Spec("/bin/true", {std::string("a\0b", 3)})).error().code, Errc::kInvalid);
  LaunchSpec spec = Spec("/bin/true");
  spec.env = {std::string("A=\0", 3)};
  EXPECT_EQ(Launch(spec).error().code, Errc::kInvalid);
  EXPECT_EQ(Launch(Spec("true")).error().code, Errc::kInvalid);
  spec = Spec("/bin/true");
  spec.cwd = ".";
  EXPECT_EQ(Launch(spec).error().code, Errc::kInvalid);
  spec = Spec("/bin/true");
  spec.argv.clear();
  EXPECT_EQ(Launch(spec).error().code, Errc::kInvalid);
}

TEST(Launch, StatusIsThatOfAShell) {
  auto child = Launch(Spec("/bin/sh", {"-c", "exit 7"}));
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(*Wait(*child), 7);
  child = Launch(Spec("/bin/sh", {"-c", "kill -TERM $$"}));
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(*Wait(*child), 128 + SIGTERM);
  EXPECT_FALSE(Wait(*child).ok());  // reaped already
}

TEST(Launch, KillEndsAndReaps) {
  auto child = Launch(Spec("/bin/sleep", {"1000"}));
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(kill(child->pid, 0), 0);
  Kill(*child);
  EXPECT_TRUE(Children().empty());
  Kill(*child);  // harmless
}

TEST(Launch, SupplementaryGroupsAreEmptied) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root: only root has supplementary groups to give away";
  }
  // The build may be where nobody else gets at it.
  const TempDir dir;
  const std::string probe = dir / "probe";
  std::filesystem::copy_file(ProbePath(), probe);
  ASSERT_EQ(chmod(dir.path().c_str(), 0755), 0);
  // In a process of its own: groups are the whole process's.
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    const gid_t groups[] = {0, 6, 36};
    if (setgroups(3, groups) != 0) {
      _exit(2);
    }
    const Output plain = RunToEnd(Spec(probe));
    LaunchSpec spec = Spec(probe);
    spec.recipes = List(CredentialsRecipe(65534, 65533));
    const Output nobody = RunToEnd(std::move(spec));
    const bool ok = HasLine(plain.text, "groups 0") && HasLine(nobody.text, "groups 0") &&
                    HasLine(nobody.text, "Uid:\t65534\t65534\t65534\t65534") &&
                    HasLine(nobody.text, "Gid:\t65533\t65533\t65533\t65533") &&
                    getgroups(0, nullptr) == 3;
    _exit(ok ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Launch, CredentialsThatCannotBeChangedStopTheStart) {
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    if (geteuid() == 0 &&
        (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)) {
      _exit(2);
    }
    LaunchSpec spec = Spec("/bin/true");
    spec.recipes = List(CredentialsRecipe(1, 1));
    const auto child = Launch(spec);
    // Without a change of credentials the same process may start programs.
    auto plain = Launch(Spec("/bin/true"));
    const bool ok =
        !child.ok() && child.error().code == Errc::kPermission && plain.ok() && *Wait(*plain) == 0;
    _exit(ok ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Launch, ManyFromManyThreadsLeaveNothing) {
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0;
  const std::set<int> before = OpenFds();
  // A thread that allocates and holds locks at any moment: the child must not need them.
  std::thread noise([&] {
    while (!stop) {
      std::string s(100000, 'x');
      WriteFile("/dev/null", s);
    }
  });
  std::vector<std::thread> launchers;
  for (int t = 0; t < 4; ++t) {
    launchers.emplace_back([&] {
      for (int i = 0; i < 250; ++i) {
        auto child = Launch(Spec("/bin/true"));
        if (child.ok() && *Wait(*child) == 0) {
          ++good;
        }
        if (!Launch(Spec("/nonexistent/program")).ok() && i % 50 == 0) {
          std::this_thread::yield();
        }
      }
    });
  }
  for (std::thread &thread : launchers) {
    thread.join();
  }
  stop = true;
  noise.join();
  EXPECT_EQ(good, 1000);
  EXPECT_EQ(OpenFds(), before);
  EXPECT_TRUE(Children().empty());
}

}  // namespace
}  // namespace svirt
