// SPDX-License-Identifier: LGPL-2.1-or-later
// An environment in a box: a directory of its own that the loader takes for its trusted root, with
// plugin directories, a quarantine file and a log in it. Gone with the object.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "host/loader/loader.h"

namespace svirt {

class PluginBox {
 public:
  PluginBox();
  ~PluginBox();
  PluginBox(const PluginBox &) = delete;
  PluginBox &operator=(const PluginBox &) = delete;

  const std::filesystem::path &root() const { return root_; }
  std::filesystem::path plugins() const { return root_ / "plugins"; }

  // Copies a plugin of the zoo, by the name of its source, into a directory of the box, as a file
  // with its own inode. Its new path.
  std::filesystem::path Add(const std::string &name) { return Add(name, plugins()); }
  std::filesystem::path Add(const std::string &name, const std::filesystem::path &directory);
  std::filesystem::path AddFile(const std::filesystem::path &from, const std::filesystem::path &to);

  // The box as root, its plugins directory, the real scanner, a quarantine file, and a log.
  LoaderOptions Options();

  // Everything that has been logged, a line each, warnings marked "warning: ".
  const std::string &log() const { return log_; }

 private:
  std::filesystem::path root_;
  std::string log_;
};

// The candidate of that path. Terminates the program if there is none.
const Candidate &CandidateOf(const std::vector<Candidate> &all, const std::filesystem::path &path);

// Where the zoo was built.
std::filesystem::path ZooFile(const std::string &name);

}  // namespace svirt
