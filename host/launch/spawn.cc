// SPDX-License-Identifier: LGPL-2.1-or-later
// Prepares everything in the parent, clones the child, and reads its reports.
#include "host/launch/spawn.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <optional>

#include "host/launch/child.h"
#include "host/launch/recipe.h"
#include "host/util/end_request.h"
#include "host/util/poll.h"

namespace svirt {
namespace {

using Clock = std::chrono::steady_clock;

Status CheckStrings(const LaunchSpec &spec) {
  const auto has_nul = [](const std::string &s) { return s.find('\0') != std::string::npos; };
  if (spec.program.empty() || spec.program[0] != '/' || spec.cwd.empty() || spec.cwd[0] != '/') {
    return Error{Errc::kInvalid,
                 "the program and its working directory need absolute paths, not '" + spec.program +
                     "' and '" + spec.cwd + "'"};
  }
  if (spec.argv.empty()) {
    return Error{Errc::kInvalid, "the arguments of " + spec.program + " lack the program's name"};
  }
  if (has_nul(spec.program) || has_nul(spec.cwd) ||
      std::any_of(spec.argv.begin(), spec.argv.end(), has_nul) ||
      std::any_of(spec.env.begin(), spec.env.end(), has_nul)) {
    return Error{Errc::kInvalid,
                 "an argument, a path or the environment of " + spec.program + " has a NUL byte"};
  }
  return {};
}

// Sorted by target; 0, 1 and 2 are null_fd unless listed.
Result<std::vector<ChildFd>> ArrangeFds(const LaunchSpec &spec, int null_fd) {
  std::vector<ChildFd> fds;
  for (const LaunchSpec::InheritFd &fd : spec.fds) {
    if (fd.source < 0 || fd.target < 0 || fd.target == INT_MAX) {
      return Error{Errc::kInvalid, "descriptor " + std::to_string(fd.source) +
                                       " cannot be handed on as " + std::to_string(fd.target)};
    }
    fds.push_back({fd.source, fd.target, -1});
  }
  const size_t listed = fds.size();
  for (int standard = 0; standard <= 2; ++standard) {
    if (std::none_of(fds.begin(), fds.begin() + static_cast<ptrdiff_t>(listed),
                     [&](const ChildFd &fd) { return fd.target == standard; })) {
      fds.push_back({null_fd, standard, -1});
    }
  }
  std::sort(fds.begin(), fds.end(),
            [](const ChildFd &a, const ChildFd &b) { return a.target < b.target; });
  const auto twice =
      std::adjacent_find(fds.begin(), fds.end(),
                         [](const ChildFd &a, const ChildFd &b) { return a.target == b.target; });
  if (twice != fds.end()) {
    return Error{Errc::kInvalid,
                 "descriptor " + std::to_string(twice->target) + " of the child is given twice"};
  }
  return fds;
}

Result<Fd> OpenNull() {
  Fd fd(open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY));
  struct stat st {};
  if (!fd || fstat(fd.get(), &st) != 0) {
    return SystemError(errno, "cannot open /dev/null for the child's standard streams");
  }
  if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
    return Error{Errc::kRefused, "/dev/null is not the null device: mend /dev"};
  }
  return fd;
}

// The pointer array that execve wants; it lives no longer than strings.
std::vector<char *> Pointers(const std::vector<std::string> &strings) {
  std::vector<char *> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string &s : strings) {
    pointers.push_back(const_cast<char *>(s.c_str()));  // execve does not write to them
  }
  pointers.push_back(nullptr);
  return pointers;
}

// A bare clone3 instead of fork(): no handlers of pthread_atfork run, and the pidfd is made with
// the child, so that not even a thread that reaps every child can make it name another process.
// All signals are blocked meanwhile: no handler of this process may run in the child.
Result<Child> CloneInto(const ChildPlan &plan) {
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int pidfd = -1;
  clone_args args = {};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uintptr_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  const long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) {
    RunChild(plan);
  }
  const int err = errno;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  if (pid < 0) {
    return SystemError(err, "cannot make a process for " + std::string(plan.program));
  }
  return Child{static_cast<pid_t>(pid), Fd(pidfd)};
}

struct ChildPipe {
  Fd read, write;
};

Result<ChildPipe> MakePipe(const LaunchSpec &spec) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return SystemError(errno, "cannot make a pipe to start " + spec.program);
  }
  return ChildPipe{Fd(ends[0]), Fd(ends[1])};
}

