// SPDX-License-Identifier: LGPL-2.1-or-later
// A start, an attach, a detach and a stop, killed at each of their system calls, and each of these
// made to fail: afterwards recovery leaves every object with its original label, or with that of a
// domain that lives and is known to have it.
//
// Files are below the directory for temporary files, which must be able to bear the labels.
// Usage: fault_test [GTEST OPTIONS] [--stride=N] [--export] [--plugins=DIRECTORY --model=MODEL
//                   [--original=LABEL] [--policies=FILE]]
// --stride tries every N-th point only, for slow machines; with --export old labels are written
// onto the files, too (export_labels), which takes CAP_SYS_ADMIN; the others run a real plugin on
// this kernel in the place of models that need none (see Models::RealOptions).
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/labels/engine.h"
#include "host/labels/store/label_store.h"
#include "host/labels/testing/fake_model.h"
#include "host/util/process.h"
#include "host/util/sqlite.h"
#include "tests/fault/models.h"
#include "tests/fault/tracer.h"

namespace svirt::fault {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  uint64_t stride = 1;
  bool exports = false;
  bool entries = false;
  Models::RealOptions real;  // without a model: fake ones
};
Arguments arguments;

// What the work in the traced process came to.
enum Exit { kDone = 0, kFailed = 1, kNeedsRecovery = 2, kLeftAFile = 3 };

int ExitOf(const Status &status) {
  if (status.ok()) {
    return kDone;
  }
  if (status.error().code == Errc::kExists) {
    return kLeftAFile;
  }
  return status.error().message.find("svirt recover") == std::string::npos ? kFailed
                                                                           : kNeedsRecovery;
}

// What happened at all points that were tried.
struct Tally {
  uint64_t killed = 0, failed = 0;          // points
  uint64_t refused = 0, done = 0;           // the work, when a call failed in it
  uint64_t needed_recovery = 0, ended = 0;  // it left something to recover, it ended by a signal
};

class FaultTest : public testing::Test {
 protected:
  static constexpr int kOurs = 1, kNeighbour = 2;

  FaultTest() {
    for (const char *name : {"proc", "kernel", "tree", "tree/sub"}) {
      fs::create_directory(dir_ / name);
    }
    for (const char *name : {"disk", "second", "base", "tree/a", "tree/sub/b"}) {
      fake::Touch(dir_ / name);
    }
    // A user of a domain's own may pass, and not read what is not its own.
    ::chmod(dir_.path().c_str(), 0711);
    ::chmod((dir_ / "base").c_str(), 0600);
  }

  void SetUp() override {
    if (arguments.real.model.empty()) {
      models_ = Models::Fake(dir_ / "kernel", arguments.entries);
    } else {
      auto real = Models::Real(arguments.real);
      ASSERT_TRUE(real.ok()) << real.error().message;
      models_ = std::move(real).value();
    }
    int number = 0;
    for (const char *name : {"disk", "second", "base", "tree/a", "tree/sub", "tree/sub/b"}) {
      const Status status = models_->Prepare(dir_ / name, ++number);
      if (!status.ok() && arguments.real.model.empty()) {
        GTEST_SKIP() << "needs a directory for temporary files (TMPDIR) with user.* attributes";
      }
      ASSERT_TRUE(status.ok()) << status.error().message;
    }
    for (const char *name :
         {"disk", "second", "base", "tree", "tree/a", "tree/sub", "tree/sub/b"}) {
      objects_[dir_ / name] = models_->LabelOf(dir_ / name);
    }
    if (arguments.exports && ::setxattr((dir_ / "disk").c_str(), "trusted.svirt", "", 0, 0) != 0) {
      GTEST_SKIP() << "needs CAP_SYS_ADMIN";
    }
    fake::Touch(dir_ / "machine-id");  // a minimal system has none of its own
    // It shares the base image all the time.
    neighbour_ = Live(kNeighbour, {{fake::MakeDisk(dir_ / "base", true)}});
    shared_label_ = models_->LabelOf(dir_ / "base");
    shared_access_ = Models::AccessOf(dir_ / "base");
    // A model that only grants has no need to remember who shares what.
    base_is_known_ = ReadJournal("at first").count(dir_ / "base") > 0;
  }

