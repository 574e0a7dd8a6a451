// SPDX-License-Identifier: LGPL-2.1-or-later
// The model on a kernel in memory.
#include "driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "compiler.h"
#include "policy/shared_policy.h"
#include "profile_name.h"
#include "testing/fake_apparmor.h"
#include "testing/fixture.h"
#include "testing/parser.h"

namespace svirt::apparmor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr uint32_t kR = SVIRT_ACCESS_READ;
constexpr uint32_t kRw = SVIRT_ACCESS_READ | SVIRT_ACCESS_WRITE;

class DriverTest : public testing::Test {
 protected:
  DriverTest() { domain_.Add("/srv/disk.img", SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK); }

  Settings TestSettings(const std::string &parser = FindParser()) const {
    return {.local_directory = dir_.path("local"),
            .cache_directory = dir_.path("cache"),
            .parser = parser,
            .allow_paths = allow_paths_};
  }
  Driver Make(const std::string &parser = FindParser()) {
    return Driver(MakeFakeApi(&kernel_), TestSettings(parser));
  }

  std::string Generate(const Driver &driver, TestDomain &domain) {
    sdk::DomainLabels labels;
    status_ = driver.GenerateLabel(domain.get(), 0, &labels, &error_);
    EXPECT_EQ(labels.image, "");
    return status_ == SVIRT_OK ? labels.process : "";
  }

  // What the profile that is loaded under the name allows for a path.
  uint32_t Allowed(const std::string &name, const std::string &path) {
    const auto image = PolicyImage::Parse(kernel_.loaded[name]);
    EXPECT_TRUE(image) << name;
    return image ? image->files().Walk(path).allow & 0x7f : 0;
  }

  void Local(const std::string &what, const std::string &text) {
    dir_.Dir("local");
    dir_.File(std::string("local/") + kUuidA + "." + what, text);
  }

  static bool NeedsParser() { return !HasParser(); }

  std::vector<std::string> allow_paths_;
  TempDir dir_;
  FakeKernel kernel_;
  TestDomain domain_;
  svirt_error error_ = MakeError();
  svirt_status status_ = SVIRT_OK;
};

constexpr char kNoParser[] = "needs apparmor_parser, of the package apparmor";

// --- Probe ---

TEST_F(DriverTest, ProbeLoadsAndRemovesATrialProfile) {
  const auto api = MakeFakeApi(&kernel_);
  EXPECT_EQ(ProbeDriver(api.get(), TestSettings(), "kvm", &error_), SVIRT_OK);
  EXPECT_THAT(error_.message, HasSubstr("takes profiles"));
  EXPECT_EQ(kernel_.loads, 1);
  EXPECT_THAT(kernel_.loaded, IsEmpty());
}

TEST_F(DriverTest, ProbeSaysWhyNot) {
  const auto api = MakeFakeApi(&kernel_);
  const auto probe = [&](int enabled, int load, int remove) {
    kernel_.enabled = enabled;
    kernel_.load = load;
    kernel_.remove = remove;
    error_ = MakeError();
    return ProbeDriver(api.get(), TestSettings(), nullptr, &error_);
  };
  EXPECT_EQ(probe(ENOSYS, 0, 0), SVIRT_INACTIVE);
  EXPECT_THAT(error_.message, HasSubstr("not built into"));
  EXPECT_EQ(probe(ECANCELED, 0, 0), SVIRT_INACTIVE);
  EXPECT_THAT(error_.message, HasSubstr("disabled when"));
  EXPECT_EQ(probe(ENOENT, 0, 0), SVIRT_INACTIVE);
  EXPECT_THAT(error_.message, HasSubstr("mount securityfs"));
  EXPECT_EQ(probe(EBUSY, 0, 0), SVIRT_INACTIVE);
  EXPECT_THAT(error_.message, HasSubstr("container"));
  EXPECT_EQ(probe(EACCES, 0, 0), SVIRT_INACTIVE);
  EXPECT_EQ(probe(ENOMEM, 0, 0), SVIRT_E_SYSTEM);
  EXPECT_EQ(probe(0, EACCES, 0), SVIRT_INACTIVE);
  EXPECT_THAT(error_.message, HasSubstr("CAP_MAC_ADMIN"));
  EXPECT_EQ(probe(0, EPROTO, 0), SVIRT_E_SYSTEM);
  EXPECT_THAT(error_.message, HasSubstr("trial profile"));
  EXPECT_EQ(probe(0, 0, EIO), SVIRT_E_SYSTEM);
  EXPECT_EQ(probe(0, 0, ENOENT), SVIRT_OK);
  EXPECT_EQ(ProbeDriver(api.get(), TestSettings(), "xen", &error_), SVIRT_INACTIVE);
}

