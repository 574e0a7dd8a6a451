// SPDX-License-Identifier: LGPL-2.1-or-later
// Keeps loaded profiles in memory and reads their names from the images.
#include "testing/fake_apparmor.h"

#include <cerrno>

namespace svirt::apparmor {

namespace {

// The name of a profile stands behind "profile", a struct and a length.
std::string NameIn(std::string_view image) {
  const size_t at = image.find(std::string_view("profile\0\x07\x05", 10));
  if (at == std::string_view::npos) {
    return "";
  }
  image.remove_prefix(at + 12);
  return std::string(image.substr(0, image.find('\0')));
}

class FakeApi : public AppArmorApi {
 public:
  explicit FakeApi(FakeKernel *kernel) : kernel_(kernel) {}

  int Enabled() override { return kernel_->enabled; }

  int Load(std::string_view image) override {
    if (kernel_->load == 0) {
      kernel_->loaded[NameIn(image)] = image;
      ++kernel_->loads;
    }
    return kernel_->load;
  }

  int Remove(const std::string &name) override {
    if (kernel_->remove != 0) {
      return kernel_->remove;
    }
    return kernel_->loaded.erase(name) == 1 ? 0 : ENOENT;
  }

  int Profiles(std::vector<LoadedProfile> *profiles) override {
    for (const auto &[name, image] : kernel_->loaded) {
      const auto mode = kernel_->modes.find(name);
      profiles->push_back({name, mode != kernel_->modes.end() ? mode->second : "enforce"});
    }
    return kernel_->profiles;
  }

  int ProcessLabel(pid_t pid, std::string *label, std::string *mode) override {
    const auto process = kernel_->processes.find(pid);
    if (process == kernel_->processes.end()) {
      return ESRCH;
    }
    *label = process->second.first;
    *mode = process->second.second;
    return 0;
  }

  int ProcessesUnder(const std::string &name, std::vector<pid_t> *pids) override {
    for (const auto &[pid, process] : kernel_->processes) {
      if (LabelHas(process.first, name)) {
        pids->push_back(pid);
      }
    }
    return 0;
  }

  bool HasOwnAttributes() override { return kernel_->own_attributes; }

 private:
  FakeKernel *kernel_;
};

}  // namespace

std::unique_ptr<AppArmorApi> MakeFakeApi(FakeKernel *kernel) {
  return std::make_unique<FakeApi>(kernel);
}

}  // namespace svirt::apparmor
