// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells people where in a domain's document something stands that they read about.
#pragma once

#include <boost/property_tree/ptree.hpp>
#include <cstdint>
#include <string_view>

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// The position of a node of the domain's document; 0 if it is none of its elements.
uint32_t PositionOf(const Domain &domain, const boost::property_tree::ptree &node);
// That of the first element with the path below <domain>, such as "devices/video"; "": <domain>.
uint32_t PositionOf(const Domain &domain, std::string_view path);

// "FILE:LINE: sentence", with the line for those that sort by it. Unchanged where the position has
// none, or the error one already.
Error At(const Domain &domain, uint32_t position, Error error);
Status At(const Domain &domain, uint32_t position, Status status);

}  // namespace svirt
