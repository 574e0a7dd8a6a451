// SPDX-License-Identifier: LGPL-2.1-or-later
// The registry: who holds which label.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "host/labels/fake_model.h"
#include "host/labels/label_store.h"
#include "host/util/sqlite.h"

namespace svirt {
namespace {

using fake::TempDir;
using std::chrono::steady_clock;
using testing::HasSubstr;

// The 28 pairs of eight categories.
const IndexRuns kSmall = {{0, 28}};
// All pairs of 1024 categories.
const IndexRuns kLarge = {{0, 523776}};

LabelOwner Owner(int number) {
  const Domain domain = fake::MakeDomain(number);
  return {domain.uuid, domain.name, domain.type};
}

LabelRequest Dynamic(IndexRuns runs) {
  return {.model = "fakemac",
          .doi = "tests.example",
          .type = SecLabel::Type::kDynamic,
          .label = "",
          .runs = std::move(runs)};
}

LabelRequest Static(const std::string &label, IndexRuns runs) {
  return {.model = "fakemac",
          .doi = "tests.example",
          .type = SecLabel::Type::kStatic,
          .label = label,
          .runs = std::move(runs)};
}

std::unique_ptr<LabelStore> OpenStore(const std::string &directory) {
  auto store = LabelStore::Open({.directory = directory});
  if (!store.ok()) {
    ADD_FAILURE() << store.error().message;
    return nullptr;
  }
  return std::move(*store);
}

// Runs body in a child process that ends with its result.
template <typename Body>
pid_t Fork(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::_exit(body());
  }
  return pid;
}

int WaitFor(pid_t pid) {
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

class RegistryTest : public testing::Test {
 protected:
  uint64_t Acquire(int owner, const IndexRuns &runs = kSmall) {
    const auto index = store_->Acquire(Owner(owner), Dynamic(runs));
    EXPECT_TRUE(index.ok()) << index.error().message;
    return index.ok() ? index->value_or(~uint64_t{0}) : ~uint64_t{0};
  }
  void Release(int owner) {
    const auto status = store_->FinishUndo(Owner(owner).uuid, {}, {}, true);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
  // Makes the owner's only holder a process that has ended.
  void Die(int owner) {
    const pid_t pid = Fork([] {
      ::pause();
      return 0;
    });
    const auto process = IdentifyProcess(pid);
    EXPECT_TRUE(process.ok());
    EXPECT_TRUE(store_->AddHolder(Owner(owner).uuid, *process).ok());
    ::kill(pid, SIGKILL);
    WaitFor(pid);
  }

  TempDir dir_;
  std::unique_ptr<LabelStore> store_ = OpenStore(dir_ / "state");
};

TEST_F(RegistryTest, TheFileIsPrivate) {
  struct stat st {};
  ASSERT_EQ(::stat((dir_ / "state/labels.db").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
  ASSERT_EQ(::stat((dir_ / "state").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700u);
  Acquire(1);
  ASSERT_EQ(::stat((dir_ / "state/labels.db-wal").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
}

TEST_F(RegistryTest, RefusesAFileThatOthersMayWrite) {
  store_.reset();
  ASSERT_EQ(::chmod((dir_ / "state/labels.db").c_str(), 0660), 0);
  const auto store = LabelStore::Open({.directory = dir_ / "state"});
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Errc::kRefused);
  EXPECT_THAT(store.error().message, HasSubstr("can be written by other users"));
}

TEST_F(RegistryTest, RefusesALinkInPlaceOfTheFile) {
  store_.reset();
  const std::string file = dir_ / "state/labels.db";
  ASSERT_EQ(::rename(file.c_str(), (dir_ / "elsewhere.db").c_str()), 0);
  ASSERT_EQ(::symlink((dir_ / "elsewhere.db").c_str(), file.c_str()), 0);
  const auto store = LabelStore::Open({.directory = dir_ / "state"});
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(store.error().message, HasSubstr("not a regular file"));
}

TEST_F(RegistryTest, RefusesTheFileOfANewerVersionAndOfAnotherProgram) {
  store_.reset();
  const std::string file = dir_ / "state/labels.db";
  {
    auto database = Database::Open(file, {});
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE((*database)->Execute("PRAGMA user_version=2").ok());
  }
  auto store = LabelStore::Open({.directory = dir_ / "state"});
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Errc::kUnsupported);
  EXPECT_THAT(store.error().message, HasSubstr("newer svirt"));
  {
    auto database = Database::Open(file, {});
    ASSERT_TRUE((*database)->Execute("PRAGMA user_version=0; PRAGMA application_id=7").ok());
  }
  store = LabelStore::Open({.directory = dir_ / "state"});
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Errc::kRefused);
  EXPECT_THAT(store.error().message, HasSubstr("not a label database"));
}

TEST_F(RegistryTest, ADamagedFileIsNamed) {
  store_.reset();
  std::ofstream(dir_ / "state/labels.db") << std::string(8192, 'x');
  std::remove((dir_ / "state/labels.db-wal").c_str());
  const auto store = LabelStore::Open({.directory = dir_ / "state"});
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(store.error().message, HasSubstr("labels.db is damaged"));
}

TEST_F(RegistryTest, TheSameOwnerIsGivenTheSame) {
  const uint64_t first = Acquire(1);
  EXPECT_NE(Acquire(2), first);
  EXPECT_EQ(Acquire(1), first);
  Release(1);
  const auto state = store_->Describe(Owner(1).uuid);
  ASSERT_TRUE(state.ok());
  EXPECT_FALSE(state->has_value());
  const auto other = store_->Describe(Owner(2).uuid);
  ASSERT_TRUE(other.ok() && other->has_value());
  ASSERT_EQ((*other)->labels.size(), 1u);
  EXPECT_EQ((*other)->owner.name, "vm2");
}

TEST_F(RegistryTest, PeekTellsWhatAcquireWillGive) {
  for (int owner = 1; owner <= 28; ++owner) {
    const auto peek = store_->Peek(Owner(owner), Dynamic(kSmall), {});
    ASSERT_TRUE(peek.ok());
    EXPECT_EQ(peek->value(), Acquire(owner)) << owner;
    EXPECT_EQ(store_->Peek(Owner(owner), Dynamic(kSmall), {})->value(), Acquire(owner));
  }
  const auto full = store_->Peek(Owner(29), Dynamic(kSmall), {});
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, Errc::kExhausted);
}

TEST_F(RegistryTest, PeekChangesNothing) {
  ASSERT_TRUE(store_->Peek(Owner(1), Dynamic(kSmall), {}).ok());
  EXPECT_TRUE(store_->Owners()->empty());
}

TEST_F(RegistryTest, AReadOnlyStoreCreatesNothing) {
  const auto store = LabelStore::Open({.directory = dir_ / "other", .read_only = true});
  ASSERT_TRUE(store.ok());
  EXPECT_TRUE((*store)->Peek(Owner(1), Dynamic(kSmall), {}).ok());
  EXPECT_NE(::access((dir_ / "other").c_str(), F_OK), 0);
  Acquire(1);
  const auto reader = LabelStore::Open({.directory = dir_ / "state", .read_only = true});
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_TRUE((*reader)->Describe(Owner(1).uuid)->has_value());
  const auto refused = (*reader)->Acquire(Owner(2), Dynamic(kSmall));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kPermission);
}

TEST_F(RegistryTest, TheTwentyNinthOfTwentyEightIsRefusedAtOnce) {
  std::set<uint64_t> given;
  for (int owner = 1; owner <= 28; ++owner) {
    given.insert(Acquire(owner));
  }
  EXPECT_EQ(given.size(), 28u);
  EXPECT_EQ(*given.rbegin(), 27u);
  // The best of several: other processes of the machine only ever make it longer.
  auto took = steady_clock::duration::max();
  for (int i = 0; i < 10; ++i) {
    const auto begin = steady_clock::now();
    const auto refused = store_->Acquire(Owner(29), Dynamic(kSmall));
    took = std::min(took, steady_clock::now() - begin);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Errc::kExhausted);
    EXPECT_THAT(refused.error().message, HasSubstr("all 28 labels"));
    EXPECT_THAT(refused.error().message, HasSubstr("in use by 28 domains"));
  }
  EXPECT_LT(took, std::chrono::milliseconds(10));
  RecordProperty("microseconds", static_cast<int>(took / std::chrono::microseconds(1)));
  EXPECT_FALSE(store_->Describe(Owner(29).uuid)->has_value());  // nothing half done
  Release(7);
  EXPECT_TRUE(store_->Acquire(Owner(29), Dynamic(kSmall)).ok());
}

TEST_F(RegistryTest, AFreedLabelComesUpLast) {
  const uint64_t first = Acquire(1);
  Release(1);
  for (int owner = 2; owner <= 28; ++owner) {
    EXPECT_NE(Acquire(owner), first);
  }
  EXPECT_EQ(Acquire(29), first);
}

TEST_F(RegistryTest, StaysInsideTheAllowedRuns) {
  const IndexRuns odd = {{3, 2}, {100, 1}, {500000, 3}};
  std::set<uint64_t> given;
  for (int owner = 1; owner <= 6; ++owner) {
    given.insert(Acquire(owner, odd));
  }
  EXPECT_EQ(given, (std::set<uint64_t>{3, 4, 100, 500000, 500001, 500002}));
  EXPECT_EQ(store_->Acquire(Owner(7), Dynamic(odd)).error().code, Errc::kExhausted);
  // Another daemon with a range that overlaps finds what the first has left.
  EXPECT_EQ(Acquire(8, {{2, 4}}), 2u);
  EXPECT_EQ(Acquire(9, {{2, 4}}), 5u);
}

TEST_F(RegistryTest, AnIndexNoLongerAllowedIsReportedNotKept) {
  Acquire(1, {{5, 1}});
  const auto moved = store_->Acquire(Owner(1), Dynamic({{6, 1}}));
  ASSERT_FALSE(moved.ok());
  EXPECT_EQ(moved.error().code, Errc::kExists);
}

TEST_F(RegistryTest, ModelsAndDoisAreSpacesOfTheirOwn) {
  LabelRequest request = Dynamic({{0, 1}});
  EXPECT_TRUE(store_->Acquire(Owner(1), request).ok());
  EXPECT_FALSE(store_->Acquire(Owner(2), request).ok());
  request.doi = "other.example";
  EXPECT_TRUE(store_->Acquire(Owner(2), request).ok());
  request.model = "other";
  EXPECT_TRUE(store_->Acquire(Owner(1), request).ok());
}

TEST_F(RegistryTest, StaticAndDynamicKeepOutOfEachOthersWay) {
  const uint64_t dynamic = Acquire(1, {{10, 1}});
  EXPECT_EQ(dynamic, 10u);
  const auto overlapping = store_->Acquire(Owner(2), Static("S:8-12", {{8, 5}}));
  ASSERT_FALSE(overlapping.ok());
  EXPECT_EQ(overlapping.error().code, Errc::kConflict);
  EXPECT_THAT(overlapping.error().message, HasSubstr("domain vm1 (" + Owner(1).uuid + ")"));
  EXPECT_FALSE(store_->Describe(Owner(2).uuid)->has_value());
  const auto peek = store_->Peek(Owner(2), Static("S:8-12", {{8, 5}}), {});
  ASSERT_FALSE(peek.ok());
  EXPECT_EQ(peek.error().message, overlapping.error().message);

  ASSERT_TRUE(store_->Acquire(Owner(3), Static("S:20-27", {{20, 8}})).ok());
  ASSERT_TRUE(store_->Acquire(Owner(3), Static("S:20-27", {{20, 8}})).ok());  // idempotent
  EXPECT_EQ(store_->Acquire(Owner(4), Static("S:27-27", {{27, 1}})).error().code, Errc::kConflict);
  std::set<uint64_t> given;
  for (int owner = 10; owner < 29; ++owner) {
    given.insert(Acquire(owner));
  }
  EXPECT_EQ(given.size(), 19u);  // 28 - 1 - 8
  EXPECT_FALSE(given.contains(10) || given.contains(20) || given.contains(27));
  Release(3);
  EXPECT_GE(Acquire(30), 20u);
}

TEST_F(RegistryTest, ALabelWithoutIndexesIsShared) {
  EXPECT_TRUE(store_->Acquire(Owner(1), Static("S:shared", {})).ok());
  EXPECT_TRUE(store_->Acquire(Owner(2), Static("S:shared", {})).ok());
}

TEST_F(RegistryTest, ADeadDomainMakesRoomOnlyWhenThereIsNone) {
  for (int owner = 1; owner <= 28; ++owner) {
    Acquire(owner);
  }
  Die(5);
  const auto kept = store_->Describe(Owner(5).uuid);
  ASSERT_TRUE(kept.ok() && kept->has_value());
  const uint64_t index = (*kept)->labels.front().index.value();
  EXPECT_EQ(store_->Peek(Owner(29), Dynamic(kSmall), {})->value(), index);
  EXPECT_EQ(Acquire(29), index);
  EXPECT_FALSE(store_->Describe(Owner(5).uuid)->has_value());
  EXPECT_EQ(store_->Acquire(Owner(30), Dynamic(kSmall)).error().code, Errc::kExhausted);
}

TEST_F(RegistryTest, PinnedAndLabelledDomainsMakeNoRoom) {
  Acquire(1, {{0, 1}});
  ASSERT_TRUE(store_->Pin(Owner(1).uuid).ok());
  EXPECT_EQ(store_->Acquire(Owner(2), Dynamic({{0, 1}})).error().code, Errc::kExhausted);

  Acquire(3, {{1, 1}});
  const JournalItem item{.model = "fakemac",
                         .path = "/nowhere",
                         .id = {1, 2, 3},
                         .old = {OldLabel::State::kPresent, "old"},
                         .label = "I:1"};
  ASSERT_TRUE(store_->Record(Owner(3), {}, {item}, 0, nullptr).ok());
  Die(3);
  EXPECT_EQ(store_->Acquire(Owner(4), Dynamic({{1, 1}})).error().code, Errc::kExhausted);
}

TEST_F(RegistryTest, ForeignLabelsAreAvoidedWhileTheyAreBorne) {
  const auto self = IdentifyProcess(::getpid());
  ASSERT_TRUE(self.ok());
  ASSERT_TRUE(store_
                  ->Seed("fakemac", "tests.example",
                         {{.label = "S:0-26", .runs = {{0, 27}}, .processes = {*self}}})
                  .ok());
  EXPECT_EQ(Acquire(1), 27u);
  const auto refused = store_->Acquire(Owner(2), Static("S:3-3", {{3, 1}}));
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message,
              HasSubstr("process " + std::to_string(::getpid()) + ", which no domain here owns"));
  ASSERT_TRUE(store_->Seed("fakemac", "tests.example", {}).ok());
  EXPECT_TRUE(store_->Acquire(Owner(2), Static("S:3-3", {{3, 1}})).ok());
}

TEST_F(RegistryTest, AForeignLabelThatOverlapsOursTakesTheRest) {
  const auto self = IdentifyProcess(::getpid());
  EXPECT_EQ(Acquire(1, {{3, 1}}), 3u);
  ASSERT_TRUE(store_
                  ->Seed("fakemac", "tests.example",
                         {{.label = "S:2-4", .runs = {{2, 3}}, .processes = {*self}}})
                  .ok());
  EXPECT_EQ(Acquire(1, {{3, 1}}), 3u);
  EXPECT_EQ(Acquire(2, {{2, 4}}), 5u);
  ASSERT_TRUE(store_->Seed("fakemac", "tests.example", {}).ok());
  EXPECT_EQ(Acquire(3, {{2, 3}}), 2u);
  EXPECT_EQ(Acquire(4, {{2, 3}}), 4u);
}

TEST_F(RegistryTest, AProcessUnderADomainsLabelKeepsItAlive) {
  const auto index = Acquire(1);
  ASSERT_TRUE(store_
                  ->Record(Owner(1),
                           {{.model = "fakemac",
                             .doi = "tests.example",
                             .index = index,
                             .label = "L:1",
                             .image_label = ""}},
                           {}, 0, nullptr)
                  .ok());
  Die(1);
  EXPECT_TRUE((*store_->Describe(Owner(1).uuid))->processes.empty());
  const auto self = IdentifyProcess(::getpid());
  ASSERT_TRUE(store_
                  ->Seed("fakemac", "tests.example",
                         {{.label = "L:1", .runs = {{index, 1}}, .processes = {*self}}})
                  .ok());
  EXPECT_EQ((*store_->Describe(Owner(1).uuid))->processes.size(), 1u);
}

TEST_F(RegistryTest, AddHolderReplacesTheProcessThatOnlyStartedIt) {
  Acquire(1);
  EXPECT_EQ((*store_->Describe(Owner(1).uuid))->processes.front().pid, ::getpid());
  Die(1);
  EXPECT_TRUE((*store_->Describe(Owner(1).uuid))->processes.empty());
  EXPECT_EQ(store_->AddHolder(Owner(9).uuid, *IdentifyProcess(::getpid())).error().code,
            Errc::kNotFound);
}

// Fills the space with one owner's runs so that 99.9 % is taken, in pieces.
TEST_F(RegistryTest, AFullSpaceCostsWhatAnEmptyOneCosts) {
  const auto measure = [this](int owner) {
    // The best of several: other processes of the machine only ever make it longer.
    auto best = steady_clock::duration::max();
    for (int i = 0; i < 200; ++i) {
      const auto begin = steady_clock::now();
      Acquire(owner, kLarge);
      best = std::min(best, steady_clock::now() - begin);
      Release(owner);
    }
    return best;
  };
  const auto empty = measure(1);
  IndexRuns most;
  for (uint64_t first = 0; first < 523776; first += 1000) {
    most.push_back({first, std::min<uint64_t>(999, 523776 - first)});
  }
  ASSERT_TRUE(store_->Acquire(Owner(2), Static("S:most", most)).ok());
  const auto full = measure(3);
  EXPECT_LT(full, 3 * empty);  // the benchmark holds it to 2; here other tests run beside it
}

TEST_F(RegistryTest, ManyThreadsNeverGetTheSame) {
  constexpr int kThreads = 8, kEach = 25;
  std::vector<std::vector<uint64_t>> given(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t, &given] {
      for (int i = 0; i < kEach; ++i) {
        const auto index = store_->Acquire(Owner(1000 * t + i), Dynamic(kLarge));
        if (index.ok()) {
          given[static_cast<size_t>(t)].push_back(index->value());
        }
      }
    });
  }
  std::set<uint64_t> all;
  for (int t = 0; t < kThreads; ++t) {
    threads[static_cast<size_t>(t)].join();
    all.insert(given[static_cast<size_t>(t)].begin(), given[static_cast<size_t>(t)].end());
  }
  EXPECT_EQ(all.size(), static_cast<size_t>(kThreads * kEach));
}

