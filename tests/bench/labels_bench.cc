// SPDX-License-Identifier: LGPL-2.1-or-later
// What a label costs: the registry at any fill, and the engine beside the bare system calls on the
// same files in the same run. Labels are extended attributes of real files, as those of a kernel's
// security module are. Files are made in the current directory, so that it decides which file
// system is measured; anything but tmpfs also shows what syncing costs.
//
// Counters, all in microseconds: *_per_disk; bare_per_disk is what cannot be left out to label an
// object safely and to put its label back (open, identify, read and set the label, close; twice),
// setxattr_per_disk the two attribute writes among them; sync is one durable small write; commit is
// a transaction of the same kind of database that changes one row, and is not synced. ratio is
// (engine - one sync) / bare; beyond_commits is that without the four transactions of a start and a
// stop, too; cpu_ratio is the first of processor time, which a busy machine changes less.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "host/labels/engine.h"
#include "host/labels/store/label_store.h"
#include "host/labels/testing/fake_model.h"
#include "host/util/fd.h"
#include "host/util/sqlite.h"

namespace svirt {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr uint64_t kPairs = 523776;

template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "labels_bench: %s\n", result.error().message.c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(result).value();
  }
}

double Time(const std::function<void()> &work) {
  const auto begin = Clock::now();
  work();
  return Microseconds(Clock::now() - begin).count();
}

// What the work keeps a processor busy: other programs and waiting for the disk do not count.
double CpuTime(const std::function<void()> &work) {
  const auto now = [] {
    timespec at{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return static_cast<double>(at.tv_sec) * 1e6 + static_cast<double>(at.tv_nsec) / 1e3;
  };
  const double begin = now();
  work();
  return now() - begin;
}

// A store, a model and disks, in a directory below the current one.
class Site {
 public:
  explicit Site(int disks) {
    path_ = (std::filesystem::current_path() / "labels-bench-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) {
      throw std::runtime_error("cannot make a directory below the current one");
    }
    store = Must(LabelStore::Open({.directory = path_ + "/state"}));
    std::filesystem::create_directory(path_ + "/proc");
    std::filesystem::create_directory(path_ + "/kernel");
    model = std::make_unique<fake::Model>(
        path_ + "/kernel", fake::Model::Options{.space = {{0, kPairs}}, .xattr = true});
    for (int i = 0; i < disks; ++i) {
      paths.push_back(fake::Touch(path_ + "/disk" + std::to_string(i)));
      model->SetLabelOf(paths.back(), kOriginal);
    }
  }
  ~Site() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Site(const Site &) = delete;
  Site &operator=(const Site &) = delete;

  Engine MakeEngine() { return Engine(store.get(), {model->plugin()}, {}, path_ + "/proc"); }
  Manifest MakeManifest(size_t first, size_t count) const {
    Manifest manifest;
    for (size_t i = first; i < first + count; ++i) {
      manifest.resources.push_back(fake::MakeDisk(paths[i]));
    }
    return manifest;
  }
  const std::string &path() const { return path_; }

  // As long as a label of an enforcing system usually is.
  static constexpr const char *kOriginal = "system_u:object_r:virt_image_t:s0";

  std::unique_ptr<LabelStore> store;
  std::unique_ptr<fake::Model> model;
  std::vector<std::string> paths;

 private:
  std::string path_;
};

// ---- Registry

void AcquireRelease(benchmark::State &state) {
  Site site(0);
  const auto request = [](SecLabel::Type type, IndexRuns runs) {
    return LabelRequest{.model = "fakemac",
                        .doi = "tests.example",
                        .type = type,
                        .label = type == SecLabel::Type::kStatic ? "S:fill" : "",
                        .runs = std::move(runs)};
  };
  // state.range(0) of every 1000 pairs are taken, in single runs that never join.
  const auto taken = static_cast<uint64_t>(state.range(0));
  IndexRuns fill;
  for (uint64_t first = 0; taken > 0 && first < kPairs; first += 1000) {
    fill.push_back({first, std::min<uint64_t>(taken, kPairs - first)});
  }
  if (taken > 0) {
    Must(site.store->registry().Acquire({fake::MakeDomain(1).uuid, "fill", "kvm"},
                                        request(SecLabel::Type::kStatic, fill)));
  }
  const LabelOwner owner{fake::MakeDomain(2).uuid, "vm", "kvm"};
  const LabelRequest dynamic = request(SecLabel::Type::kDynamic, {{0, kPairs}});
  for ([[maybe_unused]] auto iteration : state) {
    Must(site.store->registry().Acquire(owner, dynamic));
    Must(site.store->journal().FinishUndo(owner.uuid, {}, true));
  }
}
BENCHMARK(AcquireRelease)->ArgName("permille")->Arg(0)->Arg(500)->Arg(990)->Arg(999);

// The 29th of 28: what the refusal costs.
void Exhausted(benchmark::State &state) {
  Site site(0);
  LabelRequest request{.model = "fakemac", .doi = "tests.example", .label = "", .runs = {{0, 28}}};
  for (int owner = 1; owner <= 28; ++owner) {
    Must(site.store->registry().Acquire({fake::MakeDomain(owner).uuid, "vm", "kvm"}, request));
  }
  for ([[maybe_unused]] auto iteration : state) {
    benchmark::DoNotOptimize(
        site.store->registry().Acquire({fake::MakeDomain(29).uuid, "vm29", "kvm"}, request));
  }
}
BENCHMARK(Exhausted);

// ---- Engine against bare system calls

struct Bare {
  static void Check(bool ok) {
    if (!ok) {
      std::perror("labels_bench");
      std::abort();
    }
  }

  static void Set(const std::string &path, const char *label) {
    Check(::setxattr(path.c_str(), "user.svirt.fakemac", label, std::strlen(label), 0) == 0);
  }

  static void SafelySet(const std::string &path, const char *label) {
    const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    Check(fd >= 0);
    struct statx st {};
    Check(::statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO | STATX_BTIME, &st) == 0);
    char self[32];
    std::snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    std::array<char, 256> old;
    Check(::getxattr(self, "user.svirt.fakemac", old.data(), old.size()) >= 0);
    Check(::setxattr(self, "user.svirt.fakemac", label, std::strlen(label), 0) == 0);
    ::close(fd);
  }
};

