// SPDX-License-Identifier: LGPL-2.1-or-later
// What the loader's care costs beside a bare dlopen, and the table beside a direct call.
//
// Plugins are never unloaded, so every measurement of loading is made in a process of its own,
// which has mapped no plugin before and reports its time through a pipe.
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <svirt/plugin.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "host/loader/loader.h"
#include "host/loader/trust.h"

namespace svirt {
namespace {

using Seconds = std::chrono::duration<double>;

std::vector<std::string> Plugins() {
  std::vector<std::string> paths;
  for (const auto &entry : std::filesystem::directory_iterator(PLUGIN_DIR)) {
    if (IsPluginFileName(entry.path().filename().string())) {
      paths.push_back(entry.path());
    }
  }
  return paths;
}

// Seconds that the work takes in a fresh process; negative if it fails there.
double TimeInChild(const std::function<bool()> &work) {
  int ends[2];
  if (pipe(ends) != 0) {
    return -1;
  }
  const pid_t pid = fork();
  if (pid == 0) {
    const auto start = std::chrono::steady_clock::now();
    const bool worked = work();
    const double took = worked ? Seconds(std::chrono::steady_clock::now() - start).count() : -1;
    _exit(write(ends[1], &took, sizeof took) == sizeof took ? 0 : 1);
  }
  close(ends[1]);
  double took = -1;
  if (pid < 0 || read(ends[0], &took, sizeof took) != sizeof took) {
    took = -1;
  }
  close(ends[0]);
  waitpid(pid, nullptr, 0);
  return took;
}

void Measure(benchmark::State &state, const std::function<bool()> &work) {
  while (state.KeepRunning()) {
    const double took = TimeInChild(work);
    if (took < 0) {
      state.SkipWithError("the work failed in the child");
      break;
    }
    state.SetIterationTime(took);
  }
  state.counters["plugins"] = static_cast<double>(Plugins().size());
}

bool LoadBare(const std::string &path, bool with_plugin) {
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void *entry = handle != nullptr ? dlsym(handle, SVIRT_PLUGIN_ENTRY) : nullptr;
  if (entry == nullptr || !with_plugin) {
    return entry != nullptr;
  }
  const svirt_plugin *table = reinterpret_cast<svirt_plugin_entry>(entry)();
  svirt_host host{};
  host.struct_size = sizeof host;
  host.log = [](const svirt_host *, int32_t, const char *) noexcept {};
  host.get_extension = [](const svirt_host *, const char *) noexcept -> const void * {
    return nullptr;
  };
  svirt_error error{};
  error.struct_size = sizeof error;
  svirt_instance *instance = nullptr;
  const svirt_status status = table->probe(&host, nullptr, &error);
  return status != SVIRT_OK || table->init(&host, &instance, &error) == SVIRT_OK;
}

void BareDlopen(benchmark::State &state) {
  const std::vector<std::string> paths = Plugins();
  Measure(state, [&] {
    for (const std::string &path : paths) {
      if (!LoadBare(path, false)) {
        return false;
      }
    }
    return true;
  });
}

// What of the loader's time is the plugins' own.
void BareDlopenProbeInit(benchmark::State &state) {
  const std::vector<std::string> paths = Plugins();
  Measure(state, [&] {
    for (const std::string &path : paths) {
      if (!LoadBare(path, true)) {
        return false;
      }
    }
    return true;
  });
}

bool ScanAll(const std::string &scanner) {
  LoaderOptions options;
  options.directories = {PLUGIN_DIR};
  options.trusted_root = PLUGIN_DIR;
  options.scanner = scanner;
  Loader loader(options);
  const auto scan = loader.Scan("");
  if (!scan.ok()) {
    return false;
  }
  for (const Candidate &each : *scan) {
    if (each.state == CandidateState::kRefused ||
        (each.plugin != nullptr && !each.plugin->Init().ok())) {
      return false;
    }
  }
  return true;
}

void LoaderScanLoadProbeInit(benchmark::State &state) {
  Measure(state, [] { return ScanAll(""); });
}

void LoaderWithScannerProcess(benchmark::State &state) {
  Measure(state, [] { return ScanAll(SCANNER); });
}

BENCHMARK(BareDlopen)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(BareDlopenProbeInit)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(LoaderScanLoadProbeInit)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(LoaderWithScannerProcess)->UseManualTime()->Unit(benchmark::kMicrosecond);

// ---- One call ----

// A plugin that does nothing.
[[gnu::noinline]] svirt_status Verify(svirt_instance *, const svirt_domain *domain,
                                      svirt_error *) noexcept {
  benchmark::DoNotOptimize(domain);
  return SVIRT_OK;
}

svirt_plugin MakeTable() {
  svirt_plugin table{};
  table.struct_size = sizeof table;
  table.abi_major = SVIRT_ABI_MAJOR;
  table.threads = SVIRT_THREADS_PARALLEL;
  table.model = "bench";
  table.version = "1";
  table.vendor = "tests";
  table.probe = [](const svirt_host *, const char *, svirt_error *) noexcept { return SVIRT_OK; };
  table.init = [](const svirt_host *, svirt_instance **instance, svirt_error *) noexcept {
    *instance = reinterpret_cast<svirt_instance *>(instance);
    return SVIRT_OK;
  };
  table.fini = [](svirt_instance *) noexcept {};
  table.get_model = [](svirt_instance *, const char *, svirt_model *, svirt_error *) noexcept {
    return SVIRT_OK;
  };
  table.domain_label_space = [](svirt_instance *, const svirt_domain *, const char *,
                                svirt_index_set *, svirt_error *) noexcept { return SVIRT_OK; };
  table.domain_generate_label = [](svirt_instance *, const svirt_domain *, uint64_t, svirt_buf *,
                                   svirt_buf *, svirt_error *) noexcept { return SVIRT_OK; };
  table.domain_verify_label = Verify;
  table.domain_get_label = [](svirt_instance *, const svirt_domain *, svirt_label_state *,
                              svirt_error *) noexcept { return SVIRT_OK; };
  table.domain_set_label = [](svirt_instance *, const svirt_domain *, const char *,
                              svirt_error *) noexcept { return SVIRT_OK; };
  table.domain_prepare_exec = [](svirt_instance *, const svirt_domain *, const char *, svirt_exec *,
                                 svirt_error *) noexcept { return SVIRT_OK; };
  table.resource_plan_label = [](svirt_instance *, const svirt_domain *, const svirt_resource *,
                                 svirt_resource_plan *,
                                 svirt_error *) noexcept { return SVIRT_OK; };
  table.resource_get_label = [](svirt_instance *, const svirt_resource *, svirt_buf *,
                                svirt_error *) noexcept { return SVIRT_OK; };
  table.resource_set_label = [](svirt_instance *, const svirt_resource *, const char *,
                                svirt_error *) noexcept { return SVIRT_OK; };
  table.get_extension = [](const char *) noexcept -> const void * { return nullptr; };
  return table;
}

void CallDirect(benchmark::State &state) {
  const svirt_domain domain{};
  svirt_error error{};
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(Verify(nullptr, &domain, &error));
  }
}

void CallThroughTable(benchmark::State &state) {
  svirt_plugin table = MakeTable();
  benchmark::DoNotOptimize(&table);
  const svirt_domain domain{};
  svirt_error error{};
  while (state.KeepRunning()) {
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(table.domain_verify_label(nullptr, &domain, &error));
  }
}

// With all that the host checks, locks and converts on the way.
void CallThroughPlugin(benchmark::State &state) {
  const svirt_plugin table = MakeTable();
  const auto plugin = Plugin::Create(&table).value();
  if (!plugin->Init().ok()) {
    state.SkipWithError("init failed");
    return;
  }
  DomainRef domain;
  domain.uuid = "5f3c1d2e-0000-4000-8000-000000000001";
  domain.name = "bench";
  domain.seclabel.type = SecLabel::Type::kDynamic;
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(plugin->VerifyLabel(domain).ok());
  }
}

BENCHMARK(CallDirect);
BENCHMARK(CallThroughTable);
BENCHMARK(CallThroughPlugin);

}  // namespace
}  // namespace svirt

BENCHMARK_MAIN();
