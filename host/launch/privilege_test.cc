// SPDX-License-Identifier: LGPL-2.1-or-later
// What a program is not given, whatever the recipes say: capabilities, now or by executing another
// program, and the keys of the launcher.
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#include <cstddef>
#include <optional>

#include "host/launch/launch_test_support.h"
#include "host/launch/tool.h"

namespace svirt {
namespace {

constexpr uid_t kUser = 54321;

std::string Lines(const std::string &text, const std::string &prefix) {
  std::string found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    found += line.rfind(prefix, 0) == 0 ? line + "\n" : "";
  }
  return found;
}

std::string NoCapabilities() {
  std::string lines;
  for (const char *set : {"Inh", "Prm", "Eff", "Bnd", "Amb"}) {
    lines += std::string("Cap") + set + ":\t0000000000000000\n";
  }
  return lines;
}

std::string Ids(const std::string &kind, uid_t id) {
  const std::string n = std::to_string(id);
  return kind + ":\t" + n + "\t" + n + "\t" + n + "\t" + n;
}

// Has every capability to hand on: inheritable and ambient, too.
bool FillAllSets() {
  for (int cap = 0; cap <= CAP_LAST_CAP; ++cap) {
    if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1) {
      continue;
    }
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    if (syscall(SYS_capget, &header, data) != 0) {
      return false;
    }
    data[cap / 32].inheritable |= 1U << (cap % 32);
    if (syscall(SYS_capset, &header, data) != 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0) {
      return false;
    }
  }
  return true;
}

class Privileges : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) {
      GTEST_SKIP() << "needs root: nobody else has anything to hand on";
    }
  }
  LaunchSpec ProbeSpec(std::vector<svirt_exec> recipes = {}, std::vector<std::string> args = {}) {
    LaunchSpec spec = Spec(probe_.path(), std::move(args));
    spec.recipes = std::move(recipes);
    return spec;
  }
  PublicProbe probe_;
};

TEST_F(Privileges, EverySetIsEmptyWithAndWithoutCredentials) {
  EXPECT_TRUE(InChild([&] {
    if (!FillAllSets()) {
      return false;
    }
    const std::string state = OwnState();
    const Output root = RunToEnd(ProbeSpec());
    const Output user = RunToEnd(ProbeSpec(List(CredentialsRecipe(kUser, kUser))));
    EXPECT_EQ(Lines(root.text, "Cap"), NoCapabilities());
    EXPECT_EQ(Lines(user.text, "Cap"), NoCapabilities());
    EXPECT_TRUE(HasLine(root.text, Ids("Uid", 0)));
    EXPECT_TRUE(HasLine(user.text, Ids("Uid", kUser)));
    EXPECT_TRUE(HasLine(user.text, Ids("Gid", kUser)));
    for (const std::string &text : {root.text, user.text}) {
      EXPECT_TRUE(HasLine(text, "securebits eb")) << "user 0 is an ordinary one, for good";
    }
    EXPECT_EQ(OwnState(), state) << "the launcher keeps what it has";
    return !testing::Test::HasFailure();
  }));
}

TEST_F(Privileges, NoNewPrivsUnlessTheLabelChangesAtTheExecution) {
  const FakeProc proc;
  EXPECT_TRUE(HasLine(RunToEnd(ProbeSpec()).text, "NoNewPrivs:\t1"));
  const auto relabelled = [&](uint32_t flags) {
    std::vector<svirt_exec> recipes = List(AttributeRecipe("exec", "label"));
    if (const int ruleset = MakeRuleset({"/"}); ruleset >= 0) {
      recipes.push_back(RulesetRecipe(ruleset, flags));
    }
    return RunToEnd(ProbeSpec(std::move(recipes)), proc.fd()).text;
  };
  const std::string plain = relabelled(0);
  EXPECT_TRUE(HasLine(plain, "NoNewPrivs:\t0")) << plain;
  EXPECT_EQ(Lines(plain, "Cap"), NoCapabilities());
  if (MakeRuleset({"/"}) < 0) {
    GTEST_SKIP() << "needs a kernel with Landlock: " << strerror(errno);
  }
  EXPECT_TRUE(HasLine(relabelled(SVIRT_EXEC_NO_NEW_PRIVS), "NoNewPrivs:\t1"));
}

