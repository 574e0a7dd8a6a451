// SPDX-License-Identifier: LGPL-2.1-or-later
// svirt-validate and svirt-inspect: each rule is seen to be kept and to be broken.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/util/fd.h"
#include "tests/bad-plugins/plugin_box.h"

namespace svirt {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Output {
  int status = -1;
  std::string text;
};

// Standard output and exit status of a program.
Output RunTool(std::vector<std::string> words) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  Fd read_end(ends[0]), write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char *> argv;
  argv.reserve(words.size() + 1);
  for (std::string &word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0) << words[0];
  posix_spawn_file_actions_destroy(&actions);
  write_end.Reset();
  Output out;
  char part[4096];
  for (ssize_t got = 0; (got = read(read_end.get(), part, sizeof part)) > 0;) {
    out.text.append(part, static_cast<size_t>(got));
  }
  int status = 0;
  waitpid(pid, &status, 0);
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return out;
}

// Names of the tests that had this result.
std::vector<std::string> Having(const json &report, const std::string &result) {
  std::vector<std::string> names;
  for (const json &test : report["tests"]) {
    if (test["result"] == result) {
      names.push_back(test["test"]);
    }
  }
  return names;
}

std::string BreakerFile(int rule) {
  return std::string(BREAKER_DIR) + "/" + std::to_string(rule) + "/svirt-breaker.so";
}

std::string Why(const json &report, const std::string &name) {
  for (const json &test : report["tests"]) {
    if (test["test"] == name) {
      return test["reason"];
    }
  }
  return "no such test";
}

TEST(Validate, ASoundPluginPassesEverything) {
  const Output out = RunTool({VALIDATE, "--json", "--seed", "7", BreakerFile(0)});
  const json report = json::parse(out.text);
  EXPECT_EQ(out.status, 0) << out.text;
  EXPECT_TRUE(report["ok"]);
  EXPECT_EQ(report["seed"], 7);
  EXPECT_THAT(Having(report, "fail"), ElementsAre());
  EXPECT_THAT(Having(report, "skip"), ElementsAre());
  EXPECT_GT(report["tests"].size(), 25u);
}

class Breaker : public ::testing::TestWithParam<int> {};

TEST_P(Breaker, ABrokenRuleIsFound) {
  const std::string name = "SVP-" + std::to_string(GetParam());
  const Output out = RunTool({VALIDATE, "--json", "--only", std::to_string(GetParam()), "--seed",
                              "7", BreakerFile(GetParam())});
  const json report = json::parse(out.text);
  EXPECT_EQ(out.status, 1);
  EXPECT_FALSE(report["ok"]);
  EXPECT_THAT(Having(report, "fail"), ElementsAre(name)) << out.text;
  EXPECT_NE(Why(report, name), "");
}

INSTANTIATE_TEST_SUITE_P(Rules, Breaker, ::testing::ValuesIn(std::vector<int>{BREAKER_RULES}),
                         [](const auto &info) { return "SVP" + std::to_string(info.param); });

// A number belongs to one rule for ever, and each rule that a breaker can break has one.
TEST(Validate, EveryListedRuleHasATestThatItCanFail) {
  const Output out = RunTool({VALIDATE, "--list"});
  EXPECT_EQ(out.status, 0);
  std::vector<int> tested = {BREAKER_RULES};
  tested.insert(tested.end(), {1, 2, 3, 5});  // by the zoo, below
  size_t lines = 0;
  for (const char c : out.text) {
    lines += c == '\n' ? 1 : 0;
  }
  EXPECT_EQ(lines, tested.size());
  for (const int rule : tested) {
    EXPECT_THAT(out.text, HasSubstr("SVP-" + std::to_string(rule) + " "));
  }
}