  void TearDown() override {
    End(&neighbour_);
    End(&ours_);
  }

  Status OpenStore() {
    if (!store_) {
      SVIRT_ASSIGN(store_, LabelStore::Open({.directory = dir_ / "state",
                                             .machine_id_file = dir_ / "machine-id"}));
    }
    return {};
  }
  Result<Engine> MakeEngine() {
    SVIRT_TRY(OpenStore());
    return Engine(store_.get(), models_->plugins(), {.export_labels = arguments.exports},
                  dir_ / "proc");
  }

  Status Apply(int domain, const Manifest &manifest) {
    SVIRT_ASSIGN(Engine engine, MakeEngine());
    SVIRT_ASSIGN(const Plan plan, engine.Apply(fake::MakeDomain(domain), manifest));
    return {};
  }
  // Of the domain that lives.
  Status Change(int domain, const Manifest &manifest) {
    SVIRT_ASSIGN(Engine engine, MakeEngine());
    Domain running = fake::MakeDomain(domain);
    SVIRT_ASSIGN(const auto state, store_->registry().Describe(running.uuid));
    if (!state) {
      return Error{Errc::kNotFound, "nothing is known of the domain"};
    }
    for (const HeldLabel &held : state->labels) {
      SecLabel seclabel;
      seclabel.type = held.type;
      seclabel.model = held.model;
      seclabel.label = held.label;
      seclabel.image_label = held.image_label;
      running.seclabels.push_back(std::move(seclabel));
    }
    SVIRT_ASSIGN(const Plan plan, engine.Change(running, state->processes.front().pid, manifest));
    return {};
  }
  Status Restore(int domain) {
    SVIRT_ASSIGN(Engine engine, MakeEngine());
    return engine.Restore(fake::MakeDomain(domain).uuid);
  }

