// SPDX-License-Identifier: LGPL-2.1-or-later
// The manifest together with its open objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "host/domain/resource.h"
#include "host/labels/object/open_resource.h"
#include "host/labels/plan/path_policy.h"
#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt {

// A manifest with its objects open, each once, whatever number of resources it is.
class OpenedManifest {
 public:
  // An object and all its uses in the manifest as one: the strongest access, exclusive if one of
  // them is.
  struct Object {
    OpenObject opened;
    Resource resource;
  };

  // A resource that cannot be opened as what it is declared, nor made where it is missing, or that
  // is named twice with different labels.
  struct Failure {
    uint32_t position = 0;  // of the resource in the document
    Error error;
  };

  // Opens what is there, and makes nothing. paths judges every resource, by the object that it
  // leads to, or else by its path alone; nullptr: whoever asks does nothing with the objects.
  // known: what the domain uses already is not judged again. Fails only if it cannot be judged.
  static Result<std::shared_ptr<OpenedManifest>> Look(const Manifest &manifest, PathPolicy *paths,
                                                      const Manifest &known = {});
  // The same; fails with all resources that paths refuses, or else with the first failure.
  static Result<std::shared_ptr<OpenedManifest>> Open(const Manifest &manifest, PathPolicy *paths,
                                                      const Manifest &known = {});
  const std::vector<Failure> &failures() const { return failures_; }

  // Makes missing files that the domain may create, and opens what the host has made since. What
  // was made stays if this fails: see RemoveCreated.
  Status Complete(PathPolicy *paths);

  const Manifest &manifest() const { return manifest_; }
  const std::vector<Object> &objects() const { return objects_; }
  // The object of a resource, by its place in the manifest; nullopt: there is none yet.
  std::optional<size_t> ObjectOf(size_t resource) const { return object_of_[resource]; }
  // nullptr: it is none of them.
  const Object *Find(const ObjectId &id) const;
  // All resources as plugins are shown them. Valid as long as this.
  std::vector<ResourceRef> Refs() const;

  // Removes the files that Complete has created and nobody has written to.
  void RemoveCreated() const;

 private:
  OpenedManifest() = default;
  Status Add(size_t place, OpenObject object);

  Manifest manifest_;
  std::vector<Object> objects_;
  std::vector<std::optional<size_t>> object_of_;
  std::map<ObjectId, size_t> by_id_;
  std::vector<Failure> failures_;
};

}  // namespace svirt
