// SPDX-License-Identifier: LGPL-2.1-or-later
// Tables that break a rule are refused by name; longer ones are read as far as they are known.
#include "host/loader/table_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "host/loader/fake_plugin_test.h"

namespace svirt {
namespace {

using ::testing::HasSubstr;

std::string RefusalOf(const svirt_plugin &table) {
  const auto copy = CopyTable(&table);
  return copy.ok() ? "accepted" : copy.error().message;
}

TEST(TableCheck, AcceptsAndCopies) {
  const FakePlugin fake;
  const auto copy = CopyTable(&fake.table);
  ASSERT_TRUE(copy.ok()) << copy.error().message;
  EXPECT_EQ(copy->probe, fake.table.probe);
  EXPECT_EQ(copy->get_extension, fake.table.get_extension);
}

TEST(TableCheck, SizesAndVersions) {
  EXPECT_THAT(CopyTable(nullptr).error().message, HasSubstr("svirt_plugin_v1() returned NULL"));
  FakePlugin fake;
  fake.table.struct_size = sizeof fake.table - 1;
  EXPECT_EQ(RefusalOf(fake.table), "its table has 151 bytes, ABI 1.0 needs 152");
  fake.table.struct_size = 0;
  EXPECT_THAT(RefusalOf(fake.table), HasSubstr("has 0 bytes"));
  fake.table.struct_size = sizeof fake.table;
  fake.table.abi_major = 2;
  EXPECT_EQ(RefusalOf(fake.table), "its table is of ABI 2.0, this host provides 1.0");
  fake.table.abi_major = 1;
  fake.table.min_host_minor = 7;
  EXPECT_EQ(RefusalOf(fake.table), "it needs host ABI 1.7, this host provides 1.0");
  fake.table.min_host_minor = 0;
  fake.table.abi_minor = 7;  // newer, but content with this host
  EXPECT_EQ(RefusalOf(fake.table), "accepted");
}

TEST(TableCheck, FlagsAndThreads) {
  FakePlugin fake;
  for (const uint32_t low : {0x1u, 0x8000u, 0xffffu}) {
    fake.table.flags = low;
    EXPECT_EQ(RefusalOf(fake.table), "accepted");
  }
  for (const uint32_t high : {0x10000u, 0x80000000u, 0xffffffffu}) {
    fake.table.flags = high;
    EXPECT_THAT(RefusalOf(fake.table), HasSubstr("must-understand flag"));
  }
  fake.table.flags = 0;
  fake.table.threads = 2;
  EXPECT_EQ(RefusalOf(fake.table), "its table declares the unknown thread model 2");
}

TEST(TableCheck, Strings) {
  const std::string long_text(257, 'x');
  for (const char *bad : {"", "Upper", "with space", "a\nb", "\xff"}) {
    FakePlugin fake;
    fake.table.model = bad;
    EXPECT_NE(RefusalOf(fake.table), "accepted") << bad;
  }
  for (const char *bad : {static_cast<const char *>(nullptr), "a\nb", "\xff", long_text.c_str()}) {
    FakePlugin fake;
    fake.table.version = bad;
    EXPECT_THAT(RefusalOf(fake.table), HasSubstr("version"));
    fake.table.version = "1";
    fake.table.vendor = bad;
    EXPECT_THAT(RefusalOf(fake.table), HasSubstr("vendor"));
    fake.table.vendor = "v";
    fake.table.model = bad;
    EXPECT_THAT(RefusalOf(fake.table), HasSubstr("model"));
  }
}

// Blanks one function pointer after another.
TEST(TableCheck, EverySlotIsMandatoryAndNamed) {
  const char *names[] = {"probe",
                         "init",
                         "fini",
                         "get_model",
                         "domain_label_space",
                         "domain_generate_label",
                         "domain_verify_label",
                         "domain_get_label",
                         "domain_set_label",
                         "domain_prepare_exec",
                         "resource_plan_label",
                         "resource_get_label",
                         "resource_set_label",
                         "get_extension"};
  size_t offset = offsetof(svirt_plugin, probe);
  for (const char *name : names) {
    FakePlugin fake;
    std::memset(reinterpret_cast<char *>(&fake.table) + offset, 0, sizeof(void *));
    EXPECT_EQ(RefusalOf(fake.table), std::string("its table lacks the mandatory function ") + name);
    offset += sizeof(void *);
  }
  EXPECT_EQ(offset, sizeof(svirt_plugin));
}

TEST(TableCheck, ALongerTableIsReadAsFarAsItIsKnown) {
  const FakePlugin fake;
  std::vector<char> longer(sizeof fake.table + 64, '\xff');
  std::memcpy(longer.data(), &fake.table, sizeof fake.table);
  const auto size = static_cast<uint32_t>(longer.size());
  std::memcpy(longer.data(), &size, sizeof size);
  const auto copy = CopyTable(reinterpret_cast<const svirt_plugin *>(longer.data()));
  ASSERT_TRUE(copy.ok()) << copy.error().message;
  EXPECT_EQ(copy->struct_size, sizeof(svirt_plugin));
}

}  // namespace
}  // namespace svirt
