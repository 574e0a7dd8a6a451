// SPDX-License-Identifier: LGPL-2.1-or-later
// What of the machine no domain gets, whatever its model and whoever wrote its definition: with it
// a guest that breaks out would have the machine.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/domain/resource.h"
#include "host/labels/object/open_resource.h"
#include "host/labels/plan/mount_table.h"
#include "host/util/result.h"

namespace svirt {

// What the lists in path_policy.cc do not know.
struct PathRules {
  // By the administrator's word; one that ends in '/' stands for all below it.
  std::vector<std::string> allowed;
  // Our own files and directories, with all that is below them: nothing allows these.
  std::vector<std::string> own;
  // But these parts of them, with all that is below each.
  std::vector<std::string> given;
};

// Does the list, in the form of PathRules::allowed, name the path, or a directory that it is below?
bool IsListed(const std::vector<std::string> &list, std::string_view path);

// Judges the resources of one domain and collects all that it refuses. A resource is judged by the
// path as written, by the path that the kernel has for the object, by every path at which the same
// object is mounted besides, and by what it is: a device of the kernel's memory has no other name
// that helps, a file of ours no hard link.
class PathPolicy {
 public:
  // Looks at the mounts of this process.
  static Result<PathPolicy> Prepare(const PathRules &rules);

  // object: what the resource's path leads to; nullptr: nothing, or it could not be opened.
  Status Judge(const Resource &resource, const OpenObject *object);

  // An object below the directory of a resource, which is labelled with it: is it another name of
  // a file that no domain gets? One thread at a time.
  void JudgeBelow(const Resource &tree, const OpenObject &below);

  // kRefused, with a sentence about every resource that is refused.
  Status Verdict() const;

 private:
  explicit PathPolicy(MountTable mounts) : mounts_(std::move(mounts)) {}

  // A path of a resource, or of what is mounted below it.
  struct Question {
    std::string path;
    bool tree = false;    // with all below it
    bool writes = false;  // it is not only read
    bool device = false;  // of the host, which the XML names by something else than a path
  };
  // What is against it.
  struct Reason {
    std::string what;  // can follow "is "; "": nothing
    bool own = false;  // it is about our own files
    explicit operator bool() const { return !what.empty(); }
    Reason Behind(const std::string &words) const { return {words + what, own}; }
  };
  Reason WhyOwn(const Question &question) const;
  Reason WhyListed(const Question &question) const;
  Reason WhyPath(const Question &question) const;
  Reason WhyFile(const Question &question, const OpenObject &object);
  Reason WhyMounted(const Question &question, const Mount &mount) const;
  Reason WhyBelow(const Question &question) const;
  Result<Reason> WhyRefused(const Resource &resource, const OpenObject *object);
  Result<const Mount *> MountOf(const OpenObject &object) const;
  bool IsAllowed(const Question &question) const;
  const std::set<std::pair<dev_t, ino_t>> &OwnFiles();
  const std::set<std::pair<dev_t, ino_t>> &SystemFiles();

  MountTable mounts_;
  std::vector<std::string> allowed_, allowed_trees_, own_, given_;
  std::optional<std::set<std::pair<dev_t, ino_t>>> own_files_, system_files_;
  std::vector<std::string> refusals_;
  bool refuses_own_ = false, refuses_listed_ = false;
};

}  // namespace svirt
