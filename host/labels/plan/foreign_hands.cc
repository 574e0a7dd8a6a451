// SPDX-License-Identifier: LGPL-2.1-or-later
// Objects that another daemon has marked, or that somebody has open for writing.
#include "host/labels/plan/foreign_hands.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <optional>
#include <set>
#include <vector>

#include "host/labels/plan/mount_table.h"
#include "host/util/fd.h"
#include "host/util/file.h"
#include "host/util/text.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLibvirtMarks = "trusted.libvirt.security.";
constexpr size_t kUsualNameList = 1024, kLongestNameList = 65536;  // XATTR_LIST_MAX
// Their answer to the question for a lease is about a lease of their server's.
constexpr std::string_view kRemoteTypes[] = {"nfs", "nfs4", "cifs", "smb3"};

// The name of a mark that libvirt has put on the object; "" if it bears none. Who may not see such
// attributes sees none.
std::string LibvirtMark(int fd) {
  std::string names(kUsualNameList, '\0');
  ssize_t size = ::listxattr(ProcPath(fd).c_str(), names.data(), names.size());
  if (size < 0 && errno == ERANGE) {
    names.resize(kLongestNameList);
    size = ::listxattr(ProcPath(fd).c_str(), names.data(), names.size());
  }
  names.resize(size > 0 ? static_cast<size_t>(size) : 0);
  for (std::string_view left = names; !left.empty();) {
    const std::string_view name = left.substr(0, left.find('\0'));
    if (name.starts_with(kLibvirtMarks)) {
      return Printable(name);
    }
    left.remove_prefix(std::min(left.size(), name.size() + 1));
  }
  return "";
}

enum class Answer { kNobody, kSomebody, kUnknown };

// Has somebody the file open for writing? The kernel grants a lease for reading only if nobody has.
// It is given back at once; whoever opens the file in between waits that long, and we are told by a
// signal that does nothing.
Answer AskForWriters(int object) {
  const Fd fd(::open(ProcPath(object).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    return errno == EWOULDBLOCK ? Answer::kSomebody : Answer::kUnknown;
  }
  if (::fcntl(fd.get(), F_SETSIG, SIGURG) != 0) {
    return Answer::kUnknown;
  }
  if (::fcntl(fd.get(), F_SETLEASE, F_RDLCK) == 0) {
    return Answer::kNobody;  // closing it gives the lease back
  }
  return errno == EAGAIN ? Answer::kSomebody : Answer::kUnknown;
}

// Is a block device mounted, or has the kernel or somebody else taken it for himself?
Answer AskForClaim(int object) {
  const Fd fd(::open(ProcPath(object).c_str(), O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK));
  if (fd) {
    return Answer::kNobody;
  }
  return errno == EBUSY ? Answer::kSomebody : Answer::kUnknown;
}

// A process that has an object open for writing.
struct Writer {
  pid_t pid = 0;
  std::string command;
  std::string Name() const { return "process " + std::to_string(pid) + " (" + command + ")"; }
};

bool IsOpenForWriting(const fs::path &process, const fs::path &descriptor) {
  const auto info = ReadFile(process / "fdinfo" / descriptor, 65536);
  const size_t at = info.ok() ? info->find("flags:") : std::string::npos;
  if (at == std::string::npos) {
    return false;
  }
  const size_t digits = info->find_first_of("01234567", at);
  const size_t end = info->find_first_not_of("01234567", digits);
  unsigned flags = 0;
  if (digits != std::string::npos && end != std::string::npos) {
    std::from_chars(info->data() + digits, info->data() + end, flags, 8);
  }
  return (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0;
}

bool IsOn(const struct stat &st, const OpenObject &object) {
  return object.type == ObjectType::kBlock
             ? S_ISBLK(st.st_mode) && st.st_rdev == object.device
             : st.st_dev == object.id.dev && st.st_ino == object.id.ino;
}

// Which of the objects has the process open for writing? Their places.
std::set<size_t> WrittenBy(const fs::path &process,
                           const std::vector<const OpenObject *> &objects) {
  std::set<size_t> written;
  std::error_code error;
  fs::directory_iterator each(process / "fd", error);
  for (; !error && each != fs::directory_iterator(); each.increment(error)) {
    struct stat st {};
    if (::stat(each->path().c_str(), &st) != 0) {
      continue;
    }
    for (size_t i = 0; i < objects.size(); ++i) {
      if (IsOn(st, *objects[i]) && IsOpenForWriting(process, each->path().filename())) {
        written.insert(i);
      }
    }
  }
  return written;
}

// Who has each of the objects open for writing, of those processes that this one may look at,
// itself among them. Looks at each process once.
std::vector<std::vector<Writer>> FindWriters(const std::string &proc,
                                             const std::vector<const OpenObject *> &objects) {
  std::vector<std::vector<Writer>> holders(objects.size());
  std::error_code error;
  fs::directory_iterator each(proc, error);
  for (; !error && each != fs::directory_iterator(); each.increment(error)) {
    const std::string name = each->path().filename();
    Writer holder;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), holder.pid);
    if (problem != std::errc() || end != name.data() + name.size()) {
      continue;
    }
    const std::set<size_t> written = WrittenBy(each->path(), objects);
    if (written.empty()) {
      continue;
    }
    const auto command = ReadFile(each->path() / "comm", 4096);
    holder.command = command.ok() ? Printable(*command) : "?";
    for (const size_t place : written) {
      holders[place].push_back(holder);
    }
  }
  return holders;
}

