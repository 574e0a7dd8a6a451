// SPDX-License-Identifier: LGPL-2.1-or-later
// What recipes do to the child, and what happens when they cannot.
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>

#include "host/launch/launch_test_support.h"
#include "host/launch/procfs.h"

namespace svirt {
namespace {

// Starts a program that leaves a mark if it ever runs.
LaunchSpec MarkSpec(const TempDir &dir) {
  return Spec("/bin/touch", {dir / "mark"});
}

bool Marked(const TempDir &dir) {
  return std::filesystem::exists(dir / "mark");
}

TEST(Confine, AttributesAreWrittenWholeByTheChild) {
  const FakeProc proc;
  const std::string label(4096, 'x');
  LaunchSpec spec = MarkSpec(proc.dir());
  spec.recipes = List(AttributeRecipe("exec", std::string("label\0", 6)),
                      AttributeRecipe("apparmor/exec", label));
  auto child = Spawn(spec, proc.fd());
  ASSERT_TRUE(child.ok()) << child.error().message;
  EXPECT_EQ(*Wait(*child), 0);
  EXPECT_TRUE(Marked(proc.dir()));
  EXPECT_EQ(ReadFile(proc.attr("exec")), std::string("label\0", 6));
  EXPECT_EQ(ReadFile(proc.attr("apparmor/exec")), label);
}

TEST(Confine, ShortWriteStopsTheStart) {
  const FakeProc proc;
  LaunchSpec spec = MarkSpec(proc.dir());
  spec.recipes = List(AttributeRecipe("exec", "0123456789"));
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small = {4, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto child = Spawn(spec, proc.fd());
  setrlimit(RLIMIT_FSIZE, &old);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code, Errc::kRefused);
  EXPECT_NE(child.error().message.find("only in part"), std::string::npos);
  EXPECT_EQ(ReadFile(proc.attr("exec")), "0123");
  EXPECT_FALSE(Marked(proc.dir()));
  EXPECT_TRUE(Children().empty());
}

TEST(Confine, MissingAttributeStopsTheStart) {
  const FakeProc proc;
  LaunchSpec spec = MarkSpec(proc.dir());
  spec.recipes = List(AttributeRecipe("keycreate", "label"));
  const auto child = Spawn(spec, proc.fd());
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code, Errc::kNotFound);
  EXPECT_NE(child.error().message.find("attr/keycreate"), std::string::npos);
  EXPECT_FALSE(Marked(proc.dir()));
}

TEST(Confine, LinkOutOfProcIsNotFollowed) {
  const FakeProc proc;
  const TempDir elsewhere;
  WriteFile(elsewhere / "trap", "");
  std::filesystem::remove(proc.attr("exec"));
  std::filesystem::create_symlink(elsewhere / "trap", proc.attr("exec"));
  LaunchSpec spec = MarkSpec(proc.dir());
  spec.recipes = List(AttributeRecipe("exec", "label"));
  const auto child = Spawn(spec, proc.fd());
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code, Errc::kRefused);
  EXPECT_EQ(ReadFile(elsewhere / "trap"), "");
  EXPECT_FALSE(Marked(proc.dir()));
}

TEST(Confine, LabelTheKernelRefusesStopsTheStart) {
  const TempDir dir;
  LaunchSpec spec = MarkSpec(dir);
  // No module has a label like this; without a module every label is refused.
  spec.recipes = List(AttributeRecipe("exec", "\x01no such label\x01"));
  const auto child = Launch(spec);
  ASSERT_FALSE(child.ok());
  EXPECT_NE(child.error().message.find("/proc/thread-self/attr/exec"), std::string::npos)
      << child.error().message;
  EXPECT_FALSE(Marked(dir));
}

TEST(Confine, MalformedRecipeStopsTheStart) {
  const TempDir dir;
  LaunchSpec spec = MarkSpec(dir);
  svirt_exec recipe = CredentialsRecipe(0, 0);
  recipe.op[0].kind = 99;
  spec.recipes = List(recipe);
  EXPECT_EQ(Launch(spec).error().code, Errc::kInvalid);
  EXPECT_FALSE(Marked(dir));
}

