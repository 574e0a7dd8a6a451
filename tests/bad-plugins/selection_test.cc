// SPDX-License-Identifier: LGPL-2.1-or-later
// Selection fails closed: whatever is wrong with the strongest plugin, a weaker one is not chosen;
// and while its file is replaced, as in an upgrade, it is chosen all the same.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>

#include "tests/bad-plugins/plugin_box.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// The strongest plugin of a box in which "good" is another one.
struct Strongest {
  PluginBox *box;
  LoaderOptions *options;
  std::string model;
  fs::path file() const { return box->plugins() / ("svirt-" + model + ".so"); }
};

struct Damage {
  const char *name;
  const char *plugin;    // of the zoo
  const char *sentence;  // what is said of it
  std::function<void(const Strongest &)> inflict;
};

void PrintTo(const Damage &damage, std::ostream *out) {
  *out << damage.name;
}

void Nothing(const Strongest &) {}

const Damage kDamages[] = {
    {"Mode664", "twin", "the file is group-writable (mode 0664); run chmod g-w ",
     [](const Strongest &it) { chmod(it.file().c_str(), 0664); }},
    {"Truncated", "twin", "it is truncated",
     [](const Strongest &it) { fs::resize_file(it.file(), fs::file_size(it.file()) / 4); }},
    {"HalfWritten", "twin", "it is truncated",
     [](const Strongest &it) {
       fs::remove(it.file());
       std::ifstream from(ZooFile("twin"), std::ios::binary);
       std::string head(4096, '\0');
       from.read(head.data(), static_cast<std::streamsize>(head.size()));
       std::ofstream(it.file(), std::ios::binary) << head;
       chmod(it.file().c_str(), 0755);
     }},
    {"Empty", "twin", "it is not an ELF file",
     [](const Strongest &it) { fs::resize_file(it.file(), 0); }},
    {"SymbolicLink", "twin", "it is a symbolic link",
     [](const Strongest &it) {
       fs::remove(it.file());
       fs::create_symlink(ZooFile("twin"), it.file());
     }},
    {"DanglingLink", "twin", "it is a symbolic link",
     [](const Strongest &it) {
       fs::remove(it.file());
       fs::create_symlink("/nowhere", it.file());
     }},
    {"Directory", "twin", "it is a directory",
     [](const Strongest &it) {
       fs::remove(it.file());
       fs::create_directory(it.file());
     }},
    {"ProbeCrashes", "crash_probe", "it crashed in the scanner with signal 6 (SIGABRT)", Nothing},
    {"ProbeHangs", "hang_probe", "it gave no answer in the scanner within 700 ms",
     [](const Strongest &it) { it.options->scanner_wall_ms = 700; }},
    {"ProbeSpins", "spin_probe", "within 1 s of processor time",
     [](const Strongest &it) { it.options->scanner_cpu_seconds = 1; }},
    {"ProbeFails", "probe_error", "zoo says", Nothing},
    {"InQuarantine", "crash_probe", "it is in quarantine until it is replaced or ",
     [](const Strongest &it) { ASSERT_TRUE(Loader(*it.options).Scan("").ok()); }},
    {"ASecondFile", "twin", "it provides the model \"twin\", so its name has to be svirt-twin.so",
     [](const Strongest &it) {
       it.box->AddFile(ZooFile("twin"), it.box->plugins() / "svirt-twin-old.so");
     }},
    {"AnothersContent", "twin", "it provides the model \"good\"",
     [](const Strongest &it) {
       fs::remove(it.file());
       it.box->AddFile(ZooFile("good"), it.file());
     }},
    {"NoNote", "no_note", "it has no identity note", Nothing},
    {"NewerHost", "newer_host", "it needs host ABI 1.4", Nothing},
    {"Vanished", "twin", "is in none of the plugin directories",
     [](const Strongest &it) { fs::remove(it.file()); }},
};

class SelectionTest : public ::testing::TestWithParam<std::tuple<Damage, bool>> {};

