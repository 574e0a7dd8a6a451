// SPDX-License-Identifier: LGPL-2.1-or-later
// A kernel's AppArmor in memory.
#pragma once

#include <map>
#include <string>

#include "apparmor_api.h"

namespace svirt::apparmor {

// What there is and what went wrong, shared between a test and the driver that owns the api.
struct FakeKernel {
  int enabled = 0, load = 0, remove = 0, profiles = 0;  // errno of the calls
  bool own_attributes = true;
  std::map<std::string, std::string> loaded;  // name -> image
  std::map<std::string, std::string> modes;   // name -> mode, if not from the image
  std::map<pid_t, std::pair<std::string, std::string>> processes;  // pid -> label, mode
  int loads = 0;
};

std::unique_ptr<AppArmorApi> MakeFakeApi(FakeKernel *kernel);

}  // namespace svirt::apparmor
