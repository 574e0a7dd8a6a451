// SPDX-License-Identifier: LGPL-2.1-or-later
// Rulesets grant what the domain needs and no more, and damaged or swapped files are refused.
#include "ruleset.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "baseline.h"
#include "interpreter.h"
#include "rights.h"
#include "testing/fake_kernel.h"
#include "testing/fixture.h"

namespace svirt::landlock {
namespace {

using testing::HasSubstr;

class Ruleset : public testing::Test {
 protected:
  svirt_status Build(TestDomain &domain) {
    const Features features{kernel_.level, kernel_.rights, kernel_.scopes};
    error_ = MakeError();
    return BuildRuleset(kernel_.Calls(), features, domain.get(), &ruleset_, &error_);
  }

  // What the rule for the path grants, in words; "" if there is none.
  std::string Granted(const std::string &path) {
    const auto rule = kernel_.rules.find(std::filesystem::weakly_canonical(path).string());
    return rule == kernel_.rules.end() ? "" : RightWords(rule->second);
  }

  TempDir dir_;
  FakeKernel kernel_{7};
  sdk::Fd ruleset_;
  svirt_error error_{};
};

TEST_F(Ruleset, HandlesAllThatTheKernelKnows) {
  for (int level = 1; level <= 7; ++level) {
    kernel_ = FakeKernel(level);
    TestDomain domain;
    ASSERT_EQ(Build(domain), SVIRT_OK) << level << error_.message;
    EXPECT_EQ(kernel_.handled.handled_access_fs, kernel_.rights);
    EXPECT_EQ(kernel_.handled.scoped, kernel_.scopes);
    EXPECT_EQ(kernel_.handled.handled_access_net, 0u);
  }
}

TEST_F(Ruleset, GrantsResourcesWhatTheyNeedAndNoMore) {
  const std::string disk = dir_.File("a.img");
  const std::string base = dir_.File("base.img");
  const std::string run = dir_.Dir("run");
  TestDomain domain;
  domain.Add(disk, SVIRT_OBJ_FILE, kRw)
      .Add(base, SVIRT_OBJ_FILE, kR)
      .Add(run, SVIRT_OBJ_DIR, kRwc, SVIRT_RES_SUBTREE, SVIRT_RES_RUNDIR)
      .Add("/dev/zero", SVIRT_OBJ_CHAR, kRw);
  ASSERT_EQ(Build(domain), SVIRT_OK) << error_.message;
  EXPECT_EQ(Granted(disk), "read,write,truncate");
  EXPECT_EQ(Granted(base), "read");
  EXPECT_THAT(Granted(run), HasSubstr("make-socket"));
  EXPECT_EQ(Granted("/dev/zero"), "read,write,truncate,ioctl");
  EXPECT_EQ(Granted(dir_.path()), "");
}

TEST_F(Ruleset, UsesTheDescriptorAndNeverThePathAgain) {
  const std::string real = dir_.File("real.img");
  const sdk::Fd fd(::open(real.c_str(), O_PATH | O_CLOEXEC));
  TestDomain domain;
  domain.Add(dir_.path("gone"), SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK, fd.get());
  ASSERT_EQ(Build(domain), SVIRT_OK) << error_.message;
  EXPECT_EQ(Granted(real), "read,write,truncate");
}

TEST_F(Ruleset, RefusesALinkOrAnotherObjectThanWasMeant) {
  const std::string secret = dir_.File("secret");
  const std::string link = dir_.path("link.img");
  std::filesystem::create_symlink(secret, link);
  TestDomain through_link;
  through_link.Add(link, SVIRT_OBJ_ANY, kRw);
  EXPECT_EQ(Build(through_link), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("link.img is a symbolic link"));

  TestDomain directory;
  directory.Add(dir_.Dir("d"), SVIRT_OBJ_FILE, kRw);
  EXPECT_EQ(Build(directory), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("is a directory"));

  TestDomain file;
  file.Add(secret, SVIRT_OBJ_DIR, kRw, SVIRT_RES_SUBTREE);
  EXPECT_EQ(Build(file), SVIRT_E_DENIED);
  EXPECT_FALSE(ruleset_);
}

TEST_F(Ruleset, SkipsWhatIsMissingUnlessTheDomainMustMakeIt) {
  TestDomain missing;
  missing.Add(dir_.path("none.img"), SVIRT_OBJ_FILE, kRw);
  EXPECT_EQ(Build(missing), SVIRT_OK);

  TestDomain to_be_made;
  to_be_made.Add(dir_.path("new.log"), SVIRT_OBJ_FILE, kRwc);
  EXPECT_EQ(Build(to_be_made), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("create it first"));

  TestDomain in_own_directory;
  in_own_directory.Add(dir_.Dir("run"), SVIRT_OBJ_DIR, kRwc, SVIRT_RES_SUBTREE)
      .Add(dir_.path("run/new.log"), SVIRT_OBJ_FILE, kRwc);
  EXPECT_EQ(Build(in_own_directory), SVIRT_OK) << error_.message;
}

TEST_F(Ruleset, GivesSocketsElsewhereTheRightToMakeButNeverToRemove) {
  const std::string sockets = dir_.Dir("sockets");
  TestDomain domain;
  domain.Add(sockets + "/a.sock", SVIRT_OBJ_SOCKET, kRwc);
  ASSERT_EQ(Build(domain), SVIRT_OK) << error_.message;
  EXPECT_EQ(Granted(sockets), "make-socket");

  dir_.File("sockets/a.sock");  // left over
  EXPECT_EQ(Build(domain), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("remove it"));
}

TEST_F(Ruleset, OfAKernelThatFailsIsNone) {
  kernel_.rule_error = ENOMEM;
  TestDomain domain;
  EXPECT_EQ(Build(domain), SVIRT_E_SYSTEM);
  EXPECT_EQ(error_.sys_errno, ENOMEM);
  kernel_.rule_error = 0;
  kernel_.create_error = EMFILE;
  EXPECT_EQ(Build(domain), SVIRT_E_SYSTEM);
  EXPECT_FALSE(ruleset_);
}

TEST_F(Ruleset, ExecutesTheEmulatorAndItsLoaderOnly) {
  TestDomain domain;
  ASSERT_EQ(Build(domain), SVIRT_OK) << error_.message;
  EXPECT_EQ(Granted("/usr/bin/true"), "read,execute");
  int executable = 0;
  for (const auto &[path, rights] : kernel_.rules) {
    executable += (rights & kExecute) != 0 ? 1 : 0;
  }
  EXPECT_LE(executable, 2);
}

TEST_F(Ruleset, FollowsLinksToTheEmulator) {
  const std::string link = dir_.path("vmm");
  std::filesystem::create_symlink("/usr/bin/true", link);
  TestDomain domain(kUuidA, link.c_str());
  domain.Add(link, SVIRT_OBJ_FILE, kR | SVIRT_ACCESS_EXEC, 0, SVIRT_RES_EMULATOR);
  ASSERT_EQ(Build(domain), SVIRT_OK) << error_.message;
  EXPECT_EQ(Granted("/usr/bin/true"), "read,execute");
}

TEST_F(Ruleset, RefusesAnEmulatorThatIsNoProgram) {
  const std::string script = dir_.File("vmm.sh", "#!/bin/sh\nexec true\n");
  TestDomain scripted(kUuidA, script.c_str());
  EXPECT_EQ(Build(scripted), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("is a script"));

  const std::string text = dir_.File("text", "hello, world, this is no program");
  TestDomain not_elf(kUuidA, text.c_str());
  EXPECT_EQ(Build(not_elf), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("not an ELF program"));

  TestDomain directory(kUuidA, "/usr");
  EXPECT_EQ(Build(directory), SVIRT_E_DENIED);

  const std::string fifo = dir_.path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0666), 0);
  TestDomain waits(kUuidA, fifo.c_str());
  EXPECT_EQ(Build(waits), SVIRT_E_DENIED);

