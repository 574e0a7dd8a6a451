// SPDX-License-Identifier: MIT
// Makes temporary files, domains, resources and a host for tests of plugins.
#include "plugin_fixture.h"

#include <svirt/ext/config.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace svirt::sdk {

namespace fs = std::filesystem;

TempDir::TempDir(mode_t file_mode, mode_t directory_mode)
    : file_mode_(static_cast<fs::perms>(file_mode)),
      directory_mode_(static_cast<fs::perms>(directory_mode)) {
  std::string name = (fs::canonical(fs::temp_directory_path()) / "svirt-plugin-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("cannot make a temporary directory");
  }
  root_ = name;
  fs::permissions(root_, fs::perms{0755});
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

std::string TempDir::path(std::string_view name) const {
  return name.empty() ? root_.string() : (root_ / name).string();
}

std::string TempDir::File(std::string_view name, std::string_view content) const {
  std::ofstream(path(name), std::ios::binary) << content;
  fs::permissions(path(name), file_mode_);
  return path(name);
}

std::string TempDir::Dir(std::string_view name) const {
  fs::create_directories(path(name));
  fs::permissions(path(name), directory_mode_);
  return path(name);
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

TestDomain::TestDomain(const char *uuid, const char *emulator) {
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

FakeHost::FakeHost() {
  host_.struct_size = sizeof host_;
  host_.abi_major = SVIRT_ABI_MAJOR;
  host_.abi_minor = SVIRT_ABI_MINOR;
  host_.name = "test";
  host_.version = "1";
  host_.host_data = this;
  host_.log = [](const svirt_host *host, int32_t level, const char *text) noexcept {
    if (level >= SVIRT_LOG_WARNING) {
      static_cast<FakeHost *>(host->host_data)->log.emplace_back(text);
    }
  };
  host_.get_extension = [](const svirt_host *, const char *id) noexcept -> const void * {
    static const svirt_config config = {
        sizeof config, 0, [](const svirt_host *host, const char *key) noexcept {
          const FakeHost *self = static_cast<const FakeHost *>(host->host_data);
          const auto found = self->settings.find(key);
          return found != self->settings.end() ? found->second.c_str() : nullptr;
        }};
    return std::string_view(id) == SVIRT_EXT_CONFIG ? &config : nullptr;
  };
}

Buffer::Buffer(uint32_t size) : bytes(size, '#') {
  buf.struct_size = sizeof buf;
  buf.size = size;
  buf.data = bytes.data();
}

}  // namespace svirt::sdk
