// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests: child processes to be confined, and the SDK's helpers by their short names.
#pragma once

#include <svirt/plugin.h>

#include <functional>
#include <string>

#include "plugin_fixture.h"

namespace svirt::landlock {

using sdk::Buffer;
using sdk::kR;
using sdk::kRw;
using sdk::kRwc;
using sdk::kUuidA;
using sdk::MakeError;
using sdk::MakeResource;
using sdk::ReadText;
using sdk::TestDomain;

// Everybody may write everything in it, so that what is denied is denied by Landlock alone.
struct TempDir : sdk::TempDir {
  TempDir() : sdk::TempDir(0666, 0777) {}
};

// Runs body in a child and gives back the text it returns. Bounded in time.
std::string InChild(const std::function<std::string()> &body);

// The same with the rights of nobody, if there are any to give up.
std::string InChildAsNobody(const std::function<std::string()> &body);

// What the host's child does with a recipe; 0 or errno.
int ApplyRecipe(const svirt_exec &exec);

// errno of an open, or 0.
int TryOpen(const std::string &path, int flags);

}  // namespace svirt::landlock