  // A process that stands for the domain's.
  static pid_t Sleeper() {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::pause();
      ::_exit(0);
    }
    return pid;
  }
  Status Bear(int domain, pid_t pid) {
    SVIRT_ASSIGN(Engine engine, MakeEngine());
    return engine.AddHolder(fake::MakeDomain(domain), pid);
  }
  // Starts the domain.
  pid_t Live(int domain, const Manifest &manifest) {
    const pid_t pid = Sleeper();
    const Status status = Apply(domain, manifest);
    EXPECT_TRUE(status.ok()) << status.error().message;
    EXPECT_TRUE(Bear(domain, pid).ok());
    return pid;
  }
  static void End(pid_t *pid) {
    if (*pid > 0) {
      ::kill(*pid, SIGKILL);
      ::waitpid(*pid, nullptr, 0);
      *pid = -1;
    }
  }

  void Recover(const std::string &when) {
    auto engine = MakeEngine();
    ASSERT_TRUE(engine.ok()) << when << ": " << engine.error().message;
    std::vector<std::string> notes;
    const Status status = engine->Recover(&notes);
    ASSERT_TRUE(status.ok()) << when << ": " << status.error().message;
    for (const std::string &note : notes) {
      ADD_FAILURE() << when << ": " << note;
    }
  }

  // Objects that the journal knows, with the labels it has given them and the domains' numbers;
  // and is it, with the registry, in order?
  std::map<std::string, std::pair<std::string, std::set<std::string>>> ReadJournal(
      const std::string &when) {
    std::map<std::string, std::pair<std::string, std::set<std::string>>> known;
    auto database = Database::Open(dir_ / "state/labels.db", {});
    EXPECT_TRUE(database.ok()) << when;
    if (!database.ok()) {
      return known;
    }
    const auto ask = [&](const char *sql) { return (*database)->AskInt(sql)->value_or(-1); };
    EXPECT_EQ(ask("SELECT count(*) FROM space WHERE (SELECT sum(last-first+1) FROM (SELECT first, "
                  "last, space FROM free UNION ALL SELECT first, last, space FROM taken) AS run "
                  "WHERE run.space=space.id)<>(1<<62)"),
              0)
        << when << ": indexes were lost or are there twice";
    EXPECT_EQ(ask("SELECT count(*) FROM taken WHERE owner NOT IN (SELECT owner FROM label)"), 0)
        << when;
    EXPECT_EQ(ask("SELECT count(*) FROM (SELECT owner FROM holder UNION ALL SELECT owner FROM "
                  "label UNION ALL SELECT owner FROM taken UNION ALL SELECT owner FROM use) "
                  "WHERE owner NOT IN (SELECT id FROM owner)"),
              0)
        << when << ": rows are left of a domain that is not known any more";
    EXPECT_EQ(ask("SELECT count(*) FROM use AS a JOIN use AS b ON a.model=b.model AND "
                  "a.dev=b.dev AND a.ino=b.ino AND a.owner=b.owner AND a.number<b.number"),
              0)
        << when << ": one object is there twice";
    EXPECT_EQ(ask("SELECT count(*) FROM use AS a JOIN use AS b ON a.dev=b.dev AND a.ino=b.ino AND "
                  "a.owner<b.owner AND (a.exclusive OR b.exclusive OR a.model=b.model AND "
                  "a.extent<>3 AND b.extent<>3 AND (a.label<>b.label OR "
                  "a.old_label<>b.old_label))"),
              0)
        << when << ": two domains have one object for themselves";
    auto query = (*database)->Ask(
        "SELECT path, label, owner.uuid FROM use JOIN owner ON owner.id=use.owner WHERE model=?1 "
        "AND extent<>3",
        models_->labels_by());
    EXPECT_TRUE(query.ok()) << when;
    while (query.ok() && query->Step().value()) {
      auto &[label, owners] = known[query->Text(0)];
      label = query->Text(1);
      owners.insert(query->Text(2));
    }
    return known;
  }

  // Does it bear an old label for other hosts?
  static bool IsMarked(const std::string &path) {
    std::array<char, 4096> names{};
    const ssize_t size = ::listxattr(path.c_str(), names.data(), names.size());
    EXPECT_GE(size, 0) << path;
    return std::string_view(names.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)))
               .find("trusted.svirt.") != std::string_view::npos;
  }

  void ExpectInOrder(const std::string &when) {
    const auto known = ReadJournal(when);
    for (const auto &[path, original] : objects_) {
      const auto entry = known.find(path);
      if (entry == known.end()) {
        EXPECT_EQ(models_->LabelOf(path), original)
            << when << ": " << path << " has lost its label";
        EXPECT_FALSE(IsMarked(path)) << when << ": " << path;
        continue;
      }
      EXPECT_EQ(models_->LabelOf(path), entry->second.first) << when << ": " << path;
      for (const std::string &uuid : entry->second.second) {
        const auto state = store_->registry().Describe(uuid);
        EXPECT_TRUE(state.ok() && *state && !(*state)->processes.empty())
            << when << ": " << path << " belongs to a domain that does not live";
      }
    }
    const auto base = known.find(dir_ / "base");
    EXPECT_TRUE(!base_is_known_ || (base != known.end() && base->second.second.contains(
                                                               fake::MakeDomain(kNeighbour).uuid)))
        << when << ": the neighbour has lost the base image";
  }

  void ExpectOriginals(const std::string &when) {
    for (const auto &[path, original] : objects_) {
      const bool shared = path == dir_ / "base";
      EXPECT_EQ(models_->LabelOf(path), shared ? shared_label_ : original) << when << ": " << path;
      if (shared) {
        EXPECT_EQ(Models::AccessOf(path), shared_access_) << when << ": " << path;
      }
      EXPECT_EQ(IsMarked(path), shared && arguments.exports) << when << ": " << path;
    }
    EXPECT_FALSE(models_->HasPolicy(fake::MakeDomain(kOurs).uuid)) << when;
    EXPECT_EQ(store_->registry().Owners()->size(), 1u) << when;  // the neighbour
  }

  Manifest Large() {
    Resource tree = fake::MakeDisk(dir_ / "tree");
    tree.kind = ResourceKind::kShare;
    tree.object = ObjectType::kDir;
    tree.subtree = true;
    return {{fake::MakeDisk(dir_ / "disk"), fake::MakeDisk(dir_ / "base", true),
             fake::MakeDisk(dir_ / "second"), tree}};
  }
  Manifest Small() {
    return {{fake::MakeDisk(dir_ / "disk"), fake::MakeDisk(dir_ / "base", true)}};
  }

  void SkipIfFixed() {
    const auto fixed = models_->IsFixed();
    ASSERT_TRUE(fixed.ok()) << fixed.error().message;
    if (*fixed) {
      GTEST_SKIP() << "what a process may use under " << models_->labels_by()
                   << " is settled when it starts";
    }
  }

  // One kind of work on our domain, and what comes before it.
  struct Work {
    std::string name;
    std::function<void()> prepare;  // in the test
    std::function<Status()> body;   // in the traced process
    bool leaves_nothing = false;    // refused, it leaves the originals without a recovery
  };

  // The traced process has a store of its own: SQLite is not used across fork.
  Result<Outcome> Strike(const Work &work, const fault::Strike &strike) {
    store_.reset();
    // Each point begins with the same number of calls: an empty log, which the next one to open
    // the database need not read.
    SVIRT_ASSIGN(auto database, Database::Open(dir_ / "state/labels.db", {}));
    SVIRT_TRY(database->Execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    database.reset();
    return Trace([&work] { return ExitOf(work.body()); }, strike);
  }

  void CheckPoint(const Work &work, const Outcome &outcome, const std::string &when) {
    const bool refused = WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == kFailed;
    EXPECT_FALSE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == kLeftAFile) << when;
    ASSERT_TRUE(OpenStore().ok()) << when;
    if (refused && work.leaves_nothing) {
      ExpectOriginals(when + ", refused");
    }
    if (outcome.error != 0 && WIFSIGNALED(outcome.status)) {
      // The C++ library ends a process that has no memory left; nothing else ends one.
      EXPECT_EQ(outcome.error, ENOMEM) << when;
      EXPECT_EQ(WTERMSIG(outcome.status), SIGABRT) << when;
    }
    Recover(when);
    ExpectInOrder(when);
    End(&ours_);
    Recover(when + ", then the domain ended");
    ExpectOriginals(when + ", then the domain ended");
    fs::remove(dir_ / "log");  // a start that was killed may have made it; it is empty
  }

  void Count(const Outcome &outcome) {
    if (outcome.error == 0) {
      ++tally_.killed;
      return;
    }
    ++tally_.failed;
    const int status = outcome.status;
    tally_.ended += WIFSIGNALED(status) ? 1 : 0;
    tally_.done += WIFEXITED(status) && WEXITSTATUS(status) == kDone ? 1 : 0;
    tally_.refused += WIFEXITED(status) && WEXITSTATUS(status) == kFailed ? 1 : 0;
    tally_.needed_recovery += WIFEXITED(status) && WEXITSTATUS(status) == kNeedsRecovery ? 1 : 0;
  }

  // Strikes at each call with each error; a kill has one "error".
  void TryAll(const Work &work, Strike::Action action) {
    const bool kills = action == Strike::Action::kKill;
    for (uint64_t call = 1;; call += arguments.stride) {
      ASSERT_LT(call, 20000u);
      for (size_t error = 0; !kills || error == 0; ++error) {
        work.prepare();
        const auto outcome = Strike(work, {action, call, error});
        ASSERT_TRUE(outcome.ok()) << outcome.error().message;
        const std::string when =
            work.name +
            (kills ? " killed at call "
                   : " with error " + std::to_string(outcome->error) + " of call ") +
            std::to_string(call) + " (" + CallName(outcome->struck) + ")";
        CheckPoint(work, *outcome, when);
        if (HasFailure()) {
          return;  // one point says enough
        }
        if (outcome->calls < call) {
          EXPECT_TRUE(WIFEXITED(outcome->status) && WEXITSTATUS(outcome->status) == kDone)
              << work.name << " does not work without any fault";
          return;
        }
        if (outcome->struck < 0) {
          break;  // no more errors to try on this one
        }
        Count(*outcome);
      }
    }
  }

  void Run(const Work &work) {
    TryAll(work, Strike::Action::kKill);
    if (!HasFailure()) {
      TryAll(work, Strike::Action::kFail);
    }
    std::printf(
        "%s: killed at %lu points; %lu failures: %lu times refused, %lu done nevertheless, "
        "%lu left to recovery, %lu out of memory\n",
        work.name.c_str(), tally_.killed, tally_.failed, tally_.refused, tally_.done,
        tally_.needed_recovery, tally_.ended);
    EXPECT_GT(tally_.killed * arguments.stride, 50u);
    EXPECT_GT(tally_.failed * arguments.stride, 50u);
    EXPECT_GT(tally_.refused, 0u);
  }

  fake::TempDir dir_;
  std::map<std::string, std::string> objects_;  // path -> original label
  std::string shared_label_;                    // of the base image, as long as it is in use
  std::string shared_access_;                   // the same of its mode and the entries on it
  bool base_is_known_ = false;                  // to the journal
  std::unique_ptr<Models> models_;
  std::unique_ptr<LabelStore> store_;
  pid_t neighbour_ = -1, ours_ = -1;
  Tally tally_;
};

