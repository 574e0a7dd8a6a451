// SPDX-License-Identifier: LGPL-2.1-or-later
// The loader survives every plugin of the zoo, names it with a sentence, and selects the good
// plugin beside it only if the bad one is not critical.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "host/loader/trust.h"
#include "tests/bad-plugins/plugin_box.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Inmate {
  const char *name;
  CandidateState state;
  const char *sentence;  // part of the reason
};

void PrintTo(const Inmate &inmate, std::ostream *out) {
  *out << inmate.name;
}

// model: that which the loader takes the bad file for; "" for a directory, which nothing excuses.
void ExpectItStopsTheGoodOne(PluginBox *box, LoaderOptions options, const fs::path &bad,
                             const std::string &model, CandidateState state,
                             const std::string &sentence) {
  const fs::path good = box->Add("good");
  Loader loader(options);
  const auto scan = loader.Scan("qemu");
  ASSERT_TRUE(scan.ok()) << scan.error().message;
  const Candidate &culprit = CandidateOf(*scan, bad);
  EXPECT_EQ(CandidateStateName(culprit.state), CandidateStateName(state)) << culprit.reason;
  EXPECT_EQ(culprit.model, model);
  EXPECT_THAT(culprit.reason, StartsWith("refusing " + bad.string() + ": "));
  EXPECT_THAT(culprit.reason, HasSubstr(sentence));
  EXPECT_TRUE(culprit.blocks);
  EXPECT_EQ(culprit.plugin, nullptr);
  EXPECT_EQ(CandidateStateName(CandidateOf(*scan, good).state), "active");
  const auto stopped = loader.Select("qemu");
  const std::string culprit_words =
      model.empty() ? "it cannot be told which plugins are in " + bad.string()
                    : bad.string() + " would be asked first and cannot answer (";
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, Errc::kRefused);
  EXPECT_THAT(stopped.error().message, HasSubstr("because " + culprit_words));
  EXPECT_EQ(box->log().find("warning: "), std::string::npos) << "one sentence: " << box->log();

  options.not_critical = {model.empty() ? "good" : model};
  Loader lenient(options);
  const auto selected = lenient.Select("qemu");
  if (model.empty()) {
    EXPECT_FALSE(selected.ok());
    return;
  }
  ASSERT_TRUE(selected.ok()) << selected.error().message;
  ASSERT_NE(selected->plugin, nullptr);
  EXPECT_EQ(selected->plugin->model(), "good");
  EXPECT_FALSE(CandidateOf(selected->candidates, bad).blocks);
  EXPECT_THAT(box->log(), HasSubstr("warning: refusing " + bad.string() + ": "));
}

class Zoo : public ::testing::TestWithParam<Inmate> {};

std::string ModelOf(const fs::path &file) {
  return ModelOfFileName(file.filename().string());
}

TEST_P(Zoo, IsNamedAndStopsTheGoodOne) {
  PluginBox box;
  LoaderOptions options = box.Options();
  const fs::path bad = box.Add(GetParam().name);
  ExpectItStopsTheGoodOne(&box, std::move(options), bad, ModelOf(bad), GetParam().state,
                          GetParam().sentence);
}

constexpr CandidateState kRefused = CandidateState::kRefused;
constexpr CandidateState kFailed = CandidateState::kFailed;

