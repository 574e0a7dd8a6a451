// SPDX-License-Identifier: LGPL-2.1-or-later
// The readers of <devices>: one function for each kind of device.
#pragma once

#include "host/domain/domain.h"
#include "host/domain/xml_element.h"
#include "host/util/result.h"

namespace svirt {

// Each reads one element of <devices> and adds what it describes to the domain, whose seclabels
// have been read. An enumerated value that is not known is refused where it decides which resource
// is opened; where it does not, it is kept as it is.
Status ReadDisk(const XmlElement &element, Domain *domain);
Status ReadChardev(const XmlElement &element, Domain *domain);
Status ReadRedirdev(const XmlElement &element, Domain *domain);
Status ReadSmartcard(const XmlElement &element, Domain *domain);
Status ReadRng(const XmlElement &element, Domain *domain);
Status ReadHostDevice(const XmlElement &element, Domain *domain);
Status ReadInterface(const XmlElement &element, Domain *domain);
Status ReadGraphics(const XmlElement &element, Domain *domain);
Status ReadVideo(const XmlElement &element, Domain *domain);
Status ReadInput(const XmlElement &element, Domain *domain);
Status ReadFilesystem(const XmlElement &element, Domain *domain);
Status ReadMemoryDevice(const XmlElement &element, Domain *domain);
Status ReadShmem(const XmlElement &element, Domain *domain);
Status ReadTpm(const XmlElement &element, Domain *domain);
Status ReadVsock(const XmlElement &element, Domain *domain);

// <address domain= bus= slot= function=>.
Result<PciAddress> ReadPciAddress(const XmlElement &address);

// The PCI device that an <interface type='hostdev'> or a <hostdev type='pci'> hands over.
Status ReadPciSource(const XmlElement &device, HostDevice *out);

// <alias name=>, <boot order=> and <rom file=> inside a device.
std::string ReadAlias(const XmlElement &device);
Result<unsigned> ReadBootOrder(const XmlElement &device);
Result<std::string> ReadRomFile(const XmlElement &device);

}  // namespace svirt
