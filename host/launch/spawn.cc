// SPDX-License-Identifier: LGPL-2.1-or-later
// Prepares everything in the parent, clones the child, and reads its reports.
#include "host/launch/spawn.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <optional>
#include <string_view>
#include <utility>

#include "host/launch/child.h"
#include "host/launch/keeper/keeper_process.h"
#include "host/launch/recipe.h"
#include "host/util/end_request.h"
#include "host/util/file.h"
#include "host/util/pidfd.h"
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
Result<Child> CloneInto(const ChildPlan &plan, uint64_t namespaces) {
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int pidfd = -1;
  clone_args args = {};
  args.flags = CLONE_PIDFD | namespaces;
  args.pidfd = reinterpret_cast<uintptr_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  const long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) {
    plan.keeper != nullptr ? RunKeeper(plan) : RunChild(plan);
  }
  const int err = errno;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  if (pid < 0) {
    return SystemError(err, "cannot make a process for " + std::string(plan.program));
  }
  return Child{static_cast<pid_t>(pid), Fd(pidfd), Fd(), Fd()};
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

Status TellToGo(const LaunchSpec &spec, int to) {
  if (write(to, "", 1) != 1) {
    return SystemError(errno, "cannot tell the process of " + spec.program + " to go on");
  }
  return {};
}

// The keeper of a launch, made in Spawn.
struct Keeper {
  Fd program;  // to execute
  Fd parent;   // pidfd of this process
  Fd talk_here, talk_there;
};

Result<Keeper> PrepareKeeper(const LaunchSpec &spec) {
  Keeper keeper;
  keeper.program.Reset(open(spec.wall.keeper.c_str(), O_PATH | O_CLOEXEC));
  if (!keeper.program) {
    return SystemError(errno, "cannot open the keeper " + spec.wall.keeper);
  }
  keeper.parent = PidfdOpen(getpid());
  int ends[2];
  if (!keeper.parent || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return SystemError(errno, "cannot prepare the keeper of " + spec.program);
  }
  keeper.talk_here.Reset(ends[0]);
  keeper.talk_there.Reset(ends[1]);
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(spec.timeout);
  const timeval patience = {seconds.count(), 0};
  if (setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) {
    return SystemError(errno, "cannot prepare the keeper of " + spec.program);
  }
  return keeper;
}

uint64_t NamespacesOf(const Wall &wall) {
  return (wall.keeper.empty() ? 0 : CLONE_NEWPID) | (wall.ipc_namespace ? CLONE_NEWIPC : 0) |
         (wall.user_namespace ? CLONE_NEWUSER : 0);
}

// In its user namespace the child is who it is outside, so that it owns what its user owns.
Status MapUser(pid_t pid) {
  const std::string proc = "/proc/" + std::to_string(pid);
  const std::string user = std::to_string(geteuid()), group = std::to_string(getegid());
  const std::array<std::pair<const char *, std::string>, 3> files = {
      {{"/setgroups", "deny"},  // or the next one may not be written
       {"/gid_map", group + " " + group + " 1"},
       {"/uid_map", user + " " + user + " 1"}}};
  for (const auto &[name, text] : files) {
    const Fd file(open((proc + name).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      return SystemError(errno, "cannot map this user into its namespace by " + proc + name);
    }
  }
  return {};
}

// The number by which this process knows the one that the descriptor stands for; see proc(5),
// fdinfo.
Result<pid_t> PidOf(const Fd &pidfd) {
  SVIRT_ASSIGN(const std::string info,
               ReadFile("/proc/self/fdinfo/" + std::to_string(pidfd.get()), 4096));
  constexpr std::string_view kKey = "\nPid:\t";
  const size_t at = info.find(kKey);
  pid_t pid = -1;
  if (at != std::string::npos) {
    std::from_chars(info.data() + at + kKey.size(), info.data() + info.size(), pid);
  }
  if (pid <= 0) {
    return Error{Errc::kSystem, "a process that was just made has ended"};
  }
  return pid;
}

// A keeper that has ended is told of by its reports, and not by SIGPIPE.
Status TellKeeper(const LaunchSpec &spec, const Keeper &keeper) {
  if (send(keeper.talk_here.get(), "", 1, MSG_NOSIGNAL) != 1 && errno != EPIPE) {
    return SystemError(errno, "cannot tell the keeper of " + spec.program + " to go on");
  }
  return {};
}

// A byte, and perhaps a descriptor. false: the keeper ended without a word; what it has to say
// about that is in its reports.
bool Hear(const Keeper &keeper, Fd *descriptor) {
  char byte = 0;
  iovec part = {&byte, sizeof byte};
  alignas(cmsghdr) std::array<unsigned char, CMSG_SPACE(sizeof(int))> control = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = recvmsg(keeper.talk_here.get(), &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  const cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    descriptor->Reset(*reinterpret_cast<const int *>(CMSG_DATA(header)));
  }
  return got > 0;
}

// Has the keeper make the child, which does nothing yet. Whoever is told of the keeper knows of all
// that ever runs under it. false: the keeper has ended.
Result<bool> MakeUnderKeeper(const LaunchSpec &spec, Keeper *keeper, Child *child) {
  const pid_t keeper_pid = std::exchange(child->pid, -1);
  child->keeper = std::move(child->pidfd);
  keeper->talk_there.Reset();
  if (spec.wall.user_namespace) {
    SVIRT_TRY(MapUser(keeper_pid));
  }
  if (spec.announce_keeper) {
    SVIRT_TRY(spec.announce_keeper(keeper_pid));
  }
  SVIRT_TRY(TellKeeper(spec, *keeper));
  if (!Hear(*keeper, &child->pidfd) || !child->pidfd) {
    return false;
  }
  SVIRT_ASSIGN(child->pid, PidOf(child->pidfd));
  return true;
}

// Up to where the child can be let go. false: its keeper has ended.
Result<bool> Introduce(const LaunchSpec &spec, Keeper *keeper, Child *child) {
  const bool is_kept = !spec.wall.keeper.empty();
  if (is_kept) {
    SVIRT_ASSIGN(const bool is_there, MakeUnderKeeper(spec, keeper, child));
    if (!is_there) {
      return false;
    }
  }
  if (spec.announce) {
    SVIRT_TRY(spec.announce(child->pid));
  }
  if (!is_kept) {
    return true;
  }
  SVIRT_TRY(TellKeeper(spec, *keeper));
  Fd none;
  return Hear(*keeper, &none);
}

enum class ReadEnd { kClosed, kTimeout, kAskedToEnd };

// Reads reports until the pipe is closed by exec or by the end of who writes there. The last one
// counts, or a failure.
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
    if (!*last || (*last)->error == 0) {  // a keeper's failure may come before the child's success
      *last = report;
    }
  }
}

