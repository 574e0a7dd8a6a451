// SPDX-License-Identifier: MIT
// svirt-validate: does a plugin keep the rules of the ABI? Runs its code, as the user who asks.
#include <stdlib.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

#include "host/util/text.h"
#include "plugins/sdk/tools/validate_case.h"
#include "plugins/sdk/tools/validate_runner.h"

namespace svirt::validate {

std::vector<Case> AllCases() {
  std::vector<Case> all;
  for (auto *const group :
       {FileCases, ProbeCases, InstanceCases, LabelCases, ResourceCases, EntryCases}) {
    const std::vector<Case> cases = group();
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

namespace {

struct Options {
  Subject subject;
  std::vector<int> only;
  int timeout_ms = 10000;
  bool json = false, in_process = false, list = false;
};

std::string NumberOf(const Case &test) {
  return "SVP-" + std::to_string(test.number);
}

void PrintTap(size_t position, const Case &test, const Verdict &verdict) {
  using Kind = Verdict::Kind;
  std::cout << (verdict.kind == Kind::kFail ? "not ok " : "ok ") << position << " - "
            << NumberOf(test) << ' ' << test.name << ": " << test.rule;
  if (verdict.kind == Kind::kSkip) {
    std::cout << " # SKIP " << Printable(verdict.reason);
  } else if (verdict.kind == Kind::kFail) {
    std::cout << "\n# " << NumberOf(test) << " failed: " << Printable(verdict.reason);
  }
  std::cout << std::endl;
}

nlohmann::ordered_json AsJson(const Case &test, const Verdict &verdict) {
  constexpr const char *kNames[] = {"pass", "fail", "skip"};
  return {{"test", NumberOf(test)},
          {"name", test.name},
          {"rule", test.rule},
          {"result", kNames[static_cast<size_t>(verdict.kind)]},
          {"reason", Printable(verdict.reason)}};
}

// A directory that goes with the object, and everything in it.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "svirt-validate-XXXXXX").string();
    // A domain of a user of its own has to pass it, as on any host.
    if (mkdtemp(name.data()) != nullptr && chmod(name.c_str(), 0711) == 0) {
      path_ = name;
    }
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;

  // Empty if it could not be made.
  const std::filesystem::path &path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Verdict RunCase(const Case &test, const Options &options) {
  if (options.in_process) {
    return test.run(options.subject);
  }
  Verdict verdict = RunInChild(test, options.subject, options.timeout_ms);
  for (int tries = 1; tries < test.tries && verdict.kind == Verdict::Kind::kFail; ++tries) {
    verdict = RunInChild(test, options.subject, options.timeout_ms);
  }
  return verdict;
}

int Run(Options options) {
  std::vector<Case> cases = AllCases();
  if (!options.only.empty()) {
    std::erase_if(cases, [&](const Case &test) {
      return std::find(options.only.begin(), options.only.end(), test.number) == options.only.end();
    });
  }
  if (options.list) {
    for (const Case &test : cases) {
      std::cout << NumberOf(test) << ' ' << test.name << ": a plugin " << test.rule << '\n';
    }
    return 0;
  }
  const Scratch scratch;
  options.subject.scratch = scratch.path();
  if (scratch.path().empty()) {
    std::cerr
        << "svirt-validate: cannot make a temporary directory; set TMPDIR to a place for it\n";
    return 2;
  }
  nlohmann::ordered_json report = {{"path", Printable(options.subject.path)},
                                   {"seed", options.subject.seed},
                                   {"tests", nlohmann::ordered_json::array()}};
  if (!options.json) {
    std::cout << "1.." << cases.size() << "\n# seed " << options.subject.seed << '\n';
  }
  bool failed = false;
  for (size_t i = 0; i < cases.size(); ++i) {
    const Verdict verdict = RunCase(cases[i], options);
    failed |= verdict.kind == Verdict::Kind::kFail;
    if (options.json) {
      report["tests"].push_back(AsJson(cases[i], verdict));
    } else {
      PrintTap(i + 1, cases[i], verdict);
    }
  }
  report["ok"] = !failed;
  if (options.json) {
    std::cout << report.dump(2) << '\n';
  }
  return failed ? 1 : 0;
}

int Main(int argc, char **argv) {
  Options options;
  options.subject.seed = std::random_device()();
  CLI::App app(
      "Checks that a svirt plugin keeps the rules of the plugin ABI, each in a process of its own. "
      "Exit status: 0 none is broken, 1 one is, 2 wrong usage.");
  auto *file = app.add_option("FILE", options.subject.path, "The plugin; its code is run");
  app.add_flag("--json", options.json, "Print one JSON object instead of TAP");
  app.add_flag("--in-process", options.in_process, "Run the tests in this process, for a debugger");
  app.add_flag("--list", options.list, "Print the rules instead of testing them");
  app.add_option("--only", options.only, "Numbers of the tests to run, with commas between")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--seed", options.subject.seed, "Seed of random input, to repeat a run");
  app.add_option("--timeout", options.timeout_ms, "Milliseconds for one test")
      ->check(CLI::PositiveNumber);
  app.add_option("--virt-type", options.subject.virt_type, "Type of domain to probe for");
  try {
    app.parse(argc, argv);
    if (!options.list && file->empty()) {
      throw CLI::RequiredError("FILE");
    }
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return Run(std::move(options));
}

}  // namespace
}  // namespace svirt::validate

int main(int argc, char **argv) {
  return svirt::validate::Main(argc, argv);
}
