// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds the XML elements that belong to a list of devices in Domain.
#pragma once

#include <boost/property_tree/ptree.hpp>
#include <string_view>
#include <vector>

namespace svirt {

// An element of <devices>, with its place. Valid until it or its parent is erased.
struct DeviceElement {
  boost::property_tree::ptree *parent;
  boost::property_tree::ptree::iterator place;

  boost::property_tree::ptree &node() const { return place->second; }
};
using DeviceElements = std::vector<DeviceElement>;

// serial, parallel, console or channel?
bool IsChardevElement(std::string_view name);

// The devices in the document of a domain that stand in the same list of Domain as an element by
// that name, in its order: all character devices, all interfaces, ...
DeviceElements FindDeviceElements(boost::property_tree::ptree *document, std::string_view name);

}  // namespace svirt
