// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of devices: aliases and MAC addresses, and how they stay the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/domain/domain.h"

namespace svirt {

// Gives an alias of its own to every interface, character device, memory device and device of the
// host: the one it has, if that is of the kind's form ("net0", "channel1", "memory0", "hostdev0")
// or one that a user has chosen ("ua-...") and no device before it has it; otherwise the first of
// the kind's form that is free. So a device that goes leaves the others their names, when these are
// written down (PinDevices).
void NameDevices(Domain *domain);

// Has one of these devices the alias?
bool HasAlias(const Domain &domain, std::string_view alias);

// Six pairs of hexadecimal digits with colons between them?
bool IsMac(std::string_view mac);

// The addresses of the domain's interfaces, in small letters: those that the XML gives; the others
// are the domain's own, always the same, and differ.
std::vector<std::string> MacAddresses(const Domain &domain);

// Writes the names and addresses of its devices into the domain and its document, so that they
// stay when devices come and go.
void PinDevices(Domain *domain);

}  // namespace svirt
