// SPDX-License-Identifier: LGPL-2.1-or-later
// The range of ids: its defaults, and the values that are refused.
#include "settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_fixture.h"

namespace svirt::dac {
namespace {

using sdk::FakeHost;
using testing::HasSubstr;

// "FIRST+COUNT", or the sentence.
std::string Read(const std::string &first, const std::string &count) {
  FakeHost host;
  if (!first.empty()) {
    host.settings["first_id"] = first;
  }
  if (!count.empty()) {
    host.settings["count"] = count;
  }
  IdRange range;
  svirt_error error = sdk::MakeError();
  const svirt_status status = ReadRange(host.get(), &range, &error);
  if (status != SVIRT_OK) {
    EXPECT_EQ(status, SVIRT_E_INVALID);
    EXPECT_EQ(range.first, IdRange().first);
    return error.message;
  }
  return std::to_string(range.first) + "+" + std::to_string(range.count);
}

TEST(Settings, HaveDefaultsThatNobodyElseGivesOut) {
  EXPECT_EQ(Read("", ""), "2100000000+65536");
  EXPECT_LT(IdRange().last(), 1u << 31);
}

TEST(Settings, AreDeclaredWithTheirDefaults) {
  ASSERT_EQ(kConfigKeys.count, 2u);
  EXPECT_STREQ(kConfigKeys.keys[0].name, "first_id");
  EXPECT_STREQ(kConfigKeys.keys[1].name, "count");
  EXPECT_EQ(Read(kConfigKeys.keys[0].default_value, kConfigKeys.keys[1].default_value),
            Read("", ""));
}

TEST(Settings, TakeEveryRangeOfIds) {
  EXPECT_EQ(Read("64000", "500"), "64000+500");
  EXPECT_EQ(Read("1", ""),
            "the ids 1 to 65536 of [model dac] in svirt.conf include 65534 and "
            "65535, which stand for nobody: choose others with first_id and count");
  EXPECT_EQ(Read("4294967294", "1"), "4294967294+1");
  EXPECT_EQ(Read("65536", "4294901759"), "65536+4294901759");
}

TEST(Settings, RefuseWhatIsNoRange) {
  for (const char *bad : {"0", "-1", "+5", "4294967295", "99999999999", "0x10", "1 ", "many"}) {
    EXPECT_THAT(Read(bad, "1"), HasSubstr("first_id in [model dac] of svirt.conf has to be"));
    EXPECT_THAT(Read("", bad), HasSubstr("count in [model dac] of svirt.conf has to be"));
  }
  EXPECT_THAT(Read("4294967294", "2"), HasSubstr("there are no 2 ids from 4294967294 on"));
  EXPECT_THAT(Read("65534", "1"), HasSubstr("nobody"));
  EXPECT_THAT(Read("65535", "1"), HasSubstr("nobody"));
}

TEST(Settings, AreFirstAndLast) {
  const IdRange range{100, 3};
  EXPECT_EQ(range.last(), 102u);
  EXPECT_FALSE(range.Contains(99));
  EXPECT_TRUE(range.Contains(100));
  EXPECT_TRUE(range.Contains(102));
  EXPECT_FALSE(range.Contains(103));
  EXPECT_FALSE(range.Contains((uint64_t{1} << 32) + 100));
}

}  // namespace
}  // namespace svirt::dac
