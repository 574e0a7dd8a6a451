// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels that hold: borne by what they are given to, enforced, unlike those of other domains, and
// on objects that nobody else has in hand.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "host/labels/testing/engine_fixture.h"
#include "host/util/fd.h"

namespace svirt::fake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A process that has a file open.
class Opener {
 public:
  Opener(const std::string &path, int flags) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) {
      throw std::runtime_error("cannot make a pipe");
    }
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const Fd fd(::open(path.c_str(), flags));
      ::close(ready[1]);
      ::pause();
      ::_exit(0);
    }
    ::close(ready[1]);
    char byte = 0;
    [[maybe_unused]] const ssize_t end = ::read(ready[0], &byte, 1);
    ::close(ready[0]);
  }
  ~Opener() { End(); }
  Opener(const Opener &) = delete;
  Opener &operator=(const Opener &) = delete;

  pid_t pid() const { return pid_; }
  void End() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      pid_ = -1;
    }
  }

 private:
  pid_t pid_ = -1;
};

class LabelCheckTest : public EngineTest {
 protected:
  Engine With(const std::vector<std::string> &allow_unlabelled, bool require_enforcing = false) {
    ConfinementPolicy policy;
    policy.allow_unlabelled = allow_unlabelled;
    policy.require_enforcing = require_enforcing;
    return MakeEngine({mac_.plugin()}, policy);
  }
  // "" if the domain starts.
  static std::string Refusal(Engine engine, int domain, const Manifest &manifest) {
    const auto plan = engine.Apply(MakeDomain(domain), manifest);
    return plan.ok() ? "" : plan.error().message;
  }
};

// ---- An exclusive object bears its label

TEST_F(LabelCheckTest, AnObjectThatCannotHaveItsLabelIsRefused) {
  const std::string good = Image("good");
  for (const char *suffix : {Model::kNoGet, Model::kNoSet, Model::kForgetful}) {
    const std::string image = Image(std::string("a") + suffix);
    const Manifest manifest{{MakeDisk(good), MakeDisk(image)}};
    const std::string refusal = Refusal(MakeEngine(), 1, manifest);
    EXPECT_THAT(refusal, HasSubstr("disk vda (" + image + ")")) << suffix;
    EXPECT_THAT(refusal, HasSubstr("allow_unlabelled")) << suffix;
    EXPECT_EQ(Label(good), "original-good") << suffix;
    EXPECT_EQ(Label(image), std::string("original-a") + suffix);
    EXPECT_FALSE(IsKnown(1)) << suffix;
  }
}

TEST_F(LabelCheckTest, ThePlanSaysWhatCanBeKnownOfIt) {
  const Manifest manifest{{MakeDisk(Image(std::string("a") + Model::kNoGet))}};
  const auto refused = MakeEngine().MakePlan(MakeDomain(1), manifest);
  ASSERT_TRUE(refused.ok()) << refused.error().message;
  EXPECT_TRUE(refused->has_conflict());
  EXPECT_THAT(refused->items[0].conflict, HasSubstr("allow_unlabelled"));
  const auto accepted = With({dir_.path() + "/"}).MakePlan(MakeDomain(1), manifest);
  ASSERT_TRUE(accepted.ok());
  EXPECT_FALSE(accepted->has_conflict());
  EXPECT_TRUE(accepted->items[0].unlabelled);
}

TEST_F(LabelCheckTest, AcceptedByNameItIsSaid) {
  for (const char *suffix : {Model::kNoGet, Model::kNoSet, Model::kForgetful}) {
    const std::string image = Image(std::string("a") + suffix);
    const std::string good = Image("good");
    const auto plan =
        With({image}).Apply(MakeDomain(1), Manifest{{MakeDisk(good), MakeDisk(image)}});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_THAT(plan->unlabelled(), ElementsAre(image));
    EXPECT_FALSE(plan->items[0].unlabelled);
    EXPECT_THAT(plan->items[1].note, HasSubstr("no label of its own"));
    EXPECT_THAT(plan->notes, ElementsAre(HasSubstr(image)));
    MustRestore(1);
    EXPECT_NE(Refusal(With({image + "x", dir_ / "a"}), 1, {{MakeDisk(image)}}), "") << suffix;
  }
}