// Where a block device is mounted; "" if it is not.
std::string MountPointOf(const MountTable &mounts, dev_t device) {
  const std::string number = std::to_string(major(device)) + ":" + std::to_string(minor(device));
  for (const Mount &mount : mounts.all()) {
    if (mount.device == number) {
      return mount.point;
    }
  }
  return "";
}

// A clause about who has the object, "" if nobody else has.
Result<std::string> WhoHas(const std::string &proc, const OpenObject &object) {
  const bool block = object.type == ObjectType::kBlock;
  const Answer answer = block ? AskForClaim(object.fd.get()) : AskForWriters(object.fd.get());
  if (answer == Answer::kNobody || (answer == Answer::kUnknown && ::geteuid() != 0)) {
    return std::string();
  }
  const std::vector<Writer> holders = FindWriters(proc, {&object}).front();
  const auto foreign =
      std::ranges::find_if(holders, [](const Writer &holder) { return holder.pid != ::getpid(); });
  if (foreign != holders.end()) {
    return foreign->Name() + " has it open for writing: end that first";
  }
  if (answer == Answer::kUnknown || (!block && !holders.empty())) {
    return std::string();  // nobody, or this very process
  }
  if (block) {
    return std::string(
        "the kernel has it in use (swap, RAID, LVM, a loop device): take it out of that first");
  }
  SVIRT_ASSIGN(const MountTable mounts, MountTable::Read());
  const Mount *mount = mounts.Find(object.mount);
  const bool remote =
      mount != nullptr && std::ranges::find(kRemoteTypes, mount->type) != std::end(kRemoteTypes);
  return remote ? std::string()
                : std::string(
                      "a process that cannot be seen from here, or the kernel (a loop "
                      "device, swap), has it open for writing: end that first");
}

// Is it a block device that is mounted? That is the machine's, whoever only reads it: all files on
// it can be read there. A sentence, or "".
Result<std::string> JudgeMounted(const OpenObject &object, const LabelTask &task) {
  if (object.type != ObjectType::kBlock) {
    return std::string();
  }
  SVIRT_ASSIGN(const MountTable mounts, MountTable::Read());
  const std::string point = MountPointOf(mounts, object.device);
  return point.empty()
             ? point
             : ResourceName(task.resource) + " is mounted at " + point + ": unmount it first";
}

// A clause about a mark of libvirt on the object; "" if there is none.
std::string MarkedByLibvirt(const OpenObject &object) {
  const std::string mark = LibvirtMark(object.fd.get());
  return mark.empty()
             ? mark
             : "bears the mark " + mark +
                   " of libvirt, which has it in use for a domain of its own: end that domain "
                   "there; if libvirt does not run it any more, 'setfattr -x " +
                   mark + " " + object.path + "' takes the mark off";
}

// Has somebody else the object of the task? A sentence, or "".
Result<std::string> Judge(const std::string &proc, const OpenObject &object,
                          const LabelTask &task) {
  const std::string name = ResourceName(task.resource);
  if (const std::string marked = MarkedByLibvirt(object); !marked.empty()) {
    return name + " " + marked;
  }
  SVIRT_ASSIGN(const std::string who, WhoHas(proc, object));
  return who.empty() ? who : name + " is to be the domain's alone, and " + who;
}

