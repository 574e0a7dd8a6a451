// SPDX-License-Identifier: LGPL-2.1-or-later
// Which candidate is the security driver. Nothing here touches a file or a plugin.
#pragma once

#include <string>
#include <vector>

#include "host/loader/loader.h"
#include "host/util/result.h"

namespace svirt {

// Is the model asked at all (rule SVL-4)?
bool IsListed(const LoaderOptions &options, const std::string &model);

// May the selection choose it (rule SVL-4)?
bool MayBeChosen(const LoaderOptions &options, const Candidate &candidate);

// Puts candidates into the order in which they are asked, refused ones last.
void SortCandidates(const LoaderOptions &options, std::vector<Candidate> *candidates);

// Marks as blocking what rule SVL-6 and SVL-7 name, and the first active candidate as selected
// unless a blocking one comes before it. The error, Errc::kRefused, is that of Loader::Select.
Status Decide(const LoaderOptions &options, std::vector<Candidate> *candidates);

}  // namespace svirt
