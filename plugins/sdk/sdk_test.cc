// SPDX-License-Identifier: MIT
// The SDK's buffers, errors and sized structs never overrun, and no exception leaves a plugin.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <svirt/sdk.h>
#include <svirt/sdk_fd.h>

#include <array>
#include <stdexcept>
#include <string>

namespace svirt::sdk {
namespace {

struct Buffer {
  explicit Buffer(uint32_t size) : bytes(size, '#') {
    buf.struct_size = sizeof buf;
    buf.size = size;
    buf.data = bytes.data();
  }
  std::string bytes;
  svirt_buf buf{};
};

svirt_error MakeError() {
  svirt_error error{};
  error.struct_size = sizeof error;
  return error;
}

TEST(Put, WritesTextAndNulWhenTheyJustFit) {
  Buffer buffer(4);
  EXPECT_EQ(Put(&buffer.buf, "abc"), SVIRT_OK);
  EXPECT_EQ(buffer.buf.used, 4u);
  EXPECT_EQ(buffer.bytes, std::string("abc\0", 4));
}

TEST(Put, SaysTheNeedAndWritesNothingWhenItDoesNotFit) {
  Buffer buffer(3);
  EXPECT_EQ(Put(&buffer.buf, "abc"), SVIRT_E_RANGE);
  EXPECT_EQ(buffer.buf.used, 4u);
  EXPECT_EQ(buffer.bytes, "###");
}

TEST(Put, TakesABufferOfNoBytes) {
  svirt_buf buf{};
  EXPECT_EQ(Put(&buf, ""), SVIRT_E_RANGE);
  EXPECT_EQ(buf.used, 1u);
}

TEST(PutBoth, WritesNeitherIfOneDoesNotFit) {
  for (const auto &[first_size, second_size] : {std::pair{8u, 1u}, std::pair{1u, 8u}}) {
    Buffer first(first_size), second(second_size);
    EXPECT_EQ(PutBoth(&first.buf, "label", &second.buf, "image"), SVIRT_E_RANGE);
    EXPECT_EQ(first.bytes, std::string(first_size, '#'));
    EXPECT_EQ(second.bytes, std::string(second_size, '#'));
    EXPECT_EQ(first.buf.used, 6u);
    EXPECT_EQ(second.buf.used, 6u);
  }
}

TEST(PutBoth, WritesBoth) {
  Buffer first(8), second(8);
  EXPECT_EQ(PutBoth(&first.buf, "label", &second.buf, ""), SVIRT_OK);
  EXPECT_STREQ(first.bytes.c_str(), "label");
  EXPECT_STREQ(second.bytes.c_str(), "");
}

TEST(Fail, FillsErrnoAndSentence) {
  svirt_error error = MakeError();
  EXPECT_EQ(Fail(&error, SVIRT_E_DENIED, EACCES, "no way to %s", "/a"), SVIRT_E_DENIED);
  EXPECT_EQ(error.sys_errno, EACCES);
  EXPECT_STREQ(error.message, "no way to /a");
}

TEST(Fail, NeverWritesPastAHostsSmallerStruct) {
  svirt_error error = MakeError();
  std::memset(error.message, '#', sizeof error.message);
  error.struct_size = offsetof(svirt_error, message) + 5;
  Fail(&error, SVIRT_E_SYSTEM, 0, "a long sentence");
  EXPECT_STREQ(error.message, "a lo");
  EXPECT_EQ(error.message[5], '#');

  error = MakeError();
  error.struct_size = offsetof(svirt_error, message);
  Fail(&error, SVIRT_E_SYSTEM, EIO, "a long sentence");
  EXPECT_EQ(error.sys_errno, 0);
  EXPECT_EQ(Fail(nullptr, SVIRT_E_SYSTEM, EIO, "%s", ""), SVIRT_E_SYSTEM);
}

TEST(Fail, IsOneLineWhateverItQuotes) {
  svirt_error error = MakeError();
  Fail(&error, SVIRT_E_INVALID, 0, "bad path %s", "/a\nb\x1b[31m\x7f");
  EXPECT_STREQ(error.message, "bad path /a?b?[31m?");
  Fail(&error, SVIRT_E_INVALID, 0, "bad path %s", "\xc2\x80 \xc2\x9f\xc2\xa0");
  EXPECT_STREQ(error.message, "bad path ?? ??\xc2\xa0");
}

TEST(IsLabel, IsAnyBytesButControlCharacters) {
  for (const char *good : {"", "a:b c", "\xc2", "\xc2\xa0", "\xc1\x80", "\x80\xff"}) {
    EXPECT_TRUE(IsLabel(good));
  }
  for (const char *bad : {"\n", "a\x1f", "\x7f", "\xc2\x80", "a\xc2\x9f"}) {
    EXPECT_FALSE(IsLabel(bad));
  }
  EXPECT_TRUE(IsLabel(std::string(SVIRT_LABEL_MAX, 'x')));
  EXPECT_FALSE(IsLabel(std::string(SVIRT_LABEL_MAX + 1, 'x')));
}

TEST(Fail, CutsBetweenCharacters) {
  const std::string character = "\xf0\x9f\x94\x92";  // 4 bytes
  for (size_t lead = 1008; lead <= 1016; ++lead) {
    svirt_error error = MakeError();
    Fail(&error, SVIRT_E_INVALID, 0, "%s%s", std::string(lead, 'x').c_str(), character.c_str());
    const std::string expected = lead + 4 <= 1015 ? std::string(lead, 'x') + character
                                                  : std::string(std::min<size_t>(lead, 1015), 'x');
    EXPECT_EQ(error.message, expected) << lead;
  }
}

TEST(Fail, KeepsWholeCharactersAtTheEnd) {
  for (const char *text : {"", "x", "\xc3\xa9", "a\xe2\x82\xac", "\xf0\x9f\x94\x92"}) {
    svirt_error error = MakeError();
    Fail(&error, SVIRT_E_INVALID, 0, "%s", text);
    EXPECT_STREQ(error.message, text);
  }
}

TEST(CopySized, ReadsOnlyWhatTheOtherSideKnows) {
  svirt_domain theirs{};
  theirs.struct_size = offsetof(svirt_domain, pid);
  theirs.label_type = SVIRT_LABEL_STATIC;
  theirs.pid = 42;
  const svirt_domain mine = CopySized(&theirs);
  EXPECT_EQ(mine.struct_size, sizeof mine);
  EXPECT_EQ(mine.label_type, uint32_t{SVIRT_LABEL_STATIC});
  EXPECT_EQ(mine.pid, 0);
}

TEST(CopySized, LeavesTheTailOfALargerStruct) {
  struct {
    svirt_label_state known;
    uint64_t future;
  } theirs{};
  theirs.known.struct_size = sizeof theirs;
  theirs.known.enforcing = 1;
  const svirt_label_state mine = CopySized(&theirs.known);
  EXPECT_EQ(mine.enforcing, 1);
  EXPECT_EQ(mine.struct_size, sizeof mine);
}

TEST(StoreSized, WritesOnlyWhereThereIsRoomAndKeepsTheSize) {
  svirt_label_state theirs{};
  theirs.struct_size = offsetof(svirt_label_state, label);
  svirt_label_state mine{};
  mine.struct_size = sizeof mine;
  mine.enforcing = 1;
  mine.label.used = 7;
  StoreSized(&theirs, mine);
  EXPECT_EQ(theirs.enforcing, 1);
  EXPECT_EQ(theirs.label.used, 0u);
  EXPECT_EQ(theirs.struct_size, offsetof(svirt_label_state, label));
}

TEST(Resources, WalksWithTheHostsStride) {
  struct Larger {
    svirt_resource known;
    uint64_t future[3];
  };
  std::array<Larger, 2> theirs{};
  for (Larger &one : theirs) {
    one.known.struct_size = sizeof one;
    one.future[0] = ~uint64_t{0};
  }
  theirs[0].known.path = "/a";
  theirs[1].known.path = "/b";
  svirt_domain domain{};
  domain.resources = &theirs[0].known;
  domain.resource_count = 2;
  domain.resource_size = sizeof(Larger);
  const auto list = Resources(domain);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_STREQ(list[0].path, "/a");
  EXPECT_STREQ(list[1].path, "/b");
}

TEST(Resources, ReadsNothingBeyondAShorterElement) {
  svirt_resource theirs{};
  theirs.struct_size = offsetof(svirt_resource, override_label);
  theirs.path = "/a";
  theirs.override_label = "beyond";
  svirt_domain domain{};
  domain.resources = &theirs;
  domain.resource_count = 1;
  domain.resource_size = sizeof theirs;
  EXPECT_EQ(Resources(domain).at(0).override_label, nullptr);
}

TEST(Resources, OfADomainWithoutAnyAreNone) {
  svirt_domain domain{};
  domain.resource_count = 3;  // without an array the count means nothing
  EXPECT_TRUE(Resources(domain).empty());
}

TEST(Guard, LetsNoExceptionOut) {
  svirt_error error = MakeError();
  EXPECT_EQ(Guard(&error, [&] { return svirt_status{SVIRT_E_GONE}; }), SVIRT_E_GONE);
  EXPECT_EQ(Guard(&error, []() -> svirt_status { throw std::runtime_error("oops"); }),
            SVIRT_E_INTERNAL);
  EXPECT_THAT(error.message, testing::HasSubstr("oops"));
  EXPECT_EQ(Guard(&error, []() -> svirt_status { throw std::bad_alloc(); }), SVIRT_E_SYSTEM);
  EXPECT_EQ(error.sys_errno, ENOMEM);
  EXPECT_EQ(Guard(&error, []() -> svirt_status { throw 1; }), SVIRT_E_INTERNAL);
}

TEST(Fd, ClosesOnceAndMoves) {
  const int number = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(number, 0);
  {
    Fd first(number);
    Fd second(std::move(first));
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what a move leaves is the point
    EXPECT_EQ(second.get(), number);
    first = std::move(second);
    EXPECT_EQ(first.get(), number);
    EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(Uuid, IsLowerCaseAndWhole) {
  EXPECT_TRUE(IsUuid("11111111-2222-3333-4444-555555555555"));
  EXPECT_TRUE(IsUuid("abcdef01-2222-3333-4444-555555555555"));
  EXPECT_FALSE(IsUuid("ABCDEF01-2222-3333-4444-555555555555"));
  EXPECT_FALSE(IsUuid("1111111122222-3333-4444-555555555555"));
  EXPECT_FALSE(IsUuid("11111111-2222-3333-4444-55555555555"));
  EXPECT_FALSE(IsUuid(""));
}

}  // namespace
}  // namespace svirt::sdk
