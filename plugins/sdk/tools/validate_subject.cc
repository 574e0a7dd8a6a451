// SPDX-License-Identifier: MIT
// Loads the plugin, starts sessions, and makes domains and guarded buffers.
#include "plugins/sdk/tools/validate_subject.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "host/loader/loadable.h"
#include "host/loader/loaded_plugins.h"

namespace svirt::validate {
namespace {

constexpr uint64_t kMaxBytes = 64 << 20;
constexpr char kFiller = '\x5a';
constexpr size_t kGuard = 64;

Result<Opened> Open(const std::string &path) {
  Fd file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    return SystemError(errno, "cannot open " + path);
  }
  // Owner and mode are those of a build tree here, and none of the plugin's business.
  Opened opened = JudgeFile(std::move(file), path, kMaxBytes);
  if (!opened.fd) {
    return opened.verdict.error();
  }
  return opened;
}

}  // namespace

Result<ElfImage> Subject::Image() const {
  SVIRT_ASSIGN(const Opened opened, Open(path));
  return ReadElf(FileBytes(opened.fd.get(), IdentityOf(opened.status).size));
}

Result<const svirt_plugin *> Subject::Load() const {
  SVIRT_ASSIGN(Opened opened, Open(path));
  const FileIdentity identity = IdentityOf(opened.status);
  SVIRT_ASSIGN(const ElfImage image, ReadElf(FileBytes(opened.fd.get(), identity.size)));
  SVIRT_TRY(CheckLoadable(image));
  SVIRT_ASSIGN(const Note note, NoteOf(image));
  SVIRT_ASSIGN(const LoadedObject object,
               LoadOnce(std::move(opened.fd), identity, path, image, note));
  return object.table;
}

svirt_error NoError() {
  svirt_error error{};
  error.struct_size = sizeof error;
  return error;
}

std::string MessageOf(const svirt_error &error) {
  return {error.message, strnlen(error.message, sizeof error.message)};
}

const svirt_host *TestHost() {
  struct LaterHost {
    svirt_host host;
    void *tail[4];
  };
  static const LaterHost later = {
      {sizeof(LaterHost), SVIRT_ABI_MAJOR, SVIRT_ABI_MINOR + 1, "svirt-validate", "1", nullptr,
       [](const svirt_host *, int32_t, const char *) noexcept {},
       [](const svirt_host *, const char *) noexcept -> const void * { return nullptr; }},
      {}};
  return &later.host;
}

Result<std::unique_ptr<Session>> Session::Start(const Subject &subject) {
  std::unique_ptr<Session> session(new Session);
  SVIRT_ASSIGN(session->table_, subject.Load());
  svirt_error error = NoError();
  const char *type = subject.virt_type.empty() ? nullptr : subject.virt_type.c_str();
  const svirt_status state = session->table_->probe(TestHost(), type, &error);
  if (state != SVIRT_OK) {
    return Error{state == SVIRT_INACTIVE ? Errc::kUnsupported : Errc::kInternal,
                 "the plugin is not active here: " + MessageOf(error), 0};
  }
  error = NoError();
  const svirt_status status = session->table_->init(TestHost(), &session->instance_, &error);
  if (status != SVIRT_OK || session->instance_ == nullptr) {
    session->instance_ = nullptr;
    return Error{Errc::kInternal,
                 "probe says active but init gives status " + std::to_string(status) +
                     (status == SVIRT_OK ? " and no instance" : ": " + MessageOf(error)),
                 0};
  }
  return session;
}

Session::~Session() {
  if (instance_ != nullptr) {
    table_->fini(instance_);
  }
}

TestDomain::TestDomain(const Subject &subject) {
  std::string name = (subject.scratch / "domain-XXXXXX").string();
  if (mkdtemp(name.data()) != nullptr && chmod(name.c_str(), 0711) == 0) {
    path_ = name + "/disk.img";
    std::ofstream(path_) << "a disk";
    fd_ = open(path_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  }
  domain.struct_size = sizeof domain;
  domain.label_type = SVIRT_LABEL_DYNAMIC;
  domain.pid = -1;
  domain.id = -1;
  domain.uuid = "5f3c1d2e-0000-4000-8000-00000000a11d";
  domain.name = "svirt-validate";
  domain.virt_type = "qemu";
  domain.emulator = "/bin/true";
  resource.struct_size = sizeof resource;
  resource.kind = SVIRT_RES_DISK;
  resource.object = SVIRT_OBJ_FILE;
  resource.access = SVIRT_ACCESS_READ | SVIRT_ACCESS_WRITE;
  resource.fd = fd_;
  resource.path = path_.c_str();
  UseResources(1, sizeof resource);
}

TestDomain::~TestDomain() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

void TestDomain::UseResources(uint32_t count, uint32_t stride) {
  array_.assign(size_t{count} * stride, kFiller);
  for (uint32_t i = 0; i < count; ++i) {
    svirt_resource each = resource;
    each.struct_size = stride;
    std::memcpy(&array_[size_t{i} * stride], &each, sizeof each);
  }
  // Aligned: the vector's memory is, and stride is a multiple of 8.
  domain.resources = reinterpret_cast<const svirt_resource *>(array_.data());
  domain.resource_count = count;
  domain.resource_size = stride;
}

Buffer::Buffer(uint32_t size) : room_(size + kGuard, kFiller) {
  buf_.struct_size = sizeof buf_;
  buf_.size = size;
  buf_.data = room_.data();
}

std::string Buffer::text() const {
  return {room_.data(), strnlen(room_.data(), std::min<size_t>(buf_.size, buf_.used))};
}

bool Buffer::untouched() const {
  return std::all_of(room_.begin(), room_.end(), [](char c) { return c == kFiller; });
}

bool Buffer::overrun() const {
  return !std::all_of(room_.end() - kGuard, room_.end(), [](char c) { return c == kFiller; });
}

Labels Generate(const Session &session, const svirt_domain &domain, uint64_t index) {
  Buffer label(SVIRT_LABEL_MAX + 1), image(SVIRT_LABEL_MAX + 1);
  svirt_error error = NoError();
  Labels labels;
  labels.status = session.table().domain_generate_label(session.instance(), &domain, index,
                                                        label.get(), image.get(), &error);
  if (labels.status == SVIRT_OK) {
    labels.label = label.text();
    labels.image_label = image.text();
  }
  labels.message = MessageOf(error);
  return labels;
}

uint64_t FirstIndex(const Session &session, const svirt_domain &domain) {
  svirt_index_run run{};
  svirt_index_set set{};
  set.struct_size = sizeof set;
  set.run_capacity = 1;
  set.runs = &run;
  svirt_error error = NoError();
  const svirt_status status =
      session.table().domain_label_space(session.instance(), &domain, nullptr, &set, &error);
  // With more than one run the set did not fit; a second call with room for all is made by the
  // test of label spaces. Here the first index of all of them will do.
  if (status == SVIRT_E_RANGE && set.run_count <= (1u << 20)) {
    std::vector<svirt_index_run> runs(set.run_count);
    set.run_capacity = set.run_count;
    set.runs = runs.data();
    if (session.table().domain_label_space(session.instance(), &domain, nullptr, &set, &error) ==
            SVIRT_OK &&
        set.run_count > 0) {
      return runs[0].first;
    }
  }
  return status == SVIRT_OK && set.run_count > 0 ? run.first : 0;
}

}  // namespace svirt::validate
