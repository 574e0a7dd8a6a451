// SPDX-License-Identifier: LGPL-2.1-or-later
// The compiler makes a loadable profile, and each failure of the parser has its status.
#include <gtest/gtest.h>

#include "compiler.h"
#include "policy_image.h"
#include "testing/driver_fixture.h"

namespace svirt::apparmor {
namespace {

TEST(CompilerTest, TakesNothingFromTheCaller) {
  if (!HasParser()) {
    GTEST_SKIP() << kNoParser;
  }
  std::string image;
  svirt_error error = MakeError();
  EXPECT_EQ(Compile(FindParser(), "profile x { /y r, }", &image, &error), SVIRT_OK);
  EXPECT_TRUE(PolicyImage::Parse(image));
  EXPECT_EQ(Compile("/nonexistent/parser", "profile x { }", &image, &error), SVIRT_E_SYSTEM);
  EXPECT_EQ(Compile("/bin/false", "profile x { }", &image, &error), SVIRT_E_INVALID);
  EXPECT_EQ(Compile("", "profile x { }", &image, &error), SVIRT_E_NOTSUP);
}

}  // namespace
}  // namespace svirt::apparmor
