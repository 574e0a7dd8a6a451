// SPDX-License-Identifier: LGPL-2.1-or-later
// One setting of a configuration, with where it is written.
#pragma once

#include <string>

namespace svirt {

struct Setting {
  std::string value;
  std::string where{};  // FILE:LINE, for whoever has something against it
};

}  // namespace svirt