TEST_F(FaultTest, Start) {
  Work start;
  start.name = "start";
  start.leaves_nothing = true;
  start.prepare = [this] { ours_ = Sleeper(); };
  start.body = [this]() -> Status {
    Manifest manifest = Large();
    Resource log = fake::MakeDisk(dir_ / "log");
    log.kind = ResourceKind::kLog;
    log.access |= kAccessCreate;
    log.optional = true;
    manifest.resources.push_back(log);
    const Status applied = Apply(kOurs, manifest);
    if (!applied.ok()) {
      return fs::exists(dir_ / "log") ? Error{Errc::kExists, "a file was left"} : applied.error();
    }
    Status borne = Bear(kOurs, ours_);
    if (!borne.ok() && !Restore(kOurs).ok()) {
      return Error{Errc::kSystem, "run svirt recover"};
    }
    return borne;
  };
  Run(start);
}

TEST_F(FaultTest, Attach) {
  SkipIfFixed();
  if (IsSkipped()) {
    return;
  }
  Work attach;
  attach.name = "attach";
  attach.prepare = [this] { ours_ = Live(kOurs, Small()); };
  attach.body = [this] { return Change(kOurs, Large()); };
  Run(attach);
}

TEST_F(FaultTest, Detach) {
  SkipIfFixed();
  if (IsSkipped()) {
    return;
  }
  Work detach;
  detach.name = "detach";
  detach.prepare = [this] { ours_ = Live(kOurs, Large()); };
  detach.body = [this] { return Change(kOurs, Small()); };
  Run(detach);
}