TEST(Confine, RulesetHoldsInTheChildAndNotInTheParent) {
  const TempDir dir;
  WriteFile(dir / "secret", "secret");
  WriteFile(dir / "own", "own");
  const std::string state = OwnState();
  for (const uint32_t flags : {SVIRT_EXEC_NO_NEW_PRIVS, 0U}) {
    if (flags == 0 && geteuid() != 0) {
      continue;  // the kernel demands no_new_privs of others
    }
    const int ruleset =
        MakeRuleset({"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", dir / "own"});
    if (ruleset < 0) {
      GTEST_SKIP() << "needs a kernel with Landlock: " << strerror(errno);
    }
    LaunchSpec spec = Spec("/bin/cat", {dir / "own", dir / "secret"});
    spec.recipes = List(RulesetRecipe(ruleset, flags));
    const Output output = RunToEnd(std::move(spec));
    EXPECT_EQ(output.text, "own");
    EXPECT_EQ(output.status, 1);
    EXPECT_EQ(fcntl(ruleset, F_GETFD), -1) << "the ruleset's descriptor is left open";
  }
  EXPECT_EQ(ReadFile(dir / "secret"), "secret");
  EXPECT_EQ(OwnState(), state);
}

TEST(Confine, EveryKindTogetherInAnyOrder) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root: it changes the user";
  }
  const FakeProc proc;
  const int ruleset = MakeRuleset({"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"});
  if (ruleset < 0) {
    GTEST_SKIP() << "needs a kernel with Landlock: " << strerror(errno);
  }
  // In this order it could not work: the user nobody may not restrict itself without
  // no_new_privs, and the ruleset forbids writing the attribute.
  LaunchSpec spec = Spec("/bin/true");
  spec.recipes = List(CredentialsRecipe(65534, 65534), RulesetRecipe(ruleset, 0),
                      AttributeRecipe("exec", "label"));
  auto child = Spawn(spec, proc.fd());
  ASSERT_TRUE(child.ok()) << child.error().message;
  EXPECT_EQ(*Wait(*child), 0);
  EXPECT_EQ(ReadFile(proc.attr("exec")), "label");
}

TEST(Confine, BadRulesetDescriptorStopsTheStart) {
  const TempDir dir;
  LaunchSpec spec = MarkSpec(dir);
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  spec.recipes = List(RulesetRecipe(file, SVIRT_EXEC_NO_NEW_PRIVS));
  const auto child = Launch(spec);
  ASSERT_FALSE(child.ok());
  EXPECT_NE(child.error().message.find("ruleset"), std::string::npos);
  EXPECT_FALSE(Marked(dir));
}

TEST(Confine, OwnAttributesStayAsTheyWere) {
  const FakeProc proc;
  const std::string before = OwnState();
  LaunchSpec spec = Spec("/bin/true");
  spec.recipes = List(AttributeRecipe("exec", "label"));
  auto child = Spawn(spec, proc.fd());
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(*Wait(*child), 0);
  EXPECT_EQ(OwnState(), before);
}

// An attribute that is a pipe nobody reads: the child hangs in open().
class HangingChild : public testing::Test {
 protected:
  HangingChild() {
    std::filesystem::remove(proc_.attr("exec"));
    mkfifo(proc_.attr("exec").c_str(), 0600);
    spec_ = MarkSpec(proc_.dir());
    spec_.recipes = List(AttributeRecipe("exec", "label"));
  }
  FakeProc proc_;
  LaunchSpec spec_;
};

