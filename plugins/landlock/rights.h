// SPDX-License-Identifier: LGPL-2.1-or-later
// Decides which Landlock rights a resource needs.
#pragma once

#include <svirt/plugin.h>

#include <string>
#include <string_view>
#include <vector>

#include "kernel_features.h"

namespace svirt::landlock {

// What the type of an object decides about its rights.
enum class Shape { kFile, kDevice, kDirectory, kSocket };

// The shape that the manifest says; ANY counts as a file.
Shape DeclaredShape(const svirt_resource &resource);

// Rights for the object of a resource, as far as this kernel knows them. For a directory they hold
// for everything below it too: a Landlock rule has no level at which it stops.
uint64_t ObjectRights(const svirt_resource &resource, Shape shape, const Features &features);

// Does path lie in a directory in which the domain may make and remove what it likes, such as its
// run directory?
bool InOwnDirectory(std::string_view path, const std::vector<svirt_resource> &all);

// Must the domain make this socket in a directory that is not its own? Then kParentRights have to
// be given on that directory.
bool NeedsParent(const svirt_resource &resource, const std::vector<svirt_resource> &all);

// Landlock gives the right to make a socket to the directory, not to the name. Never the right to
// remove with it: outside the domain's own directory it would be the right to remove the files of
// others.
inline constexpr uint64_t kParentRights = kMakeSock;

// "read,write,truncate", in words of ours; "" for no rights.
std::string RightWords(uint64_t rights);

// Absolute path of the directory that holds path.
std::string ParentOf(std::string_view path);

}  // namespace svirt::landlock
