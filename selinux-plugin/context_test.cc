// SPDX-License-Identifier: LGPL-2.1-or-later
#include "context.h"

#include <gtest/gtest.h>

namespace svirt::selinux {
namespace {

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
}  // namespace svirt::selinux
