// SPDX-License-Identifier: LGPL-2.1-or-later
// Tools: their output and status come back, and none runs or talks for ever.
#include "host/launch/tool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace svirt {
namespace {

using testing::HasSubstr;

// The shell stands for a tool that does several things.
ToolCall Script(const std::string &script) {
  ToolCall call;
  call.program = "/bin/sh";
  call.argv = {"sh", "-c", script};
  call.env = {"PATH=/usr/bin:/bin"};
  return call;
}

TEST(RunTool, GivesOutputAndStatus) {
  const auto answer = RunTool(Script("echo out; echo err >&2; pwd; exit 3"));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->status, 3);
  EXPECT_EQ(answer->out, "out\n/\n");
  EXPECT_EQ(answer->err, "err\n");
}

TEST(RunTool, TakesMoreThanAPipeHolds) {
  const auto answer = RunTool(Script("yes x | head -c 1000000; yes y | head -c 100000 >&2"));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->out.size(), 1000000u);
  EXPECT_LE(answer->err.size(), 4096u);
  EXPECT_THAT(answer->err, HasSubstr("y\ny\n"));
}

TEST(RunTool, DoesNotWaitForWhatTheToolLeavesBehind) {
  const auto before = std::chrono::steady_clock::now();
  const auto answer = RunTool(Script("sleep 20 & echo done"));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->out, "done\n");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(15));
}

TEST(RunTool, WaitsForAToolThatHasClosedItsOutput) {
  const auto answer = RunTool(Script("exec >&- 2>&-; sleep 0.2; exit 4"));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->status, 4);
}

TEST(RunTool, KillsOneThatDoesNotEnd) {
  ToolCall call = Script("exec sleep 60");
  call.timeout = std::chrono::milliseconds(200);
  const auto answer = RunTool(call);
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message, HasSubstr("/bin/sh did not end within 200 ms"));
}

TEST(RunTool, KillsOneThatDoesNotStopTalking) {
  const auto answer = RunTool(Script("exec yes"));
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message, HasSubstr("wrote more than"));
}

TEST(RunTool, ASignalIsToldAsAShellDoes) {
  EXPECT_EQ(RunTool(Script("kill -9 $$"))->status, 128 + 9);
}

TEST(RunTool, AProgramThatIsNotThereIsAnError) {
  ToolCall call = Script("");
  call.program = "/nonexistent/tool";
  EXPECT_FALSE(RunTool(call).ok());
}

}  // namespace
}  // namespace svirt
