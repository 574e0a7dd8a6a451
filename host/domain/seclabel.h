// SPDX-License-Identifier: LGPL-2.1-or-later
// Security labels of domains and devices as plain data.
#pragma once

#include <string>

namespace svirt {

// One <seclabel> of a domain, as libvirt's domain XML defines it. Strings that the XML does not
// give are empty.
struct SecLabel {
  // The values are in the label database.
  enum class Type {
    kDefault,  // no type given: what the configuration's default_confined says
    kDynamic,
    kStatic,
    kNone,
  };
  Type type = Type::kDefault;
  std::string model;        // "" means the primary model
  bool relabel = true;      // false: resources keep their labels
  std::string label;        // static: given. dynamic: of the running domain
  std::string image_label;  // of the running domain only
  std::string base_label;   // dynamic only
  // Made up by the host for a domain whose XML has none for this model: not part of its definition.
  bool implicit = false;
};

// One <seclabel> inside a device's <source>: an exception for this resource.
struct DeviceSecLabel {
  std::string model;  // "" means every model
  bool relabel = true;
  std::string label;  // "" unless given
};

}  // namespace svirt
