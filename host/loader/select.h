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

// Adds the models that are expected and have no candidate (rule SVL-7).
void AddMissing(const LoaderOptions &options, const std::vector<ExpectedModel> &before,
                std::vector<Candidate> *candidates);

// Is one asked before the other?
bool ComesBefore(const LoaderOptions &options, const Candidate &one, const Candidate &other);

// Puts candidates into the order in which they are asked.
void SortCandidates(const LoaderOptions &options, std::vector<Candidate> *candidates);

// Marks as blocking what rule SVL-6 names, and the first active candidate as selected unless a
// blocking one comes before it. The error, Errc::kRefused, is that of Loader::Select.
Status Decide(const LoaderOptions &options, std::vector<Candidate> *candidates);

}  // namespace svirt
