// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds objects that bear the label of an index although no domain here has given it to them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/labels/plan/draft.h"
#include "host/labels/store/label_store.h"
#include "host/labels/types.h"
#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt {

// Of which index a label is the image label. Remembers what it was asked.
class ImageLabels {
 public:
  // nullopt: it is none that the model makes of an index for a domain of the type.
  std::optional<uint64_t> IndexOf(Plugin *plugin, const std::string &virt_type,
                                  const std::string &label);

 private:
  std::map<std::pair<Plugin *, std::string>, std::optional<uint64_t>> known_;
};

// Objects of the draft that bear the very label which the domain has just been given, and that
// nobody here gave it to them: whoever had its index before is gone, and its objects are to be
// nobody else's.
Result<std::vector<BorneLabel>> BearOwnLabel(LabelStore *store, const LabelContext &context,
                                             const Draft &draft);

// Objects of the draft that get labels of other indexes back one day. recorded: of its tasks.
std::vector<BorneLabel> BearOtherLabels(const Draft &draft, const std::vector<Recorded> &recorded);

}  // namespace svirt
