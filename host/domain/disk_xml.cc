// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads <disk> with its chain of backing images.
#include <string>

#include "host/domain/device_xml.h"
#include "host/domain/seclabel_xml.h"

namespace svirt {
namespace {

using ImageType = ImageSource::Type;

Result<ImageType> ReadImageType(const XmlElement &owner) {
  SVIRT_ASSIGN(const std::string name, owner.OneOf("type", "file",
                                                   {"file", "block", "dir", "network", "volume",
                                                    "nvme", "vhostuser", "vhostvdpa"}));
  if (name == "block") {
    return ImageType::kBlock;
  }
  if (name == "dir") {
    return ImageType::kDir;
  }
  if (name == "network") {
    return ImageType::kNetwork;
  }
  if (name == "volume") {
    return ImageType::kVolume;
  }
  if (name == "nvme") {
    return ImageType::kNvme;
  }
  if (name == "vhostuser") {
    return ImageType::kVhostUser;
  }
  return name == "vhostvdpa" ? ImageType::kVhostVdpa : ImageType::kFile;
}

Result<std::string> ReadFormat(const XmlElement &element) {
  return element.OneOf("type", "",
                       {"raw", "qcow2", "qcow", "qed", "vmdk", "vdi", "vhd", "vpc", "bochs",
                        "cloop", "dmg", "iso", "cow", "ploop", "parallels", "fat", "luks"});
}

// <dataStore>: where a qcow2 image keeps its data.
Status ReadDataStore(const XmlElement &owner, ImageSource *out) {
  const std::optional<XmlElement> store = owner.Child("dataStore");
  if (!store) {
    return {};
  }
  SVIRT_ASSIGN(const std::string type, store->OneOf("type", "file", {"file", "block"}));
  out->data_is_block = type == "block";
  if (const auto format = store->Child("format"); format && format->Attr("type") != "raw") {
    return format->Fail("a <dataStore> has the format raw; write <format type='raw'/>");
  }
  if (const auto source = store->Child("source")) {
    SVIRT_ASSIGN(out->data_file, source->Path(out->data_is_block ? "dev" : "file"));
  }
  if (out->data_file.empty()) {
    return store->Fail("a <dataStore> needs <source " +
                       std::string(out->data_is_block ? "dev" : "file") + "='PATH'/>");
  }
  return {};
}

// The unix socket of a network disk's server; disks reached by the network have none.
Status ReadHosts(const XmlElement &source, ImageSource *out) {
  for (const XmlElement &host : source.Children("host")) {
    if (host.Attr("transport") == "unix") {
      SVIRT_ASSIGN(out->path, host.Path("socket"));
      if (out->path.empty()) {
        return host.Fail("transport='unix' needs socket='PATH'");
      }
    }
  }
  return {};
}

Status ReadPath(const XmlElement &source, ImageSource *out) {
  switch (out->type) {
    case ImageType::kFile: {
      SVIRT_ASSIGN(out->path, source.Path("file"));
      return {};
    }
    case ImageType::kBlock:
    case ImageType::kVhostVdpa: {
      SVIRT_ASSIGN(out->path, source.Path("dev"));
      return {};
    }
    case ImageType::kDir: {
      SVIRT_ASSIGN(out->path, source.Path("dir"));
      return {};
    }
    case ImageType::kVhostUser: {
      SVIRT_ASSIGN(out->path, source.Path("path"));
      return {};
    }
    case ImageType::kVolume:
      out->pool = source.Attr("pool");
      out->volume = source.Attr("volume");
      if (out->pool.empty() || out->volume.empty()) {
        return source.Fail("a volume needs pool= and volume=");
      }
      return {};
    case ImageType::kNvme: {
      const std::optional<XmlElement> address = source.Child("address");
      if (!address) {
        return source.Fail("an NVMe disk needs the <address> of its controller");
      }
      SVIRT_ASSIGN(out->pci, ReadPciAddress(*address));
      return {};
    }
    case ImageType::kNetwork:
      return ReadHosts(source, out);
    case ImageType::kNone:
      break;
  }
  return {};
}

bool NeedsPath(ImageType type) {
  return type != ImageType::kVolume && type != ImageType::kNvme && type != ImageType::kNetwork;
}

// The <source> of a disk or a backing store. The type stays kNone if there is none.
Status ReadImage(const XmlElement &owner, const Domain &domain, ImageSource *out) {
  const std::optional<XmlElement> source = owner.Child("source");
  if (!source) {
    return {};
  }
  SVIRT_ASSIGN(out->type, ReadImageType(owner));
  SVIRT_TRY(ReadPath(*source, out));
  if (out->path.empty() && NeedsPath(out->type)) {
    out->type = ImageType::kNone;
    return {};
  }
  SVIRT_ASSIGN(out->seclabels, ReadDeviceSecLabels(*source, domain.seclabels));
  if (const auto reservations = source->Child("reservations")) {
    if (const auto helper = reservations->Child("source")) {
      SVIRT_ASSIGN(out->reservations_path, helper->Path("path"));
    }
  }
  SVIRT_TRY(ReadDataStore(*source, out));
  return out->data_file.empty() ? ReadDataStore(owner, out) : Status();
}

Status ReadChain(const XmlElement &element, const Domain &domain, Disk *disk) {
  XmlElement level = element;
  while (const std::optional<XmlElement> backing = level.Child("backingStore")) {
    const bool empty = backing->All().empty();
    if (empty && backing->FindAttr("type") == nullptr) {
      disk->chain_closed = true;
      return {};
    }
    if (backing->FindAttr("type") == nullptr) {
      return backing->Fail("a <backingStore> that names an image needs a type: file, block, ...");
    }
    if (disk->chain.back().format == "raw") {
      return backing->Fail(
          "a raw image has no backing image; write the format that the image "
          "above it really has, or take this <backingStore> out");
    }
    ImageSource image;
    SVIRT_TRY(ReadImage(*backing, domain, &image));
    if (image.type == ImageType::kNone) {
      return backing->Fail("a <backingStore> needs a <source> that names the image");
    }
    if (const auto format = backing->Child("format")) {
      SVIRT_ASSIGN(image.format, ReadFormat(*format));
    }
    for (const ImageSource &above : disk->chain) {
      if (!image.path.empty() && above.path == image.path) {
        return backing->Fail("the image '" + image.path + "' stands twice in its own chain");
      }
    }
    disk->chain.push_back(std::move(image));
    level = *backing;
  }
  return {};
}

}  // namespace

Status ReadDisk(const XmlElement &element, Domain *domain) {
  Disk disk;
  disk.position = element.Position();
  SVIRT_ASSIGN(disk.device, element.OneOf("device", "disk", {"disk", "cdrom", "floppy", "lun"}));
  if (const auto target = element.Child("target")) {
    disk.target = target->Attr("dev");
    disk.bus = target->Attr("bus");
  }
  if (const auto serial = element.Child("serial")) {
    disk.serial = serial->Text();
  }
  disk.readonly = disk.device == "cdrom" || element.Child("readonly").has_value();
  disk.shareable = element.Child("shareable").has_value();
  SVIRT_ASSIGN(disk.boot_order, ReadBootOrder(element));

  ImageSource top;
  if (const auto driver = element.Child("driver")) {
    SVIRT_ASSIGN(top.format, ReadFormat(*driver));
    disk.cache = driver->Attr("cache");
    disk.io = driver->Attr("io");
  }
  SVIRT_TRY(ReadImage(element, *domain, &top));
  if (top.type != ImageType::kNone) {
    disk.chain.push_back(std::move(top));
    SVIRT_TRY(ReadChain(element, *domain, &disk));
  } else if (disk.device != "cdrom" && disk.device != "floppy") {
    return element.Fail("the disk '" + disk.target +
                        "' has no <source> that names its image; only cdrom and floppy drives "
                        "may be empty");
  }
  domain->disks.push_back(std::move(disk));
  return {};
}

}  // namespace svirt
