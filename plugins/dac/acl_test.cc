// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may what under an ACL, held against the kernel's own answer.
#include "acl.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <vector>

#include "guard.h"
#include "plugin_fixture.h"
#include "testing/owned_file.h"

namespace svirt::dac {
namespace {

TEST(Rights, AreWrittenAsInAMode) {
  EXPECT_EQ(FormatRights(kRead | kWrite), "rw-");
  EXPECT_EQ(FormatRights(0), "---");
  for (unsigned rights = 0; rights <= 7; ++rights) {
    EXPECT_EQ(ParseRights(FormatRights(rights)), rights);
  }
  for (const char *text : {"", "r", "rwxr", "wr-", "RW-", "r-w", "rw "}) {
    EXPECT_EQ(ParseRights(text), std::nullopt) << text;
  }
}

TEST(Acl, OfAModeIsMinimal) {
  const Acl acl = FromMode(S_IFREG | 02641);
  EXPECT_EQ(acl.owner, 6u);
  EXPECT_EQ(acl.group, 4u);
  EXPECT_EQ(acl.other, 1u);
  EXPECT_TRUE(acl.IsMinimal());
  EXPECT_TRUE(acl.HasDerivedMask());
}

TEST(Guard, LeavesToAServerWhatItDecides) {
  Guard guard;
  guard.acl = FromMode(0600);
  for (const auto keeper : {Guard::Keeper::kAcl, Guard::Keeper::kMode}) {
    guard.keeper = keeper;
    EXPECT_TRUE(guard.Shuts(kDomain, kRead));
  }
  guard.keeper = Guard::Keeper::kElsewhere;
  EXPECT_FALSE(guard.Shuts(kDomain, kRead));
}

// ACLs of many shapes over the same few users and groups.
class Shapes {
 public:
  Acl Next() {
    Acl acl = FromMode(static_cast<mode_t>(random_() % 01000));
    for (const uint32_t id : {kUsers[1], kUsers[2]}) {
      if (random_() % 2 == 0) {
        acl.users[id] = random_() % 8;
      }
      if (random_() % 2 == 0) {
        acl.groups[id] = random_() % 8;
      }
    }
    if (!acl.users.empty() || !acl.groups.empty() || random_() % 4 == 0) {
      acl.mask = random_() % 2 == 0 ? acl.UnderMask() : random_() % 8;
    }
    return acl;
  }
  static constexpr uint32_t kUsers[] = {2'100'000'001, 2'100'000'002, 2'100'000'003, 2'100'000'004};

 private:
  std::mt19937 random_{7};
};

// What the kernel says, as text of 1 and 0.
std::string AskKernel(const std::vector<std::string> &files, const Identity &who) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::string answers;
    if (::setgroups(0, nullptr) == 0 && ::setresgid(who.gid, who.gid, who.gid) == 0 &&
        ::setresuid(who.uid, who.uid, who.uid) == 0) {
      for (const std::string &file : files) {
        for (int want = 1; want <= 7; ++want) {
          answers += ::access(file.c_str(), want) == 0 ? '1' : '0';
        }
      }
    }
    ::_exit(::write(ends[1], answers.data(), answers.size()) == static_cast<ssize_t>(answers.size())
                ? 0
                : 1);
  }
  ::close(ends[1]);
  std::string answers;
  char part[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], part, sizeof part)) > 0;) {
    answers.append(part, static_cast<size_t>(got));
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return answers;
}

TEST(Acl, AllowsWhatTheKernelAllows) {
  SVIRT_DAC_NEEDS_PRIVILEGES();
  constexpr int kFiles = 400;
  const sdk::TempDir dir;
  const Identity owner{Shapes::kUsers[0], Shapes::kUsers[0]};
  std::vector<std::string> files;
  std::vector<Acl> acls;
  Shapes shapes;
  for (int i = 0; i < kFiles; ++i) {
    files.push_back(dir.File(std::to_string(i)));
    ASSERT_EQ(::chown(files.back().c_str(), owner.uid, owner.gid), 0);
    acls.push_back(shapes.Next());
    const int error = WriteAcl(files.back(), acls.back());
    if (error == EOPNOTSUPP) {
      GTEST_SKIP() << "needs a temporary directory on a file system with ACLs";
    }
    ASSERT_EQ(error, 0);
    Guard guard;
    ASSERT_EQ(ReadGuard(files.back(), &guard), 0);
    EXPECT_EQ(guard.acl, acls.back()) << "an ACL comes back as it was written";
    EXPECT_EQ(guard.owner(), owner);
  }
  for (const uint32_t uid : Shapes::kUsers) {
    for (const uint32_t gid : Shapes::kUsers) {
      const Identity who{uid, gid};
      const std::string kernel = AskKernel(files, who);
      ASSERT_EQ(kernel.size(), files.size() * 7);
      for (size_t i = 0; i < kernel.size(); ++i) {
        const Acl &acl = acls[i / 7];
        const auto want = static_cast<unsigned>(i % 7 + 1);
        ASSERT_EQ(Allows(acl, owner, who, want), kernel[i] == '1')
            << files[i / 7] << " for " << FormatIdentity(who) << ", " << FormatRights(want);
      }
    }
  }
}

}  // namespace
}  // namespace svirt::dac