// Each child notes what it was given in a file of its own, after it was given it, and is killed at
// some moment; what stands in the files must be all different, and be what the registry says.
TEST_F(RegistryTest, ManyProcessesThatAreKilledNeverGetTheSame) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int kProcesses = 8, kEach = 50;
#else
  constexpr int kProcesses = 64, kEach = 500;
#endif
  store_.reset();
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    children.push_back(Fork([this, p] {
      const auto store = LabelStore::Open({.directory = dir_ / "state"});
      if (!store.ok()) {
        return 2;
      }
      std::ofstream out(dir_ / ("given-" + std::to_string(p)));
      for (int i = 0; i < kEach; ++i) {
        const auto index = (*store)->Acquire(Owner(p * kEach + i), Dynamic(kLarge));
        if (!index.ok()) {
          return 3;
        }
        out << p * kEach + i << ' ' << index->value() << std::endl;
      }
      return 0;
    }));
  }
  // Every other child is killed, one after the other, while all are at work.
  std::vector<int> killed;
  for (int p = 0; p < kProcesses; p += 2) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ::kill(children[static_cast<size_t>(p)], SIGKILL);
  }
  int survivors = 0;
  for (int p = 0; p < kProcesses; ++p) {
    const int status = WaitFor(children[static_cast<size_t>(p)]);
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "child " << p;
    survivors += WIFEXITED(status) ? 1 : 0;
  }
  EXPECT_GE(survivors, kProcesses / 2);

  store_ = OpenStore(dir_ / "state");
  std::set<uint64_t> all;
  size_t lines = 0;
  for (int p = 0; p < kProcesses; ++p) {
    std::ifstream in(dir_ / ("given-" + std::to_string(p)));
    int owner = 0;
    uint64_t index = 0;
    while (in >> owner >> index) {
      ++lines;
      EXPECT_TRUE(all.insert(index).second) << index << " was given twice";
    }
  }
  EXPECT_GE(lines, static_cast<size_t>(kProcesses / 2 * kEach));
  // The tables are in order: what is free and what is taken cover everything once.
  auto database = Database::Open(dir_ / "state/labels.db", {});
  ASSERT_TRUE(database.ok());
  EXPECT_EQ(*(*database)->AskInt("SELECT (SELECT sum(last-first+1) FROM free) + "
                                 "(SELECT sum(last-first+1) FROM taken)"),
            static_cast<int64_t>(kIndexEnd));
  EXPECT_EQ(*(*database)->AskInt("SELECT count(*) FROM taken WHERE owner NOT IN "
                                 "(SELECT owner FROM label)"),
            0);
}

}  // namespace
}  // namespace svirt