TEST_F(HangingChild, IsKilledAfterTheTimeout) {
  spec_.timeout = std::chrono::milliseconds(200);
  const auto start = std::chrono::steady_clock::now();
  const auto child = Spawn(spec_, proc_.fd());
  ASSERT_FALSE(child.ok());
  EXPECT_NE(child.error().message.find("within 200 ms"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_TRUE(Children().empty());
  EXPECT_FALSE(Marked(proc_.dir()));
}

TEST_F(HangingChild, KilledBeforeItsExecIsAFailedStart) {
  std::thread killer([] {
    std::vector<pid_t> children;
    while ((children = Children()).empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    kill(children.front(), SIGKILL);
  });
  const auto child = Spawn(spec_, proc_.fd());
  killer.join();
  ASSERT_FALSE(child.ok());
  EXPECT_NE(child.error().message.find("killed before the program was executed"),
            std::string::npos);
  EXPECT_TRUE(Children().empty());
  EXPECT_FALSE(Marked(proc_.dir()));
}

TEST(Proc, RootIsTheKernels) {
  const TempDir dir;
  EXPECT_TRUE(OpenProcRoot().ok());
  EXPECT_EQ(OpenProcRoot(dir.path()).error().code, Errc::kRefused);
  EXPECT_EQ(OpenProcRoot("/proc/self").error().code, Errc::kRefused);  // proc, but not its root
  EXPECT_EQ(OpenProcRoot(dir / "missing").error().code, Errc::kNotFound);
  std::filesystem::create_symlink("/proc", dir / "link");
  EXPECT_EQ(OpenProcRoot(dir / "link").error().code, Errc::kRefused);
}

// Runs body in a mount namespace of a process of its own; true if it returned true.
template <typename Body>
bool InMountNamespace(Body body) {
  return InChild([&] {
    return unshare(CLONE_NEWNS) == 0 &&
           mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && body();
  });
}

constexpr const char *kMountNeeds =
    "needs root, and a root directory that is a mount (a plain chroot is none): it mounts over "
    "files "
    "in a namespace of its own, which nobody else must see";

bool MayMount() {
  return InMountNamespace([] { return true; });
}

bool Refused(const LaunchSpec &spec, const TempDir &dir) {
  const auto child = Launch(spec);
  return !child.ok() && child.error().code == Errc::kRefused && !Marked(dir);
}

TEST(Proc, CoveredOneIsRefused) {
  if (!MayMount()) {
    GTEST_SKIP() << kMountNeeds;
  }
  const TempDir dir;
  LaunchSpec spec = MarkSpec(dir);
  spec.recipes = List(AttributeRecipe("exec", "label"));
  EXPECT_TRUE(InMountNamespace([&] {
    if (mount("none", "/proc", "tmpfs", 0, nullptr) != 0) {
      return false;
    }
    std::filesystem::create_directories("/proc/thread-self/attr");
    WriteFile("/proc/thread-self/attr/exec", "");
    return Refused(spec, dir) && ReadFile("/proc/thread-self/attr/exec").empty();
  })) << "tmpfs over /proc";
  EXPECT_TRUE(InMountNamespace([&] {
    return mount("/proc/sys", "/proc", nullptr, MS_BIND, nullptr) == 0 && Refused(spec, dir);
  })) << "another part of proc bound over /proc";
}

TEST(Proc, CoveredAttributeIsRefused) {
  if (!MayMount()) {
    GTEST_SKIP() << kMountNeeds;
  }
  EXPECT_TRUE(InMountNamespace([] {
    const FakeProc proc;
    const std::string sink = proc.dir() / "sink";
    WriteFile(sink, "");
    LaunchSpec spec = MarkSpec(proc.dir());
    spec.recipes = List(AttributeRecipe("exec", "label"));
    if (mount(sink.c_str(), proc.attr("exec").c_str(), nullptr, MS_BIND, nullptr) != 0) {
      return false;
    }
    const auto child = Spawn(spec, proc.fd());
    umount(proc.attr("exec").c_str());
    return !child.ok() && child.error().code == Errc::kRefused && !Marked(proc.dir()) &&
           ReadFile(sink).empty();
  }));
}

}  // namespace
}  // namespace svirt