// Programs that make whoever executes them more than he is.
class RaisingPrograms : public Privileges {
 protected:
  void SetUp() override {
    Privileges::SetUp();
    if (IsSkipped()) {
      return;
    }
    ASSERT_EQ(chmod(set_uid_.path().c_str(), 06755), 0);
    vfs_cap_data data = {};
    data.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
    data.data[0].permitted = 1U << CAP_CHOWN;
    if (setxattr(with_caps_.path().c_str(), "security.capability", &data, sizeof data, 0) != 0) {
      GTEST_SKIP() << "needs a file system that keeps capabilities: " << strerror(errno);
    }
  }
  // Executes the program by another one, that there be an execution after the first.
  Output RunBehind(const std::string &program, std::vector<svirt_exec> recipes, int proc = -1) {
    LaunchSpec spec = Spec("/usr/bin/env", {program});
    spec.recipes = std::move(recipes);
    return RunToEnd(std::move(spec), proc);
  }
  // The kernel executes no program whose capabilities the bounding set withholds.
  static void ExpectWithheld(const Output &output) {
    EXPECT_EQ(output.status, 126);
    EXPECT_EQ(output.text, "");
  }
  PublicProbe set_uid_, with_caps_;
};

TEST_F(RaisingPrograms, RaiseSomebodyWithoutALaunch) {
  const TempDir dir;
  const auto run = [&](const std::string &program) {
    InChild([&] {
      const int out = open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
      if (dup2(out, 1) == 1 && setresgid(kUser, kUser, kUser) == 0 &&
          setresuid(kUser, kUser, kUser) == 0) {
        execl(program.c_str(), "probe", nullptr);
      }
      return false;
    });
    return ReadFile(dir / "out");
  };
  EXPECT_NE(run(set_uid_.path()).find("Uid:\t54321\t0\t0\t0\n"), std::string::npos);
  EXPECT_EQ(Lines(run(with_caps_.path()), "CapEff"), "CapEff:\t0000000000000001\n");
}

TEST_F(RaisingPrograms, GainNothingBehindNoNewPrivs) {
  const auto recipes = [] { return List(CredentialsRecipe(kUser, kUser)); };
  const Output set_uid = RunBehind(set_uid_.path(), recipes());
  EXPECT_EQ(set_uid.status, 0);
  EXPECT_TRUE(HasLine(set_uid.text, Ids("Uid", kUser))) << set_uid.text;
  EXPECT_TRUE(HasLine(set_uid.text, Ids("Gid", kUser))) << set_uid.text;
  EXPECT_EQ(Lines(set_uid.text, "Cap"), NoCapabilities());
  ExpectWithheld(RunBehind(with_caps_.path(), recipes()));
}

TEST_F(RaisingPrograms, GiveNoCapabilityToADomainWhoseLabelChanges) {
  const FakeProc proc;
  const auto recipes = [] {
    return List(AttributeRecipe("exec", "label"), CredentialsRecipe(kUser, kUser));
  };
  const Output set_uid = RunBehind(set_uid_.path(), recipes(), proc.fd());
  EXPECT_TRUE(HasLine(set_uid.text, "NoNewPrivs:\t0")) << set_uid.text;
  EXPECT_EQ(Lines(set_uid.text, "Cap"), NoCapabilities());
  ExpectWithheld(RunBehind(with_caps_.path(), recipes(), proc.fd()));
}