bool HasContent(const OpenObject &object) {
  return object.type == ObjectType::kFile || object.type == ObjectType::kBlock;
}

bool IsToBeAlone(const OpenObject &object, const LabelTask &task) {
  return task.below.empty() && task.item.exclusive && HasContent(object) && !object.created &&
         (task.resource.access & kAccessWrite) != 0;
}

// The process that has started it; 0: there is none, or it cannot be told.
pid_t ParentOf(const std::string &proc, pid_t pid) {
  const auto text = ReadFile(proc + "/" + std::to_string(pid) + "/stat", 65536);
  const size_t end = text.ok() ? text->rfind(") ") : std::string::npos;
  pid_t parent = 0;
  if (end != std::string::npos && end + 4 < text->size()) {
    std::from_chars(text->data() + end + 4, text->data() + text->size(), parent);
  }
  return parent;
}

bool IsOrComesFrom(const std::string &proc, pid_t pid, const std::vector<ProcessId> &processes) {
  while (pid > 1) {
    if (std::ranges::find(processes, pid, &ProcessId::pid) != processes.end()) {
      return true;
    }
    pid = ParentOf(proc, pid);
  }
  return false;
}

}  // namespace

std::vector<Mismatch> FindForeignWriters(const Draft &draft, const Domain &domain,
                                         const std::vector<ProcessId> &processes,
                                         const std::string &proc) {
  std::vector<const OpenObject *> objects;
  for (const LabelTask &task : draft.tasks) {
    const OpenObject &object = draft.opened->objects()[task.object].opened;
    if (IsToBeAlone(object, task) && std::ranges::find(objects, &object) == objects.end()) {
      objects.push_back(&object);
    }
  }
  std::vector<Mismatch> mismatches;
  const auto writers =
      objects.empty() ? std::vector<std::vector<Writer>>() : FindWriters(proc, objects);
  for (size_t i = 0; i < objects.size(); ++i) {
    for (const Writer &writer : writers[i]) {
      if (writer.pid != ::getpid() && !IsOrComesFrom(proc, writer.pid, processes)) {
        mismatches.push_back({.kind = Mismatch::Kind::kForeign,
                              .model = "",
                              .where = objects[i]->path,
                              .planned = "",
                              .found = "process " + std::to_string(writer.pid),
                              .message = objects[i]->path + " is to be domain " + domain.name +
                                         "'s alone, and " + writer.Name() +
                                         ", which is none of its own, has it open for writing",
                              .mend = "end that process"});
      }
    }
  }
  return mismatches;
}

Status CheckForeignHands(LabelStore *store, const std::string &uuid, bool uses_some,
                         const std::string &proc, Draft *draft) {
  std::set<size_t> judged;
  for (const LabelTask &task : draft->tasks) {
    const OpenObject &object = draft->opened->objects()[task.object].opened;
    const bool is_device = object.type == ObjectType::kBlock && task.below.empty();
    const bool is_alone = IsToBeAlone(object, task);
    if (!(is_device || is_alone) || judged.contains(task.object)) {
      continue;
    }
    if (uses_some) {
      SVIRT_ASSIGN(const bool own, store->journal().IsUsedBy(uuid, task.item));
      if (own) {
        continue;
      }
    }
    judged.insert(task.object);
    SVIRT_ASSIGN(std::string sentence, JudgeMounted(object, task));
    if (sentence.empty() && is_alone) {
      SVIRT_ASSIGN(sentence, Judge(proc, object, task));
    }
    if (sentence.empty()) {
      continue;
    }
    // A domain of ours has more to be said about it, by whoever records the use.
    SVIRT_ASSIGN(const std::string conflict, store->journal().FindConflict(uuid, task.item));
    if (conflict.empty()) {
      ForItems(draft, task, [&sentence](PlanItem *item) {
        item->conflict = item->conflict.empty() ? sentence : item->conflict;
      });
    }
  }
  return {};
}

Result<std::string> ForeignHand(const std::string &proc, const OpenObject &object) {
  const std::string marked = MarkedByLibvirt(object);
  if (!marked.empty() || !HasContent(object)) {
    return marked.empty() ? marked : "it " + marked;
  }
  return WhoHas(proc, object);
}

}  // namespace svirt