TEST_F(LabelCheckTest, WhatIsSharedOrOnlyReadNeedsNoLabel) {
  const std::string shared = Image(std::string("a") + Model::kNoSet);
  const std::string read = Image(std::string("b") + Model::kNoGet);
  const Plan plan = MustApply(1, {{MakeDisk(shared, false, true), MakeDisk(read, true)}});
  EXPECT_THAT(plan.items[0].note, HasSubstr("cannot be labelled"));
  EXPECT_THAT(plan.items[1].note, HasSubstr("keeps no labels"));
  EXPECT_THAT(plan.unlabelled(), IsEmpty());
  MustRestore(1);
}

TEST_F(LabelCheckTest, ADomainThatLivesKeepsWhatItWasGivenWithoutLabel) {
  const std::string image = Image(std::string("a") + Model::kNoSet);
  const auto plan = With({image}).Apply(MakeDomain(1), {{MakeDisk(image)}});
  ASSERT_TRUE(plan.ok());
  Domain running = MakeDomain(1);
  running.seclabels = plan->seclabels();
  // The configuration has changed since.
  const auto changed =
      MakeEngine().Change(running, ::getpid(), {{MakeDisk(image), MakeDisk(Image("b"))}});
  ASSERT_TRUE(changed.ok()) << changed.error().message;
  EXPECT_THAT(changed->unlabelled(), ElementsAre(image));
  const std::string other = Image(std::string("c") + Model::kNoSet);
  EXPECT_FALSE(MakeEngine().Change(running, ::getpid(), {{MakeDisk(image), MakeDisk(other)}}).ok());
}

TEST_F(LabelCheckTest, FilesOfADirectoryToo) {
  Resource share = MakeDisk(dir_ / "share");
  share.kind = ResourceKind::kShare;
  share.object = ObjectType::kDir;
  share.subtree = true;
  std::filesystem::create_directory(share.path);
  const std::string file = Image(std::string("share/a") + Model::kForgetful);
  EXPECT_THAT(Refusal(MakeEngine(), 1, {{share}}), HasSubstr(file));
  EXPECT_EQ(Label(share.path), "");
  EXPECT_EQ(Refusal(With({share.path + "/"}), 1, {{share}}), "");
}

// ---- Permissive models

TEST_F(LabelCheckTest, APermissiveModelIsToldAtEveryStart) {
  mac_.options.enforcing = false;
  for (int start = 0; start < 2; ++start) {
    const Plan plan = MustApply(1, {});
    EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("fakemac is permissive")));
    MustRestore(1);
  }
  const auto plan = MakeEngine().MakePlan(MakeDomain(1), {});
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->has_conflict());
  EXPECT_THAT(plan->notes, ElementsAre(HasSubstr("fakemac is permissive")));
}

TEST_F(LabelCheckTest, RequireEnforcingRefusesIt) {
  EXPECT_EQ(Refusal(With({}, true), 1, {}), "");
  MustRestore(1);
  mac_.options.enforcing = false;
  const std::string image = Image("a");
  EXPECT_THAT(Refusal(With({}, true), 1, {{MakeDisk(image)}}), HasSubstr("require_enforcing"));
  EXPECT_EQ(Label(image), "original-a");
  EXPECT_FALSE(IsKnown(1));
  const auto plan = With({}, true).MakePlan(MakeDomain(1), {{MakeDisk(image)}});
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->has_conflict());
  EXPECT_THAT(plan->models[0].conflict, HasSubstr("require_enforcing"));
  // Who is not confined by it does not need it.
  Domain unconfined = MakeDomain(2);
  unconfined.seclabels = {MakeSecLabel(SecLabel::Type::kNone, "fakemac")};
  EXPECT_TRUE(With({}, true).Apply(unconfined, {}).ok());
}

// The model enforces, but not for this domain.
TEST_F(LabelCheckTest, RequireEnforcingAsksTheProcess) {
  Engine engine = With({}, true);
  const auto plan = engine.Apply(MakeDomain(1), {});
  ASSERT_TRUE(plan.ok());
  mac_.SetProcessLabel(::getpid(), plan->models[0].seclabel.label);
  EXPECT_TRUE(engine.VerifyProcess(MakeDomain(1), *plan, ::getpid()).ok());
  mac_.options.enforcing = false;
  const auto refused = engine.VerifyProcess(MakeDomain(1), *plan, ::getpid());
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("not enforced"));
}

// ---- Labels differ

