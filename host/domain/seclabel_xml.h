// SPDX-License-Identifier: LGPL-2.1-or-later
// The reader and the writer of <seclabel>.
#pragma once

#include <vector>

#include "host/domain/seclabel.h"
#include "host/domain/xml_element.h"
#include "host/util/result.h"

namespace svirt {

// The <seclabel> elements of <domain>, by libvirt's rules for a definition. What only a running
// domain has (the label of a dynamic one, image labels) is taken out of the tree.
Result<std::vector<SecLabel>> ReadSecLabels(const XmlElement &domain);

// The <seclabel> elements of a device's <source>, in a domain with these labels. Those with
// labelskip='yes', which is output of a running domain, are taken out of the tree.
Result<std::vector<DeviceSecLabel>> ReadDeviceSecLabels(const XmlElement &source,
                                                        const std::vector<SecLabel> &domain_labels);

// Puts the labels into the <domain> element of a tree: as they are defined, or with what a running
// domain was given. Elements that say the same already stay as they are.
void WriteSecLabels(const std::vector<SecLabel> &labels, bool inactive,
                    boost::property_tree::ptree *domain);

}  // namespace svirt