TEST_F(DriverTest, ProbeNamesWhatIsMissing) {
  const auto api = MakeFakeApi(&kernel_);
  EXPECT_EQ(ProbeDriver(api.get(), TestSettings(""), nullptr, &error_), SVIRT_OK);
  EXPECT_THAT(error_.message, HasSubstr("apparmor_parser is not installed"));
  kernel_.processes[::getpid()] = {"lxc-1//&:ns:unconfined", "mixed"};
  EXPECT_EQ(ProbeDriver(api.get(), TestSettings(), nullptr, &error_), SVIRT_OK);
  EXPECT_THAT(error_.message, HasSubstr("runs under lxc-1"));
}

// --- Labels ---

TEST_F(DriverTest, TheNameFollowsTheContent) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  EXPECT_TRUE(IsProfileName(name, kUuidA)) << name;
  EXPECT_EQ(Generate(driver, domain_), name);
  domain_.get().name = "[ * { \n another";
  EXPECT_EQ(Generate(driver, domain_), name);
  domain_.resources()[0].access = kR;
  const std::string less = Generate(driver, domain_);
  EXPECT_NE(less, name);
  domain_.Add("/srv/other.img", SVIRT_OBJ_FILE, kR);
  EXPECT_NE(Generate(driver, domain_), less);
  TestDomain twin(kUuidB);
  twin.Add("/srv/disk.img", SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK);
  EXPECT_THAT(Generate(driver, twin), StartsWith(std::string("svirt-") + kUuidB));
  domain_.get().label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(Generate(driver, domain_), "");
  EXPECT_EQ(status_, SVIRT_OK);
}

TEST_F(DriverTest, RefusesDomainsWithoutAUuid) {
  const Driver driver = Make();
  for (const char *uuid :
       {"", "x", "11111111-2222-3333-4444-55555555555", "11111111-2222-3333-4444-55555555555G",
        "11111111222233334444555555555555....", "../../../../../../../../../etc/passwd"}) {
    domain_.get().uuid = uuid;
    Generate(driver, domain_);
    EXPECT_EQ(status_, SVIRT_E_INVALID) << uuid;
    EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_INVALID);
  }
}

TEST_F(DriverTest, RefusesWhatAppArmorDoesNotHave) {
  const Driver driver = Make();
  domain_.get().base_label = "svirt_t";
  EXPECT_EQ(driver.VerifyLabel(domain_.get(), &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("no base labels"));
  domain_.get().base_label = nullptr;
  domain_.resources()[0].override_label = "x";
  EXPECT_EQ(driver.VerifyLabel(domain_.get(), &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("labels no objects"));
}

TEST_F(DriverTest, StaticLabelsAreLoadedProfiles) {
  const Driver driver = Make();
  kernel_.loaded["mine"] = "";
  kernel_.loaded["open"] = "";
  kernel_.modes["open"] = "unconfined";
  domain_.get().label_type = SVIRT_LABEL_STATIC;
  const auto verify = [&](const char *label) {
    domain_.get().label = label;
    return driver.VerifyLabel(domain_.get(), &error_);
  };
  EXPECT_EQ(verify("mine"), SVIRT_OK);
  EXPECT_EQ(Generate(driver, domain_), "mine");
  EXPECT_EQ(verify("mine//&mine"), SVIRT_OK);
  EXPECT_EQ(verify("other"), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("no loaded AppArmor profile 'other'"));
  EXPECT_EQ(verify("mine//&other"), SVIRT_E_INVALID);
  EXPECT_EQ(verify("open"), SVIRT_E_INVALID);
  EXPECT_EQ(verify("unconfined"), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("type='none'"));
  const std::string another = ProfileName(kUuidB, std::string(64, 'a'));
  kernel_.loaded[another] = "";
  EXPECT_EQ(verify(another.c_str()), SVIRT_E_INVALID);
  EXPECT_EQ(verify(""), SVIRT_E_INVALID);
  EXPECT_EQ(verify("a\nb"), SVIRT_E_INVALID);

  domain_.get().label = "mine";
  EXPECT_EQ(driver.SetLabel(domain_.get(), "mine", &error_), SVIRT_OK);
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK);
  EXPECT_EQ(kernel_.loads, 0);
  EXPECT_EQ(kernel_.loaded.count("mine"), 1u);
}

// --- Loading and removing ---

TEST_F(DriverTest, LoadsExactlyTheManifest) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  ASSERT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK) << error_.message;
  EXPECT_EQ(Allowed(name, "/srv/disk.img"), kMayRead | kMayWrite | kMayLock);
  EXPECT_EQ(Allowed(name, "/srv/disk.img2"), 0u);
  EXPECT_EQ(Allowed(name, "/usr/bin/true"), kMayRead | kMayMap);
  EXPECT_EQ(Allowed(name, "/dev/null"), kMayRead | kMayWrite);
}

