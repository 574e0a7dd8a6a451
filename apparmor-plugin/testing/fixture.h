// SPDX-License-Identifier: LGPL-2.1-or-later
// The SDK's helpers that the tests of this plugin use, by their short names.
#pragma once

#include "plugin_fixture.h"

namespace svirt::apparmor {

using sdk::Buffer;
using sdk::kR;
using sdk::kRw;
using sdk::kRwc;
using sdk::kUuidA;
using sdk::kUuidB;
using sdk::MakeError;
using sdk::MakeResource;
using sdk::ReadText;
using sdk::TempDir;
using sdk::TestDomain;

}  // namespace svirt::apparmor
