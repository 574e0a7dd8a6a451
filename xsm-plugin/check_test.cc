// SPDX-License-Identifier: LGPL-2.1-or-later
// Valid labels pass, and wrong labels, odd answers and failed calls are told apart.
#include "check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <algorithm>

#include <cerrno>
#include <cstring>

#include "testing/fake_xen.h"

namespace svirt::flask {
namespace {

using testing::HasSubstr;

constexpr const char *kDomU = "system_u:system_r:domU_t";

TEST(CheckTest, ValidLabelsAreRead) {
  FakeXen xen;
  Context context;
  Error error;
  EXPECT_EQ(CheckLabel(&xen, kDomU, "the label", &context, &error), SVIRT_OK) << error.message;
  EXPECT_EQ(context.type, "domU_t");
}

TEST(CheckTest, WhatIsWrongIsNamed) {
  const struct {
    bool has_mls;
    const char *label, *why;
  } kRows[] = {
      {false, "", "user:role:type"},
      {false, "domU_t", "user:role:type"},
      {false, "system_u:system_r:domU_t\n", "control character"},
      {false, "system_u:system_r:nowhere_t", "no type nowhere_t"},
      {false, "nobody_u:system_r:domU_t", "no user nobody_u"},
      {false, "system_u:vm_r:domU_t", "user system_u with role vm_r"},
      {false, "system_u:system_r:domU_t:s0", "no levels"},
      {true, "system_u:system_r:domU_t", "wants a level"},
      {true, "system_u:system_r:domU_t:s0:c256", "and level s0:c256"},
      {true, "system_u:system_r:domU_t:s0:c2,c1", "reads it as"},
  };
  for (const auto &row : kRows) {
    FakeXen xen;
    xen.has_mls = row.has_mls;
    Context context;
    Error error;
    EXPECT_EQ(CheckLabel(&xen, row.label, "the label", &context, &error), SVIRT_E_INVALID)
        << row.label;
    EXPECT_THAT(error.text(), HasSubstr(row.why)) << row.label;
  }
}

// Before a policy is loaded FLASK takes every text for the hypervisor's own label.
TEST(CheckTest, NothingIsValidWithoutAPolicy) {
  FakeXen xen;
  xen.has_policy = false;
  Context context;
  Error error;
  EXPECT_EQ(CheckLabel(&xen, kDomU, "the label", &context, &error), SVIRT_E_INVALID);
  EXPECT_THAT(error.text(), HasSubstr("xenboot"));
}

std::string LabelOfSize(FakeXen *xen, size_t size) {
  const std::string prefix = "system_u:system_r:";
  const std::string type(size - prefix.size(), 't');
  xen->types.insert(type);
  return prefix + type;
}

// The reason is at the end of the sentence, and the sentence has no room for such a label.
TEST(CheckTest, LongLabelsLeaveRoomForTheReason) {
  FakeXen xen;
  Context context;
  Error error;
  const std::string label = "nobody_u:system_r:" + std::string(4000, 't');
  EXPECT_EQ(CheckLabel(&xen, label, "the label", &context, &error), SVIRT_E_INVALID);
  EXPECT_THAT(error.text(), HasSubstr("...' is not valid: the policy has no type ttt"));
}

// XSA-84, XSA-85: sizes at the edge of the buffer.
TEST(CheckTest, LongLabelsAreTakenUpToTheLastByte) {
  for (const size_t size : {4094U, 4095U, 4096U}) {
    FakeXen xen;
    const std::string label = LabelOfSize(&xen, size);
    Context context;
    Error error;
    EXPECT_EQ(CheckLabel(&xen, label, "the label", &context, &error), SVIRT_OK) << size;
    EXPECT_EQ(sdk::FormatContext(context), label);
  }
  for (const size_t size : {4097U, 4098U, 70000U}) {
    FakeXen xen;
    const std::string label = LabelOfSize(&xen, size);
    Context context;
    Error error;
    EXPECT_EQ(CheckLabel(&xen, label, "the label", &context, &error), SVIRT_E_INVALID) << size;
    EXPECT_THAT(error.text(), HasSubstr("has at most 4096"));
    EXPECT_EQ(xen.calls, 0) << "the hypervisor is not asked";
    uint32_t sid = 0;
    EXPECT_EQ(FindSid(&xen, label, &sid), ENOBUFS);
    EXPECT_EQ(xen.calls, 0);
  }
}

TEST(CheckTest, AnswersOfWrongLengthAreNoContexts) {
  FakeXen xen;
  std::string context = "as it was";
  uint32_t room = 0;
  // All of the room, and no end.
  xen.raw_context = [&](char *text, uint32_t size) {
    room = size;
    std::memset(text, 'x', size);
    return 0;
  };
  EXPECT_EQ(ReadContext(&xen, 5, &context), EPROTO);
  EXPECT_EQ(room, 4097U);
  EXPECT_EQ(context, "as it was");
  // The longest there is.
  xen.raw_context = [](char *text, uint32_t) {
    std::memset(text, 'x', 4096);
    text[4096] = '\0';
    return 0;
  };
  EXPECT_EQ(ReadContext(&xen, 5, &context), 0);
  EXPECT_EQ(context.size(), 4096U);
  // No NUL, as hypervisors before XSA-84's fix counted.
  xen.raw_context = [](char *text, uint32_t) {
    std::copy_n("a:b:c", 5, text);  // not ended
    return 0;
  };
  EXPECT_EQ(ReadContext(&xen, 5, &context), 0);
  EXPECT_EQ(context, "a:b:c");
  xen.raw_context = [](char *, uint32_t) { return 0; };
  EXPECT_EQ(ReadContext(&xen, 5, &context), EPROTO) << "nothing was written";
  xen.raw_context = [](char *, uint32_t) { return ERANGE; };
  EXPECT_EQ(ReadContext(&xen, 5, &context), ENOBUFS);
}

// SID 0 is "no label" to the hypervisor: it would take the default one.
TEST(CheckTest, SidZeroIsNeverTaken) {
  class Zero : public FakeXen {
   public:
    int ContextToSid(const char *, uint32_t, uint32_t *sid) override {
      *sid = 0;
      return 0;
    }
  } xen;
  uint32_t sid = 7;
  EXPECT_EQ(FindSid(&xen, kDomU, &sid), EPROTO);
  EXPECT_EQ(sid, 7U);
}

TEST(CheckTest, FailuresOfCallsHaveAStatusAndASentence) {
  const std::pair<int, svirt_status> kRows[] = {
      {EACCES, SVIRT_E_DENIED}, {EPERM, SVIRT_E_DENIED},  {ENOBUFS, SVIRT_E_INVALID},
      {ENOSYS, SVIRT_E_NOTSUP}, {EPROTO, SVIRT_E_SYSTEM}, {ENOMEM, SVIRT_E_SYSTEM},
      {EFAULT, SVIRT_E_SYSTEM}};
  for (const auto &[errnum, status] : kRows) {
    FakeXen xen;
    xen.errnos["ContextToSid"] = errnum;
    Context context;
    Error error;
    EXPECT_EQ(CheckLabel(&xen, kDomU, "the label", &context, &error), status) << errnum;
    EXPECT_EQ(error.sys_errno, errnum);
    EXPECT_THAT(error.text(), HasSubstr("check whether the label"));
  }
}

}  // namespace
}  // namespace svirt::flask
