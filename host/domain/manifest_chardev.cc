// SPDX-License-Identifier: LGPL-2.1-or-later
// Adds the files, sockets, pipes and terminals of character devices to the manifest.
#include <filesystem>
#include <map>
#include <string>

#include "host/domain/manifest_builder.h"

namespace svirt {

void ManifestBuilder::AddChardevs() {
  std::map<std::string, size_t> numbers;
  for (const std::vector<Chardev> *list : {&domain_.chardevs, &domain_.redirections}) {
    for (const Chardev &chardev : *list) {
      const std::string device = chardev.kind + std::to_string(numbers[chardev.kind]++);
      if (!chardev.serial_alias) {
        AddCharSource(chardev.position, device, chardev.source);
      }
    }
  }
  size_t number = 0;
  for (const Rng &rng : domain_.rngs) {
    const std::string device = "rng" + std::to_string(number++);
    if (rng.backend == "random") {
      Resource source = SharedNode(ResourceKind::kRng, rng.path, device);
      source.access = kAccessRead;
      Add(rng.position, std::move(source));
    } else if (rng.backend == "egd") {
      AddCharSource(rng.position, device, rng.egd);
    }
  }
}

void ManifestBuilder::AddCharSource(uint32_t position, const std::string &device,
                                    const CharSource &source) {
  Resource resource;
  resource.kind = ResourceKind::kChardev;
  resource.path = source.path;
  resource.device = device;
  resource.overrides = source.seclabels;
  switch (source.type) {
    case CharSource::Type::kFile:
      resource.object = ObjectType::kFile;
      resource.access = kAccessWrite | kAccessCreate;
      resource.optional = true;
      Add(position, std::move(resource));
      break;
    case CharSource::Type::kDev:
      resource.object = ObjectType::kChar;
      resource.access = kAccessReadWrite;
      Add(position, std::move(resource));
      break;
    case CharSource::Type::kPty:
      Add(position, SharedNode(ResourceKind::kChardev, "/dev/ptmx", device));
      break;
    case CharSource::Type::kPipe:
      AddPipe(position, device, source);
      break;
    case CharSource::Type::kUnix:
      // A socket without a path is made in the domain's own run directory.
      if (!source.path.empty()) {
        resource = Socket(source.path, device, source.listen);
        resource.overrides = source.seclabels;
        Add(position, std::move(resource));
      }
      break;
    default:
      break;  // nothing on this host that has a path
  }
  if (!source.log_path.empty()) {
    Resource log =
        File(ResourceKind::kLog, kAccessWrite | kAccessCreate, source.log_path, device + ".log");
    log.optional = true;
    Add(position, std::move(log));
  }
}

// The emulator uses PATH.in and PATH.out if both exist, otherwise PATH.
void ManifestBuilder::AddPipe(uint32_t position, const std::string &device,
                              const CharSource &source) {
  std::error_code error;
  const bool pair = std::filesystem::exists(Below(source.path + ".in"), error) &&
                    std::filesystem::exists(Below(source.path + ".out"), error);
  for (const char *suffix : {".in", ".out"}) {
    Add(position, {.kind = ResourceKind::kChardev,
                   .object = ObjectType::kFifo,
                   .access = kAccessReadWrite,
                   .path = source.path + (pair ? suffix : ""),
                   .device = device,
                   .overrides = source.seclabels});
    if (!pair) {
      break;
    }
  }
}

}  // namespace svirt