TEST(Validate, TheZooBreaksTheRestOfThem) {
  const struct {
    const char *file, *rule, *reason;
  } rows[] = {
      {"executable_stack", "1", "executable stack"},
      {"no_note", "2", "no identity note"},
      {"note_disagrees", "5", "disagree"},
      {"missing_dependency", "5", "it needs libzoo_missing.so, which is not installed"},
      {"changes_cwd", "12", "changes the working directory"},
      {"starts_thread", "12", "leaves threads running"},
      {"leaks_descriptor", "12", "not close-on-exec"},
      {"unknown_status", "10", "unknown status 77"},
      {"crash_constructor", "5", "crashed with signal 6"},
      {"crash_exit", "5", "crashed with signal 6"},
      {"exit_probe", "10", "ended the process in the middle"},
  };
  for (const auto &row : rows) {
    const Output out = RunTool({VALIDATE, "--json", "--only", row.rule, ZooFile(row.file)});
    EXPECT_EQ(out.status, 1) << row.file;
    EXPECT_THAT(Why(json::parse(out.text), std::string("SVP-") + row.rule), HasSubstr(row.reason));
  }
  PluginBox box;
  const std::string renamed =
      box.AddFile(BreakerFile(0), box.plugins() / "svirt-other.so").string();
  EXPECT_THAT(Why(json::parse(RunTool({VALIDATE, "--json", "--only", "3", renamed}).text), "SVP-3"),
              HasSubstr("not svirt-breaker.so"));
}

TEST(Validate, AHangEndsAtTheDeadline) {
  const Output out =
      RunTool({VALIDATE, "--json", "--only", "10", "--timeout", "300", ZooFile("spin_probe")});
  EXPECT_THAT(Why(json::parse(out.text), "SVP-10"), HasSubstr("did not end within 300 ms"));
}

TEST(Validate, WhatNeedsAnActivePluginIsSkippedByNameWithItsReason) {
  const json report = json::parse(RunTool({VALIDATE, "--json", ZooFile("inactive")}).text);
  EXPECT_TRUE(report["ok"]);
  EXPECT_EQ(Having(report, "skip").size(), 26u);
  EXPECT_EQ(Why(report, "SVP-30"), "the plugin is not active here: zoo says 1");
}

TEST(Validate, TapAndUsage) {
  const Output tap = RunTool({VALIDATE, "--only", "1,12,20", "--seed", "7", ZooFile("inactive")});
  EXPECT_EQ(tap.status, 0);
  EXPECT_EQ(tap.text.substr(0, 14), "1..3\n# seed 7\n");
  EXPECT_THAT(tap.text, HasSubstr("\nok 2 - SVP-12 probe-process: "));
  EXPECT_THAT(tap.text, HasSubstr(" # SKIP the plugin is not active here: zoo says 1\n"));
  const Output failed = RunTool({VALIDATE, "--only", "1", "/no/such/file"});
  EXPECT_EQ(failed.status, 1);
  EXPECT_THAT(failed.text, HasSubstr("not ok 1 - SVP-1 "));
  EXPECT_THAT(failed.text, HasSubstr("\n# SVP-1 failed: cannot open /no/such/file"));
  EXPECT_EQ(RunTool({VALIDATE}).status, 2);
  EXPECT_EQ(RunTool({VALIDATE, "--timeout", "0", "x"}).status, 2);
  EXPECT_EQ(RunTool({VALIDATE, "--in-process", "--only", "30", BreakerFile(0)}).status, 0);
}

TEST(Inspect, TellsWithoutRunning) {
  // crash_constructor would not survive being loaded.
  const Output out = RunTool({INSPECT, ZooFile("crash_constructor")});
  EXPECT_EQ(out.status, 0) << out.text;
  for (const char *line :
       {"\nmodel=crash-constructor\n", "\nversion=1\n", "\nabi=1.0\n", "\nmin_host=1.0\n",
        "\npriority=900\n", "\nexports=svirt_plugin_v1\n", "\nok=true\nreason=\n"}) {
    EXPECT_THAT(out.text, HasSubstr(line));
  }
  const Output refused = RunTool({INSPECT, "--json", ZooFile("newer_host")});
  EXPECT_EQ(refused.status, 1);
  const json report = json::parse(refused.text);
  EXPECT_FALSE(report["ok"]);
  EXPECT_EQ(report["reason"], "it needs host ABI 1.4, this host provides 1.0");
  EXPECT_EQ(report["model"], "newer-host");
  EXPECT_THAT(RunTool({INSPECT, "/etc/passwd"}).text, HasSubstr("reason=it is not an ELF file"));
  EXPECT_EQ(RunTool({INSPECT, "/no/such/file"}).status, 1);
}

}  // namespace
}  // namespace svirt
