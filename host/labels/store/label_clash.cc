// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels of two domains that must differ and do not.
#include "host/labels/store/label_clash.h"

#include <vector>

#include "host/labels/store/liveness.h"
#include "host/labels/store/registry_rows.h"

namespace svirt {
namespace {

std::string Sentence(const LabelOwner &owner, const HeldLabel &held, const std::string &label,
                     const OwnerRow &other) {
  return "the plugin of model " + held.model + " gives domain " + owner.name + " (" + owner.uuid +
         ") the label " + label + ", which " + other.Name() +
         " has: they would not be kept apart; give one of them another <label> if they have one, "
         "or ask the plugin's vendor: it is defective";
}

// is_unique: no other domain may have the owner's label.
Result<std::string> Judge(Database *database, const LabelOwner &owner, const HeldLabel &held,
                          const std::string &label, bool is_unique,
                          const std::vector<Twin> &twins) {
  for (const Twin &twin : twins) {
    if (!is_unique && !twin.is_unique) {
      continue;
    }
    SVIRT_ASSIGN(const OwnerRow other, GetOwner(database, twin.owner));
    SVIRT_ASSIGN(const bool gone, IsForgettable(database, other));
    if (!gone) {
      return Sentence(owner, held, label, other);
    }
  }
  return std::string();
}

}  // namespace

Result<std::string> FindLabelClash(Database *database, const LabelOwner &owner,
                                   const HeldLabel &held) {
  if (!held.label.empty()) {
    SVIRT_ASSIGN(const auto twins, TwinsOfLabel(database, held, owner.uuid));
    SVIRT_ASSIGN(std::string clash, Judge(database, owner, held, held.label, held.unique, twins));
    if (!clash.empty()) {
      return clash;
    }
  }
  if (held.image_label.empty()) {
    return std::string();
  }
  SVIRT_ASSIGN(const auto twins, TwinsOfImageLabel(database, held, owner.uuid));
  return Judge(database, owner, held, held.image_label, held.unique_image, twins);
}

}  // namespace svirt