INSTANTIATE_TEST_SUITE_P(
    Static, Zoo,
    ::testing::Values(
        Inmate{"no_entry", kRefused, "it does not define the function svirt_plugin_v1"},
        Inmate{"dependency_entry", kRefused, "it does not define the function svirt_plugin_v1"},
        Inmate{"no_note", kRefused, "it has no identity note (.note.svirt)"},
        Inmate{"two_notes", kRefused, "it has 2 identity notes; one is allowed"},
        Inmate{"wrong_major", kRefused, "it is built for plugin ABI 2.0, this host provides 1.0"},
        Inmate{"newer_host", kRefused, "it needs host ABI 1.4, this host provides 1.0"},
        Inmate{"relative_runpath", kRefused,
               "it looks for libraries in \"$ORIGIN/lib\" (RPATH or RUNPATH)"},
        Inmate{"executable_stack", kRefused, "it wants an executable stack"},
        Inmate{"needs_plugin", kRefused, "it needs another plugin, svirt-peer.so"}),
    [](const auto &info) { return std::string(info.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Loaded, Zoo,
    ::testing::Values(
        Inmate{"note_disagrees", kRefused,
               "the model is note-disagrees in the note and something-else in the table"},
        Inmate{"small_table", kRefused, "its table has 64 bytes, ABI 1.0 needs 152"},
        Inmate{"missing_slot", kRefused, "its table lacks the mandatory function domain_set_label"},
        Inmate{"unknown_flag", kRefused, "must-understand flag"},
        Inmate{"null_table", kRefused, "svirt_plugin_v1() returned NULL"},
        Inmate{"missing_dependency", kRefused,
               "it needs libzoo_missing.so, which is not installed"},
        Inmate{"throws_probe", kFailed, "it crashed in the scanner with signal 6 (SIGABRT)"},
        Inmate{"crash_constructor", kFailed, "it crashed in the scanner with signal 6 (SIGABRT)"},
        Inmate{"crash_probe", kFailed, "it crashed in the scanner with signal 6 (SIGABRT)"},
        Inmate{"crash_exit", kFailed, "it crashed in the scanner with signal 6 (SIGABRT)"},
        Inmate{"exit_probe", kFailed, "it ended the scanner before the answer"},
        Inmate{"closes_descriptors", kFailed, "it ended the scanner before the answer"},
        Inmate{"changes_cwd", kRefused, "it changes the working directory (from \""},
        Inmate{"changes_umask", kRefused, "it changes the umask (from \""},
        Inmate{"changes_signals", kRefused, "it changes signal dispositions"},
        Inmate{"changes_locale", kRefused, "it changes the locale"},
        Inmate{"changes_environment", kRefused, "it changes the environment"},
        Inmate{"leaks_descriptor", kRefused, "it leaves descriptors open"},
        Inmate{"starts_thread", kRefused, "it leaves threads running"}),
    [](const auto &info) { return std::string(info.param.name); });

class Hanging : public ::testing::TestWithParam<const char *> {};

TEST_P(Hanging, IsGivenUpAtTheDeadlineAndQuarantined) {
  PluginBox box;
  LoaderOptions options = box.Options();
  options.scanner_wall_ms = 700;
  const fs::path bad = box.Add(GetParam());
  Loader loader(options);
  const auto start = std::chrono::steady_clock::now();
  const auto scan = loader.Scan("");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(scan.ok()) << scan.error().message;
  EXPECT_EQ(CandidateOf(*scan, bad).state, kFailed);
  EXPECT_THAT(CandidateOf(*scan, bad).reason,
              HasSubstr("it gave no answer in the scanner within 700 ms"));
  EXPECT_GE(took.count(), 0.7);
  EXPECT_LT(took.count(), 1.7 + 5);

  // It still stops the good one, but nobody waits for it again.
  options.scanner_wall_ms = 240000;
  ExpectItStopsTheGoodOne(
      &box, options, bad, ModelOf(bad), kFailed,
      "it is in quarantine until it is replaced or " + options.quarantine_file + " is deleted");
}

INSTANTIATE_TEST_SUITE_P(All, Hanging,
                         ::testing::Values("hang_constructor", "hang_probe", "spin_probe"),
                         [](const auto &info) { return std::string(info.param); });

// The clock does not tell a plugin that works from one that has no part in a busy processor.
TEST(Deadline, CountsProcessorTime) {
  PluginBox box;
  LoaderOptions options = box.Options();
  options.scanner_cpu_seconds = 1;
  const fs::path spins = box.Add("spin_probe"), dozes = box.Add("doze_probe");
  const auto scan = Loader(options).Scan("");
  ASSERT_TRUE(scan.ok()) << scan.error().message;
  EXPECT_EQ(CandidateOf(*scan, spins).state, kFailed);
  EXPECT_THAT(CandidateOf(*scan, spins).reason,
              HasSubstr("it gave no answer in the scanner within 1 s of processor time"));
  EXPECT_EQ(CandidateOf(*scan, dozes).state, CandidateState::kSelected)
      << CandidateOf(*scan, dozes).reason;
  EXPECT_TRUE(fs::exists(options.quarantine_file));
}

// A kernel out of memory kills what it finds; that says nothing about the plugin.
TEST(Deadline, WhatSomebodyElseKilledIsNotRemembered) {
  PluginBox box;
  LoaderOptions options = box.Options();
  const fs::path killed = box.Add("killed_probe");
  for (int i = 0; i < 2; ++i) {
    const auto scan = Loader(options).Scan("");
    ASSERT_TRUE(scan.ok()) << scan.error().message;
    EXPECT_EQ(CandidateOf(*scan, killed).state, kFailed);
    EXPECT_TRUE(CandidateOf(*scan, killed).blocks);
    EXPECT_THAT(CandidateOf(*scan, killed).reason,
                HasSubstr("something killed the scanner before the answer (SIGKILL)"));
  }
  EXPECT_FALSE(fs::exists(options.quarantine_file));
}

TEST(ZooFiles, Truncated) {
  PluginBox box;
  const fs::path bad = box.plugins() / "svirt-cut.so";
  box.AddFile(ZooFile("twin"), bad);
  fs::resize_file(bad, fs::file_size(bad) / 4);
  ExpectItStopsTheGoodOne(&box, box.Options(), bad, ModelOf(bad), kRefused, "it is truncated");
}

TEST(ZooFiles, OfAnotherMachine) {
  PluginBox box;
  const fs::path bad = box.Add("twin");
  std::fstream file(bad, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(18);  // e_machine
  file.write("\xf3\x01", 2);
  file.close();
  ExpectItStopsTheGoodOne(&box, box.Options(), bad, ModelOf(bad), kRefused,
                          "it was built for another machine (ELF machine 499");
}

TEST(ZooFiles, OfAnotherWordSize) {
  PluginBox box;
  const fs::path bad = box.Add("twin");
  std::fstream file(bad, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4);  // EI_CLASS
  file.put(sizeof(void *) == 8 ? '\1' : '\2');
  file.close();
  ExpectItStopsTheGoodOne(&box, box.Options(), bad, ModelOf(bad), kRefused,
                          "its word size or byte order is not this host's");
}

TEST(ZooFiles, Text) {
  PluginBox box;
  const fs::path bad = box.plugins() / "svirt-text.so";
  std::ofstream(bad) << "INPUT(libc.so.6) and enough text to be as long as an ELF header is\n";
  chmod(bad.c_str(), 0755);
  ExpectItStopsTheGoodOne(&box, box.Options(), bad, ModelOf(bad), kRefused,
                          "it is not an ELF file");
}

TEST(ZooFiles, Empty) {
  PluginBox box;
  const fs::path bad = box.plugins() / "svirt-empty.so";
  const std::ofstream empty(bad);
  chmod(bad.c_str(), 0755);
  ExpectItStopsTheGoodOne(&box, box.Options(), bad, ModelOf(bad), kRefused,
                          "it is not an ELF file");
}

TEST(ZooFiles, WorldWritable) {
  PluginBox box;
  const fs::path bad = box.Add("twin");
  chmod(bad.c_str(), 0757);
  ExpectItStopsTheGoodOne(&box, box.Options(), bad, ModelOf(bad), kRefused,
                          "the file is world-writable (mode 0757); run chmod o-w " + bad.string());
}

TEST(ZooFiles, GroupWritableParent) {
  PluginBox box;
  const fs::path directory = box.root() / "lax";
  fs::create_directory(directory);
  chmod(directory.c_str(), 02775);
  const fs::path bad = box.Add("twin", directory);
  LoaderOptions options = box.Options();
  options.directories.push_back(directory);
  ExpectItStopsTheGoodOne(&box, options, bad, ModelOf(bad), kRefused,
                          "directory " + directory.string() +
                              " is group-writable (mode 2775); run chmod g-w " +
                              directory.string());
}

TEST(ZooFiles, GroupWritableGrandparent) {
  PluginBox box;
  const fs::path lax = box.root() / "lax", inner = lax / "inner";
  fs::create_directories(inner);
  chmod(lax.c_str(), 0770);
  chmod(inner.c_str(), 0755);
  const fs::path bad = box.Add("twin", inner);
  LoaderOptions options = box.Options();
  options.directories.push_back(inner);
  ExpectItStopsTheGoodOne(&box, options, bad, ModelOf(bad), kRefused,
                          "directory " + lax.string() + " is group-writable (mode 0770)");
}

// The sticky bit keeps others from removing a plugin, not from adding one.
TEST(ZooFiles, StickyParent) {
  PluginBox box;
  const fs::path directory = box.root() / "tmp";
  fs::create_directory(directory);
  chmod(directory.c_str(), 01777);
  const fs::path bad = box.Add("twin", directory);
  LoaderOptions options = box.Options();
  options.directories.push_back(directory);
  ExpectItStopsTheGoodOne(&box, options, bad, ModelOf(bad), kRefused,
                          "is group- and world-writable (mode 1777); move the plugins to a place "
                          "that only root may write to");
}

TEST(ZooFiles, SymbolicLink) {
  PluginBox box;
  const fs::path bad = box.plugins() / "svirt-link.so";
  fs::create_symlink(ZooFile("twin"), bad);
  ExpectItStopsTheGoodOne(&box, box.Options(), bad, ModelOf(bad), kRefused,
                          "it is a symbolic link, not a regular file");
}

TEST(ZooFiles, SymbolicLinkAmongDirectories) {
  PluginBox box;
  const fs::path link = box.root() / "link";
  fs::create_directory_symlink(box.plugins(), link);
  LoaderOptions options = box.Options();
  options.directories = {link, box.plugins()};
  ExpectItStopsTheGoodOne(
      &box, options, link, "", kRefused,
      "directory " + link.string() + " is a symbolic link; name the directory it leads to");
}

TEST(ZooFiles, HardLinkToTheRunningProgram) {
  // A link needs the same file system, so the program runs from inside the box.
  PluginBox box;
  const fs::path copy = box.AddFile(ZOO_SCAN_SELF, box.root() / "program");
  fs::create_hard_link(copy, box.plugins() / "svirt-self.so");
  box.Add("good");
  std::string program = copy, root = box.root();
  char *argv[] = {program.data(), root.data(), nullptr};
  pid_t pid = -1;
  ASSERT_EQ(posix_spawn(&pid, copy.c_str(), nullptr, nullptr, argv, environ), 0);
  int status = -1;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0) << "see the output of scan_self above";
}

TEST(ZooFiles, Fifo) {
  PluginBox box;
  const fs::path bad = box.plugins() / "svirt-fifo.so";
  ASSERT_EQ(mkfifo(bad.c_str(), 0644), 0);
  ExpectItStopsTheGoodOne(&box, box.Options(), bad, ModelOf(bad), kRefused,
                          "it is a FIFO, not a regular file");
}

TEST(ZooFiles, DirectoryNamedLikeAPlugin) {
  PluginBox box;
  const fs::path bad = box.plugins() / "svirt-dir.so";
  fs::create_directory(bad);
  ExpectItStopsTheGoodOne(&box, box.Options(), bad, ModelOf(bad), kRefused, "it is a directory");
}

TEST(ZooFiles, TooLarge) {
  PluginBox box;
  const fs::path bad = box.Add("twin");
  fs::resize_file(bad, (64u << 20) + 1);  // sparse
  ExpectItStopsTheGoodOne(&box, box.Options(), bad, ModelOf(bad), kRefused, "more than the 64 MiB");
}

TEST(ZooFiles, OfAnotherUser) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root, to give a file to another user";
  }
  PluginBox box;
  const fs::path bad = box.Add("twin");
  ASSERT_EQ(chown(bad.c_str(), 12345, 0), 0);
  ExpectItStopsTheGoodOne(
      &box, box.Options(), bad, ModelOf(bad), kRefused,
      "the file belongs to uid 12345, not to root; run chown root " + bad.string());
}

