// SPDX-License-Identifier: LGPL-2.1-or-later
// fault-trace: runs a command and strikes it at one of its system calls.
//
//   fault-trace --list FILE -- COMMAND...       writes the calls it makes to FILE, one a line
//   fault-trace --kill N -- COMMAND...          kills it at the N-th
//   fault-trace --fail N [--error E] -- COMMAND...   lets the N-th fail; E: which of the errors
//                                               that are tried for the call, from 1
// With --only NAME it is the N-th call of that name; with --since NAME M calls are counted from the
// M-th of that name on. With --follow its child processes are traced, too; without it they run
// freely, and outlive it.
//
// It says on standard error what was struck, and ends with the status of the command, 128 + the
// signal that ended it, 99 if it did not come to its N-th call (there is no further point to try),
// 98 if that call has no such error to try, or 97 if the command could not be traced.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string_view>

#include "tests/fault/tracer.h"

namespace svirt::fault {
namespace {

constexpr int kNoSuchError = 98, kBeyondTheEnd = 99, kNotTraced = 97;

struct Arguments {
  Strike strike;
  TraceOptions options;
  const char *list = nullptr;  // file
  char **command = nullptr;
};

bool ReadNumber(const char *text, uint64_t *number) {
  char rest = 0;
  unsigned long long value = 0;
  if (text == nullptr || std::sscanf(text, "%llu%c", &value, &rest) != 1 || value == 0) {
    return false;
  }
  *number = value;
  return true;
}

bool ReadArguments(int argc, char **argv, Arguments *arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    uint64_t number = 0;
    if (word == "--") {
      arguments->command = argv + i + 1;
      return *arguments->command != nullptr;
    }
    if (word == "--follow") {
      arguments->options.follow = true;
      continue;
    }
    ++i;
    if (word == "--list") {
      arguments->list = argv[i];
      continue;
    }
    if (word == "--only" || word == "--since") {
      long &call = word == "--only" ? arguments->strike.only : arguments->strike.since;
      call = argv[i] == nullptr ? -1 : CallNumber(argv[i]);
      if (call < 0 ||
          (word == "--since" && !ReadNumber(argv[++i], &arguments->strike.since_count))) {
        return false;
      }
      continue;
    }
    if (!ReadNumber(argv[i], &number)) {
      return false;
    }
    if (word == "--kill" || word == "--fail") {
      arguments->strike.action = word == "--kill" ? Strike::Action::kKill : Strike::Action::kFail;
      arguments->strike.call = number;
    } else if (word == "--error") {
      arguments->strike.error = static_cast<size_t>(number) - 1;
    } else {
      return false;
    }
  }
  return false;
}

// Says what was struck; gives the status to end with.
int Report(const Arguments &arguments, const Outcome &outcome) {
  if (arguments.list != nullptr) {
    std::ofstream list(arguments.list);
    for (const long number : outcome.numbers) {
      list << CallName(number) << '\n';
    }
  } else if (outcome.calls < arguments.strike.call) {
    return kBeyondTheEnd;
  } else if (outcome.struck < 0) {
    return kNoSuchError;
  } else {
    std::fprintf(stderr, "fault-trace: %s %s\n", CallName(outcome.struck).c_str(),
                 outcome.error == 0 ? "killed" : std::strerror(outcome.error));
  }
  return WIFSIGNALED(outcome.status) ? 128 + WTERMSIG(outcome.status) : WEXITSTATUS(outcome.status);
}

int Main(int argc, char **argv) {
  Arguments arguments;
  if (!ReadArguments(argc, argv, &arguments)) {
    std::fprintf(stderr,
                 "usage: fault-trace [--follow] [--only NAME] [--since NAME M] {--list FILE | "
                 "--kill N | --fail N "
                 "[--error E]} -- COMMAND...\n");
    return 2;
  }
  const auto outcome = Trace(
      [&arguments] {
        ::execvp(arguments.command[0], arguments.command);
        std::perror(arguments.command[0]);
        return 127;
      },
      arguments.strike, arguments.options);
  if (!outcome.ok()) {
    std::fprintf(stderr, "fault-trace: %s\n", outcome.error().message.c_str());
    return kNotTraced;
  }
  return Report(arguments, *outcome);
}

}  // namespace
}  // namespace svirt::fault

int main(int argc, char **argv) {
  return svirt::fault::Main(argc, argv);
}