Error Explain(const ChildReport &report, const LaunchSpec &spec,
              const std::vector<RecipeStep> &steps, const std::vector<ChildFd> &fds) {
  const std::string before = "cannot start " + spec.program + ": ";
  const auto attr = [&] { return "/proc/" + steps.at(report.index).attr_path; };
  switch (report.step) {
    case ChildStep::kAnnounce:
      return SystemError(report.error, before + "its process cannot be tied to this one");
    case ChildStep::kProgramProcess:
      return SystemError(report.error, before + "its keeper cannot make its process");
    case ChildStep::kKeeper:
      return SystemError(report.error,
                         before + "its keeper " + spec.wall.keeper + " cannot be executed");
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
  const bool is_kept = !spec.wall.keeper.empty();
  ChildPipe go;
  if (spec.announce || is_kept) {
    SVIRT_ASSIGN(go, MakePipe(spec));
  }
  Keeper keeper;
  KeeperPlan keeper_plan{};
  if (is_kept) {
    SVIRT_ASSIGN(keeper, PrepareKeeper(spec));
    keeper_plan = {keeper.program.get(), keeper.talk_there.get(), keeper.parent.get()};
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
  plan.keeper = is_kept ? &keeper_plan : nullptr;
  plan.new_session = spec.new_session;
  plan.memlock = MemlockToSet(spec);
  plan.keep_privileges = spec.keep_privileges;
  plan.no_new_privs = WantsNoNewPrivs(steps) || (!spec.keep_privileges && !RelabelsAtExec(steps));
  plan.has_setpcap = spec.wall.user_namespace || HasSetpcap();  // there a process has all of them
  plan.keep_bounding_set = !plan.has_setpcap && (plan.no_new_privs || !IsRootAnyhow());
  plan.credentials = !steps.empty() && steps.back().op->kind == SVIRT_EXEC_CREDENTIALS;
  plan.steps = steps.data();
  plan.step_count = steps.size();
  plan.fds = fds.data();
  plan.fd_count = fds.size();

  const Clock::time_point deadline = Clock::now() + spec.timeout;
  SVIRT_ASSIGN(Child child, CloneInto(plan, NamespacesOf(spec.wall)));
  report.write.Reset();
  Result<bool> introduced = Introduce(spec, &keeper, &child);
  if (introduced.ok() && *introduced && plan.go >= 0) {
    if (Status told = TellToGo(spec, go.write.get()); !told.ok()) {
      introduced = std::move(told).error();
    }
  }
  if (!introduced.ok()) {
    Kill(child);
    return std::move(introduced).error();
  }
  std::optional<ChildReport> last;
  const ReadEnd end = ReadReports(report.read.get(), deadline, spec.ends_if_asked, &last);
  if (end == ReadEnd::kClosed && last && last->step == ChildStep::kExec && last->error == 0) {
    child.watch = std::move(keeper.talk_here);
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