Status Announce(const LaunchSpec &spec, const Child &child, int go) {
  SVIRT_TRY(spec.announce(child.pid));
  if (write(go, "", 1) != 1) {
    return SystemError(errno, "cannot tell the process of " + spec.program + " to go on");
  }
  return {};
}

enum class ReadEnd { kClosed, kTimeout, kAskedToEnd };

// Reads reports until the pipe is closed by exec or by the child's end. The last one counts.
ReadEnd ReadReports(int pipe, Clock::time_point deadline, bool ends_if_asked,
                    std::optional<ChildReport> *last) {
  for (;;) {
    pollfd item = {pipe, POLLIN, 0};
    const int ready =
        ends_if_asked ? PollUnlessAskedToEnd(&item, 1, deadline) : PollUntil(&item, 1, deadline);
    if (ready <= 0) {
      return ready == 0 ? ReadEnd::kTimeout : ReadEnd::kAskedToEnd;
    }
    ChildReport report{};
    const ssize_t n = read(pipe, &report, sizeof report);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n != sizeof report) {  // records are written whole: the end
      return ReadEnd::kClosed;
    }
    *last = report;
  }
}

Error Explain(const ChildReport &report, const LaunchSpec &spec,
              const std::vector<RecipeStep> &steps, const std::vector<ChildFd> &fds) {
  const std::string before = "cannot start " + spec.program + ": ";
  const auto attr = [&] { return "/proc/" + steps.at(report.index).attr_path; };
  switch (report.step) {
    case ChildStep::kAnnounce:
      return SystemError(report.error, before + "its process cannot be tied to this one");
    case ChildStep::kSignals:
      return SystemError(report.error, before + "signals cannot be reset");
    case ChildStep::kSession:
      return SystemError(report.error, before + "a session of its own cannot be made");
    case ChildStep::kDirectory:
      return SystemError(report.error, before + "cannot change to directory " + spec.cwd);
    case ChildStep::kMemlock:
      return SystemError(
          report.error,
          before + "it is to lock " + std::to_string(spec.memlock) +
              " bytes in memory and this process may not allow that: raise its limit (ulimit -l, "
              "or LimitMEMLOCK= of its systemd unit)");
    case ChildStep::kOpenAttribute:
      if (report.error == EXDEV || report.error == ELOOP) {
        return Error{Errc::kRefused,
                     before + attr() + " is covered by a mount or link, so a security label " +
                         "written there would have no effect: remove it",
                     report.error};
      }
      return SystemError(report.error,
                         before + "cannot open " + attr() + " to set the security label");
    case ChildStep::kWriteAttribute:
      if (report.error == 0) {
        return Error{Errc::kRefused,
                     before + "the security label was written to " + attr() + " only in part"};
      }
      return SystemError(report.error,
                         before + "the kernel refused the security label for " + attr());
    case ChildStep::kNoNewPrivs:
      return SystemError(report.error, before + "no_new_privs cannot be set");
    case ChildStep::kRuleset:
      return SystemError(report.error, before + "the kernel refused the ruleset");
    case ChildStep::kBoundingSet:
      return SystemError(report.error,
                         before +
                             "its bounding set of capabilities cannot be emptied, so it could " +
                             "gain them: give this process CAP_SETPCAP, or start it as a user " +
                             "other than root");
    case ChildStep::kSecureBits:
      return SystemError(report.error, before +
                                           "user 0 cannot be made a user like others "
                                           "(securebits)");
    case ChildStep::kGroups:
      return SystemError(report.error, before + "supplementary groups cannot be emptied");
    case ChildStep::kGroup:
      return SystemError(report.error, before + "cannot change to group " +
                                           std::to_string(steps.at(report.index).op->gid));
    case ChildStep::kUser:
      return SystemError(report.error, before + "cannot change to user " +
                                           std::to_string(steps.at(report.index).op->uid));
    case ChildStep::kKeyring:
      return SystemError(report.error,
                         before +
                             "a session keyring of its own cannot be made, and this "
                             "process's keys are not for it" +
                             (report.error == EDQUOT
                                  ? ": its user has as many keys as /proc/sys/kernel/keys allows"
                                  : ""));
    case ChildStep::kCapabilities:
      return SystemError(report.error, before + "its capabilities cannot be dropped");
    case ChildStep::kDescriptors:
      return SystemError(report.error, before + "descriptor " +
                                           std::to_string(fds.at(report.index).source) +
                                           " cannot be handed on");
    case ChildStep::kCloseDescriptors:
      return SystemError(report.error, before + "other descriptors cannot be closed");
    case ChildStep::kExec:
      if (report.error == EPERM && RelabelsAtExec(steps) && WantsNoNewPrivs(steps)) {
        return SystemError(
            report.error,
            before + "its security label may not change behind no_new_privs, which " +
                "another model needs because this process lacks CAP_SYS_ADMIN; " +
                "give it that capability, or have the label's policy allow the change");
      }
      return SystemError(report.error, before + "it cannot be executed");
  }
  return Error{Errc::kInternal, before + "the child reports an unknown step"};
}

