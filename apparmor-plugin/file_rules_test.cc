// SPDX-License-Identifier: LGPL-2.1-or-later
// Grafted rules against the compiler's own: for every path there is, the same permissions.
#include "file_rules.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

#include "policy/shared_policy.h"
#include "profile_text.h"
#include "testing/parser.h"

namespace svirt::apparmor {
namespace {

PolicyImage Shared() {
  auto image = PolicyImage::Parse(SharedImage());
  EXPECT_TRUE(image);
  return std::move(*image);
}

// A path to which the two give different permissions, as a text; "" if there is none. Both
// automata are walked at once, through every pair of states that some path leads to.
std::string Difference(const Dfa &a, const Dfa &b) {
  using Pair = std::pair<uint32_t, uint32_t>;
  std::map<Pair, std::string> paths{{{Dfa::kStart, Dfa::kStart}, ""}};
  std::vector<Pair> queue{{Dfa::kStart, Dfa::kStart}};
  for (size_t i = 0; i < queue.size(); ++i) {
    const auto [from_a, from_b] = queue[i];
    const std::string path = paths[queue[i]];
    const Permissions one = a.states[from_a].permissions, other = b.states[from_b].permissions;
    if (one != other) {
      std::array<char, 100> text{};
      std::snprintf(text.data(), text.size(), ": %x/%x and %x/%x", one.allow, one.quiet,
                    other.allow, other.quiet);
      return CommentText(path) + text.data();
    }
    for (unsigned byte = 0; byte < 256; ++byte) {
      const Pair to{a.states[from_a].Next(static_cast<uint8_t>(byte)),
                    b.states[from_b].Next(static_cast<uint8_t>(byte))};
      if (paths.try_emplace(to, path + static_cast<char>(byte)).second) {
        queue.push_back(to);
      }
    }
  }
  return "";
}

class AgainstTheParser : public testing::Test {
 protected:
  void SetUp() override {
    if (!HasParser()) {
      GTEST_SKIP() << "needs apparmor_parser, of the package apparmor";
    }
  }

  // The shared part with the rules, compiled as one text.
  static PolicyImage Compile(const std::vector<FileRule> &rules, const std::string &local = "") {
    const std::string text = FormatProfile({.name = "test",
                                            .comment = "",
                                            .mode = Mode::kEnforce,
                                            .shared = std::string(SharedRules()),
                                            .rules = Merge(rules),
                                            .local = local});
    std::string errors;
    const std::string compiled = RunParser(text, &errors);
    auto image = PolicyImage::Parse(compiled);
    EXPECT_TRUE(image) << errors << text;
    return image ? std::move(*image) : Shared();
  }

