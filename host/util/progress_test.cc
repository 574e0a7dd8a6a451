// SPDX-License-Identifier: LGPL-2.1-or-later
// What is counted is reported now and then, in order, with its end.
#include "host/util/progress.h"

#include <gtest/gtest.h>

#include <vector>

#include "host/util/parallel.h"

namespace svirt {
namespace {

TEST(ProgressTest, IsReportedNowAndThenAndAtTheEnd) {
  std::vector<Progress> reports;
  const ProgressSink sink = [&reports](const Progress &progress) { reports.push_back(progress); };
  {
    ProgressCount count(sink, "labelling", 100000);
    ASSERT_TRUE(ForEach(100000, [&count](size_t) {
                  count.Add();
                  return Status();
                }).ok());
  }
  ASSERT_GE(reports.size(), 10u);
  EXPECT_LE(reports.size(), 100000u / 256 + 1);
  for (size_t i = 0; i + 1 < reports.size(); ++i) {
    EXPECT_FALSE(reports[i].has_ended);
    EXPECT_EQ(reports[i].total, 100000u);
  }
  EXPECT_TRUE(reports.back().has_ended);
  EXPECT_EQ(reports.back().done, 100000u);
}

TEST(ProgressTest, OfFewIsNotWorthAWord) {
  int reports = 0;
  const ProgressSink sink = [&reports](const Progress &) { ++reports; };
  {
    ProgressCount count(sink, "looking", 0);
    for (int i = 0; i < 200; ++i) {
      count.Add();
    }
  }
  EXPECT_EQ(reports, 0);
  const ProgressSink none;
  ProgressCount unseen(none, "looking", 0);
  for (int i = 0; i < 1000; ++i) {
    unseen.Add();
  }
}

}  // namespace
}  // namespace svirt
