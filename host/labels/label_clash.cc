// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels of two domains that must differ and do not.
#include "host/labels/label_clash.h"

#include <vector>

#include "host/labels/owners.h"

namespace svirt {
namespace {

std::string Sentence(const LabelOwner &owner, const HeldLabel &held, const std::string &label,
                     const OwnerRow &other) {
  return "the plugin of model " + held.model + " gives domain " + owner.name + " (" + owner.uuid +
         ") the label " + label + ", which " + other.Name() +
         " has: they would not be kept apart; give one of them another <label> if they have one, "
         "or ask the plugin's vendor: it is defective";
}

// Others with the label in that column, and whether theirs is to be nobody else's.
struct Twin {
  int64_t owner = 0;
  bool unique = false;
};
Result<std::vector<Twin>> FindTwins(Database *db, const char *question, const LabelOwner &owner,
                                    const HeldLabel &held, const std::string &label) {
  std::vector<Twin> twins;
  SVIRT_ASSIGN(Query query, db->Ask(question, held.model, held.doi, label, owner.uuid,
                                    static_cast<int>(SecLabel::Type::kDynamic)));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return twins;
    }
    twins.push_back({query.Int(0), query.Int(1) != 0});
  }
}

constexpr const char *kSameLabel =
    "SELECT owner, type=?5 AND number IS NOT NULL FROM label JOIN owner ON owner.id=label.owner "
    "WHERE model=?1 AND doi=?2 AND label=?3 AND uuid<>?4";
constexpr const char *kSameImageLabel =
    "SELECT owner, type=?5 AND number IS NOT NULL FROM label JOIN owner ON owner.id=label.owner "
    "WHERE model=?1 AND doi=?2 AND image_label=?3 AND uuid<>?4";

}  // namespace

Result<std::string> FindLabelClash(Database *database, const LabelOwner &owner,
                                   const HeldLabel &held) {
  struct Column {
    const char *question;
    const std::string *label;
    bool unique;
  };
  for (const Column &column : {Column{kSameLabel, &held.label, held.unique},
                               Column{kSameImageLabel, &held.image_label, held.unique_image}}) {
    if (column.label->empty()) {
      continue;
    }
    SVIRT_ASSIGN(const auto twins,
                 FindTwins(database, column.question, owner, held, *column.label));
    for (const Twin &twin : twins) {
      if (!column.unique && !twin.unique) {
        continue;
      }
      SVIRT_ASSIGN(const OwnerRow other, GetOwner(database, twin.owner));
      SVIRT_ASSIGN(const bool gone, IsForgettable(database, other));
      if (!gone) {
        return Sentence(owner, held, *column.label, other);
      }
    }
  }
  return std::string();
}

}  // namespace svirt
