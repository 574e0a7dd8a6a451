// SPDX-License-Identifier: LGPL-2.1-or-later
// Equal rules give equal labels, and every other rule gives another one.
#include "label.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "testing/fixture.h"

namespace svirt::landlock {
namespace {

constexpr Features kAll{7, 0xffff, 3};

TestDomain Sample() {
  TestDomain domain;
  domain.Add("/vm/a.img", SVIRT_OBJ_FILE, kRw)
      .Add("/vm/base.img", SVIRT_OBJ_FILE, kR)
      .Add("/run/a", SVIRT_OBJ_DIR, kRw, SVIRT_RES_SUBTREE)
      .Add("/run/a/s", SVIRT_OBJ_SOCKET, kRw | SVIRT_ACCESS_CREATE);
  return domain;
}

TEST(Label, NamesTheDomainAndADigest) {
  TestDomain domain = Sample();
  const std::string label = MakeLabel(domain.get(), kAll);
  EXPECT_THAT(label, testing::MatchesRegex("landlock:" + std::string(kUuidA) + ":[0-9a-f]{16}"));
  EXPECT_TRUE(IsLabelOf(label, kUuidA));
}

TEST(Label, IsTheSameInAnyOrderAndWithRepeats) {
  TestDomain domain = Sample();
  const std::string label = MakeLabel(domain.get(), kAll);
  std::mt19937 random(7);
  for (int i = 0; i < 50; ++i) {
    auto &resources = domain.resources();
    std::shuffle(resources.begin(), resources.end(), random);
    ASSERT_EQ(MakeLabel(domain.get(), kAll), label);
  }
  // Used twice, with what the first use grants and with less.
  domain.Add("/vm/a.img", SVIRT_OBJ_FILE, kRw).Add("/vm/a.img", SVIRT_OBJ_FILE, kR);
  EXPECT_EQ(MakeLabel(domain.get(), kAll), label);
}

TEST(Label, DoesNotDependOnDescriptors) {
  TestDomain domain = Sample();
  const std::string label = MakeLabel(domain.get(), kAll);
  domain.resources()[0].fd = 5;
  EXPECT_EQ(MakeLabel(domain.get(), kAll), label);
}

TEST(Label, DiffersWithEveryRule) {
  std::set<std::string> labels;
  const auto add = [&labels](TestDomain &domain, const Features &features = kAll) {
    labels.insert(MakeLabel(domain.get(), features).substr(46));
  };
  TestDomain sample = Sample();
  add(sample);
  TestDomain more = Sample();
  more.Add("/vm/b.img", SVIRT_OBJ_FILE, kR);
  add(more);
  TestDomain wider = Sample();
  wider.resources()[1].access = kRw;
  add(wider);
  TestDomain elsewhere = Sample();
  elsewhere.resources()[0].path = "/vm/c.img";
  add(elsewhere);
  TestDomain program = Sample();
  program.get().emulator = "/usr/bin/other";
  add(program);
  TestDomain foreign_socket = Sample();
  foreign_socket.resources()[2].access = kR;
  add(foreign_socket);
  add(sample, Features{2, 0x3fff, 0});
  TestDomain joined;  // the same bytes, cut elsewhere
  joined.Add("/vm/a", SVIRT_OBJ_FILE, kR).Add("/b", SVIRT_OBJ_FILE, kR);
  add(joined);
  TestDomain cut;
  cut.Add("/vm/a/b", SVIRT_OBJ_FILE, kR);
  add(cut);
  EXPECT_EQ(labels.size(), 9u);
}

TEST(Label, OfOthersIsTold) {
  const std::string prefix = "landlock:" + std::string(kUuidA) + ":";
  EXPECT_TRUE(IsLabelOf(prefix + "0123456789abcdef", kUuidA));
  for (const std::string &bad :
       {std::string(), std::string("landlock:"), prefix, prefix + "0123456789abcde",
        prefix + "0123456789abcdef0", prefix + "0123456789ABCDEF", prefix + "0123456789abcde\n",
        "landlocK:" + std::string(kUuidA) + ":0123456789abcdef",
        std::string("landlock:22222222-2222-3333-4444-555555555555:0123456789abcdef"),
        "landlock:" + std::string(kUuidA) + ";0123456789abcdef"}) {
    EXPECT_FALSE(IsLabelOf(bad, kUuidA)) << bad;
  }
}

}  // namespace
}  // namespace svirt::landlock
