// SPDX-License-Identifier: LGPL-2.1-or-later
// Real QEMUs for tests.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/hypervisor/qemu/qemu_launch.h"
#include "host/hypervisor/qemu/qemu_monitor.h"
#include "host/hypervisor/qemu/qemu_preflight.h"
#include "host/hypervisor/qemu/qemu_test_support.h"

namespace svirt {

inline constexpr char kQemu[] = "/usr/bin/qemu-system-x86_64";
inline constexpr char kQemuImg[] = "/usr/bin/qemu-img";
inline constexpr auto kPatience = std::chrono::seconds(60);

inline int RunProgram(std::vector<std::string> argv) {
  LaunchSpec spec;
  spec.program = argv[0];
  spec.argv = std::move(argv);
  auto child = Launch(spec);
  EXPECT_TRUE(child.ok()) << child.error().message;
  return child ? *Wait(*child) : -1;
}

inline void MakeFile(const std::string &path, uintmax_t size) {
  std::ofstream file(path);
  file.close();
  std::filesystem::resize_file(path, size);
}

// Starts the domain for real, paused, under the real QEMU; nothing when something has failed.
class RealQemu : public testing::Test {
 protected:
  void SetUp() override {
    if (access(kQemu, X_OK) != 0 || access(kQemuImg, X_OK) != 0) {
      GTEST_SKIP() << "needs " << kQemu << " and " << kQemuImg
                   << " (Debian: qemu-system-x86, qemu-utils)";
    }
    place_.run_dir = dir_ / "run, dir";
    place_.log_path = dir_ / "vm.log";
    std::filesystem::create_directory(place_.run_dir);
    log_.Reset(open(place_.log_path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  }

  Status Start(const Domain &domain) {
    Refusals refusals;
    CheckQemu(domain, "/dev/kvm", &refusals);
    SVIRT_TRY(refusals.ToStatus());
    SVIRT_ASSIGN(QemuLaunch launch, LaunchOfQemu(Named(domain), place_.run_dir, log_.get()));
    SVIRT_ASSIGN(child_, Launch(launch.spec));
    Result<QmpClient> monitor = WaitForMonitor(place_, log_start_, child_, kPatience);
    if (!monitor) {
      Kill(child_);
      return std::move(monitor).error();
    }
    monitor_.emplace(std::move(*monitor));
    return {};
  }

  void TearDown() override {
    if (child_.pidfd) {
      Kill(child_);  // only after a failed expectation is it still there
    }
  }

  // How the emulator has the file open; -1 if it has not.
  int AccessMode(const std::string &path) const {
    const std::string proc = "/proc/" + std::to_string(child_.pid);
    for (const auto &entry : std::filesystem::directory_iterator(proc + "/fd")) {
      std::error_code gone;
      if (std::filesystem::read_symlink(entry.path(), gone) == path) {
        std::string word, flags;
        std::ifstream info(proc + "/fdinfo/" + entry.path().filename().string());
        while (info >> word && word != "flags:") {
        }
        info >> flags;
        return std::stoi(flags, nullptr, 8) & O_ACCMODE;
      }
    }
    return -1;
  }

  // Resumes and ends it, looking at each state on the way.
  void RunAndQuit() {
    EXPECT_EQ(*QueryStatus(*monitor_), "prelaunch");
    const Status resumed = Resume(*monitor_);
    EXPECT_TRUE(resumed.ok()) << resumed.error().message;
    EXPECT_EQ(*QueryStatus(*monitor_), "running");
    EXPECT_TRUE(monitor_->Execute("system_powerdown").ok());
    EXPECT_TRUE(monitor_->Execute("quit").ok());
    EXPECT_EQ(*Wait(child_), 0) << Slurp(place_.log_path);
    EXPECT_FALSE(QueryStatus(*monitor_).ok());
  }

  QemuTempDir dir_;
  DomainPlace place_;
  off_t log_start_ = 0;
  Fd log_;
  Child child_;
  std::optional<QmpClient> monitor_;
};

}  // namespace svirt
