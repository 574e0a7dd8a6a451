// SPDX-License-Identifier: LGPL-2.1-or-later
// A mark tells the process that made it from a fork of it.
#include "host/util/fork_mark.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace svirt {
namespace {

TEST(ForkMarkTest, IsHereInTheProcessThatMadeItAlone) {
  const ForkMark mark;
  EXPECT_TRUE(mark.IsHere());
  const pid_t child = ::fork();
  if (child == 0) {
    const ForkMark own;
    ::_exit(mark.IsHere() || !own.IsHere() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(mark.IsHere());
}

}  // namespace
}  // namespace svirt
