// SPDX-License-Identifier: LGPL-2.1-or-later
// Adds each image of each disk to the manifest, and insists on a format.
#include <algorithm>

#include "host/domain/manifest_builder.h"

namespace svirt {

Error NoImageFormat(const std::string &what, const std::string &path, size_t depth) {
  return Error{Errc::kInvalid,
               what + ": the format of '" + path +
                   "' is not given and is never guessed, as the guest can forge it; write " +
                   (depth == 0 ? "<driver type='raw'/>" : "<format type='raw'/>") +
                   ", or qcow2 if it is one"};
}
namespace {

using ImageType = ImageSource::Type;

// Images of a format that the emulator has to be told, because it would look into the image to find
// out, where the guest may have written a header of its choice.
bool NeedsFormat(ImageType type) {
  return type == ImageType::kFile || type == ImageType::kBlock || type == ImageType::kVolume;
}

ObjectType ObjectOf(ImageType type) {
  switch (type) {
    case ImageType::kFile:
      return ObjectType::kFile;
    case ImageType::kBlock:
      return ObjectType::kBlock;
    case ImageType::kDir:
      return ObjectType::kDir;
    case ImageType::kVhostUser:
    case ImageType::kNetwork:
      return ObjectType::kSocket;
    case ImageType::kVhostVdpa:
      return ObjectType::kChar;
    case ImageType::kVolume:
    case ImageType::kNvme:
    case ImageType::kNone:
      break;
  }
  return ObjectType::kAny;
}

}  // namespace

void ManifestBuilder::AddDisks() {
  size_t number = 0;
  for (const Disk &disk : domain_.disks) {
    const std::string device = disk.target.empty() ? "disk" + std::to_string(number) : disk.target;
    ++number;
    for (uint32_t depth = 0; depth < disk.chain.size(); ++depth) {
      AddImage(disk, device, depth);
    }
  }
}

void ManifestBuilder::AddImage(const Disk &disk, const std::string &device, uint32_t depth) {
  const ImageSource &image = disk.chain[depth];
  const std::string what =
      "disk " + device + (depth == 0 ? "" : ", backing image " + std::to_string(depth));
  if (image.type == ImageType::kVolume && image.path.empty()) {
    Refuse(disk.position,
           Error{Errc::kInvalid, what +
                                     ": storage pools are not known here; write type='file' or "
                                     "type='block' with the path that 'virsh vol-path " +
                                     image.volume + " --pool " + image.pool + "' prints"});
    return;
  }
  if (NeedsFormat(image.type) && image.format.empty()) {
    Refuse(disk.position, NoImageFormat(what, image.path, depth));
    return;
  }
  if (depth > 0 && disk.chain[depth - 1].format == "raw") {
    Refuse(disk.position, Error{Errc::kInvalid, what + ": a raw image has no backing image"});
    return;
  }
  if (image.type == ImageType::kNvme) {
    AddPci(disk.position, device, image.pci, image.seclabels);
    return;
  }
  const bool in_block_job = depth > 0 && std::ranges::find(domain_.writable_backing, image.path) !=
                                             domain_.writable_backing.end();
  const bool readonly = (disk.readonly || depth > 0) && !in_block_job;
  Resource resource;
  resource.kind = depth > 0 ? ResourceKind::kBacking : ResourceKind::kDisk;
  resource.access = readonly ? kAccessRead : kAccessReadWrite;
  resource.chain_depth = depth;
  resource.shared = disk.shareable && depth == 0;
  resource.device = device;
  resource.overrides = image.seclabels;
  if (image.type != ImageType::kNone &&
      !(image.type == ImageType::kNetwork && image.path.empty())) {
    Resource top = resource;
    top.object = ObjectOf(image.type);
    top.subtree = image.type == ImageType::kDir;
    top.path = image.path;
    if (top.object == ObjectType::kSocket) {
      top.kind = ResourceKind::kSocket;
      top.access = kAccessReadWrite;
    } else if (image.type == ImageType::kVhostVdpa) {
      top.kind = ResourceKind::kHostdev;
      top.access = kAccessReadWrite;
    }
    Add(disk.position, std::move(top));
  }
  if (!image.data_file.empty()) {
    Resource data = resource;
    data.object = image.data_is_block ? ObjectType::kBlock : ObjectType::kFile;
    data.path = image.data_file;
    Add(disk.position, std::move(data));
  }
  if (!image.reservations_path.empty()) {
    Add(disk.position, {.kind = ResourceKind::kSocket,
                        .object = ObjectType::kSocket,
                        .access = kAccessReadWrite,
                        .path = image.reservations_path,
                        .device = device,
                        .overrides = {}});
  }
}

}  // namespace svirt
