// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens all objects, and merges the uses of those that are named several times.
#include "host/labels/plan/opened_manifest.h"

#include <algorithm>
#include <utility>

#include "host/domain/document_place.h"

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

Result<std::shared_ptr<OpenedManifest>> OpenedManifest::Open(const Manifest &manifest, bool create,
                                                             PathPolicy *paths,
                                                             const Manifest &known) {
  std::shared_ptr<OpenedManifest> opened(new OpenedManifest);
  opened->manifest_ = manifest;
  opened->object_of_.resize(manifest.resources.size());
  if (auto filled = opened->Fill(create, paths, known); !filled.ok()) {
    opened->RemoveCreated();
    return std::move(filled).error();
  }
  return opened;
}

Status OpenedManifest::CheckPaths(const Manifest &manifest, PathPolicy *paths) {
  for (const Resource &resource : manifest.resources) {
    const auto object = LookUp(resource);
    SVIRT_TRY(paths->Judge(resource, object ? &*object : nullptr));
  }
  return paths->Verdict();
}

void OpenedManifest::CheckThere(const Domain &domain, const Manifest &manifest,
                                Refusals *refusals) {
  for (const Resource &resource : manifest.resources) {
    if (const Status found = CheckResource(resource); !found.ok()) {
      refusals->AddForNow(At(domain, resource.position, found.error()));
    }
  }
}

Status OpenedManifest::Fill(bool create, PathPolicy *paths, const Manifest &known) {
  Status first;  // what is refused matters more than what is missing
  const auto judge = [&](const Resource &resource, const OpenObject *object) {
    return paths == nullptr || IsKnown(resource, known) ? Status() : paths->Judge(resource, object);
  };
  const std::vector<Resource> &resources = manifest_.resources;
  for (size_t i = 0; i < resources.size(); ++i) {
    auto object = OpenResource(resources[i], false);
    const auto found = object.ok() ? std::nullopt : LookUp(resources[i]);
    const OpenObject *const there = object.ok() && *object ? &**object : nullptr;
    SVIRT_TRY(judge(resources[i], found ? &*found : there));
    Status added;
    if (!object.ok()) {
      added = std::move(object).error();
    } else if (*object) {
      added = Add(i, std::move(**object));
    }
    if (first.ok()) {
      first = std::move(added);
    }
  }
  if (paths != nullptr) {
    SVIRT_TRY(paths->Verdict());
  }
  SVIRT_TRY(std::move(first));
  for (size_t i = 0; create && i < resources.size(); ++i) {
    if (object_of_[i]) {
      continue;
    }
    SVIRT_ASSIGN(auto object, OpenResource(resources[i], true));
    if (object) {
      SVIRT_TRY(Add(i, std::move(*object)));
      // Its directory may be another one by now.
      SVIRT_TRY(judge(resources[i], &objects_[*object_of_[i]].opened));
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
    refs.push_back(
        {&manifest_.resources[i], object_of_[i] ? objects_[*object_of_[i]].opened.fd.get() : -1});
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
