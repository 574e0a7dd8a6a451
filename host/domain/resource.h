// SPDX-License-Identifier: LGPL-2.1-or-later
// Resources and manifests as plain data: which object, of what type, for what access.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/domain/seclabel.h"

namespace svirt {

// What a resource is to the domain. The values are those of the plugin ABI (SVIRT_RES_*).
enum class ResourceKind : uint32_t {
  kOther = 0,
  kEmulator = 1,
  kDisk = 2,
  kBacking = 3,
  kKernel = 4,
  kFirmware = 5,
  kNvram = 6,
  kChardev = 7,
  kSocket = 8,
  kHostdev = 9,
  kTpm = 10,
  kMemory = 11,
  kInput = 12,
  kShare = 13,
  kRng = 14,
  kNet = 15,
  kRundir = 16,
  kLog = 17,
  kHelperState = 18,
  kGraphics = 19,
};

// "disk", "backing", "kernel", ...: the word used in plans.
std::string_view ResourceKindName(ResourceKind kind);

// Which type of object a path has to be. The values are those of the plugin ABI (SVIRT_OBJ_*).
enum class ObjectType : uint32_t {
  kAny = 0,
  kFile = 1,
  kBlock = 2,
  kChar = 3,
  kDir = 4,
  kSocket = 5,
  kFifo = 6,
};

std::string_view ObjectTypeName(ObjectType type);

// Bits; the values are those of the plugin ABI (SVIRT_ACCESS_*).
inline constexpr uint32_t kAccessRead = 1;
inline constexpr uint32_t kAccessWrite = 2;
inline constexpr uint32_t kAccessExec = 4;
inline constexpr uint32_t kAccessCreate = 8;

// "read", "read,write", "read,write,create", ...
std::string AccessName(uint32_t access);

// One thing that a domain opens: a line of its manifest.
struct Resource {
  ResourceKind kind = ResourceKind::kOther;
  ObjectType object = ObjectType::kAny;
  uint32_t access = kAccessRead;
  uint32_t chain_depth = 0;  // 0 top of the image chain, 1 its backing image, ...
  bool shared = false;       // other domains may use it at the same time
  bool subtree = false;      // everything below the directory is meant
  // May be missing when the domain starts: the domain makes it itself (a socket it binds), or,
  // for a regular file, it is made for it (the log of a serial port).
  bool optional = false;
  // This host makes it for the domain, and no XML names it: it gets its label whatever the domain's
  // owner says about labels.
  bool by_host = false;
  std::string path;    // absolute
  std::string device;  // for messages: "vda", "serial0", "kernel"; may be empty
  std::vector<DeviceSecLabel> overrides;
  uint32_t position = 0;  // of the element that names it in the domain's document; 0: none does
};

// Every resource of a domain, in document order. A path stands once for each use; who applies
// labels merges the uses of one object.
struct Manifest {
  std::vector<Resource> resources;
};

}  // namespace svirt
