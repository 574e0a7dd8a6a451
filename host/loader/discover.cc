// SPDX-License-Identifier: LGPL-2.1-or-later
// Lists a plugin directory, and judges each file by owner, headers and note.
#include "host/loader/discover.h"

#include <sys/stat.h>

#include <map>
#include <utility>

#include "host/loader/loadable.h"

namespace svirt {
namespace {

constexpr size_t kMaxFiles = 64;
constexpr uint64_t kMaxPluginBytes = 64 << 20;

Status CheckLibraryPaths(const ElfImage &image, const std::string &trusted_root) {
  for (const std::string &path : image.library_paths) {
    const Opened directory = OpenTrustedDirectory(path, trusted_root);
    if (!directory.verdict.ok()) {
      return Error{Errc::kRefused,
                   "it looks for libraries in " + path +
                       " (RPATH or RUNPATH): " + directory.verdict.error().message,
                   0};
    }
  }
  return {};
}

// Reads note and headers even of a file that is refused already: a person wants to know which model
// it would have been, and so does a configuration that names the model.
Status Examine(FoundPlugin *plugin, const std::string &trusted_root) {
  SVIRT_ASSIGN(plugin->image, ReadElf(FileBytes(plugin->file.get(), plugin->identity.size)));
  auto note = NoteOf(plugin->image);
  if (note.ok()) {
    plugin->note = *note;
  }
  SVIRT_TRY(CheckLoadable(plugin->image));
  SVIRT_TRY(CheckLibraryPaths(plugin->image, trusted_root));
  SVIRT_TRY(note.ok() ? Status() : Status(note.error()));
  if (plugin->note.model != plugin->named) {
    return Refusal("it provides the model \"" + plugin->note.model + "\", so its name has to be " +
                   PluginFileName(plugin->note.model) +
                   "; rename it, or remove it if it is a copy");
  }
  return CheckNoteAbi(plugin->note);
}

FoundPlugin Find(int directory, const std::string &name, const std::string &path,
                 const Status &directory_verdict, const std::string &trusted_root) {
  FoundPlugin plugin;
  plugin.path = path;
  plugin.named = ModelOfFileName(name);
  if (!directory_verdict.ok()) {
    plugin.Refuse(directory_verdict.error().message);
  }
  Opened opened = OpenTrustedFile(directory, name, path, kMaxPluginBytes);
  if (!opened.verdict.ok()) {
    plugin.Refuse(opened.verdict.error().message);
  }
  plugin.forgeable = !plugin.verdict.ok();
  plugin.identity = IdentityOf(opened.status);
  if (opened.fd) {
    plugin.file = std::move(opened.fd);
    if (const Status status = Examine(&plugin, trusted_root); !status.ok()) {
      plugin.Refuse(status.error().message);
    }
  }
  return plugin;
}

}  // namespace

void FoundPlugin::Refuse(const std::string &why) {
  if (verdict.ok()) {
    verdict = Error{Errc::kRefused, "refusing " + path + ": " + why, 0};
  }
}

std::vector<FoundPlugin> DiscoverPlugins(const std::string &directory,
                                         const std::string &trusted_root,
                                         const std::vector<std::string> &wanted) {
  std::vector<std::string> wanted_names;
  for (const std::string &model : wanted) {
    wanted_names.push_back(PluginFileName(model));
  }
  std::vector<FoundPlugin> found;
  const Opened opened = OpenTrustedDirectory(directory, trusted_root);
  Status verdict = opened.verdict;
  std::vector<std::string> names;
  if (opened.fd) {
    auto listed = ListPluginNames(opened.fd.get(), kMaxFiles, wanted_names);
    if (listed.ok()) {
      names = std::move(listed).value();
    } else if (verdict.ok()) {
      verdict = listed.error();
    }
  }
  for (const std::string &name : names) {
    std::string path = directory;
    path += directory.back() == '/' ? "" : "/";
    path += name;
    found.push_back(Find(opened.fd.get(), name, path, verdict, trusted_root));
  }
  if (names.empty() && !verdict.ok()) {
    FoundPlugin itself;
    itself.path = directory;
    itself.identity = IdentityOf(opened.status);
    itself.Refuse(verdict.error().message);
    found.push_back(std::move(itself));
  }
  return found;
}

void RefuseDuplicates(std::vector<FoundPlugin> *plugins) {
  std::map<std::pair<uint64_t, uint64_t>, const FoundPlugin *> by_file;
  std::map<std::string, FoundPlugin *> by_model;
  for (FoundPlugin &plugin : *plugins) {
    if (!plugin.verdict.ok()) {
      continue;
    }
    const auto [same, first] =
        by_file.emplace(std::pair(plugin.identity.device, plugin.identity.inode), &plugin);
    if (!first) {
      plugin.repeats = true;
      plugin.Refuse("it is the same file as " + same->second->path);
      continue;
    }
    const auto [other, only] = by_model.emplace(plugin.note.model, &plugin);
    if (!only) {
      const auto both = [](FoundPlugin *one, const FoundPlugin &another) {
        one->Refuse(another.path + " provides the model \"" + one->note.model +
                    "\" too, and it cannot be told which is meant; remove one of them");
      };
      both(&plugin, *other->second);
      both(other->second, plugin);
    }
  }
}

bool HasChanged(const std::string &path, const FileIdentity &identity) {
  struct stat status {};
  return lstat(path.c_str(), &status) != 0 || !IdentityOf(status).SameContent(identity);
}

}  // namespace svirt
