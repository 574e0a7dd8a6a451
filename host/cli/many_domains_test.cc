// SPDX-License-Identifier: LGPL-2.1-or-later
// Commands on one domain, or none, cost what that one costs, however many are defined.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "host/util/fd.h"
#include "host/util/file.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;

constexpr int kDomains = 1000;

// Files below these directories that anybody opens while it lives.
class OpenedFiles {
 public:
  explicit OpenedFiles(const std::vector<std::string> &directories)
      : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    for (const std::string &directory : directories) {
      // Without what comes between, two openings of one file would be told as one.
      EXPECT_GE(::inotify_add_watch(fd_.get(), directory.c_str(), IN_OPEN | IN_CLOSE), 0);
    }
  }
  int Count() const {
    alignas(inotify_event) std::array<char, 65536> events;
    int count = 0;
    ssize_t size = 0;
    while ((size = ::read(fd_.get(), events.data(), events.size())) > 0) {
      for (ssize_t at = 0; at < size;) {
        const auto *event =
            reinterpret_cast<const inotify_event *>(&events.at(static_cast<size_t>(at)));
        EXPECT_EQ(event->mask & IN_Q_OVERFLOW, 0U) << "too many to be counted";
        count += (event->mask & IN_OPEN) != 0 && (event->mask & IN_ISDIR) == 0 ? 1 : 0;
        at += static_cast<ssize_t>(sizeof *event + event->len);
      }
    }
    return count;
  }

 private:
  Fd fd_;
};

class ManyDomainsTest : public testing::Test {
 protected:
  struct Cost {
    int status = -1;
    double seconds = 0;  // of a processor
    int opened = 0;
  };

  ManyDomainsTest() {
    std::string pattern = (fs::temp_directory_path() / "svirt-many-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    for (const char *directory : {"/state/domains", "/state/locks", "/run/domains"}) {
      fs::create_directories(root_ + directory);
    }
    for (int n = 0; n < kDomains; ++n) {
      Define(n);
    }
  }
  ~ManyDomainsTest() override { fs::remove_all(root_); }

  static std::string UuidOf(int n) {
    const std::string digits = std::to_string(n);
    return "11111111-1111-4111-8111-" + std::string(12 - digits.size(), '0') + digits;
  }
  void Define(int n) const {
    const std::string xml = "<domain type='qemu'><name>vm" + std::to_string(n) + "</name><uuid>" +
                            UuidOf(n) +
                            "</uuid><memory>1024</memory><os><type>hvm</type></os></domain>";
    ASSERT_TRUE(WriteFileAtomic(root_ + "/state/domains/" + UuidOf(n) + ".xml", xml, 0600,
                                Durability::kNone)
                    .ok());
  }

  Cost Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"svirt", "--root", root_});
    std::vector<char *> argv;
    argv.reserve(arguments.size() + 1);
    for (std::string &argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    const OpenedFiles opened(
        {root_ + "/state/domains", root_ + "/state/locks", root_ + "/run/domains"});
    const pid_t pid = ::fork();
    if (pid == 0) {
      const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      ::dup2(null, 1);
      ::dup2(null, 2);
      ::execv(SVIRT_COMMAND, argv.data());
      ::_exit(127);
    }
    Cost cost;
    rusage usage{};
    EXPECT_EQ(::wait4(pid, &cost.status, 0, &usage), pid);
    const auto seconds = [](const timeval &time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    cost.seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    cost.opened = opened.Count();
    std::printf("%-8s %4d files of domains opened, %.3f s\n", arguments[3].c_str(), cost.opened,
                cost.seconds);
    return cost;
  }

  std::string root_;
};

TEST_F(ManyDomainsTest, WhatIsIdleCostsNothing) {
  const Cost first = Run({"recover"});
  EXPECT_EQ(first.status, 0);
  EXPECT_LE(first.opened, 5 * kDomains);
  // Until they are older than the steps of the file system's clock.
  Cost list = Run({"list", "--all"});
  for (int tries = 0; list.opened >= 10 && tries < 100; ++tries) {
    list = Run({"list", "--all"});
    ::usleep(100'000);
  }
  EXPECT_EQ(list.status, 0);
  EXPECT_LT(list.opened, 10);
  EXPECT_LT(list.seconds, 1);
  const Cost recover = Run({"recover"});
  EXPECT_EQ(recover.status, 0);
  EXPECT_LT(recover.opened, 10);
  EXPECT_LT(recover.seconds, 1);

  EXPECT_LT(Run({"domstate", "vm7"}).opened, 10);
  EXPECT_LT(Run({"domstate", UuidOf(7)}).opened, 10);
  EXPECT_LT(Run({"domstate", "nobody"}).opened, 10);
  Define(7);
  EXPECT_LT(Run({"domstate", "vm7"}).opened, 10);
  EXPECT_LT(Run({"list"}).opened, 10);
}

// Definitions cut off, and directories that starts have left, are work for each, not for each and
// all others.
TEST_F(ManyDomainsTest, WhatIsNotIdleCostsForItselfAlone) {
  for (int n = 0; n < kDomains; n += 10) {
    fs::create_directory(root_ + "/run/domains/" + UuidOf(n));
    fs::resize_file(root_ + "/state/domains/" + UuidOf(n + 1) + ".xml", 40);
  }
  Run({"list", "--all"});
  const Cost recover = Run({"recover"});
  EXPECT_NE(recover.status, 0) << "it tells of those that are damaged";
  EXPECT_LE(recover.opened, 5 * kDomains);
  EXPECT_TRUE(fs::is_empty(root_ + "/run/domains"));
}

}  // namespace
}  // namespace svirt
