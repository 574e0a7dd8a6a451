// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads, sets and gives back what a domain has on one object.
#pragma once

#include <string>

#include "host/labels/store/label_store.h"
#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt {

// The object's own label as the journal keeps it.
Result<OldLabel> ReadLabel(Plugin *plugin, const ResourceRef &ref);

// What one use puts onto an object: its label; or, with Extent::kEntry, an entry of the domain's
// own beside those of others.
struct ObjectLabel {
  Plugin *plugin = nullptr;
  Extent extent = Extent::kObject;
  std::string label;

  // What stands in its place now.
  Result<OldLabel> Read(const ResourceRef &ref) const;
  // store: of the host whose other processes change entries, too.
  Status Set(LabelStore *store, const ResourceRef &ref) const;
  // old: what stood in its place before.
  Status GiveBack(LabelStore *store, const ResourceRef &ref, const OldLabel &old) const;
};

}  // namespace svirt
