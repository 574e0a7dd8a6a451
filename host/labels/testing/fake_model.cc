// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes a plugin of this process out of the fake model's table.
#include "host/labels/testing/fake_model.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace svirt::fake {
namespace {

namespace fs = std::filesystem;

// The Model whose plugin is just being initialised: init has no other way to know.
thread_local Model *starting = nullptr;

svirt_status Init(const svirt_host *, svirt_instance **instance, svirt_error *) noexcept {
  *instance = reinterpret_cast<svirt_instance *>(static_cast<ModelTable *>(starting));
  return SVIRT_OK;
}

void Fini(svirt_instance *) noexcept {}

}  // namespace

TempDir::TempDir(const std::string &parent) {
  path_ = ((parent.empty() ? fs::temp_directory_path() : fs::path(parent)) / "svirt-test-XXXXXX")
              .string();
  if (::mkdtemp(path_.data()) == nullptr) {
    throw std::runtime_error("cannot make a temporary directory");
  }
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string Touch(const std::string &path) {
  std::ofstream(path) << "";
  return path;
}

Model::Model(std::string dir, Options opts) : ModelTable(std::move(dir), std::move(opts)) {
  table_.init = Init;
  table_.fini = Fini;
  auto plugin = Plugin::Create(&table_);
  if (!plugin.ok()) {
    throw std::runtime_error(plugin.error().message);
  }
  plugin_ = std::move(*plugin);
  starting = this;
  if (auto status = plugin_->Init(); !status.ok()) {
    throw std::runtime_error(status.error().message);
  }
}

Model::~Model() = default;

Domain MakeDomain(int number) {
  Domain domain;
  domain.type = "kvm";
  domain.name = "vm" + std::to_string(number);
  char uuid[37];
  std::snprintf(uuid, sizeof uuid, "00000000-0000-4000-8000-%012x", static_cast<unsigned>(number));
  domain.uuid = uuid;
  domain.emulator = "/usr/bin/true";
  return domain;
}

Resource MakeDisk(const std::string &path, bool readonly, bool shared) {
  Resource disk;
  disk.kind = ResourceKind::kDisk;
  disk.object = ObjectType::kFile;
  disk.access = readonly ? kAccessRead : kAccessRead | kAccessWrite;
  disk.shared = shared;
  disk.path = path;
  disk.device = "vda";
  return disk;
}

}  // namespace svirt::fake
