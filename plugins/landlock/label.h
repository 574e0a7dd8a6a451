// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes and recognises labels of domains, and puts their rules into words.
#pragma once

#include <svirt/plugin.h>

#include <string>
#include <string_view>

#include "kernel_features.h"

namespace svirt::landlock {

// The label of a domain, landlock:UUID:DIGEST. Nothing in the kernel carries it: it is for people
// and for the host's records. The digest (16 hex digits of SHA-256) tells one set of rules from
// another; it is the same whatever the order of the resources and however often one is named. It
// is no proof of anything.
std::string MakeLabel(const svirt_domain &domain, const Features &features);

// The rules as text for people: a path and its rights in each line.
std::string DescribeRules(const svirt_domain &domain, const Features &features);

// Does the label have the form of one of this domain, whatever the rules?
bool IsLabelOf(std::string_view label, std::string_view uuid);

}  // namespace svirt::landlock
