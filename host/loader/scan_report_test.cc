// SPDX-License-Identifier: LGPL-2.1-or-later
// Reports of the scanner survive being written and read, and damaged ones do not count.
#include "host/loader/scan_report.h"

#include <gtest/gtest.h>

namespace svirt {
namespace {

TEST(ScanReport, ThereAndBack) {
  EXPECT_TRUE(ParseScanReport(FormatScanReport({true, ""}))->sound);
  const std::vector<UsedFile> files{{"/a b", {1, 2, 3, -4, 5}}, {"/c", {}}};
  EXPECT_EQ(ParseScanReport(FormatScanReport({true, "", files}))->files, files);
  const auto refused = ParseScanReport(FormatScanReport({false, "it\nforges\nend=1\nsound=1"}));
  ASSERT_TRUE(refused.has_value());
  EXPECT_FALSE(refused->sound);
  EXPECT_EQ(refused->reason, "it?forges?end=1?sound=1");
}

TEST(ScanReport, OnlyAWholeReportCounts) {
  const std::string whole = FormatScanReport({true, "reason", {{"/a", {}}}});
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(ParseScanReport(whole.substr(0, length)).has_value()) << length;
  }
  EXPECT_FALSE(ParseScanReport(whole + "x").has_value());
  EXPECT_FALSE(ParseScanReport("x" + whole).has_value());
  EXPECT_FALSE(ParseScanReport("sound=2\nreason=\nend=1\n").has_value());
  EXPECT_FALSE(ParseScanReport("sound=1\nreason=\nfile=1 2 3 4 5 a\nend=1\n").has_value());
}

}  // namespace
}  // namespace svirt
