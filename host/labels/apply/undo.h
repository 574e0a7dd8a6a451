// SPDX-License-Identifier: LGPL-2.1-or-later
// Gives objects back the labels that they had before.
#pragma once

#include <string>
#include <vector>

#include "host/labels/store/label_store.h"
#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt {

// The one way back, after a stop, a failed start or a crash: objects in the scope get the labels
// that the journal remembers, if they still are the objects and still bear the label this host gave
// them; what somebody else has replaced or labelled meanwhile is left alone, with a sentence in
// notes. release: afterwards the labels are withdrawn from the system and given back. What fails
// stays in the journal; the first failure is reported, the rest is done nevertheless.
Status Undo(LabelStore *store, const std::vector<Plugin *> &plugins, const std::string &uuid,
            const UndoScope &scope, bool release, std::vector<std::string> *notes);

// What objects were given back in an earlier boot they are given again, if a power failure took it:
// before anything is labelled, or it would be remembered as their own label. What fails stays in
// the journal.
Status UndoLost(LabelStore *store, const std::vector<Plugin *> &plugins, const LostOwner &lost);

// Syncs the file systems of the journal's retired owners, each once, and forgets these.
Status SettleRetired(LabelStore *store);

}  // namespace svirt