TEST_F(LabelCheckTest, ALabelThatDoesNotClaimItsNumberIsRefused) {
  mac_.options.ignores_index = true;
  mac_.options.space = {{1, 8}};
  const std::string refusal = Refusal(MakeEngine(), 1, {});
  EXPECT_THAT(refusal, HasSubstr("model fakemac"));
  EXPECT_THAT(refusal, HasSubstr("domain vm1"));
  EXPECT_THAT(refusal, HasSubstr("defective"));
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(LabelCheckTest, TwoDomainsNeverGetOneLabel) {
  mac_.options.ignores_index = true;
  mac_.options.claims_all = true;  // its own word does not tell
  const std::string image = Image("a");
  EXPECT_EQ(Refusal(MakeEngine(), 1, {}), "");
  const std::string refusal = Refusal(MakeEngine(), 2, {{MakeDisk(image)}});
  for (const char *part : {"model fakemac", "domain vm1", "domain vm2", "L:0"}) {
    EXPECT_THAT(refusal, HasSubstr(part));
  }
  EXPECT_EQ(Label(image), "original-a");
  EXPECT_FALSE(IsKnown(2));
  const auto plan = MakeEngine().MakePlan(MakeDomain(2), {});
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->models[0].conflict, HasSubstr("domain vm1"));
  // The domain's own second program, and its next start.
  EXPECT_EQ(Refusal(MakeEngine(), 1, {}), "");
  MustRestore(1);
  EXPECT_EQ(Refusal(MakeEngine(), 2, {}), "");
}

TEST_F(LabelCheckTest, NorTheLabelOfAnObjectAlone) {
  Model twin(dir_ / "kernel", {.name = "fakemac"});
  twin.options.ignores_index = true;
  twin.options.claims_all = true;
  twin.options.fixed = true;  // the process labels differ by the number of resources
  EXPECT_EQ(Refusal(MakeEngine({twin.plugin()}), 1, {}), "");
  EXPECT_THAT(Refusal(MakeEngine({twin.plugin()}), 2, {{MakeDisk(Image("a"))}}),
              HasSubstr("the label I:0"));
}

TEST_F(LabelCheckTest, LabelsToldApartByTheUuidMustDifferToo) {
  profile_.options.space = {};
  EXPECT_EQ(Refusal(MakeEngine({profile_.plugin()}), 1, {}), "");
  EXPECT_THAT(Refusal(MakeEngine({profile_.plugin()}), 2, {}), HasSubstr("model fakeprofile"));
}

TEST_F(LabelCheckTest, WhatIsSharedOnPurposeIs) {
  // A model of objects without numbers, by its administrator's word.
  mac_.options.space = {};
  EXPECT_EQ(Refusal(MakeEngine(), 1, {}), "");
  EXPECT_EQ(Refusal(MakeEngine(), 2, {}), "");
  // Static labels, by their owners'.
  mac_.options.space = {{0, 8}};
  for (const int number : {3, 4}) {
    Domain domain = MakeDomain(number);
    domain.seclabels = {MakeSecLabel(SecLabel::Type::kStatic, "fakemac", "S:shared")};
    EXPECT_TRUE(MakeEngine().Apply(domain, {}).ok()) << number;
  }
}

TEST_F(LabelCheckTest, TwoStartsAtOnceDoNotGetOneLabelBoth) {
  mac_.options.ignores_index = true;
  mac_.options.claims_all = true;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> refusals(4);
    std::vector<std::thread> starts;
    for (size_t i = 0; i < refusals.size(); ++i) {
      starts.emplace_back([this, i, &refusals] {
        refusals[i] = Refusal(MakeEngine(), 10 + static_cast<int>(i), {});
      });
    }
    for (std::thread &start : starts) {
      start.join();
    }
    EXPECT_EQ(std::ranges::count(refusals, ""), 1) << round;
    for (int i = 0; i < 4; ++i) {
      MustRestore(10 + i);
    }
  }
}

// ---- Foreign hands