TEST_P(SelectionTest, IsStopped) {
  const auto &[damage, with_order] = GetParam();
  PluginBox box;
  LoaderOptions options = box.Options();
  box.Add("good");
  const fs::path file = box.Add(damage.plugin);
  std::string model = damage.plugin;
  std::replace(model.begin(), model.end(), '_', '-');
  if (with_order) {
    options.order = {model, "good"};
  }
  damage.inflict({&box, &options, model});
  // That it was chosen before is what makes the one that has gone missed.
  Loader loader(options);
  const auto selection = loader.Select("kvm", {{model, 900}});
  ASSERT_FALSE(selection.ok()) << selection->plugin->model() << " was selected";
  const Error &error = selection.error();
  EXPECT_EQ(error.code, Errc::kRefused);
  EXPECT_THAT(error.message, HasSubstr(damage.sentence));
  EXPECT_THAT(error.message, HasSubstr(file.parent_path().string()));
  EXPECT_THAT(error.message, HasSubstr(file.stem().string()));
  EXPECT_EQ(error.message.find('\n'), std::string::npos);
  EXPECT_EQ(box.log().find("warning: "), std::string::npos) << box.log();
  int blocking = 0;
  const auto scan = loader.Scan("kvm", {{model, 900}});
  ASSERT_TRUE(scan.ok()) << scan.error().message;
  for (const Candidate &candidate : *scan) {
    blocking += candidate.blocks ? 1 : 0;
    EXPECT_NE(candidate.state, CandidateState::kSelected);
  }
  EXPECT_EQ(blocking, 1);
  EXPECT_FALSE(loader.Get(model, "kvm").ok());
  options.beside = {model};
  Loader asked(options);
  const auto beside = asked.GetBeside(model, "kvm");
  EXPECT_TRUE(!beside.ok() || !beside->is_installed);

  options.not_critical = {model, model + "-old", "good"};
  Loader chooser(options);
  const auto excused = chooser.Select("kvm", {{model, 900}});
  ASSERT_TRUE(excused.ok()) << excused.error().message;
}

INSTANTIATE_TEST_SUITE_P(Damaged, SelectionTest,
                         ::testing::Combine(::testing::ValuesIn(kDamages), ::testing::Bool()),
                         [](const auto &info) {
                           return std::string(std::get<0>(info.param).name) +
                                  (std::get<1>(info.param) ? "WithOrder" : "");
                         });

TEST(SelectionInactive, OnlyTheProbesOwnWordPassesItOver) {
  for (const bool with_order : {false, true}) {
    PluginBox box;
    LoaderOptions options = box.Options();
    box.Add("good");
    box.Add("inactive");
    if (with_order) {
      options.order = {"inactive", "good"};
    }
    Loader loader(options);
    const auto selection = loader.Select("kvm", {{"inactive", 900}});
    ASSERT_TRUE(selection.ok()) << selection.error().message;
    EXPECT_EQ(selection->plugin->model(), "good");
  }
}

// ---- Upgrades ----

// A scanner that replaces the plugin and gives no answer, `times` times, and then is the real one.
class ReplacingScanner {
 public:
  ReplacingScanner(const PluginBox &box, const fs::path &file, int times)
      : count_(box.root() / "count"), program_(box.root() / "scanner") {
    std::ofstream script(program_);
    script << "#!/bin/sh\necho >>" << count_ << "\n[ $(/usr/bin/wc -l <" << count_ << ") -gt "
           << times << " ] && exec " << ZOO_SCANNER << " \"$@\"\n/bin/cp " << ZooFile("twin") << " "
           << box.root() / "next"
           << "\n/bin/mv " << box.root() / "next"
           << " " << file << "\nexit 1\n";
    script.close();
    chmod(program_.c_str(), 0755);
  }
  std::string program() const { return program_; }
  int Runs() const {
    std::ifstream lines(count_);
    int runs = 0;
    for (std::string line; std::getline(lines, line);) {
      ++runs;
    }
    return runs;
  }

