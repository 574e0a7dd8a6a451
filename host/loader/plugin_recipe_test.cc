// SPDX-License-Identifier: LGPL-2.1-or-later
// Recipes that plugins return: those that break a rule are refused, and descriptors never leak.
#include <fcntl.h>
#include <unistd.h>

#include "host/loader/plugin_fixture_test.h"

namespace svirt {
namespace {

using ::testing::HasSubstr;

class RecipeTest : public PluginTest {
 protected:
  std::string Prepare(std::function<void(svirt_exec *)> fill, svirt_status status = SVIRT_OK) {
    fake_.does.prepare_exec = [fill = std::move(fill), status](svirt_exec *exec) {
      EXPECT_EQ(exec->struct_size, sizeof *exec);
      fill(exec);
      return status;
    };
    last_ = plugin_->PrepareExec(Dynamic(), "label", &exec_);
    return last_.ok() ? "good" : last_.error().message;
  }
  static void Procattr(svirt_exec *exec, const char *attr, uint32_t length = 1) {
    exec->op_count = 1;
    exec->op[0].kind = SVIRT_EXEC_PROCATTR;
    std::string_view(attr).copy(exec->op[0].attr, sizeof exec->op[0].attr);
    exec->op[0].data_len = length;
  }

  Status last_;
  svirt_exec exec_{};
};

TEST_F(RecipeTest, AttributesAreAllowListed) {
  Start();
  for (const char *good : {"current", "exec", "fscreate", "sockcreate", "keycreate",
                           "apparmor/exec", "apparmor/current", "smack/current"}) {
    EXPECT_EQ(Prepare([=](svirt_exec *e) { Procattr(e, good); }), "good") << good;
  }
  for (const char *bad :
       {"", "prev", "../mem", "apparmor/", "apparmor/../exec", "smack/apparmor/exec", "/exec",
        "exec/", "selinux/exec", "a-name-that-fills-all-of-its-forty-bytes"}) {
    EXPECT_THAT(Prepare([=](svirt_exec *e) { Procattr(e, bad); }),
                HasSubstr("which is not one a plugin may set"))
        << bad;
    EXPECT_EQ(exec_.op_count, 0u);
  }
}

TEST_F(RecipeTest, SizesKindsAndFlagsAreChecked) {
  Start();
  EXPECT_EQ(Prepare([](svirt_exec *) {}), "good");
  EXPECT_EQ(Prepare([](svirt_exec *e) { Procattr(e, "exec", SVIRT_EXEC_DATA_MAX); }), "good");
  EXPECT_THAT(Prepare([](svirt_exec *e) { Procattr(e, "exec", SVIRT_EXEC_DATA_MAX + 1); }),
              HasSubstr("writes 4097 bytes"));
  EXPECT_THAT(Prepare([](svirt_exec *e) { Procattr(e, "exec", 0); }), HasSubstr("writes 0 bytes"));
  EXPECT_THAT(Prepare([](svirt_exec *e) { e->op_count = SVIRT_EXEC_OPS + 1; }),
              HasSubstr("has 5 operations; at most 4"));
  EXPECT_THAT(Prepare([](svirt_exec *e) { e->op_count = 1; }), HasSubstr("of kind 0"));
  EXPECT_THAT(Prepare([](svirt_exec *e) {
                e->op_count = 1;
                e->op[0].kind = 4;
              }),
              HasSubstr("of kind 4, which this host does not know"));
  EXPECT_THAT(Prepare([](svirt_exec *e) {
                Procattr(e, "exec");
                e->op[0].flags = SVIRT_EXEC_NO_NEW_PRIVS;
              }),
              HasSubstr("a flag on operation 1"));
  EXPECT_THAT(Prepare([](svirt_exec *e) {
                e->op_count = 1;
                e->op[0].kind = SVIRT_EXEC_CREDENTIALS;
                e->op[0].uid = 0xffffffffu;
              }),
              HasSubstr("-1 as a user or group"));
  EXPECT_EQ(last_.error().code, Errc::kInternal);
}

TEST_F(RecipeTest, DeniedMeansRefused) {
  Start();
  Prepare([](svirt_exec *) {}, SVIRT_E_DENIED);
  EXPECT_EQ(last_.error().code, Errc::kRefused);
  Prepare([](svirt_exec *) {}, SVIRT_E_NOTSUP);
  EXPECT_EQ(last_.error().code, Errc::kUnsupported);
}

void Ruleset(svirt_exec *exec, uint32_t at, int fd) {
  exec->op_count = at + 1;
  exec->op[at].kind = SVIRT_EXEC_LANDLOCK;
  exec->op[at].flags = SVIRT_EXEC_NO_NEW_PRIVS;
  exec->op[at].fd = fd;
}

TEST_F(RecipeTest, DescriptorsBelongToTheCallerOrAreClosed) {
  Start();
  const int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(Prepare([=](svirt_exec *e) { Ruleset(e, 0, kept); }), "good");
  EXPECT_EQ(exec_.op[0].fd, kept);
  EXPECT_EQ(fcntl(kept, F_GETFD), FD_CLOEXEC);

  // A recipe that is refused for its second operation must not leak the first one's descriptor.
  EXPECT_THAT(Prepare([=](svirt_exec *e) {
                Ruleset(e, 0, kept);
                e->op_count = 2;
                e->op[1].kind = 99;
              }),
              HasSubstr("of kind 99"));
  EXPECT_EQ(fcntl(kept, F_GETFD), -1);

  const int inherited = open("/dev/null", O_RDONLY);
  EXPECT_THAT(Prepare([=](svirt_exec *e) { Ruleset(e, 0, inherited); }),
              HasSubstr("not close-on-exec"));
  EXPECT_EQ(fcntl(inherited, F_GETFD), -1);

  // The member forgotten: standard input stays open.
  EXPECT_THAT(Prepare([](svirt_exec *e) { Ruleset(e, 0, 0); }), HasSubstr("names descriptor 0"));
  EXPECT_NE(fcntl(0, F_GETFD), -1);
  EXPECT_THAT(Prepare([](svirt_exec *e) { Ruleset(e, 0, 999999); }),
              HasSubstr("not an open one of its own"));
}

}  // namespace
}  // namespace svirt
