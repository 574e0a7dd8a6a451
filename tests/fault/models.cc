// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the fake models, or loads a real plugin, and asks for labels and access of files.
#include "tests/fault/models.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <array>
#include <optional>
#include <sstream>
#include <utility>

#include "host/labels/object/open_resource.h"
#include "host/loader/loader.h"
#include "host/util/file.h"

namespace svirt::fault {
namespace {

// Calls use with the object as plugins are shown it.
template <typename Use>
auto WithObject(const std::string &path, Use use) -> decltype(use(ResourceRef{})) {
  SVIRT_ASSIGN(const OpenObject object, OpenExactly(-1, path));
  Resource resource;
  resource.path = path;
  resource.object = object.type;
  return use(ResourceRef{&resource, object.fd.get()});
}

}  // namespace

std::unique_ptr<Models> Models::Fake(const std::string &directory, bool entries) {
  std::unique_ptr<Models> models(new Models);
  for (const fake::Model::Options &options :
       {fake::Model::Options{.xattr = true, .entries = entries},
        fake::Model::Options{.name = "fakeprofile", .profile = true}}) {
    models->fakes_.push_back(std::make_unique<fake::Model>(directory, options));
    models->plugins_.push_back(models->fakes_.back()->plugin());
  }
  models->original_ = "original-%d";
  models->has_policy_ = [profile = models->fakes_.back().get()](const std::string &uuid) {
    return !profile->ProfileOf(uuid).empty();
  };
  return models;
}

Result<std::unique_ptr<Models>> Models::Real(const RealOptions &options) {
  // Its plugins stay loaded as long as the process, and it must outlive their use.
  static std::optional<Loader> loader;
  if (!loader) {
    LoaderOptions from;
    from.directories = {options.directory};
    loader.emplace(std::move(from));
  }
  SVIRT_ASSIGN(Plugin *const plugin, loader->Get(options.model, "kvm"));
  SVIRT_TRY(plugin->Init());
  std::unique_ptr<Models> models(new Models);
  models->plugins_ = {plugin};
  models->original_ = options.original;
  models->has_policy_ = [file = options.policies](const std::string &uuid) {
    if (file.empty()) {
      return false;
    }
    const auto list = ReadFile(file, 1 << 20);
    return !list || list->find(uuid) != std::string::npos;
  };
  return models;
}

std::string Models::LabelOf(const std::string &path) const {
  const auto label = WithObject(
      path, [this](const ResourceRef &ref) { return plugins_.front()->GetResourceLabel(ref); });
  return label.ok() ? label->value_or("") : "";
}

std::string Models::AccessOf(const std::string &path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) {
    return "gone";
  }
  std::ostringstream access;
  access << "mode " << std::oct << (st.st_mode & 07777) << std::hex;
  for (const char *name : {"system.posix_acl_access", "user.svirt.fakemac.entries"}) {
    std::array<char, 4096> value{};
    const ssize_t size = ::getxattr(path.c_str(), name, value.data(), value.size());
    access << ' ' << name;
    for (ssize_t i = 0; i < size; ++i) {
      access << ' ' << static_cast<int>(static_cast<unsigned char>(value[static_cast<size_t>(i)]));
    }
  }
  return access.str();
}

Status Models::Prepare(const std::string &path, int number) const {
  std::string label = original_;
  if (const size_t place = label.find("%d"); place != std::string::npos) {
    label.replace(place, 2, std::to_string(number));
  }
  if (label.empty()) {
    return {};
  }
  return WithObject(
      path, [&](const ResourceRef &ref) { return plugins_.front()->SetResourceLabel(ref, label); });
}

Result<bool> Models::IsFixed() const {
  for (Plugin *plugin : plugins_) {
    SVIRT_ASSIGN(const ModelInfo info, plugin->GetModel("kvm"));
    if (info.is_fixed) {
      return true;
    }
  }
  return false;
}

}  // namespace svirt::fault
