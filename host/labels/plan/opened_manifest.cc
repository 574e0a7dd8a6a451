// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens all objects, and merges the uses of those that are named several times.
#include "host/labels/plan/opened_manifest.h"

#include <algorithm>
#include <utility>

namespace svirt {
namespace {

// Where both uses ask for a label of their own for one model, it must be the same one.
Status CheckOverrides(const Resource &a, const Resource &b) {
  for (const DeviceSecLabel &mine : a.overrides) {
    for (const DeviceSecLabel &other : b.overrides) {
      if (mine.model == other.model &&
          (mine.label != other.label || mine.relabel != other.relabel)) {
        return Error{Errc::kInvalid, ResourceName(a) + " and " + ResourceName(b) +
                                         " are the same object, but their <seclabel>s differ; give "
                                         "both the same one"};
      }
    }
  }
  return {};
}

Status MergeUse(Resource *into, const Resource &use) {
  SVIRT_TRY(CheckOverrides(*into, use));
  const bool stronger = (use.access & kAccessWrite) > (into->access & kAccessWrite);
  Resource merged = stronger ? use : *into;
  const Resource &weaker = stronger ? *into : use;
  merged.access |= weaker.access;
  merged.chain_depth = std::min(merged.chain_depth, weaker.chain_depth);
  merged.shared = merged.shared && weaker.shared;
  merged.subtree = merged.subtree || weaker.subtree;
  merged.by_host = merged.by_host || weaker.by_host;
  if (merged.overrides.empty()) {
    merged.overrides = weaker.overrides;
  }
  *into = std::move(merged);
  return {};
}

// Has the domain the same resource, with no less access?
bool IsKnown(const Resource &resource, const Manifest &known) {
  return std::ranges::any_of(known.resources, [&resource](const Resource &each) {
    return each.path == resource.path && each.kind == resource.kind &&
           (each.access & resource.access) == resource.access &&
           (each.subtree || !resource.subtree);
  });
}

// What a resource leads to, of whatever type. nullopt: nothing that can be opened.
std::optional<OpenObject> LookUp(Resource resource) {
  resource.object = ObjectType::kAny;
  auto object = OpenResource(resource, false);
  return object.ok() ? std::move(*object) : std::nullopt;
}

}  // namespace

Result<std::shared_ptr<OpenedManifest>> OpenedManifest::Look(const Manifest &manifest,
                                                             PathPolicy *paths,
                                                             const Manifest &known) {
  std::shared_ptr<OpenedManifest> opened(new OpenedManifest);
  opened->manifest_ = manifest;
  opened->object_of_.resize(manifest.resources.size());
  for (size_t i = 0; i < manifest.resources.size(); ++i) {
    const Resource &resource = manifest.resources[i];
    auto object = OpenResource(resource, false);
    if (paths != nullptr && !IsKnown(resource, known)) {
      const auto found = object.ok() ? std::nullopt : LookUp(resource);
      const OpenObject *const there = object.ok() && *object ? &**object : nullptr;
      SVIRT_TRY(paths->Judge(resource, found ? &*found : there));
    }
    Status added;
    if (!object.ok()) {
      added = std::move(object).error();
    } else if (*object) {
      added = opened->Add(i, std::move(**object));
    } else {
      added = CheckCanBeMade(resource);
    }
    if (!added.ok()) {
      opened->failures_.push_back({resource.position, std::move(added).error()});
    }
  }
  return opened;
}

Result<std::shared_ptr<OpenedManifest>> OpenedManifest::Open(const Manifest &manifest,
                                                             PathPolicy *paths,
                                                             const Manifest &known) {
  SVIRT_ASSIGN(auto opened, Look(manifest, paths, known));
  if (paths != nullptr) {
    SVIRT_TRY(paths->Verdict());  // what is refused matters more than what is missing
  }
  if (!opened->failures_.empty()) {
    return opened->failures_.front().error;
  }
  return opened;
}

Status OpenedManifest::Complete(PathPolicy *paths) {
  const std::vector<Resource> &resources = manifest_.resources;
  for (size_t i = 0; i < resources.size(); ++i) {
    // The host makes its own anew for each start.
    if (object_of_[i] && !resources[i].by_host) {
      continue;
    }
    SVIRT_ASSIGN(auto object, OpenResource(resources[i], true));
    if (!object) {
      continue;
    }
    if (object_of_[i]) {
      Object &earlier = objects_[*object_of_[i]];
      by_id_.erase(earlier.opened.id);
      by_id_[object->id] = *object_of_[i];
      earlier.opened = *std::move(object);
    } else {
      SVIRT_TRY(Add(i, *std::move(object)));
    }
    if (paths != nullptr) {
      // Its directory may be another one by now.
      SVIRT_TRY(paths->Judge(resources[i], &objects_[*object_of_[i]].opened));
    }
  }
  return paths != nullptr ? paths->Verdict() : Status();
}

Status OpenedManifest::Add(size_t place, OpenObject object) {
  const Resource &resource = manifest_.resources[place];
  const auto known = by_id_.find(object.id);
  if (known != by_id_.end()) {
    object_of_[place] = known->second;
    return MergeUse(&objects_[known->second].resource, resource);
  }
  by_id_.emplace(object.id, objects_.size());
  object_of_[place] = objects_.size();
  objects_.push_back({std::move(object), resource});
  return {};
}

const OpenedManifest::Object *OpenedManifest::Find(const ObjectId &id) const {
  const auto place = by_id_.find(id);
  return place == by_id_.end() ? nullptr : &objects_[place->second];
}

std::vector<ResourceRef> OpenedManifest::Refs() const {
  std::vector<ResourceRef> refs;
  refs.reserve(object_of_.size());
  for (size_t i = 0; i < object_of_.size(); ++i) {
    const Resource &resource = manifest_.resources[i];
    if (!object_of_[i]) {
      refs.push_back({&resource, -1});
      continue;
    }
    const OpenObject &opened = objects_[*object_of_[i]].opened;
    refs.push_back({&resource, opened.fd.get(), false, opened.path == resource.path});
  }
  return refs;
}

void OpenedManifest::RemoveCreated() const {
  for (const Object &object : objects_) {
    if (object.opened.created) {
      svirt::RemoveCreated(object.opened);
    }
  }
}

}  // namespace svirt