TEST_F(FaultTest, Stop) {
  Work stop;
  stop.name = "stop";
  stop.prepare = [this] {
    ours_ = Live(kOurs, Large());
    End(&ours_);
  };
  stop.body = [this] { return Restore(kOurs); };
  Run(stop);
}

// nullopt: it begins in another way.
std::optional<std::string> ValueOf(std::string_view word, std::string_view option) {
  if (word.substr(0, option.size()) != option) {
    return std::nullopt;
  }
  return std::string(word.substr(option.size()));
}

bool ReadArgument(std::string_view word) {
  const std::pair<std::string_view, std::string *> texts[] = {
      {"--plugins=", &arguments.real.directory},
      {"--model=", &arguments.real.model},
      {"--original=", &arguments.real.original},
      {"--policies=", &arguments.real.policies}};
  for (const auto &[option, text] : texts) {
    if (auto value = ValueOf(word, option)) {
      *text = std::move(*value);
      return true;
    }
  }
  if (word == "--entries") {
    arguments.entries = true;
    return true;
  }
  if (word == "--export") {
    arguments.exports = true;
    return true;
  }
  const auto stride = ValueOf(word, "--stride=");
  arguments.stride = stride ? std::strtoul(stride->c_str(), nullptr, 10) : 0;
  return arguments.stride > 0;
}

}  // namespace
}  // namespace svirt::fault

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (!svirt::fault::ReadArgument(argv[i])) {
      std::fprintf(stderr, "fault_test: unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  return RUN_ALL_TESTS();
}