// One durable small write, into a file that does not grow, as a write-ahead log does not that is
// used again.
class SmallFile {
 public:
  explicit SmallFile(const std::string &path)
      : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    for (int i = 0; i < 16; ++i) {
      Bare::Check(::write(fd_.get(), page_.data(), page_.size()) ==
                  static_cast<ssize_t>(page_.size()));
    }
    Bare::Check(::fdatasync(fd_.get()) == 0);
  }
  void WriteDurably() {
    Bare::Check(::pwrite(fd_.get(), page_.data(), page_.size(), 0) ==
                static_cast<ssize_t>(page_.size()));
    Bare::Check(::fdatasync(fd_.get()) == 0);
  }

 private:
  Fd fd_;
  std::array<char, 4096> page_{};
};

// Of a row in a database of its own, with the settings of the store's.
class CommitCost {
 public:
  explicit CommitCost(const std::string &directory) : path_(directory + "/commit.db") {
    std::fclose(std::fopen(path_.c_str(), "w"));
    database_ = Must(Database::Open(path_, {}));
    Must(database_->Execute("PRAGMA page_size=1024; PRAGMA journal_mode=WAL"));
    Must(database_->OpenLog());
    Must(database_->Execute("CREATE TABLE t(n INTEGER); INSERT INTO t VALUES(0)"));
  }
  double Measure() {
    return Time([this] {
      Transaction transaction = Must(Transaction::Begin(database_.get()));
      Must(database_->Run("UPDATE t SET n=n+1"));
      Must(transaction.Commit());
    });
  }

 private:
  std::string path_;
  std::unique_ptr<Database> database_;
};

