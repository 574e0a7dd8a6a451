// SPDX-License-Identifier: LGPL-2.1-or-later
// Results, descriptors, files, and processes told apart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>

#include "host/util/fd.h"
#include "host/util/file.h"
#include "host/util/process.h"
#include "host/util/result.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string pattern = (fs::temp_directory_path() / "svirt-util-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
  }
  ~FileTest() override { fs::remove_all(dir_); }
  std::string dir_;
};

Result<int> Half(int n) {
  if (n % 2 != 0) {
    return Error{Errc::kInvalid, "odd"};
  }
  return n / 2;
}

Result<int> Quarter(int n) {
  SVIRT_ASSIGN(const int half, Half(n));
  return Half(half);
}

TEST(Result, ErrorsPassThrough) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).error().message, "odd");
}

TEST(Result, SystemErrorsTellPrivilegeFromTheRest) {
  EXPECT_EQ(SystemError(EACCES, "x").code, Errc::kPermission);
  EXPECT_EQ(SystemError(ENOENT, "x").code, Errc::kNotFound);
  EXPECT_EQ(SystemError(EIO, "cannot read f").message, "cannot read f: Input/output error");
}

TEST(Fd, MovesAndCloses) {
  int raw = -1;
  {
    Fd a(::dup(0));
    raw = a.get();
    Fd b(std::move(a));
    EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): what a move leaves is the point
    EXPECT_EQ(b.get(), raw);
  }
  EXPECT_EQ(::close(raw), -1);
}

TEST_F(FileTest, WritesReplacesAndReads) {
  const std::string path = dir_ + "/f";
  ASSERT_TRUE(WriteFileAtomic(path, "one", 0600).ok());
  ASSERT_TRUE(WriteFileAtomic(path, "two", 0640).ok());
  EXPECT_EQ(*ReadFile(path, 100), "two");
  struct stat st {};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777u, 0640u);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), {}), 1) << "no temporary file is left";
}

TEST_F(FileTest, WhatACrashLeftIsReplaced) {
  const std::string path = dir_ + "/f";
  ASSERT_EQ(::symlink((dir_ + "/elsewhere").c_str(), UnfinishedFile(path).c_str()), 0);
  ASSERT_TRUE(WriteFileAtomic(path, "one", 0600).ok());
  EXPECT_EQ(*ReadFile(path, 100), "one");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), {}), 1) << "nothing else is left or made";
}

TEST_F(FileTest, LimitsAndErrorsNameTheFile) {
  const std::string path = dir_ + "/f";
  ASSERT_TRUE(WriteFileAtomic(path, "12345", 0600).ok());
  EXPECT_THAT(ReadFile(path, 4).error().message, HasSubstr("larger than 4 bytes"));
  EXPECT_THAT(ReadFile(dir_, 4).error().message, HasSubstr(dir_));
  EXPECT_EQ(ReadFile(dir_ + "/none", 4).error().code, Errc::kNotFound);
  EXPECT_FALSE(WriteFileAtomic(dir_ + "/none/f", "x", 0600).ok());
}

TEST_F(FileTest, MakesDirectoriesOnce) {
  EXPECT_TRUE(MakeDirectories(dir_ + "/a/b/c", 0700).ok());
  EXPECT_TRUE(MakeDirectories(dir_ + "/a/b/c", 0700).ok());
  struct stat st {};
  ASSERT_EQ(::stat((dir_ + "/a/b/c").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777u, 0700u);
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/a/f", "", 0600).ok());
  EXPECT_FALSE(MakeDirectories(dir_ + "/a/f", 0700).ok());
  EXPECT_FALSE(MakeDirectories(dir_ + "/a/f/g", 0700).ok());
}

TEST(Process, ToldFromALaterOneWithTheSamePid) {
  auto self = IdentifyProcess(::getpid());
  ASSERT_TRUE(self.ok());
  EXPECT_TRUE(IsRunning(*self));
  ProcessId other = *self;
  ++other.start_time;
  EXPECT_FALSE(IsRunning(other));
  other = *self;
  other.boot_id = "another boot";
  EXPECT_FALSE(IsRunning(other));
}

TEST(Process, AZombieDoesNotRun) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  auto child = IdentifyProcess(pid);
  ASSERT_TRUE(child.ok());
  EXPECT_TRUE(IsRunning(*child));
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(IsRunning(*child)) << "a zombie";
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_FALSE(IsRunning(*child));
  EXPECT_EQ(IdentifyProcess(pid).error().code, Errc::kNotFound);
}

// exit(2) ends one thread: if that is the first one, /proc shows a zombie, while the others have
// every file open that the process had.
TEST(Process, OneWhoseMainThreadAloneHasEndedRuns) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    std::thread([] { ::pause(); }).detach();
    ::syscall(SYS_exit, 0);
  }
  const auto child = IdentifyProcess(pid);
  ASSERT_TRUE(child.ok());
  const std::string stat = "/proc/" + std::to_string(pid) + "/stat";
  std::string text;
  for (int tries = 0; tries < 1000 && text.find(") Z ") == std::string::npos; ++tries) {
    ::usleep(10000);
    text = *ReadFile(stat, 4096);
  }
  ASSERT_NE(text.find(") Z "), std::string::npos) << text;
  EXPECT_TRUE(IsRunning(*child));
  EXPECT_TRUE(HasLostItsMainThread(*child));
  ProcessId other = *child;
  ++other.start_time;
  EXPECT_FALSE(IsRunning(other));
  EXPECT_FALSE(HasLostItsMainThread(*IdentifyProcess(::getpid())));

  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(IsRunning(*child)) << "none of its threads is left";
  EXPECT_FALSE(HasLostItsMainThread(*child));
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
}

}  // namespace
}  // namespace svirt