TEST_F(Privileges, LauncherWithoutSetpcapNeedsNoNewPrivs) {
  const FakeProc proc;
  EXPECT_TRUE(InChild([&] {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    if (syscall(SYS_capget, &header, data) != 0) {
      return false;
    }
    data[0].effective &= ~(1U << CAP_SETPCAP);
    data[0].permitted &= ~(1U << CAP_SETPCAP);
    if (syscall(SYS_capset, &header, data) != 0) {
      return false;
    }
    const Output output = RunToEnd(ProbeSpec());
    EXPECT_TRUE(HasLine(output.text, "NoNewPrivs:\t1"));
    EXPECT_TRUE(HasLine(output.text, "CapPrm:\t0000000000000000"));
    EXPECT_FALSE(HasLine(output.text, "CapBnd:\t0000000000000000"));
    const auto child = Spawn(ProbeSpec(List(AttributeRecipe("exec", "label"))), proc.fd());
    EXPECT_FALSE(child.ok());
    if (!child.ok()) {
      EXPECT_EQ(child.error().code, Errc::kPermission);
      EXPECT_NE(child.error().message.find("give this process CAP_SETPCAP"), std::string::npos)
          << child.error().message;
    }
    return !testing::Test::HasFailure();
  }));
}

TEST_F(Privileges, ToolsOfTheSystemKeepThem) {
  ToolCall call;
  call.program = probe_.path();
  call.argv = {"probe"};
  const auto answer = RunTool(call);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_TRUE(HasLine(answer->out, "NoNewPrivs:\t0"));
  EXPECT_EQ(Lines(answer->out, "CapEff"), Lines(OwnState(), "CapEff"));
  EXPECT_EQ(Lines(answer->out, "CapBnd"), Lines(OwnState(), "CapBnd"));
}

// A process with a session keyring of its own, and a key in it. False: this kernel has no keys.
bool JoinKeyringWithKey() {
  return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr, 0L, 0L, 0L) >= 0 &&
         syscall(SYS_add_key, "user", "svirt-launch-test", "secret", 6L,
                 KEY_SPEC_SESSION_KEYRING) >= 0;
}

TEST(SessionKeyring, OfTheLauncherIsOutOfReach) {
  if (!InChild(JoinKeyringWithKey)) {
    GTEST_SKIP() << "needs a kernel with keys";
  }
  const PublicProbe probe;
  EXPECT_TRUE(InChild([&] {
    if (!JoinKeyringWithKey()) {
      return false;
    }
    const std::string key = "key:svirt-launch-test";
    LaunchSpec spec = Spec(probe.path(), {key});
    spec.keep_privileges = true;
    EXPECT_TRUE(HasLine(RunToEnd(std::move(spec)).text, "key found")) << "a tool has it";
    EXPECT_TRUE(HasLine(RunToEnd(Spec(probe.path(), {key})).text, "key none"));
    if (geteuid() == 0) {
      spec = Spec(probe.path(), {key});
      spec.recipes = List(CredentialsRecipe(kUser, kUser));
      EXPECT_TRUE(HasLine(RunToEnd(std::move(spec)).text, "key none"));
    }
    return !testing::Test::HasFailure();
  }));
}

TEST(Memlock, IsRaisedNeverLowered) {
  EXPECT_TRUE(InChild([] {
    rlimit limit{};
    getrlimit(RLIMIT_MEMLOCK, &limit);
    limit.rlim_cur = 8192;
    setrlimit(RLIMIT_MEMLOCK, &limit);
    const auto memlock = [](uint64_t bytes) {
      LaunchSpec spec = Spec(ProbePath());
      spec.memlock = bytes;
      return Lines(RunToEnd(std::move(spec)).text, "memlock");
    };
    EXPECT_EQ(memlock(0), "memlock 8192\n");
    EXPECT_EQ(memlock(4096), "memlock 8192\n");
    EXPECT_EQ(memlock(65536), "memlock 65536\n");
    return !testing::Test::HasFailure();
  }));
}

