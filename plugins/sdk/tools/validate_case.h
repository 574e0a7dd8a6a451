// SPDX-License-Identifier: MIT
// The tests of svirt-validate. Their numbers are stable: a test that is withdrawn keeps its number,
// and no other one gets it.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "plugins/sdk/tools/validate_subject.h"

namespace svirt::validate {

struct Verdict {
  enum class Kind { kPass, kFail, kSkip };
  Kind kind = Kind::kPass;
  std::string reason;  // of a failure or a skip
};

inline Verdict Pass() {
  return {};
}
inline Verdict Fail(std::string reason) {
  return {Verdict::Kind::kFail, std::move(reason)};
}
inline Verdict Skip(std::string reason) {
  return {Verdict::Kind::kSkip, std::move(reason)};
}

struct Case {
  int number;        // SVP-number
  const char *name;  // one word, for reports
  const char *rule;  // the sentence that holds of a good plugin
  std::function<Verdict(const Subject &)> run;
  // Failures that count as one. What is measured is measured again: a machine that does other
  // things meanwhile, an emulated one above all, makes it more, never less.
  int tries = 1;
};

std::vector<Case> FileCases();      // SVP-1..: read from the file, or from its table
std::vector<Case> ProbeCases();     // SVP-10..: need a probe, whatever it answers
std::vector<Case> InstanceCases();  // SVP-20..: need a plugin that is active here
std::vector<Case> LabelCases();     // SVP-30..: labels, indexes and their buffers
std::vector<Case> ResourceCases();  // SVP-40..: resources and recipes
std::vector<Case> EntryCases();     // SVP-50..: entries of a domain's own

// All of them, by number.
std::vector<Case> AllCases();

}  // namespace svirt::validate

// Ends a test's function with a failure unless the condition holds.
#define SVP_REQUIRE(condition, reason) \
  do {                                 \
    if (!(condition)) {                \
      return Fail(reason);             \
    }                                  \
  } while (false)

// The common beginning of all tests that need an active plugin; without one they are skipped.
// NOLINTBEGIN(bugprone-macro-parentheses): session is the name of a variable
#define SVP_START(session, subject)                                                    \
  auto started = Session::Start(subject);                                              \
  if (!started.ok()) {                                                                 \
    return started.error().code == Errc::kUnsupported ? Skip(started.error().message)  \
                                                      : Fail(started.error().message); \
  }                                                                                    \
  const Session &session = **started
// NOLINTEND(bugprone-macro-parentheses)
