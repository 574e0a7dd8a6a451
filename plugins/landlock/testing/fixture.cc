// SPDX-License-Identifier: LGPL-2.1-or-later
#include "testing/fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <svirt/sdk_fd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "landlock_abi.h"

namespace svirt::landlock {

namespace {

constexpr uid_t kNobody = 65534;
constexpr unsigned kChildSeconds = 120;

}  // namespace

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "svirt-landlock-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr || ::chmod(name.c_str(), 0755) != 0) {
    throw std::runtime_error("no temporary directory");
  }
  root_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string TempDir::path(std::string_view name) const {
  return name.empty() ? root_.string() : (root_ / name).string();
}

std::string TempDir::File(std::string_view name, std::string_view content) const {
  std::string file = path(name);
  std::ofstream(file, std::ios::binary) << content;
  ::chmod(file.c_str(), 0666);
  return file;
}

std::string TempDir::Dir(std::string_view name) const {
  std::string dir = path(name);
  std::filesystem::create_directories(dir);
  ::chmod(dir.c_str(), 0777);
  return dir;
}

std::string ReadText(const std::string &path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

svirt_error MakeError() {
  svirt_error error{};
  error.struct_size = sizeof error;
  return error;
}

svirt_resource MakeResource(const char *path, uint32_t object, uint32_t access, uint32_t flags,
                            uint32_t kind) {
  svirt_resource resource{};
  resource.struct_size = sizeof resource;
  resource.kind = kind;
  resource.object = object;
  resource.access = access;
  resource.flags = flags;
  resource.fd = -1;
  resource.path = path;
  return resource;
}

TestDomain::TestDomain(const char *emulator, const char *uuid) {
  domain_.struct_size = sizeof domain_;
  domain_.label_type = SVIRT_LABEL_DYNAMIC;
  domain_.pid = -1;
  domain_.id = -1;
  domain_.uuid = uuid;
  domain_.name = "test";
  domain_.virt_type = "qemu";
  domain_.emulator = emulator;
}

TestDomain &TestDomain::Add(const std::string &path, uint32_t object, uint32_t access,
                            uint32_t flags, uint32_t kind, int fd) {
  paths_.push_back(path);
  resources_.push_back(MakeResource(paths_.back().c_str(), object, access, flags, kind));
  resources_.back().fd = fd;
  return *this;
}

svirt_domain &TestDomain::get() {
  domain_.resources = resources_.data();
  domain_.resource_count = static_cast<uint32_t>(resources_.size());
  domain_.resource_size = sizeof(svirt_resource);
  return domain_;
}

Buffer::Buffer(uint32_t size) : bytes(size, '#') {
  buf.struct_size = sizeof buf;
  buf.size = size;
  buf.data = bytes.data();
}

std::string InChild(const std::function<std::string()> &body) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return "pipe failed";
  }
  sdk::Fd from(ends[0]);
  sdk::Fd to(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) {
    return "fork failed";
  }
  if (pid == 0) {
    ::alarm(kChildSeconds);
    const std::string text = body();
    const bool sent =
        ::write(to.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(sent ? 0 : 1);
  }
  to.Reset();
  std::string text;
  std::array<char, 4096> chunk{};
  for (ssize_t n = 0; (n = ::read(from.get(), chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<size_t>(n));
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text : "the child died";
}

std::string InChildAsNobody(const std::function<std::string()> &body) {
  return InChild([&]() -> std::string {
    if (::geteuid() == 0 &&
        (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
         ::setresuid(kNobody, kNobody, kNobody) != 0)) {
      return "cannot become nobody";
    }
    return body();
  });
}

int ApplyRecipe(const svirt_exec &exec) {
  for (uint32_t i = 0; i < exec.op_count; ++i) {
    const svirt_exec_op &op = exec.op[i];
    if (op.kind != SVIRT_EXEC_LANDLOCK) {
      return ENOTSUP;
    }
    if ((op.flags & SVIRT_EXEC_NO_NEW_PRIVS) != 0 &&
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
      return errno;
    }
    if (::syscall(kSysRestrictSelf, op.fd, 0) != 0) {
      return errno;
    }
  }
  return 0;
}

int TryOpen(const std::string &path, int flags) {
  const sdk::Fd fd(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0600));
  return fd ? 0 : errno;
}

}  // namespace svirt::landlock
