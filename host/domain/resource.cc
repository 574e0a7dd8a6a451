// SPDX-License-Identifier: LGPL-2.1-or-later
// Puts resource kinds, object types and access into words.
#include "host/domain/resource.h"

namespace svirt {

std::string_view ResourceKindName(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kOther:
      return "other";
    case ResourceKind::kEmulator:
      return "emulator";
    case ResourceKind::kDisk:
      return "disk";
    case ResourceKind::kBacking:
      return "backing";
    case ResourceKind::kKernel:
      return "kernel";
    case ResourceKind::kFirmware:
      return "firmware";
    case ResourceKind::kNvram:
      return "nvram";
    case ResourceKind::kChardev:
      return "chardev";
    case ResourceKind::kSocket:
      return "socket";
    case ResourceKind::kHostdev:
      return "hostdev";
    case ResourceKind::kTpm:
      return "tpm";
    case ResourceKind::kMemory:
      return "memory";
    case ResourceKind::kInput:
      return "input";
    case ResourceKind::kShare:
      return "share";
    case ResourceKind::kRng:
      return "rng";
    case ResourceKind::kNet:
      return "net";
    case ResourceKind::kRundir:
      return "rundir";
    case ResourceKind::kLog:
      return "log";
    case ResourceKind::kHelperState:
      return "helper-state";
    case ResourceKind::kGraphics:
      return "graphics";
  }
  return "other";
}

std::string_view ObjectTypeName(ObjectType type) {
  switch (type) {
    case ObjectType::kAny:
      return "any";
    case ObjectType::kFile:
      return "file";
    case ObjectType::kBlock:
      return "block";
    case ObjectType::kChar:
      return "char";
    case ObjectType::kDir:
      return "dir";
    case ObjectType::kSocket:
      return "socket";
    case ObjectType::kFifo:
      return "fifo";
  }
  return "any";
}

std::string AccessName(uint32_t access) {
  struct Bit {
    uint32_t bit;
    std::string_view name;
  };
  constexpr Bit kBits[] = {
      {kAccessRead, "read"},
      {kAccessWrite, "write"},
      {kAccessExec, "exec"},
      {kAccessCreate, "create"},
  };
  std::string names;
  for (const Bit &bit : kBits) {
    if ((access & bit.bit) != 0) {
      names += names.empty() ? "" : ",";
      names += bit.name;
    }
  }
  return names;
}

}  // namespace svirt
