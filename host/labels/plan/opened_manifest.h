// SPDX-License-Identifier: LGPL-2.1-or-later
// The manifest together with its open objects.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "host/domain/domain.h"
#include "host/domain/resource.h"
#include "host/labels/object/open_resource.h"
#include "host/labels/plan/path_policy.h"
#include "host/loader/plugin.h"
#include "host/util/refusals.h"
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

  // create: missing files that the domain may create are made. Fails with all resources that paths
  // refuses, before anything is made; else with the first one that is missing, of the wrong type,
  // or named twice with different labels; what was created is removed then. paths: nullptr: whoever
  // asks does nothing with the objects. known: what the domain uses already is not judged again.
  static Result<std::shared_ptr<OpenedManifest>> Open(const Manifest &manifest, bool create,
                                                      PathPolicy *paths,
                                                      const Manifest &known = {});

  const Manifest &manifest() const { return manifest_; }
  const std::vector<Object> &objects() const { return objects_; }
  // The object of a resource, by its place in the manifest; nullopt: there is none yet.
  std::optional<size_t> ObjectOf(size_t resource) const { return object_of_[resource]; }
  // nullptr: it is none of them.
  const Object *Find(const ObjectId &id) const;
  // All resources as plugins are shown them. Valid as long as this.
  std::vector<ResourceRef> Refs() const;

  // Judges what can be found of a manifest now, and the paths of the rest.
  static Status CheckPaths(const Manifest &manifest, PathPolicy *paths);

  // Adds every resource that cannot be opened as what it is declared, or made where it is missing.
  static void CheckThere(const Domain &domain, const Manifest &manifest, Refusals *refusals);

  // Removes the files that Open has created and nobody has written to.
  void RemoveCreated() const;

 private:
  OpenedManifest() = default;
  Status Fill(bool create, PathPolicy *paths, const Manifest &known);
  Status Add(size_t place, OpenObject object);

  Manifest manifest_;
  std::vector<Object> objects_;
  std::vector<std::optional<size_t>> object_of_;
  std::map<ObjectId, size_t> by_id_;
};

}  // namespace svirt
