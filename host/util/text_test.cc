// SPDX-License-Identifier: LGPL-2.1-or-later
// Control characters and broken UTF-8 are found and replaced.
#include "host/util/text.h"

#include <gtest/gtest.h>

namespace svirt {
namespace {

using namespace std::string_view_literals;

TEST(Text, ControlCharacters) {
  EXPECT_FALSE(HasControlCharacters(""));
  EXPECT_FALSE(HasControlCharacters("system_u:object_r:svirt_image_t:s0:c1,c2 \xc3\xa9\xff"));
  for (const std::string_view bad : {"a\nb"sv, "a\0b"sv, "\t"sv, "\x7f"sv, "\x1b[2J"sv}) {
    EXPECT_TRUE(HasControlCharacters(bad));
  }
}

TEST(Text, Utf8) {
  for (const std::string_view good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                      "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  // Stray continuation, cut sequence, overlong forms, surrogate, past the last code point.
  for (const std::string_view bad : {"\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\xaf",
                                     "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
                                     "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xc3z"}) {
    EXPECT_FALSE(IsUtf8(bad));
  }
}

TEST(Text, PrintableKeepsTextAndReplacesTheRest) {
  EXPECT_EQ(Printable("plain \xc3\xa9"), "plain \xc3\xa9");
  EXPECT_EQ(Printable("two\nlines\r\n\n"), "two?lines");
  EXPECT_EQ(Printable("a\0b\x1b[31m\xff\xe2\x82"sv), "a?b?[31m???");
  EXPECT_EQ(Printable(""), "");
}

TEST(Text, ModelName) {
  for (const std::string_view good : {"a", "selinux", "x-1", "a2345678901234567890123456789012"}) {
    EXPECT_TRUE(IsModelName(good)) << good;
  }
  for (const std::string_view bad : {"", "-a", "1a", "A", "a_b", "a.b", "a b", "\xc3\xa9",
                                     "a23456789012345678901234567890123"}) {
    EXPECT_FALSE(IsModelName(bad)) << bad;
  }
}

TEST(Text, C1ControlCharacters) {
  for (const char *good : {"", " ", "a~", "\xC2\xA0", "\xC3\x80", "\xF0\x9F\x98\x80"}) {
    EXPECT_FALSE(HasControlCharacters(good)) << good;
    EXPECT_EQ(Printable(good), good);
  }
  for (const char *bad : {"\n", "a\x1b", "\x7f", "\xC2\x80", "x\xC2\x9F"}) {
    EXPECT_TRUE(HasControlCharacters(bad));
  }
  EXPECT_TRUE(HasControlCharacters(std::string_view("\0", 1)));
  EXPECT_EQ(Printable("a\nb\xC2\x9B\xC3\xBC\x7f"), "a?b?\xC3\xBC?");
}

TEST(Text, QuotesAreCutBetweenCharacters) {
  EXPECT_EQ(Quoted("a"), "'a'");
  EXPECT_EQ(Quoted(std::string(64, 'x')), "'" + std::string(64, 'x') + "'");
  EXPECT_EQ(Quoted(std::string(65, 'x')), "'" + std::string(64, 'x') + "...'");
  EXPECT_EQ(Quoted(std::string(63, 'x') + "\xC3\xBC" + "y"), "'" + std::string(63, 'x') + "...'");
  EXPECT_EQ(Quoted(std::string(62, 'x') + "\xC3\xBC" + "y"),
            "'" + std::string(62, 'x') + "\xC3\xBC...'");
}

}  // namespace
}  // namespace svirt
