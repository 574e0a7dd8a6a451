// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests of the Xen driver: small domains and disks.
#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "host/domain/domain_xml.h"

namespace svirt {

constexpr const char *kXenUuid = "c7a5fdbd-edaf-9455-926a-d65c16db1809";

// A domain of type xen with what is inserted at the end, and into <devices>.
inline std::string XenXml(const std::string &more = "", const std::string &devices = "",
                          const std::string &type = "<type arch='x86_64'>linux</type>") {
  return "<domain type='xen'>\n<name>vm1</name><uuid>" + std::string(kXenUuid) +
         "</uuid>\n<memory unit='MiB'>64</memory><vcpu>2</vcpu>\n<os>" + type +
         "<kernel>/bin/true</kernel></os>\n<devices>" + devices + "</devices>\n" + more +
         "</domain>\n";
}

inline Domain ParseXen(const std::string &xml) {
  auto domain = ParseDomainXml(xml, "vm1.xml");
  if (!domain.ok()) {
    throw std::runtime_error(domain.error().message);
  }
  return std::move(*domain);
}

inline std::string XenDisk(const std::string &path, const std::string &more = "",
                           const std::string &driver = "<driver type='raw'/>") {
  return "<disk type='file'>" + driver + "<source file='" + path +
         "'/><target dev='xvda' bus='xen'/>" + more + "</disk>";
}

}  // namespace svirt