  static void ExpectSame(const std::vector<FileRule> &rules) {
    const auto grafted = AddRules(Shared().files(), nullptr, Merge(rules));
    ASSERT_TRUE(grafted);
    EXPECT_EQ(Difference(*grafted, Compile(rules).files()), "");
    // What the kernel is given is what was made.
    const auto again = UnpackDfa(PackDfa(*grafted));
    ASSERT_TRUE(again);
    EXPECT_EQ(Difference(*grafted, *again), "");
    EXPECT_EQ(grafted->states, again->states);
  }
};

constexpr uint32_t kRead = kMayRead, kReadWrite = kMayRead | kMayWrite,
                   kReadWriteLock = kReadWrite | kMayLock;

TEST_F(AgainstTheParser, NoRules) {
  ExpectSame({});
}

TEST_F(AgainstTheParser, EachPermission) {
  for (const uint32_t permissions :
       {uint32_t{kMayRead}, uint32_t{kMayWrite}, uint32_t{kMayAppend}, uint32_t{kMayLock},
        uint32_t{kMayMap}, uint32_t{kMayExec}, kRead | kMayMap | kMayExec, kReadWriteLock}) {
    ExpectSame({{"/srv/vm/a.img", false, permissions}});
    ExpectSame({{"/srv/share/", true, permissions}});
  }
  ExpectSame({{"/srv/share/", true, kReadWriteLock | kMayLink}});
}

TEST_F(AgainstTheParser, PathsThatTheSharedPartReaches) {
  ExpectSame({{"/dev/null", false, kReadWriteLock},
              {"/dev/nullx", false, kRead},
              {"/dev/nul", false, kRead},
              {"/dev/urandom", false, kReadWrite},
              {"/usr/lib/x/y", false, kReadWriteLock},
              {"/usr/share/OVMF/vars.fd", false, kReadWrite},
              {"/usr/share/OVMF/", false, kRead},
              {"/usr/lib/", true, kReadWrite},
              {"/lib", false, kRead},
              {"/etc/", true, kRead},
              {"/", false, kRead}});
  ExpectSame({{"/", true, kRead}});
}

TEST_F(AgainstTheParser, DirectoriesWithinDirectories) {
  ExpectSame({{"/srv/", false, kRead},
              {"/srv/", true, kRead},
              {"/srv/a/", false, kReadWrite},
              {"/srv/a/", true, kReadWrite | kMayLink},
              {"/srv/a/b", false, kReadWriteLock},
              {"/srv/a/b/", true, kMayMap},
              {"/srv/ab", false, kMayAppend},
              {"/srv/ab/c/d", false, kMayLock}});
}

TEST_F(AgainstTheParser, EveryByteOfAPath) {
  std::vector<FileRule> rules;
  for (int byte = 1; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (c != '/') {
      rules.push_back({std::string("/srv/x") + c, false, kRead});
      rules.push_back({std::string("/srv/y") + c + "z", false, kReadWrite});
      rules.push_back({std::string("/srv/") + c + c + "/", true, kReadWrite});
    }
  }
  ExpectSame(rules);
}

TEST_F(AgainstTheParser, WordsOfTheLanguageInPaths) {
  ExpectSame({{"/srv/@{HOME}/x", false, kRead},
              {"/srv/{a,b}", false, kRead},
              {"/srv/**", false, kRead},
              {"/srv/a*b?c", false, kRead},
              {"/srv/[a-z]", false, kRead},
              {"/srv/[^a]", false, kRead},
              {"/srv/\\x", false, kRead},
              {"/srv/\\", false, kRead},
              {"/srv/\\\\\\", false, kRead},
              {"/srv/\\101", false, kRead},
              {"/srv/a\nb, /** rw,", false, kRead},
              {"/srv/#include <x>", false, kRead},
              {"/srv/\" rw,\n/** rwk,\n\"", false, kRead},
              {"/srv/ -> /x", false, kRead},
              {"/srv/\xf0\x9f\x92\xbe \xc3\xa9\xff\xfe", false, kRead},
              {"/srv/ ends in space ", false, kRead},
              {"/srv/+x", false, kRead},
              {"/srv/AARE(x)", false, kRead}});
}

TEST_F(AgainstTheParser, RandomRules) {
  std::mt19937 random(20);
  constexpr std::string_view kAlphabet = "//aab.*{\\\x80";
  for (int round = 0; round < 40; ++round) {
    std::vector<FileRule> rules;
    for (size_t i = random() % 12 + 1; i > 0; --i) {
      FileRule rule{random() % 3 == 0 ? "/usr/lib" : "", random() % 3 == 0, 0};
      // AppArmor has no paths with two slashes; the parser joins them.
      rule.path += '/';
      for (size_t length = random() % 8; length > 0; --length) {
        const char c = kAlphabet[random() % kAlphabet.size()];
        if (c != '/' || rule.path.back() != '/') {
          rule.path += c;
        }
      }
      if (rule.below && rule.path.back() != '/') {
        rule.path += '/';
      }
      constexpr std::array<uint32_t, 6> kSets{kRead,    kReadWrite, kReadWriteLock,
                                              kMayLock, kMayWrite,  kReadWriteLock | kMayMap};
      rule.permissions = kSets.at(random() % kSets.size());
      rules.push_back(rule);
    }
    ExpectSame(rules);
  }
}

TEST_F(AgainstTheParser, WhatTheAdministratorDeniesStaysDenied) {
  const std::string local =
      "deny /srv/secret w,\naudit deny /srv/loud rw,\n/opt/*.so mr,\ndeny /srv/tree/** rwklm,\n";
  const std::vector<FileRule> rules{
      {"/srv/secret", false, kReadWriteLock}, {"/srv/loud", false, kReadWriteLock},
      {"/srv/quiet", false, kReadWriteLock},  {"/srv/tree/", false, kRead},
      {"/srv/tree/", true, kReadWriteLock},   {"/srv/", true, kRead},
      {"/opt/x.so", false, kReadWrite}};
  const PolicyImage base = Compile({}, local);
  const PolicyImage limit = Compile({}, local + "/ rwkm,\n/** rwlkm,\n");
  const auto grafted = AddRules(base.files(), &limit.files(), Merge(rules));
  ASSERT_TRUE(grafted);
  EXPECT_EQ(Difference(*grafted, Compile(rules, local).files()), "");
  EXPECT_EQ(grafted->Walk("/srv/secret").allow & 0xff, kMayRead | kMayLock);
  EXPECT_EQ(grafted->Walk("/srv/loud").allow & 0xff, uint32_t{kMayLock});
  EXPECT_EQ(grafted->Walk("/srv/tree/x").allow, 0u);
}

TEST(FileRules, GiveExactlyWhatTheyName) {
  const auto dfa = AddRules(Shared().files(), nullptr, {{"/srv/a*", false, kReadWriteLock}});
  ASSERT_TRUE(dfa);
  EXPECT_EQ(dfa->Walk("/srv/a*").allow & 0x7f, kReadWriteLock);
  for (const char *path : {"/srv/a", "/srv/ab", "/srv/a**", "/srv/a*/", "/srv/", "/", ""}) {
    EXPECT_EQ(dfa->Walk(path).allow, 0u) << path;
  }
}

TEST(FileRules, PathsThatEndAlikeShareStates) {
  std::vector<FileRule> rules;
  for (int i = 0; i < 100; ++i) {
    rules.push_back({"/srv/vm/" + std::to_string(i + 100) + "/a-long-common-name.qcow2", false,
                     kReadWriteLock});
  }
  const auto dfa = AddRules(Shared().files(), nullptr, Merge(rules));
  ASSERT_TRUE(dfa);
  EXPECT_LT(dfa->states.size(), Shared().files().states.size() + 100);
}

TEST(FileRules, TooManyForTheKernelAreRefused) {
  std::mt19937_64 random(1);
  std::vector<FileRule> rules;
  for (int i = 0; i < 6000; ++i) {
    std::string path = "/srv/";
    for (int n = 0; n < 24; ++n) {
      path += static_cast<char>('a' + random() % 26);
    }
    rules.push_back({path, false, kReadWriteLock});
  }
  EXPECT_FALSE(AddRules(Shared().files(), nullptr, Merge(rules)));
}

TEST(FileRules, MergeKeepsOneRuleForAPath) {
  EXPECT_EQ(
      Merge({{"/b", false, kMayRead},
             {"/a/", true, kMayRead},
             {"/b", false, kMayLock},
             {"/a/", false, kMayRead}}),
      (std::vector<FileRule>{
          {"/a/", false, kMayRead}, {"/a/", true, kMayRead}, {"/b", false, kMayRead | kMayLock}}));
}

TEST(PolicyImage, IsMadeUnderAnotherNameAndMode) {
  const PolicyImage shared = Shared();
  for (const char *name : {"n", "svirt-0-1", "a much longer name, of another length"}) {
    const std::string made = shared.Make(name, Mode::kComplain, shared.files());
    EXPECT_NE(made.find(std::string(name) + '\0'), std::string::npos);
    const auto again = PolicyImage::Parse(made);
    ASSERT_TRUE(again) << name;
    EXPECT_EQ(again->files().states, shared.files().states);
    EXPECT_EQ(again->Make("svirt", Mode::kEnforce, again->files()),
              shared.Make("svirt", Mode::kEnforce, shared.files()));
  }
}

TEST(PolicyImage, RefusesWhatIsNone) {
  const std::string good(SharedImage());
  EXPECT_FALSE(PolicyImage::Parse(""));
  EXPECT_FALSE(PolicyImage::Parse(good + good));  // two profiles
  EXPECT_FALSE(PolicyImage::Parse("profile x {}"));
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(PolicyImage::Parse(std::string_view(good).substr(0, length))) << length;
  }
  // Damaged ones are refused or read, but never run over.
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string bad = good;
    for (int n = 0; n < 3; ++n) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    if (const auto image = PolicyImage::Parse(bad)) {
      AddRules(image->files(), nullptr, {{"/srv/x", false, kRead}});
    }
  }
}

}  // namespace
}  // namespace svirt::apparmor
