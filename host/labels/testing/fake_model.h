// SPDX-License-Identifier: LGPL-2.1-or-later
// What tests of labels start with: a directory, a fake model, a domain, a disk.
#pragma once

#include <memory>
#include <string>

#include "host/domain/domain.h"
#include "host/domain/resource.h"
#include "host/labels/testing/fake_table.h"
#include "host/loader/plugin.h"

namespace svirt::fake {

// A directory of its own for a test, removed with all that is in it.
class TempDir {
 public:
  // parent: "" for where temporary files are.
  explicit TempDir(const std::string &parent = "");
  ~TempDir();
  TempDir(const TempDir &) = delete;
  TempDir &operator=(const TempDir &) = delete;
  const std::string &path() const { return path_; }
  std::string operator/(const std::string &name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Makes an empty file, and gives its path back.
std::string Touch(const std::string &path);

// The fake model as a plugin of this very process.
class Model : public ModelTable {
 public:
  Model(std::string dir, Options options);
  ~Model();

  Plugin *plugin() const { return plugin_.get(); }

 private:
  std::unique_ptr<Plugin> plugin_;
};

// A domain whose name and uuid are made from the number.
Domain MakeDomain(int number);
Resource MakeDisk(const std::string &path, bool readonly = false, bool shared = false);

}  // namespace svirt::fake
