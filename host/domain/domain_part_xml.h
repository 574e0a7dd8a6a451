// SPDX-License-Identifier: LGPL-2.1-or-later
// The reader of everything inside <domain> but its name, uuid, type and seclabels.
#pragma once

#include "host/domain/domain.h"
#include "host/domain/xml_element.h"
#include "host/util/result.h"

namespace svirt {

// Reads what stands inside <domain>, in its order. The domain's seclabels have been read.
Status ReadDomainParts(const XmlElement &element, Domain *domain);

}  // namespace svirt
