// SPDX-License-Identifier: LGPL-2.1-or-later
// Gives the fault tests a set of models, fake or real.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/labels/testing/fake_model.h"
#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt::fault {

// The security models under which domains start while their system calls fail.
class Models {
 public:
  // Two of our own that need no kernel: one that labels objects, in user.* attributes, and one that
  // loads policies, whose calls fail, too. directory: for what they keep.
  // entries: what a domain only reads gets an entry of its own instead of a label.
  static std::unique_ptr<Models> Fake(const std::string &directory, bool entries);

  struct RealOptions {
    std::string directory;  // of plugins
    std::string model;
    // A label that the model can give to a file; %d in it becomes a number from 1. "": files keep
    // the labels that they are made with.
    std::string original;
    // The file in which the kernel lists what policies it has loaded; "": the model loads none.
    std::string policies;
  };
  // The plugin of one model on this kernel.
  static Result<std::unique_ptr<Models>> Real(const RealOptions &options);

  // In the order of a domain's layers.
  const std::vector<Plugin *> &plugins() const { return plugins_; }
  // The model that labels objects.
  const std::string &labels_by() const { return plugins_.front()->model(); }
  // "": the object has no label.
  std::string LabelOf(const std::string &path) const;
  // The mode of the file and all entries on it, in words that are equal if these are.
  static std::string AccessOf(const std::string &path);
  // Gives the number-th file of the test the label that it has before any domain starts.
  Status Prepare(const std::string &path, int number) const;
  // A policy of that domain is in force.
  bool HasPolicy(const std::string &uuid) const { return has_policy_(uuid); }
  // What a process may use is settled when it starts.
  Result<bool> IsFixed() const;

 private:
  Models() = default;

  std::vector<std::unique_ptr<fake::Model>> fakes_;
  std::vector<Plugin *> plugins_;
  std::string original_;
  std::function<bool(const std::string &)> has_policy_;
};

}  // namespace svirt::fault