// Block commit: the base image becomes writable and is read-only again.
TEST_F(DriverTest, FollowsChangesOfAccessWithoutLeavings) {
  const Driver driver = Make();
  domain_.Add("/srv/base.img", SVIRT_OBJ_FILE, kR, 0, SVIRT_RES_BACKING);
  const std::string name = Generate(driver, domain_);
  ASSERT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
  const std::string before = kernel_.loaded[name];
  for (int round = 0; round < 1000; ++round) {
    domain_.resources()[1].access = kRw;
    ASSERT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
    if (round == 0) {
      EXPECT_EQ(Allowed(name, "/srv/base.img"), kMayRead | kMayWrite | kMayLock);
    }
    domain_.resources()[1].access = kR;
    ASSERT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
  }
  EXPECT_EQ(kernel_.loaded[name], before);
  EXPECT_EQ(Allowed(name, "/srv/base.img"), kMayRead | kMayLock);
  EXPECT_EQ(kernel_.loaded.size(), 1u);
}

TEST_F(DriverTest, RemovesOnlyWhatIsItsOwnAndUnused) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  kernel_.loaded["svirt-something"] = "";
  const std::string foreign = ProfileName(kUuidB, std::string(64, 'b'));
  kernel_.loaded[foreign] = "";
  ASSERT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
  domain_.get().label = name.c_str();
  for (const char *held : {"", "//child", "//&other"}) {
    kernel_.processes[4711] = {name + held, "enforce"};
    EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_DENIED);
    EXPECT_THAT(error_.message, HasSubstr("process 4711 still runs"));
    EXPECT_EQ(kernel_.loaded.count(name), 1u);
  }
  kernel_.processes[4711] = {name + "x", "enforce"};
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK);
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK) << "idempotent";
  EXPECT_EQ(kernel_.loaded.size(), 2u);

  domain_.get().label = foreign.c_str();
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_INVALID);
  EXPECT_EQ(driver.SetLabel(domain_.get(), foreign.c_str(), &error_), SVIRT_E_INVALID);
  EXPECT_EQ(driver.SetLabel(domain_.get(), "svirt-something", &error_), SVIRT_E_INVALID);
  EXPECT_EQ(kernel_.loaded.size(), 2u);
}

TEST_F(DriverTest, ForgottenNamesAreFound) {
  const Driver driver = Make();
  kernel_.loaded[ProfileName(kUuidA, std::string(64, '1'))] = "";
  kernel_.loaded[ProfileName(kUuidA, std::string(64, '2'))] = "";
  kernel_.loaded[ProfileName(kUuidB, std::string(64, '3'))] = "";
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK);
  EXPECT_EQ(kernel_.loaded.size(), 1u);
}

TEST_F(DriverTest, ProfilesOfProgramsRunAsTheDomainGoWithIt) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  const std::string ended = ProfileName(kUuidA, std::string(64, '1'));
  const std::string running = ProfileName(kUuidA, std::string(64, '2'));
  kernel_.loaded = {{name, ""}, {ended, ""}, {running, ""}};
  kernel_.processes[5] = {running, "enforce"};
  domain_.get().label = name.c_str();
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK);
  EXPECT_EQ(kernel_.loaded.size(), 1u);
  EXPECT_EQ(kernel_.loaded.count(running), 1u);
  domain_.get().label = nullptr;
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_DENIED);
}

TEST_F(DriverTest, WhatCannotBeSeenIsNotTakenForWithdrawn) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  kernel_.loaded = {{name, ""}};
  domain_.get().label = name.c_str();
  kernel_.remove = ENODEV;
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_SYSTEM);
  kernel_.remove = 0;
  kernel_.profiles = EIO;
  EXPECT_EQ(driver.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_SYSTEM);
}

