// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels have one text each, may have names in them, and are refused with a reason.
#include "identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace svirt::dac {
namespace {

using testing::HasSubstr;

std::string Canonical(std::string_view text) {
  std::string why;
  const auto identity = ParseIdentity(text, &why);
  return identity ? FormatIdentity(*identity) : why;
}

TEST(Identity, HasOneCanonicalText) {
  for (const char *text : {"+107:+108", "107:108", "+107:108", "107:+108", "0107:+108"}) {
    EXPECT_EQ(Canonical(text), "+107:+108") << text;
  }
  EXPECT_EQ(Canonical("4294967294:1"), "+4294967294:+1");
}

TEST(Identity, TakesNamesOfThisHost) {
  EXPECT_EQ(Canonical("root:root"), "+0:+0");
  EXPECT_EQ(Canonical("root:+5"), "+0:+5");
  EXPECT_EQ(Canonical("+5:root"), "+5:+0");
}

TEST(Identity, SaysWhatIsWrong) {
  for (const char *text : {"", "107", "+107", ":", "+:+1", "1:", ":1", "+root:+0", "a b:c", "-1:1",
                           "1:2:3", "1:-2", "+1:+2 ", "user\x01:1", "a/b:1", "0x10:1"}) {
    EXPECT_THAT(Canonical(text),
                testing::AnyOf(HasSubstr("is written +UID:+GID"), HasSubstr("this host has no")))
        << text;
  }
  EXPECT_THAT(Canonical("4294967295:1"), HasSubstr("beyond the largest user id"));
  EXPECT_THAT(Canonical("1:4294967295"), HasSubstr("beyond the largest group id"));
  EXPECT_THAT(Canonical("1:99999999999999999999"), HasSubstr("beyond the largest group id"));
  EXPECT_THAT(Canonical("no-such-user-here:1"), HasSubstr("has no user 'no-such-user-here'"));
  EXPECT_THAT(Canonical("1:no-such-group-here"), HasSubstr("has no group 'no-such-group-here'"));
  EXPECT_THAT(Canonical(std::string(5000, 'x') + ":1"), HasSubstr("is written"));
}

TEST(Identity, KnowsWhomAnIdBelongsTo) {
  EXPECT_EQ(OwnerOnThisHost({0, 2'100'000'007}), "user root");
  EXPECT_EQ(OwnerOnThisHost({2'100'000'007, 0}), "group root");
  EXPECT_EQ(OwnerOnThisHost({2'100'000'007, 2'100'000'007}), "");
}

}  // namespace
}  // namespace svirt::dac