TEST(Memlock, ThatMayNotBeRaisedStopsTheStart) {
  EXPECT_TRUE(InChild([] {
    const rlimit limit = {8192, 8192};
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
        (geteuid() == 0 &&
         (setresgid(kUser, kUser, kUser) != 0 || setresuid(kUser, kUser, kUser) != 0))) {
      return false;
    }
    LaunchSpec spec = Spec("/bin/true");
    spec.memlock = 65536;
    const auto child = Launch(spec);
    EXPECT_FALSE(child.ok());
    EXPECT_NE(child.error().message.find("lock 65536 bytes"), std::string::npos)
        << child.error().message;
    return !testing::Test::HasFailure();
  }));
}

// From here on the calling process and its children get error for the system call, if its first
// argument is that one.
bool FailSyscall(unsigned number, std::optional<unsigned> argument, unsigned error) {
  const unsigned skip = argument ? 2 : 0;
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, static_cast<uint8_t>(skip + 1)),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, argument.value_or(0), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  if (!argument) {
    code[2] = code[4];
    code[3] = code[5];
  }
  const sock_fprog filter = {static_cast<unsigned short>(std::size(code)), code};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

struct FailingCall {
  const char *name;
  unsigned number;
  std::optional<unsigned> argument;
  unsigned error;
  const char *sentence;  // nullptr: the program starts all the same
};

class EachStep : public testing::TestWithParam<FailingCall> {};

TEST_P(EachStep, StopsTheStartIfItFails) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root, to have privileges that are taken away";
  }
  const FailingCall &call = GetParam();
  const TempDir dir;
  EXPECT_TRUE(InChild([&] {
    rlimit limit{};
    getrlimit(RLIMIT_MEMLOCK, &limit);
    limit.rlim_cur = 4096;
    setrlimit(RLIMIT_MEMLOCK, &limit);
    if (!FailSyscall(call.number, call.argument, call.error)) {
      return false;
    }
    LaunchSpec spec = Spec("/bin/touch", {dir / "mark"});
    spec.memlock = 8192;
    auto child = Launch(spec);
    if (call.sentence == nullptr) {
      EXPECT_TRUE(child.ok()) << child.error().message;
      return child.ok() && *Wait(*child) == 0;
    }
    EXPECT_FALSE(child.ok());
    EXPECT_EQ(child.error().sys_errno, static_cast<int>(call.error));
    EXPECT_NE(child.error().message.find(call.sentence), std::string::npos)
        << child.error().message;
    EXPECT_TRUE(Children().empty());
    return !testing::Test::HasFailure();
  }));
  EXPECT_EQ(std::filesystem::exists(dir / "mark"), call.sentence == nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    All, EachStep,
    testing::Values(
        FailingCall{"Memlock", SYS_prlimit64, 0, EPERM, "may not allow that"},
        FailingCall{"NoNewPrivs", SYS_prctl, PR_SET_NO_NEW_PRIVS, EINVAL, "no_new_privs"},
        FailingCall{"BoundingSet", SYS_prctl, PR_CAPBSET_DROP, EIO, "bounding set"},
        FailingCall{"BoundingSetRead", SYS_prctl, PR_CAPBSET_READ, EIO, "bounding set"},
        FailingCall{"SecureBits", SYS_prctl, PR_SET_SECUREBITS, EPERM, "securebits"},
        FailingCall{"KeyringQuota", SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, EDQUOT,
                    "/proc/sys/kernel/keys"},
        FailingCall{"KeyringJoin", SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, EPERM,
                    "session keyring"},
        FailingCall{"KeyringAccess", SYS_keyctl, std::nullopt, EACCES, "session keyring"},
        FailingCall{"NoKeys", SYS_keyctl, std::nullopt, ENOSYS, nullptr},
        FailingCall{"KeysForbidden", SYS_keyctl, std::nullopt, EPERM, nullptr},
        FailingCall{"Capabilities", SYS_capset, std::nullopt, EPERM, "capabilities"}),
    [](const auto &param) { return param.param.name; });

}  // namespace
}  // namespace svirt
