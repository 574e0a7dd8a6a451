// SPDX-License-Identifier: LGPL-2.1-or-later
// What the scanner has seen once it need not see again; everything else it sees first. Each look is
// that of a process of its own, as each command is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/bad-plugins/plugin_box.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class RememberedScans : public ::testing::Test {
 protected:
  RememberedScans() {
    WriteScanner("");
    options_ = box_.Options();
    options_.scanner = box_.root() / "scanner";
    options_.scan_cache_file = box_.root() / "scans";
  }

  // The real one, which counts its runs first.
  void WriteScanner(const std::string &comment) {
    const fs::path script = box_.root() / "scanner";
    std::ofstream(script) << "#!/bin/sh\n# " << comment << "\necho \"$1\" >>" << count_ << "\nexec "
                          << ZOO_SCANNER << " \"$@\"\n";
    chmod(script.c_str(), 0755);
  }
  // What has just been written is not remembered.
  static void LetTimePass() { std::this_thread::sleep_for(std::chrono::milliseconds(80)); }

  // What a process of its own selects, or the error.
  std::string Select(const std::string &virt_type = "kvm") {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      options_.log = nullptr;
      Loader loader(options_);
      const auto selection = loader.Select(virt_type);
      const std::string text = !selection.ok()                ? selection.error().message
                               : selection->plugin == nullptr ? "none"
                                                              : selection->plugin->model();
      _exit(write(ends[1], text.data(), text.size()) < 0 ? 1 : 0);
    }
    close(ends[1]);
    std::string text;
    char part[1024];
    for (ssize_t got = 0; (got = read(ends[0], part, sizeof part)) > 0;) {
      text.append(part, static_cast<size_t>(got));
    }
    close(ends[0]);
    int status = -1;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text : "crashed";
  }
  // How often the scanner has run since the last time.
  int Runs() {
    std::ifstream lines(count_);
    int runs = -counted_;
    for (std::string line; std::getline(lines, line);) {
      ++runs;
    }
    counted_ += runs;
    return runs;
  }
  std::string Remembered() const {
    std::ifstream file(options_.scan_cache_file);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  PluginBox box_;
  const fs::path count_ = box_.root() / "count";
  int counted_ = 0;
  LoaderOptions options_;
};

TEST_F(RememberedScans, ASoundPluginIsScannedOnce) {
  box_.Add("good");
  box_.Add("inactive");
  LetTimePass();
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), 2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Select(), "good");
    EXPECT_EQ(Runs(), 0);
  }
  EXPECT_THAT(Remembered(), HasSubstr("/libc"));
  EXPECT_EQ(Select("qemu"), "good");
  EXPECT_EQ(Runs(), 2) << "each type of domain is a question of its own";
  fs::remove(options_.scan_cache_file);
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), 2);
}

TEST_F(RememberedScans, WhatTheProbeAnswersIsAskedEachTime) {
  box_.Add("asks_probe");
  const fs::path before = fs::current_path();
  fs::current_path(box_.root());
  LetTimePass();
  EXPECT_EQ(Select(), "asks-probe");
  EXPECT_EQ(Runs(), 1);
  std::ofstream("zoo-inactive") << "";
  EXPECT_EQ(Select(), "none");
  fs::remove("zoo-inactive");
  EXPECT_EQ(Select(), "asks-probe");
  EXPECT_EQ(Runs(), 0);
  fs::current_path(before);
}

TEST_F(RememberedScans, ANewFileIsScannedAnew) {
  const fs::path good = box_.Add("good");
  LetTimePass();
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), 1);
  fs::remove(good);
  box_.Add("good");
  LetTimePass();
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), 1) << "replaced";
  chmod(good.c_str(), 0711);
  LetTimePass();
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), 1) << "touched";
  WriteScanner("another scanner");
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), 1) << "another scanner";
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), 0);
}

TEST_F(RememberedScans, WhatHasJustBeenWrittenIsScannedOnceMore) {
  box_.Add("good");
  EXPECT_EQ(Select(), "good");
  const bool was_quick = Remembered().empty();
  LetTimePass();
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), was_quick ? 2 : 1);
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), 0);
}

TEST_F(RememberedScans, WhatIsNotSoundIsNeverRemembered) {
  for (const char *bad : {"crash_probe", "crash_constructor", "exit_probe", "changes_umask",
                          "missing_slot", "throws_probe", "killed_probe"}) {
    const fs::path path = box_.Add(bad);
    options_.quarantine_file = "";
    LetTimePass();
    for (int i = 0; i < 2; ++i) {
      EXPECT_THAT(Select(), HasSubstr(path.string() + " would be asked first"));
      EXPECT_EQ(Runs(), 1) << bad;
    }
    EXPECT_EQ(Remembered(), "") << bad;
    fs::remove(path);
  }
}

// The worst case: one that was sound is overwritten in place by one that crashes.
TEST_F(RememberedScans, OneThatTurnsBadIsFoundOutBeforeItIsLoadedHere) {
  const fs::path good = box_.Add("good"), twin = box_.Add("twin");
  LetTimePass();
  EXPECT_EQ(Select(), "twin");
  std::ofstream(twin, std::ios::binary) << std::ifstream(ZooFile("crash_probe")).rdbuf();
  LetTimePass();
  EXPECT_THAT(Select(), HasSubstr(twin.string() + " would be asked first"));
  fs::remove(twin);
  const fs::path crash = box_.Add("crash_probe");
  LetTimePass();
  EXPECT_THAT(Select(), HasSubstr("it crashed in the scanner with signal 6"));
  EXPECT_THAT(Select(), HasSubstr("it is in quarantine until it is replaced"));
  fs::remove(crash);
  EXPECT_EQ(Select(), "good");
}

TEST_F(RememberedScans, AMemoryThatIsDamagedOrSomebodyElsesIsReplaced) {
  box_.Add("good");
  LetTimePass();
  EXPECT_EQ(Select(), "good");
  const std::string whole = Remembered();
  Runs();
  chmod(options_.scan_cache_file.c_str(), 0644);
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), 1);
  std::ofstream(options_.scan_cache_file) << whole.substr(0, whole.size() / 2);
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), 1);
  EXPECT_EQ(Remembered(), whole);
  EXPECT_EQ(Select(), "good");
  EXPECT_EQ(Runs(), 0);
}

TEST_F(RememberedScans, OneThatCannotBeWrittenDoesNoHarm) {
  box_.Add("good");
  options_.scan_cache_file = box_.root() / "no-such-directory" / "scans";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Select(), "good");
    EXPECT_EQ(Runs(), 1);
  }
}

TEST_F(RememberedScans, WhatComesAfterTheSelectedOneIsNotLoaded) {
  const fs::path good = box_.Add("good"), inactive = box_.Add("inactive");
  const fs::path twin = box_.Add("twin"), beside = box_.Add("beside");
  LetTimePass();
  EXPECT_EQ(Select(), "twin");
  std::ifstream lines(count_);
  const std::string scanned{std::istreambuf_iterator<char>(lines), {}};
  EXPECT_THAT(scanned, HasSubstr(twin.string()));
  EXPECT_THAT(scanned, HasSubstr(inactive.string())) << "it comes before";
  EXPECT_THAT(scanned, Not(HasSubstr(good.string())));
  EXPECT_THAT(scanned, Not(HasSubstr(beside.string())));
  options_.beside = {"beside"};
  Runs();
  EXPECT_EQ(Select(), "twin");
  EXPECT_EQ(Runs(), 1) << "what stands beside it is asked";
}

}  // namespace
}  // namespace svirt
