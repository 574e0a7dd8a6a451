// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns a tree back into XML.
#pragma once

#include <boost/property_tree/ptree.hpp>
#include <string>

namespace svirt {

// Writes a tree as ReadXml made it, two blanks of indentation per level, so that reading the text
// gives the same tree. (property_tree's own writer loses newlines in attributes and adds blanks to
// text that stands beside elements.)
std::string WriteXml(const boost::property_tree::ptree &tree);

}  // namespace svirt
