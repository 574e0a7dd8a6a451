// SPDX-License-Identifier: LGPL-2.1-or-later
// What people read while they wait.
#include "host/cli/progress_line.h"

#include <gtest/gtest.h>

namespace svirt {
namespace {

using std::chrono::milliseconds;

TEST(ProgressLineTest, SaysHowManyHowFastAndHowLong) {
  EXPECT_EQ(ProgressLine::Format({"looking", 1234567, 0}, milliseconds(9999)),
            "looking: 1,234,567 objects, 123,456/s");
  EXPECT_EQ(ProgressLine::Format({"labelling", 1000, 5000}, milliseconds(1999)),
            "labelling: 1,000 of 5,000 objects, 500/s, 9 s left");
  EXPECT_EQ(ProgressLine::Format({"labelling", 5000, 5000}, milliseconds(999)),
            "labelling: 5,000 of 5,000 objects, 5,000/s");
  EXPECT_EQ(ProgressLine::Format({"labelling", 256, 300303}, milliseconds(999999)),
            "labelling: 256 of 300,303 objects, 0/s");
}

}  // namespace
}  // namespace svirt