TEST(ZooFiles, DuplicateModelRefusesBoth) {
  PluginBox box;
  const fs::path second = box.root() / "more";
  fs::create_directory(second);
  chmod(second.c_str(), 0755);
  const fs::path one = box.Add("twin"), two = box.Add("twin", second);
  LoaderOptions options = box.Options();
  options.directories.push_back(second);
  ExpectItStopsTheGoodOne(&box, options, two, "twin", kRefused,
                          one.string() + " provides the model \"twin\" too");
  Loader loader(options);
  const auto scan = loader.Scan("");
  ASSERT_TRUE(scan.ok());
  EXPECT_THAT(CandidateOf(*scan, one).reason,
              HasSubstr(two.string() + " provides the model \"twin\" too"));
  EXPECT_THAT(loader.Get("twin", "").error().message, HasSubstr("provides the model"));
}

TEST(ZooFiles, ACopyUnderAnotherName) {
  PluginBox box;
  const fs::path sound = box.Add("twin");
  const fs::path copy = box.AddFile(ZooFile("twin"), box.plugins() / "svirt-twin-old.so");
  Loader loader(box.Options());
  const auto stopped = loader.Select("");
  ASSERT_FALSE(stopped.ok());
  EXPECT_THAT(stopped.error().message,
              HasSubstr(copy.string() +
                        " would be asked first and cannot answer (it provides the model \"twin\", "
                        "so its name has to be svirt-twin.so; rename it, or remove it if it is a "
                        "copy)"));
  EXPECT_THAT(loader.Get("twin", "").error().message, HasSubstr(copy.string()));
  fs::remove(copy);
  fs::create_hard_link(sound, copy);
  EXPECT_THAT(loader.Select("").error().message, HasSubstr(copy.string()));
  fs::remove(copy);
  EXPECT_EQ(loader.Select("")->plugin->model(), "twin");
}

TEST(ZooFiles, SameDirectoryTwiceIsHarmless) {
  PluginBox box;
  LoaderOptions options = box.Options();
  options.directories = {box.plugins(), box.plugins() / "."};
  box.Add("good");
  Loader loader(options);
  const auto scan = loader.Scan("");
  ASSERT_TRUE(scan.ok());
  ASSERT_EQ(scan->size(), 2u);
  for (const Candidate &each : *scan) {
    if (each.repeats) {
      EXPECT_THAT(each.reason, HasSubstr("it is the same file as"));
      EXPECT_FALSE(each.blocks);
    } else {
      EXPECT_EQ(CandidateStateName(each.state), "selected");
    }
  }
  EXPECT_EQ(loader.Get("good", "").value()->model(), "good");
  EXPECT_EQ(box.log().find("warning: "), std::string::npos) << box.log();
}

}  // namespace
}  // namespace svirt