void SetAndRestore(benchmark::State &state) {
  const auto disks = static_cast<size_t>(state.range(0));
  Site site(static_cast<int>(disks));
  Engine engine = site.MakeEngine();
  const Domain domain = fake::MakeDomain(1);
  const Manifest manifest = site.MakeManifest(0, disks);
  CommitCost commits(site.path());
  SmallFile file(site.path() + "/sync");
  double set = 0, restore = 0, bare = 0, setxattr = 0, sync = 0, cpu = 0, bare_cpu = 0, commit = 0;
  for ([[maybe_unused]] auto iteration : state) {
    sync += Time([&] { file.WriteDurably(); });
    commit += commits.Measure();
    setxattr += Time([&] {
      for (const char *label : {"I:123456", Site::kOriginal}) {
        for (const std::string &path : site.paths) {
          Bare::Set(path, label);
        }
      }
    });
    bare_cpu += CpuTime([&] {
      bare += Time([&] {
        for (const char *label : {"I:123456", Site::kOriginal}) {
          for (const std::string &path : site.paths) {
            Bare::SafelySet(path, label);
          }
        }
      });
    });
    double set_now = 0, restore_now = 0;
    cpu += CpuTime([&] {
      set_now = Time([&] { Must(engine.Apply(domain, manifest)); });
      restore_now = Time([&] { Must(engine.Restore(domain.uuid)); });
    });
    set += set_now;
    restore += restore_now;
    state.SetIterationTime((set_now + restore_now) / 1e6);
  }
  const auto per = [&](double total) {
    return total / static_cast<double>(state.iterations()) / static_cast<double>(disks);
  };
  state.counters["set_per_disk"] = per(set);
  state.counters["restore_per_disk"] = per(restore);
  state.counters["bare_per_disk"] = per(bare);
  state.counters["setxattr_per_disk"] = per(setxattr);
  state.counters["sync"] = sync / static_cast<double>(state.iterations());
  state.counters["cpu_per_disk"] = per(cpu);
  state.counters["cpu_ratio"] = cpu / bare_cpu;
  state.counters["ratio"] = (set + restore - sync) / bare;
  // Half as much again as the bare system calls, and a sync for each of the two.
  state.counters["of_budget"] = (set + restore) / (1.5 * bare + 2 * sync);
  state.counters["commit"] = commit / static_cast<double>(state.iterations());
  state.counters["beyond_commits"] = (set + restore - sync - 4 * commit) / bare;
}
BENCHMARK(SetAndRestore)->ArgName("disks")->RangeMultiplier(10)->Range(1, 1000)->UseManualTime();

