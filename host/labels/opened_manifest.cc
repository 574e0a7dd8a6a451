// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/labels/opened_manifest.h"

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
  if (merged.overrides.empty()) {
    merged.overrides = weaker.overrides;
  }
  *into = std::move(merged);
  return {};
}

}  // namespace

Result<std::shared_ptr<OpenedManifest>> OpenedManifest::Open(const Manifest &manifest,
                                                             bool create) {
  std::shared_ptr<OpenedManifest> opened(new OpenedManifest);
  opened->manifest_ = manifest;
  for (const Resource &resource : opened->manifest_.resources) {
    if (auto added = opened->Add(resource, create); !added.ok()) {
      opened->RemoveCreated();
      return std::move(added).error();
    }
  }
  return opened;
}

Status OpenedManifest::Add(const Resource &resource, bool create) {
  SVIRT_ASSIGN(auto object, OpenResource(resource, create));
  if (!object) {
    object_of_.emplace_back();
    return {};
  }
  const auto known = by_id_.find(object->id);
  if (known != by_id_.end()) {
    object_of_.emplace_back(known->second);
    return MergeUse(&objects_[known->second].resource, resource);
  }
  by_id_.emplace(object->id, objects_.size());
  object_of_.emplace_back(objects_.size());
  objects_.push_back({std::move(*object), resource});
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