// Bytes, or 0 if what this process may lock is enough.
uint64_t MemlockToSet(const LaunchSpec &spec) {
  rlimit now{};
  const bool is_enough = getrlimit(RLIMIT_MEMLOCK, &now) == 0 && now.rlim_cur >= spec.memlock;
  return is_enough ? 0 : spec.memlock;
}

// Executing a program gives user 0 whatever is in the bounding set.
bool IsRootAnyhow() {
  uid_t real = 0, effective = 0, saved = 0;
  return getresuid(&real, &effective, &saved) != 0 || real == 0 || effective == 0 || saved == 0;
}

bool HasSetpcap() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  return syscall(SYS_capget, &header, data) == 0 &&
         (data[CAP_TO_INDEX(CAP_SETPCAP)].effective & CAP_TO_MASK(CAP_SETPCAP)) != 0;
}

}  // namespace

Result<Child> Spawn(const LaunchSpec &spec, int proc) {
  SVIRT_TRY(CheckStrings(spec));
  SVIRT_ASSIGN(const std::vector<RecipeStep> steps, OrderRecipes(spec.recipes.list()));
  SVIRT_ASSIGN(const Fd null_fd, OpenNull());
  SVIRT_ASSIGN(std::vector<ChildFd> fds, ArrangeFds(spec, null_fd.get()));
  const Fd cwd(open(spec.cwd.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!cwd) {
    return SystemError(errno, "cannot open directory " + spec.cwd + " to start " + spec.program);
  }
  SVIRT_ASSIGN(ChildPipe report, MakePipe(spec));
  ChildPipe go;
  if (spec.announce) {
    SVIRT_ASSIGN(go, MakePipe(spec));
  }
  const std::vector<char *> argv = Pointers(spec.argv);
  const std::vector<char *> envp = Pointers(spec.env);

  ChildPlan plan{};
  plan.program = spec.program.c_str();
  plan.argv = argv.data();
  plan.envp = envp.data();
  plan.cwd = cwd.get();
  plan.proc = proc;
  plan.report = report.write.get();
  plan.go = go.read.get();
  plan.parent = getpid();
  plan.new_session = spec.new_session;
  plan.memlock = MemlockToSet(spec);
  plan.keep_privileges = spec.keep_privileges;
  plan.no_new_privs = WantsNoNewPrivs(steps) || (!spec.keep_privileges && !RelabelsAtExec(steps));
  plan.has_setpcap = HasSetpcap();
  plan.keep_bounding_set = !plan.has_setpcap && (plan.no_new_privs || !IsRootAnyhow());
  plan.credentials = !steps.empty() && steps.back().op->kind == SVIRT_EXEC_CREDENTIALS;
  plan.steps = steps.data();
  plan.step_count = steps.size();
  plan.fds = fds.data();
  plan.fd_count = fds.size();

  const Clock::time_point deadline = Clock::now() + spec.timeout;
  SVIRT_ASSIGN(Child child, CloneInto(plan));
  report.write.Reset();
  if (spec.announce) {
    if (Status told = Announce(spec, child, go.write.get()); !told.ok()) {
      Kill(child);
      return std::move(told).error();
    }
  }
  std::optional<ChildReport> last;
  const ReadEnd end = ReadReports(report.read.get(), deadline, spec.ends_if_asked, &last);
  if (end == ReadEnd::kClosed && last && last->step == ChildStep::kExec && last->error == 0) {
    return child;
  }
  Kill(child);
  if (end == ReadEnd::kAskedToEnd) {
    SVIRT_TRY(CheckNotAskedToEnd());
  }
  if (end == ReadEnd::kTimeout) {
    return Error{Errc::kTimeout, "cannot start " + spec.program + ": it was not executed within " +
                                     std::to_string(spec.timeout.count()) + " ms"};
  }
  if (!last) {
    return Error{Errc::kSystem, "cannot start " + spec.program +
                                    ": its process was killed before the program was executed"};
  }
  return Explain(*last, spec, steps, fds);
}

}  // namespace svirt