TEST_F(DriverTest, AKernelThatRefusesIsReported) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  kernel_.load = EACCES;
  EXPECT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("CAP_MAC_ADMIN"));
  kernel_.load = ENOMEM;
  EXPECT_EQ(driver.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_E_SYSTEM);
  EXPECT_EQ(error_.sys_errno, ENOMEM);
}

// --- Exec and query ---

TEST_F(DriverTest, TheChildChangesProfileAtExec) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  svirt_exec exec{};
  ASSERT_EQ(driver.PrepareExec(domain_.get(), name.c_str(), &exec, &error_), SVIRT_OK);
  ASSERT_EQ(exec.op_count, 1u);
  EXPECT_EQ(exec.op[0].kind, uint32_t{SVIRT_EXEC_PROCATTR});
  EXPECT_STREQ(exec.op[0].attr, "apparmor/exec");
  EXPECT_EQ(std::string(exec.op[0].data, exec.op[0].data_len), "exec " + name);
  exec = {};
  kernel_.own_attributes = false;
  ASSERT_EQ(driver.PrepareExec(domain_.get(), name.c_str(), &exec, &error_), SVIRT_OK);
  EXPECT_STREQ(exec.op[0].attr, "exec");

  exec = {};
  domain_.get().label_type = SVIRT_LABEL_NONE;
  ASSERT_EQ(driver.PrepareExec(domain_.get(), "", &exec, &error_), SVIRT_OK);
  EXPECT_EQ(exec.op_count, 0u);
}