TEST_F(LabelCheckTest, AnImageThatAForeignProcessWritesIsRefused) {
  const std::string image = Image("a");
  const Opener reader(image, O_RDONLY);
  const Opener user(image, O_PATH);
  Opener writer(image, O_RDWR);
  Engine engine(store_.get(), {mac_.plugin()}, {}, "/proc");
  const std::string refusal = Refusal(engine, 1, {{MakeDisk(image)}});
  EXPECT_THAT(refusal, HasSubstr("process " + std::to_string(writer.pid()) + " ("));
  EXPECT_THAT(refusal, HasSubstr("open for writing"));
  EXPECT_EQ(Label(image), "original-a");
  const auto plan = engine.MakePlan(MakeDomain(1), {{MakeDisk(image)}});
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->items[0].conflict, HasSubstr("open for writing"));
  // Who only reads it, or shares it, is not in its way.
  EXPECT_EQ(Refusal(engine, 2, {{MakeDisk(image, true)}}), "");
  MustRestore(2);
  EXPECT_EQ(Refusal(engine, 3, {{MakeDisk(image, false, true)}}), "");
  MustRestore(3);
  // Who cannot be named has it nevertheless.
  EXPECT_THAT(Refusal(MakeEngine(), 4, {{MakeDisk(image)}}), HasSubstr("cannot be seen from here"));
  writer.End();
  EXPECT_EQ(Refusal(engine, 5, {{MakeDisk(image)}}), "");
}

TEST_F(LabelCheckTest, ReadersAndThisVeryProcessAreInNobodysWay) {
  const std::string image = Image("a");
  Engine engine(store_.get(), {mac_.plugin()}, {}, "/proc");
  const Fd reader(::open(image.c_str(), O_RDONLY));
  EXPECT_EQ(Refusal(engine, 1, {{MakeDisk(image)}}), "");
  MustRestore(1);
  const Fd writer(::open(image.c_str(), O_RDWR));
  EXPECT_EQ(Refusal(engine, 1, {{MakeDisk(image)}}), "");
  // And no lease is left, at which somebody who opens it would wait.
  EXPECT_EQ(::fcntl(reader.get(), F_GETLEASE), F_UNLCK);
}

// Somebody who opens the image in the instant of the question makes the kernel tell who asks.
TEST_F(LabelCheckTest, TheQuestionEndsNobody) {
  const std::string image = Image("a");
  std::atomic<bool> done = false;
  std::thread opener([&] {
    while (!done) {
      const Fd fd(::open(image.c_str(), O_RDWR));
    }
  });
  Engine engine(store_.get(), {mac_.plugin()}, {}, "/proc");
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(engine.MakePlan(MakeDomain(1), {{MakeDisk(image)}}).ok());
  }
  done = true;
  opener.join();
}

TEST_F(LabelCheckTest, WhatTheDomainUsesAlreadyIsItsOwn) {
  const std::string image = Image("a");
  Engine engine(store_.get(), {mac_.plugin()}, {}, "/proc");
  ASSERT_EQ(Refusal(engine, 1, {{MakeDisk(image)}}), "");
  const Opener emulator(image, O_RDWR);
  ASSERT_TRUE(engine.AddHolder(MakeDomain(1), emulator.pid()).ok());
  EXPECT_EQ(Refusal(engine, 1, {{MakeDisk(image)}}), "");
  // Another domain is told whose it is.
  EXPECT_THAT(Refusal(engine, 2, {{MakeDisk(image)}}), HasSubstr("in use by domain vm1"));
}

TEST_F(LabelCheckTest, AnImageThatLibvirtHasMarkedIsRefused) {
  const std::string image = Image("a");
  const char *mark = "trusted.libvirt.security.ref_dac";
  if (::setxattr(image.c_str(), mark, "1", 1, 0) != 0) {
    GTEST_SKIP() << "needs CAP_SYS_ADMIN and a file system with trusted attributes";
  }
  const std::string refusal = Refusal(MakeEngine(), 1, {{MakeDisk(image)}});
  EXPECT_THAT(refusal, HasSubstr(mark));
  EXPECT_THAT(refusal, HasSubstr("libvirt"));
  EXPECT_THAT(refusal, HasSubstr("setfattr -x"));
  EXPECT_EQ(Label(image), "original-a");
  EXPECT_EQ(Refusal(MakeEngine(), 2, {{MakeDisk(image, true)}}), "");
  MustRestore(2);
  ASSERT_EQ(::removexattr(image.c_str(), mark), 0);
  EXPECT_EQ(Refusal(MakeEngine(), 1, {{MakeDisk(image)}}), "");
}

}  // namespace
}  // namespace svirt::fake
