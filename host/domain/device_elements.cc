// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks for devices in the document, in the order in which Domain lists them.
#include "host/domain/device_elements.h"

namespace svirt {

bool IsChardevElement(std::string_view name) {
  return name == "serial" || name == "parallel" || name == "console" || name == "channel";
}

DeviceElements FindDeviceElements(boost::property_tree::ptree *document, std::string_view name) {
  DeviceElements found;
  const auto root = document->get_child_optional("domain");
  if (!root) {
    return found;
  }
  for (auto &[part, devices] : *root) {
    if (part != "devices") {
      continue;  // there may be several
    }
    for (auto it = devices.begin(); it != devices.end(); ++it) {
      if (it->first == name || (IsChardevElement(name) && IsChardevElement(it->first))) {
        found.push_back({&devices, it});
      }
    }
  }
  return found;
}

}  // namespace svirt
