// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests: domains from the test data and from small texts.
#pragma once

#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/domain/resource.h"

namespace svirt {

// The text of testdata/NAME.xml; fails the test if it cannot be read.
std::string ReadTestDomain(const std::string &name);

// The names of all of testdata, sorted.
std::vector<std::string> TestDomainNames();

// A small domain with these elements inside <devices> and behind it. <devices> is on line 4.
std::string DomainText(const std::string &devices, const std::string &after = "");

// The domain of a text that is good; fails the test if it is not.
Domain MustParse(const std::string &text);

// The sentence with which a text is refused; fails the test if it is not.
std::string MustFail(const std::string &text);

// "disk file read,write /srv/a.img", followed by depth=N, shared, subtree, optional as they apply.
std::string Describe(const Resource &resource);

}  // namespace svirt