 private:
  fs::path count_, program_;
};

TEST(LookedAtAgain, WhatWasFoundAgainstAFileThatWasReplacedMeanwhileIsNotBelieved) {
  PluginBox box;
  LoaderOptions options = box.Options();
  const ReplacingScanner scanner(box, box.Add("twin"), 3);
  options.scanner = scanner.program();
  Loader loader(options);
  const auto selection = loader.Select("");
  ASSERT_TRUE(selection.ok()) << selection.error().message;
  EXPECT_EQ(selection->plugin->model(), "twin");
  EXPECT_EQ(scanner.Runs(), 4);
}

TEST(LookedAtAgain, NotForEver) {
  PluginBox box;
  LoaderOptions options = box.Options();
  const ReplacingScanner scanner(box, box.Add("twin"), 100);
  options.scanner = scanner.program();
  Loader loader(options);
  const auto selection = loader.Select("");
  ASSERT_FALSE(selection.ok());
  EXPECT_THAT(selection.error().message, HasSubstr("; it was changed meanwhile); "));
  EXPECT_EQ(scanner.Runs(), 5);
}

// The strongest plugin, put in place again by renaming until the parent ends this process. Never
// returns.
[[noreturn]] void KeepReplacing(const fs::path &file, const fs::path &content, int pause_us) {
  const fs::path next = file.parent_path() / ".next";
  for (;;) {
    std::error_code error;
    fs::copy_file(content, next, fs::copy_options::overwrite_existing, error);
    if (error || chmod(next.c_str(), 0755) != 0 || rename(next.c_str(), file.c_str()) != 0) {
      _exit(1);
    }
    if (pause_us > 0) {
      usleep(static_cast<useconds_t>(pause_us));
    }
  }
}

// What a process of its own selects: 0 the strongest, 1 a weaker one, 2 none.
int SelectInChild(const LoaderOptions &options) {
  const pid_t pid = fork();
  if (pid == 0) {
    LoaderOptions own = options;
    own.log = nullptr;
    Loader loader(own);
    const auto selection = loader.Select("kvm");
    if (!selection.ok()) {
      std::fprintf(stderr, "%s\n", selection.error().message.c_str());
    }
    _exit(!selection.ok() || selection->plugin == nullptr ? 2
          : selection->plugin->model() == "twin"          ? 0
                                                          : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

class Upgrade : public ::testing::TestWithParam<int> {};

TEST_P(Upgrade, NeverLeavesTheWeakerOneNorNone) {
  PluginBox box;
  const LoaderOptions options = box.Options();
  box.Add("good");
  const fs::path file = box.Add("twin");
  const pid_t replacer = fork();
  if (replacer == 0) {
    KeepReplacing(file, ZooFile("twin"), GetParam());
  }
  ASSERT_GT(replacer, 0);
  struct stat before {};
  ASSERT_EQ(stat(file.c_str(), &before), 0);
  int outcomes[4] = {};
  int replaced = 0;
  constexpr int kStarts = 500;
  for (int i = 0; i < kStarts; ++i) {
    ++outcomes[SelectInChild(options)];
    struct stat now {};
    ASSERT_EQ(stat(file.c_str(), &now), 0);
    replaced += now.st_ino != before.st_ino ? 1 : 0;
    before = now;
  }
  kill(replacer, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(replacer, &status, 0), replacer);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the replacing process failed";
  EXPECT_EQ(outcomes[0], kStarts);
  EXPECT_EQ(outcomes[1], 0) << "weaker";
  EXPECT_EQ(outcomes[2], 0) << "refused";
  // Else nothing has been tried.
  EXPECT_GT(replaced, kStarts / 10);
}

INSTANTIATE_TEST_SUITE_P(WithPauseOf, Upgrade, ::testing::Values(0, 20000),
                         [](const auto &info) { return std::to_string(info.param) + "us"; });

}  // namespace
}  // namespace svirt