TEST_F(DriverTest, AStaleNameIsNotTheCurrentProfile) {
  const Driver driver = Make();
  const std::string name = Generate(driver, domain_);
  domain_.Add("/srv/more.img", SVIRT_OBJ_FILE, kRw);
  svirt_exec exec{};
  EXPECT_EQ(driver.PrepareExec(domain_.get(), name.c_str(), &exec, &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("plan the domain again"));
  EXPECT_EQ(exec.op_count, 0u);
}

TEST_F(DriverTest, TheKernelIsAskedAboutTheProcess) {
  const Driver driver = Make();
  const auto ask = [&](const char *label, const char *mode) {
    kernel_.processes[7] = {label, mode};
    domain_.get().pid = 7;
    sdk::LabelState state;
    EXPECT_EQ(driver.GetLabel(domain_.get(), &state, &error_), SVIRT_OK);
    return state.label + (state.enforcing ? " enforced" : " not enforced");
  };
  EXPECT_EQ(ask("p", "enforce"), "p enforced");
  EXPECT_EQ(ask("p", "kill"), "p enforced");
  EXPECT_EQ(ask("p", "complain"), "p not enforced");
  EXPECT_EQ(ask("a//&b", "mixed"), "a//&b not enforced");
  EXPECT_EQ(ask("unconfined", ""), "unconfined not enforced");
  domain_.get().pid = 8;
  sdk::LabelState state;
  EXPECT_EQ(driver.GetLabel(domain_.get(), &state, &error_), SVIRT_E_GONE);
  domain_.get().pid = -1;
  EXPECT_EQ(driver.GetLabel(domain_.get(), &state, &error_), SVIRT_E_INVALID);
}

// --- Plans and text ---

TEST_F(DriverTest, PlansSayWhatIsGranted) {
  const Driver driver = Make();
  const auto show = [&](const svirt_resource &resource, std::string *note) {
    sdk::ResourcePlan plan;
    EXPECT_EQ(driver.PlanLabel(domain_.get(), resource, &plan, &error_), SVIRT_OK);
    *note = plan.note;
    return (plan.action == SVIRT_PLAN_GRANT ? "grant " : "none ") + plan.label;
  };
  std::string note;
  EXPECT_EQ(show(MakeResource("/srv/x", SVIRT_OBJ_FILE, kRw), &note), "grant rwk");
  EXPECT_EQ(note, "");
  EXPECT_EQ(show(MakeResource("/srv/x", SVIRT_OBJ_DIR, kRw, SVIRT_RES_SUBTREE), &note),
            "grant rw; rwk below");
  show(MakeResource("/dev/ptmx", SVIRT_OBJ_CHAR, kRw), &note);
  EXPECT_THAT(note, HasSubstr("every terminal"));
  show(MakeResource("/srv/x.sock", SVIRT_OBJ_SOCKET, kRw), &note);
  EXPECT_THAT(note, HasSubstr("owner and mode"));
  EXPECT_EQ(show(MakeResource("/srv/x", SVIRT_OBJ_DIR, kRw, 0, SVIRT_RES_HELPER_STATE), &note),
            "none ");
  domain_.get().label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(show(MakeResource("/srv/x", SVIRT_OBJ_FILE, kRw), &note), "none ");
}

TEST_F(DriverTest, DescribesTheProfileItLoads) {
  Local("rules", "/srv/extra r,\n");
  domain_.get().name = "a \"name\"\nwith lines";
  Buffer text(100000);
  ASSERT_EQ(DescribeDomain(TestSettings(), domain_.get(), &text.buf, &error_), SVIRT_OK);
  const std::string name = Generate(Make(), domain_);
  EXPECT_EQ(text.text(), "# domain a \"name\"\\012with lines\nprofile \"" + name +
                             "\" {\n  include <abstractions/svirt>\n"
                             "  \"/srv/disk.img\" rwk,\n  \"/usr/bin/true\" rm,\n"
                             "  /srv/extra r,\n}\n");
  Buffer small(10);
  EXPECT_EQ(DescribeDomain(TestSettings(), domain_.get(), &small.buf, &error_), SVIRT_E_RANGE);
  EXPECT_EQ(small.buf.used, text.buf.used);
  domain_.get().label_type = SVIRT_LABEL_NONE;
  EXPECT_EQ(DescribeDomain(TestSettings(), domain_.get(), &text.buf, &error_), SVIRT_E_NODATA);
}

// --- The administrator's files ---

TEST_F(DriverTest, LocalRulesAreAddedAndTheirDenialsHold) {
  if (NeedsParser()) {
    GTEST_SKIP() << kNoParser;
  }
  const Driver driver = Make();
  const std::string without = Generate(driver, domain_);
  Local("rules", "/srv/extra/*.iso r,\naudit deny /srv/disk.img w,\n");
  const std::string name = Generate(driver, domain_);
  EXPECT_NE(name, without);
  ASSERT_EQ(driver.VerifyLabel(domain_.get(), &error_), SVIRT_OK) << error_.message;
  // From here on nothing is compiled.
  const Driver later = Make("/nonexistent/parser");
  ASSERT_EQ(later.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK) << error_.message;
  EXPECT_EQ(Allowed(name, "/srv/extra/a.iso"), uint32_t{kMayRead});
  EXPECT_EQ(Allowed(name, "/srv/disk.img"), kMayRead | kMayLock);
  EXPECT_EQ(Allowed(name, "/dev/null"), kMayRead | kMayWrite);
}

TEST_F(DriverTest, ADamagedCacheIsNone) {
  if (NeedsParser()) {
    GTEST_SKIP() << kNoParser;
  }
  Local("rules", "/srv/extra r,\n");
  ASSERT_EQ(Make().VerifyLabel(domain_.get(), &error_), SVIRT_OK) << error_.message;
  const std::string file = dir_.path(std::string("cache/") + kUuidA);
  const std::string good = ReadText(file);
  const std::string name = Generate(Make(), domain_);
  const Driver without = Make("");
  ASSERT_EQ(without.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
  for (size_t at = 0; at < good.size(); at += 97) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    dir_.File(std::string("cache/") + kUuidA, bad);
    EXPECT_EQ(without.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_E_NOTSUP) << at;
  }
  EXPECT_THAT(error_.message, HasSubstr("install the package apparmor"));
  dir_.File(std::string("cache/") + kUuidA, good);
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  EXPECT_EQ(without.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_E_NOTSUP);
  // Compiled again, and kept.
  EXPECT_EQ(Make().SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
  EXPECT_EQ(ReadText(file), good);
  // Of other rules.
  Local("rules", "/srv/extra rw,\n");
  EXPECT_EQ(without.VerifyLabel(domain_.get(), &error_), SVIRT_E_NOTSUP);
}

TEST_F(DriverTest, RulesThatAreNoneAreRefused) {
  if (NeedsParser()) {
    GTEST_SKIP() << kNoParser;
  }
  for (const char *rules : {"what is this", "/srv/x rw", "}", "} profile other { /x r, ",
                            "profile child { /x r, }", "#include </nonexistent/file>"}) {
    Local("rules", rules);
    EXPECT_NE(Make().VerifyLabel(domain_.get(), &error_), SVIRT_OK) << rules;
    EXPECT_STRNE(error_.message, "");
  }
  Local("rules", std::string("/srv/x r,\0/y r,", 15));
  EXPECT_EQ(Make().VerifyLabel(domain_.get(), &error_), SVIRT_E_INVALID);
}

TEST_F(DriverTest, DangerousPathsAreAllowedByName) {
  domain_.Add("/etc/xen/disk.img", SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK);
  EXPECT_EQ(Make().VerifyLabel(domain_.get(), &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("allow_paths"));
  allow_paths_ = {"/srv/x", "/etc/xen/"};
  EXPECT_EQ(Make().VerifyLabel(domain_.get(), &error_), SVIRT_OK) << error_.message;
  allow_paths_ = {"/etc/xen/disk"};
  EXPECT_EQ(Make().VerifyLabel(domain_.get(), &error_), SVIRT_E_INVALID);
}

TEST_F(DriverTest, FilesThatOthersCanWriteAreRefused) {
  Local("rules", "/srv/x r,\n");
  const std::string file = dir_.path(std::string("local/") + kUuidA + ".rules");
  for (const mode_t mode : {0646u, 0664u}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    EXPECT_EQ(Make().VerifyLabel(domain_.get(), &error_), SVIRT_E_INVALID);
    EXPECT_THAT(error_.message, HasSubstr("0644"));
  }
  std::filesystem::remove(file);
  std::filesystem::create_symlink("/etc/passwd", file);
  EXPECT_NE(Make().VerifyLabel(domain_.get(), &error_), SVIRT_OK);
}

TEST_F(DriverTest, ComplainModeEnds) {
  const Driver driver = Make();
  const std::string enforced = Generate(driver, domain_);
  Local("complain", "2999-12-31T23:59:59Z\n");
  const std::string complaining = Generate(driver, domain_);
  EXPECT_NE(complaining, enforced);
  ASSERT_EQ(driver.SetLabel(domain_.get(), complaining.c_str(), &error_), SVIRT_OK);
  EXPECT_EQ(kernel_.loaded[complaining],
            PolicyImage::Parse(kernel_.loaded[complaining])
                ->Make(complaining, Mode::kComplain,
                       PolicyImage::Parse(kernel_.loaded[complaining])->files()));
  Local("complain", "2001-01-01T00:00:00Z");
  EXPECT_EQ(Generate(driver, domain_), enforced);
  for (const char *text : {"", "soon", "2999-12-31", "2999-12-31T23:59:59Z x", "forever\n"}) {
    Local("complain", text);
    Generate(driver, domain_);
    EXPECT_EQ(status_, SVIRT_E_INVALID) << text;
  }
}

TEST(Names, AreTheDomainsOwn) {
  const std::string name = ProfileName(kUuidA, std::string(64, 'f'));
  EXPECT_TRUE(IsProfileName(name, kUuidA));
  EXPECT_TRUE(IsProfileName(name, ""));
  EXPECT_FALSE(IsProfileName(name, kUuidB));
  for (const std::string &other :
       {std::string(), std::string("svirt-"), name + "0", name.substr(1), "x" + name,
        name.substr(0, name.size() - 1) + "G", name + "//child"}) {
    EXPECT_FALSE(IsProfileName(other, "")) << other;
  }
}

TEST(Labels, AreSplitIntoTheirParts) {
  EXPECT_THAT(LabelParts("a"), ElementsAre("a"));
  EXPECT_THAT(LabelParts("a//&b//&:ns:c"), ElementsAre("a", "b", ":ns:c"));
  EXPECT_TRUE(LabelHas("a//&b//child", "b"));
  EXPECT_FALSE(LabelHas("ab//&b-c", "b"));
}

TEST(CompilerTest, TakesNothingFromTheCaller) {
  if (!HasParser()) {
    GTEST_SKIP() << kNoParser;
  }
  std::string image;
  svirt_error error = MakeError();
  EXPECT_EQ(Compile(FindParser(), "profile x { /y r, }", &image, &error), SVIRT_OK);
  EXPECT_TRUE(PolicyImage::Parse(image));
  EXPECT_EQ(Compile("/nonexistent/parser", "profile x { }", &image, &error), SVIRT_E_SYSTEM);
  EXPECT_EQ(Compile("/bin/false", "profile x { }", &image, &error), SVIRT_E_INVALID);
  EXPECT_EQ(Compile("", "profile x { }", &image, &error), SVIRT_E_NOTSUP);
}

}  // namespace
}  // namespace svirt::apparmor
