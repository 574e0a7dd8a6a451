// SPDX-License-Identifier: LGPL-2.1-or-later
// The plan of a domain's labels, for people and for the start.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/domain/resource.h"
#include "host/domain/seclabel.h"
#include "host/loader/plugin.h"

namespace svirt {

class OpenedManifest;

// The labels one model gives a domain.
struct ModelLabels {
  std::string model, doi;
  SecLabel seclabel;  // type decided; label and image_label as planned
  bool enforcing = false;
  std::string conflict;  // why the label cannot be had, naming who has it; "" if it can
};

// What a model wants for one resource, and what stands there. label: "" with kNone.
struct PlanItem : ResourcePlan {
  size_t resource = 0;  // index into the manifest
  std::string model;
  std::optional<std::string> current;  // nullopt: no label, or the object does not exist yet
  bool changes = false;                // applying it would change the object
  bool unlabelled = false;             // the object is the domain's alone without bearing its label
  std::string conflict;                // why it cannot be, naming the other domain; "" if it can
};

// What starting a domain would do to labels, or has done.
struct Plan {
  Manifest manifest;
  std::vector<ModelLabels> models;
  std::vector<PlanItem> items;  // in document order, models in their order within a resource
  // Sentences about what is not as it should be and stops nobody: a model that is permissive, what
  // Apply found of an earlier start and could not, or would not, undo.
  std::vector<std::string> notes;
  // The objects of the manifest, kept open, so that what is confined later is what was labelled.
  std::shared_ptr<const OpenedManifest> opened;

  bool has_changes() const;
  bool has_conflict() const;
  // What the domain is given, as it is written down for one that runs.
  std::vector<SecLabel> seclabels() const;
  // Paths of objects that are the domain's alone without bearing its label.
  std::vector<std::string> unlabelled() const;
};

// The policy that a model gives a domain, in the model's own language.
struct PolicyText {
  std::string model;
  std::string text;
};

}  // namespace svirt
