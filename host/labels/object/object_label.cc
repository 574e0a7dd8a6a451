// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels on objects and entries on them, read and changed through the plugin.
#include "host/labels/object/object_label.h"

#include <optional>
#include <utility>

namespace svirt {
namespace {

OldLabel ToOldLabel(std::optional<std::string> present) {
  return present ? OldLabel{OldLabel::State::kPresent, *std::move(present)}
                 : OldLabel{OldLabel::State::kAbsent, ""};
}

}  // namespace

Result<OldLabel> ReadLabel(Plugin *plugin, const ResourceRef &ref) {
  auto label = plugin->GetResourceLabel(ref);
  if (!label.ok() && label.error().code == Errc::kUnsupported) {
    return OldLabel{OldLabel::State::kUnsupported, ""};
  }
  if (!label.ok()) {
    return std::move(label).error();
  }
  return ToOldLabel(std::move(label).value());
}

Result<OldLabel> ObjectLabel::Read(const ResourceRef &ref) const {
  if (extent != Extent::kEntry) {
    return ReadLabel(plugin, ref);
  }
  SVIRT_ASSIGN(std::optional<std::string> present, plugin->GetEntry(ref, label));
  return ToOldLabel(std::move(present));
}

Status ObjectLabel::Set(LabelStore *store, const ResourceRef &ref) const {
  if (extent != Extent::kEntry) {
    return plugin->SetResourceLabel(ref, label);
  }
  SVIRT_ASSIGN([[maybe_unused]] const Fd lock, store->LockEntries());
  return plugin->SetEntry(ref, label);
}

Status ObjectLabel::GiveBack(LabelStore *store, const ResourceRef &ref, const OldLabel &old) const {
  const bool had_one = old.state == OldLabel::State::kPresent;
  if (extent != Extent::kEntry) {
    return plugin->SetResourceLabel(ref,
                                    had_one ? std::optional<std::string>(old.label) : std::nullopt);
  }
  SVIRT_ASSIGN([[maybe_unused]] const Fd lock, store->LockEntries());
  return had_one ? plugin->SetEntry(ref, old.label) : plugin->RemoveEntry(ref, label);
}

}  // namespace svirt
