// SPDX-License-Identifier: MIT
// Levels and contexts are read and written in one form, and wrong ones are refused with a reason.
#include <gtest/gtest.h>
#include <svirt/sdk_context.h>

namespace svirt::sdk {
namespace {

TEST(LevelTest, EveryLegalFormIsReadAndWrittenCanonically) {
  const struct {
    const char *text, *canonical;
    size_t low_categories, high_categories;
  } kRows[] = {
      {"s0", "s0", 0, 0},
      {"s0-s0", "s0", 0, 0},
      {"s0:c5", "s0:c5", 1, 1},
      {"s0:c1,c3", "s0:c1,c3", 2, 2},
      {"s0:c3,c1", "s0:c1,c3", 2, 2},
      {"s0:c5,c5", "s0:c5", 1, 1},
      {"s0:c0,c1", "s0:c0,c1", 2, 2},
      {"s0:c0.c1", "s0:c0,c1", 2, 2},
      {"s0:c0,c1,c2", "s0:c0.c2", 3, 3},
      {"s0:c0.c5,c7.c9", "s0:c0.c5,c7.c9", 9, 9},
      {"s0:c0.c5,c6.c9", "s0:c0.c9", 10, 10},
      {"s0-s0:c0.c1023", "s0-s0:c0.c1023", 0, 1024},
      {"s0:c1-s0:c0.c10", "s0:c1-s0:c0.c10", 1, 11},
      {"s2-s3:c0.c1023", "s2-s3:c0.c1023", 0, 1024},
      {"s15:c1023", "s15:c1023", 1, 1},
      {"s0:c1022.c1023", "s0:c1022,c1023", 2, 2},
  };
  for (const auto &row : kRows) {
    std::string why;
    const auto range = ParseRange(row.text, &why);
    ASSERT_TRUE(range) << row.text << ": " << why;
    EXPECT_EQ(FormatRange(*range), row.canonical);
    EXPECT_EQ(range->low.categories.count(), row.low_categories) << row.text;
    EXPECT_EQ(range->high.categories.count(), row.high_categories) << row.text;
    EXPECT_EQ(ParseRange(row.canonical, &why), range) << row.text;
  }
}

TEST(LevelTest, WrongSyntaxIsNamed) {
  const struct {
    const char *text, *why;
  } kRows[] = {
      {"", "not a sensitivity"},
      {"s", "not a sensitivity"},
      {"0", "not a sensitivity"},
      {"s00", "not a sensitivity"},
      {"s-1", "not a sensitivity"},
      {"SystemLow", "not a sensitivity"},
      {"s0:", "not a category"},
      {"s0:c", "not a category"},
      {"s0:c1,2", "'2' is not a category"},
      {"s0:c1,", "not a category"},
      {"s0:c1,,c2", "not a category"},
      {"s0:c01", "'c01' is not a category"},
      {"s0:c1 ", "not a category"},
      {"s0:c+1", "not a category"},
      {"s0:c1024", "beyond the last category"},
      {"s0:c99999999999999999999", "not a category"},
      {"s0:c9.c5", "from a lower to a higher"},
      {"s0:c5.c5", "from a lower to a higher"},
      {"s0:c1.", "not a category"},
      {"s0-", "not a sensitivity"},
      {"s0:c1-s0:c2", "does not include"},
      {"s3-s2", "does not include"},
      {"s0-s0-s0", "not a sensitivity"},
      {"s0:c1:c2", "not a category"},
  };
  for (const auto &row : kRows) {
    std::string why;
    EXPECT_FALSE(ParseRange(row.text, &why)) << row.text;
    EXPECT_NE(why.find(row.why), std::string::npos) << row.text << ": " << why;
  }
}

TEST(ContextTest, ContextsAreReadAndWritten) {
  for (const char *text :
       {"system_u:system_r:svirt_t:s0:c1,c2", "system_u:system_r:virtd_t:s0-s0:c0.c1023",
        "unconfined_u:object_r:svirt_image_t:s0", "system_u:system_r:virtd_t"}) {
    std::string why;
    const auto context = ParseContext(text, &why);
    ASSERT_TRUE(context) << text << ": " << why;
    EXPECT_EQ(FormatContext(*context), text);
  }
  std::string why;
  const auto plain = ParseContext("u:r:t", &why);
  EXPECT_EQ(plain->type, "t");
  EXPECT_FALSE(plain->range);
  EXPECT_TRUE(plain->high().categories.none());
}

TEST(ContextTest, PartsOfContextsAreRefused) {
  // "s0" is what a reader got from a short read of /proc (KubeVirt issue 18486).
  for (const char *text :
       {"", "s0", "svirt_t", "a:b", "a:b:", ":b:c", "a::c:s0", "a:b:c:", "a:b:c:s0:", "a:b:c:s0 ",
        "a:b:c:s0\n", "a:b:c\t:s0", "a:b:c\x80:s0", "a:b:c:SystemLow", "a:b:c:s0:c1,2"}) {
    std::string why;
    EXPECT_FALSE(ParseContext(text, &why)) << text;
    EXPECT_FALSE(why.empty()) << text;
  }
}

}  // namespace
}  // namespace svirt::sdk