  TestDomain missing(kUuidA, "/nonexistent/vmm");
  EXPECT_EQ(Build(missing), SVIRT_E_SYSTEM);
  EXPECT_EQ(error_.sys_errno, ENOENT);
}

// Whatever an ELF file claims, reading it ends.
TEST_F(Ruleset, SurvivesDamagedPrograms) {
  const std::string good = ReadText("/usr/bin/true").substr(0, 4096);
  for (size_t at = 0; at < 64 + 56; ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string damaged = good;
      damaged[at] = value;
      const std::string path = dir_.File("damaged", damaged);
      const sdk::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      std::string interpreter;
      svirt_error error = MakeError();
      const svirt_status status = FindInterpreter(fd.get(), path.c_str(), &interpreter, &error);
      EXPECT_EQ(status == SVIRT_OK, *error.message == '\0') << at;
    }
  }
  for (size_t size = 0; size < 120; ++size) {
    const std::string path = dir_.File("cut", good.substr(0, size));
    TestDomain domain(kUuidA, path.c_str());
    EXPECT_EQ(Build(domain), SVIRT_E_DENIED) << size;
  }
}

TEST(Baseline, GrantsNothingThatCouldBeHarmed) {
  for (const BaselineEntry &entry : Baseline()) {
    const std::string path = entry.path;
    EXPECT_EQ(entry.rights & kExecute, 0u) << path;
    if (path != "/dev/null") {
      EXPECT_EQ(entry.rights & ~(kReadFile | kReadDir), 0u) << path;
    }
    for (const char *secret : {"/etc", "/var", "/home", "/root", "/proc", "/dev", "/tmp", "/run",
                               "/usr", "/", "/usr/bin", "/bin", "/sbin", "/usr/sbin", "/sys"}) {
      EXPECT_NE(path, secret);
    }
  }
}

}  // namespace
}  // namespace svirt::landlock