void PlanOnly(benchmark::State &state) {
  const auto disks = static_cast<size_t>(state.range(0));
  Site site(static_cast<int>(disks));
  Engine engine = site.MakeEngine();
  const Domain domain = fake::MakeDomain(1);
  const Manifest manifest = site.MakeManifest(0, disks);
  for ([[maybe_unused]] auto iteration : state) {
    benchmark::DoNotOptimize(Must(engine.MakePlan(domain, manifest)));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(PlanOnly)->ArgName("disks")->RangeMultiplier(10)->Range(1, 1000);

// A directory with as many files: started twice with keep_trees, stopped, and forgotten. In ms.
void Tree(benchmark::State &state) {
  Site site(0);
  const std::string root = site.path() + "/tree";
  std::filesystem::create_directory(root);
  for (int64_t i = 0; i < state.range(0); ++i) {
    const std::string directory = root + "/" + std::to_string(i / 1000);
    if (i % 1000 == 0) {
      std::filesystem::create_directory(directory);
    }
    fake::Touch(directory + "/" + std::to_string(i));
  }
  Resource tree = fake::MakeDisk(root);
  tree.kind = ResourceKind::kShare;
  tree.object = ObjectType::kDir;
  tree.subtree = true;
  const Manifest manifest{{tree}};
  const Domain domain = fake::MakeDomain(1);
  Engine engine(site.store.get(), {site.model->plugin()}, {.keep_trees = true},
                site.path() + "/proc");
  const auto milliseconds = [](const std::function<void()> &work) { return Time(work) / 1e3; };
  for ([[maybe_unused]] auto iteration : state) {
    const double first = milliseconds([&] { Must(engine.Apply(domain, manifest)); });
    const double stop = milliseconds([&] { Must(engine.Restore(domain.uuid)); });
    const double second = milliseconds([&] { Must(engine.Apply(domain, manifest)); });
    Must(engine.Restore(domain.uuid));
    const double forget = milliseconds([&] { Must(engine.Forget(domain.uuid)); });
    state.counters["first_start"] = first;
    state.counters["stop"] = stop;
    state.counters["second_start"] = second;
    state.counters["forget"] = forget;
    state.SetIterationTime(second / 1e3);
  }
}
BENCHMARK(Tree)->ArgName("files")->Arg(1000)->Arg(1'000'000)->Iterations(1)->UseManualTime()->Unit(
    benchmark::kMillisecond);

// ---- Many at once

// Processes that each set and restore a domain of their own with so many disks, at the same time,
// as commands and daemons do; the bare system calls on as many files; and these with one durable
// write, which a start cannot do without. The time is that of one domain: with two processes that
// do not hinder each other it is half of that with one.
enum class Rival { kEngine, kBare, kBareDurable };

// Forks that begin their work together.
class Processes {
 public:
  // prepare: in each, before all begin; its answer is what they do.
  Processes(size_t count, const std::function<std::function<void()>(size_t)> &prepare) {
    Bare::Check(::pipe(ready_.data()) == 0 && ::pipe(go_.data()) == 0);
    for (size_t i = 0; i < count; ++i) {
      const pid_t pid = ::fork();
      Bare::Check(pid >= 0);
      if (pid == 0) {
        const auto work = prepare(i);
        char byte = 0;
        ::close(go_[1]);
        Bare::Check(::write(ready_[1], &byte, 1) == 1);
        Bare::Check(::read(go_[0], &byte, 1) == 0);  // until it is closed
        work();
        ::_exit(0);
      }
      children_.push_back(pid);
    }
    char byte = 0;
    for (size_t i = 0; i < count; ++i) {
      Bare::Check(::read(ready_[0], &byte, 1) == 1);
    }
  }
  Processes(const Processes &) = delete;
  Processes &operator=(const Processes &) = delete;
  ~Processes() {
    for (const int fd : {ready_[0], ready_[1], go_[0]}) {
      ::close(fd);
    }
  }

  void Run() {
    ::close(go_[1]);
    for (const pid_t child : children_) {
      int status = -1;
      Bare::Check(::waitpid(child, &status, 0) == child && status == 0);
    }
  }

 private:
  std::array<int, 2> ready_{}, go_{};
  std::vector<pid_t> children_;
};

void SeparateDomains(benchmark::State &state, Rival rival) {
  const auto processes = static_cast<size_t>(state.range(0));
  const auto disks = static_cast<size_t>(state.range(1));
  const size_t rounds = 2000 / disks;
  Site site(static_cast<int>(disks * processes));
  site.store.reset();  // SQLite takes no fork of an open database
  const auto prepare = [&](size_t process) -> std::function<void()> {
    auto store = std::shared_ptr(Must(LabelStore::Open({.directory = site.path() + "/state"})));
    auto file = std::make_shared<SmallFile>(site.path() + "/sync" + std::to_string(process));
    return [&site, rival, disks, rounds, process, store, file] {
      Engine engine(store.get(), {site.model->plugin()}, {}, site.path() + "/proc");
      const Domain domain = fake::MakeDomain(static_cast<int>(process) + 1);
      const Manifest manifest = site.MakeManifest(disks * process, disks);
      for (size_t round = 0; round < rounds; ++round) {
        if (rival == Rival::kEngine) {
          Must(engine.Apply(domain, manifest));
          Must(engine.Restore(domain.uuid));
          continue;
        }
        if (rival == Rival::kBareDurable) {
          file->WriteDurably();
        }
        for (const char *label : {"I:123456", Site::kOriginal}) {
          for (const Resource &disk : manifest.resources) {
            Bare::SafelySet(disk.path, label);
          }
        }
      }
    };
  };
  for ([[maybe_unused]] auto iteration : state) {
    Processes running(processes, prepare);
    const double took = Time([&running] { running.Run(); });
    state.SetIterationTime(took / 1e6 / static_cast<double>(rounds * processes));
  }
}
void ProcessesAndDisks(benchmark::internal::Benchmark *benchmark) {
  benchmark->ArgNames({"processes", "disks"})
      ->ArgsProduct({{1, 2}, {1, 10, 100}})
      ->Iterations(20)
      ->UseManualTime();
}
BENCHMARK_CAPTURE(SeparateDomains, engine, Rival::kEngine)->Apply(ProcessesAndDisks);
BENCHMARK_CAPTURE(SeparateDomains, bare, Rival::kBare)->Apply(ProcessesAndDisks);
BENCHMARK_CAPTURE(SeparateDomains, bare_durable, Rival::kBareDurable)->Apply(ProcessesAndDisks);

// The time until all of a hundred domains, started at once by as many threads, are labelled.
void HundredStarts(benchmark::State &state) {
  constexpr size_t kDomains = 100, kDisks = 4;
  Site site(static_cast<int>(kDomains * kDisks));
  for ([[maybe_unused]] auto iteration : state) {
    std::vector<std::thread> threads;
    state.SetIterationTime(Time([&] {
                             for (size_t d = 0; d < kDomains; ++d) {
                               threads.emplace_back([&site, d] {
                                 Engine engine = site.MakeEngine();
                                 Must(engine.Apply(fake::MakeDomain(static_cast<int>(d) + 1),
                                                   site.MakeManifest(d * kDisks, kDisks)));
                               });
                             }
                             for (std::thread &thread : threads) {
                               thread.join();
                             }
                           }) /
                           1e6);
    for (size_t d = 0; d < kDomains; ++d) {
      Must(site.MakeEngine().Restore(fake::MakeDomain(static_cast<int>(d) + 1).uuid));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kDomains));
}
BENCHMARK(HundredStarts)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace svirt

BENCHMARK_MAIN();
