// SPDX-License-Identifier: LGPL-2.1-or-later
// Maps of ids as text, and the plugin in real user namespaces.
#include "id_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "plugin_fixture.h"
#include "probe.h"
#include "testing/owned_file.h"

namespace svirt::dac {
namespace {

using sdk::MakeError;
using testing::HasSubstr;

TEST(IdMap, IsReadFromTheKernelsText) {
  EXPECT_EQ(FormatRanges(ParseIdMap("         0          0 4294967295\n")), "0 to 4294967294");
  EXPECT_EQ(FormatRanges(ParseIdMap("1 100000 65536\n0 1000 1\n")), "0 to 65536");
  EXPECT_EQ(FormatRanges(ParseIdMap("500 1 2\n0 0 1")), "0 to 0 and 500 to 501");
  EXPECT_EQ(FormatRanges(ParseIdMap("")), "none");
  EXPECT_EQ(FormatRanges(ParseIdMap("nonsense\n1 2\n")), "none");
  EXPECT_EQ(FormatRanges(ParseIdMap("0 0 1\n2 0 1\n4 0 1\n6 0 1\n8 0 1\n")),
            "0 to 0 and 2 to 2 and 4 to 4 and 6 to 6 and more");
}

TEST(IdMap, CutsARangeToWhatUsersAndGroupsHave) {
  IdMap map{ParseIdMap("0 0 1000\n2000 5000 1000\n4000 0 10\n"),
            ParseIdMap("500 0 2000\n4005 0 9")};
  EXPECT_EQ(FormatRanges(map.Within({1, 100000})), "500 to 999 and 2000 to 2499 and 4005 to 4009");
  EXPECT_EQ(FormatRanges(map.Within({2100, 10})), "2100 to 2109");
  EXPECT_EQ(FormatRanges(map.Within({5000, 10})), "none");
  EXPECT_TRUE(map.Has({0, 500}));
  EXPECT_FALSE(map.Has({0, 0}));
  EXPECT_FALSE(map.Has({1000, 500}));
}

// Runs the body in a user namespace with these maps, as its root; what it says, or a reason to skip
// after "skip:".
std::string InNamespace(const std::string &users, const std::string &groups, bool deny_setgroups,
                        const std::function<std::string()> &body) {
  int ready[2], go[2], said[2];
  if (::pipe(ready) != 0 || ::pipe(go) != 0 || ::pipe(said) != 0) {
    return "no pipes";
  }
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = ::unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
    std::string text = "skip:no user namespaces";
    if (::write(ready[1], &byte, 1) == 1 && byte == 'y' && ::read(go[0], &byte, 1) == 1) {
      text = "skip:not root of it";
      if (byte != 'y') {
        text = "skip:the maps are refused";
      } else if (::setresgid(0, 0, 0) == 0 && ::setresuid(0, 0, 0) == 0) {
        text = body();
      }
    }
    const ssize_t written = ::write(said[1], text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  char byte = 'n';
  if (::read(ready[0], &byte, 1) == 1 && byte == 'y') {
    const std::string proc = "/proc/" + std::to_string(child) + "/";
    const auto put = [&proc](const char *file, const std::string &text) {
      return static_cast<bool>(std::ofstream(proc + file) << text << std::flush);
    };
    byte = (!deny_setgroups || put("setgroups", "deny")) && put("uid_map", users) &&
                   put("gid_map", groups)
               ? 'y'
               : 'n';
    EXPECT_EQ(::write(go[1], &byte, 1), 1);
  }
  ::close(said[1]);
  std::string text;
  char part[1024];
  for (ssize_t got = 0; (got = ::read(said[0], part, sizeof part)) > 0;) {
    text.append(part, static_cast<size_t>(got));
  }
  for (const int fd : {ready[0], ready[1], go[0], go[1], said[0]}) {
    ::close(fd);
  }
  ::waitpid(child, nullptr, 0);
  return text;
}

// What probe says with these settings, and then the labels of the ids asked for.
std::string AskPlugin(const std::map<std::string, std::string> &settings,
                      const std::vector<uint64_t> &indexes, const char *fixed = nullptr) {
  sdk::FakeHost host;
  host.settings = settings;
  const svirt_plugin *plugin = svirt_plugin_v1();
  svirt_error error = MakeError();
  const svirt_status status = plugin->probe(host.get(), "kvm", &error);
  std::string said = std::to_string(status) + " " + error.message + "\n";
  svirt_instance *instance = nullptr;
  if (plugin->init(host.get(), &instance, &error) != SVIRT_OK) {
    return said + "no instance\n";
  }
  sdk::TestDomain domain;
  svirt_index_run runs[8] = {};
  svirt_index_set set{sizeof set, 8, 0, 0, runs};
  plugin->domain_label_space(instance, &domain.get(), nullptr, &set, &error);
  for (uint32_t i = 0; i < set.run_count; ++i) {
    said += "run " + std::to_string(runs[i].first) + "+" + std::to_string(runs[i].count) + "\n";
  }
  for (const uint64_t index : indexes) {
    sdk::Buffer label, image;
    said += plugin->domain_generate_label(instance, &domain.get(), index, &label.buf, &image.buf,
                                          &error) == SVIRT_OK
                ? label.text() + "\n"
                : std::string(error.message) + "\n";
  }
  if (fixed != nullptr) {
    domain.get().label_type = SVIRT_LABEL_STATIC;
    domain.get().label = fixed;
    const svirt_status verified = plugin->domain_verify_label(instance, &domain.get(), &error);
    said +=
        verified == SVIRT_OK ? "valid\n" : std::to_string(verified) + " " + error.message + "\n";
  }
  plugin->fini(instance);
  return said;
}

#define SVIRT_SKIP_WITHOUT_NAMESPACE(said)                         \
  if ((said).starts_with("skip:")) {                               \
    GTEST_SKIP() << "needs user namespaces: " << (said).substr(5); \
  }                                                                \
  static_assert(true)

class UserNamespace : public testing::Test {
 protected:
  void SetUp() override { SVIRT_DAC_NEEDS_PRIVILEGES(); }
};

// As unshare -Ur makes it.
TEST_F(UserNamespace, WithRootAloneHasNoDomains) {
  const std::string said = InNamespace("0 0 1", "0 0 1", true, [] { return AskPlugin({}, {}); });
  SVIRT_SKIP_WITHOUT_NAMESPACE(said);
  EXPECT_THAT(said, HasSubstr("1 none of the ids 2100000000 to 2100065535"));
  EXPECT_THAT(said, HasSubstr("it has users 0 to 0, groups 0 to 0"));
  EXPECT_THAT(said, HasSubstr("first_id and count"));
  EXPECT_THAT(said, HasSubstr("/etc/subuid"));
  EXPECT_THAT(said, HasSubstr("no instance"));
}

// As podman makes it, with two extents for the groups.
TEST_F(UserNamespace, GivesDomainsTheIdsThatItHas) {
  const std::string said =
      InNamespace("0 0 1\n1 100000 65000", "0 0 1\n1 100000 30000\n40000 140000 1000", false, [] {
        return AskPlugin({{"first_id", "20000"}, {"count", "40000"}},
                         {20000, 30000, 30001, 40500, 59999, 2'100'000'000}, "70000:70000");
      });
  SVIRT_SKIP_WITHOUT_NAMESPACE(said);
  EXPECT_THAT(said, HasSubstr("0 domains get user and group ids of their own, from 20000 to 30000 "
                              "and 40000 to 40999, which this user namespace has"));
  EXPECT_THAT(said, HasSubstr("\nrun 20000+10001\nrun 40000+1000\n+20000:+20000\n+30000:+30000\n"
                              "30001 is none of the ids 20000 to 30000 and 40000 to 40999 that"));
  EXPECT_THAT(said, HasSubstr("\n+40500:+40500\n59999 is none of"));
  EXPECT_THAT(said, HasSubstr("\n2100000000 is none of the ids"));
  EXPECT_THAT(said, HasSubstr("\n-1 the DAC label '70000:70000' has an id that this user namespace "
                              "does not: it has users 0 to 65000, groups 0 to 30000 and"));
}

TEST_F(UserNamespace, WhoseProcessesKeepTheirGroupsHasNoDomains) {
  const std::string said = InNamespace("0 0 1\n1 100000 65000", "0 0 1\n1 100000 65000", true, [] {
    return AskPlugin({{"first_id", "20000"}, {"count", "100"}}, {});
  });
  SVIRT_SKIP_WITHOUT_NAMESPACE(said);
  EXPECT_THAT(said, HasSubstr("1 no process of this user namespace may leave its groups"));
}

}  // namespace
}  // namespace svirt::dac
