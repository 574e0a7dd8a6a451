// SPDX-License-Identifier: LGPL-2.1-or-later
// Decides which device of a domain an XML element means.
#pragma once

#include <boost/property_tree/ptree.hpp>
#include <string>
#include <vector>

#include "host/domain/domain.h"

namespace svirt {

// Devices of a domain that an XML element may mean, by their places among the domain's devices of
// that kind (chardevs, interfaces, ...). wanted: a domain with that one device; node: its element.
//
// An <alias> names one device. Without it an interface is meant by its MAC address and the name of
// its tap device, or else by type and source; a character device by the name or number of its
// target and its path; memory by all it is made of; a device of the host by its address.
std::vector<size_t> MatchDevices(const Domain &domain, const Domain &wanted,
                                 const std::string &element,
                                 const boost::property_tree::ptree &node);

// What of the domain its last device of that kind has as well and may not: "an interface with
// MAC address ...". "" if there is nothing.
std::string FindDuplicate(const Domain &domain, const std::string &element);

}  // namespace svirt
