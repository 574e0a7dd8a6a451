// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the directories of a box and copies plugins into them.
#include "tests/bad-plugins/plugin_box.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <stdexcept>

namespace svirt {

namespace fs = std::filesystem;

PluginBox::PluginBox() {
  std::string name = (fs::temp_directory_path() / "svirt-box-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("cannot make a directory like " + name);
  }
  root_ = name;
  fs::create_directory(plugins());
  chmod(plugins().c_str(), 0755);  // whatever the umask
}

PluginBox::~PluginBox() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

fs::path ZooFile(const std::string &name) {
  std::string file = "svirt-" + name + ".so";
  std::replace(file.begin(), file.end(), '_', '-');
  return fs::path(ZOO_DIR) / file;
}

fs::path PluginBox::Add(const std::string &name, const fs::path &directory) {
  const fs::path from = ZooFile(name);
  return AddFile(from, directory / from.filename());
}

fs::path PluginBox::AddFile(const fs::path &from, const fs::path &to) {
  fs::copy_file(from, to);
  chmod(to.c_str(), 0755);
  return to;
}

LoaderOptions PluginBox::Options() {
  LoaderOptions options;
  options.directories = {plugins()};
  options.scanner = ZOO_SCANNER;
  // Ample for a loaded machine under a sanitizer; tests of hanging plugins set less.
  options.scanner_cpu_seconds = 60;
  options.scanner_wall_ms = 240000;
  options.quarantine_file = root_ / "quarantine";
  options.trusted_root = root_;
  options.log = [this](int level, std::string_view sentence) {
    log_ += level >= SVIRT_LOG_WARNING ? "warning: " : "";
    log_ += sentence;
    log_ += '\n';
  };
  return options;
}

const Candidate &CandidateOf(const std::vector<Candidate> &all, const fs::path &path) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Candidate &candidate) {
    return candidate.path == path.string();
  });
  if (found == all.end()) {
    throw std::runtime_error("no candidate " + path.string());
  }
  return *found;
}

}  // namespace svirt
