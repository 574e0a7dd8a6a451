// SPDX-License-Identifier: LGPL-2.1-or-later
// Image chains as block nodes, and the drives that show them to the guest.
#include <algorithm>
#include <array>

#include "host/domain/manifest.h"
#include "host/hypervisor/qemu/qemu_builder.h"

namespace svirt {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kCowFormats = {"qcow2", "qcow", "qed", "vmdk"};
constexpr std::array<std::string_view, 6> kPlainFormats = {"raw", "vdi",       "vhdx",
                                                           "vpc", "parallels", "luks"};

template <typename List>
bool Contains(const List &list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// What <driver cache=> means for the nodes and for the drive.
struct CacheMode {
  bool direct = false, no_flush = false, write_back = true;
};

Result<CacheMode> ReadCacheMode(const std::string &what, const std::string &word) {
  if (word.empty() || word == "default" || word == "writeback") {
    return CacheMode{};
  }
  if (word == "none") {
    return CacheMode{true, false, true};
  }
  if (word == "writethrough") {
    return CacheMode{false, false, false};
  }
  if (word == "directsync") {
    return CacheMode{true, false, false};
  }
  if (word == "unsafe") {
    return CacheMode{false, true, true};
  }
  return Error{Errc::kInvalid, what + ": cache='" + word +
                                   "' is none of default, none, writeback, writethrough, "
                                   "directsync, unsafe"};
}

// Drives are named by their target: "vda" -> 0, "vdb" -> 1, ... "vdaa" -> 26.
Result<unsigned> TargetIndex(const std::string &what, const std::string &target) {
  const size_t prefix = target.starts_with("xvd") ? 3 : 2;
  unsigned index = 0;
  if (target.size() <= prefix || target.size() > prefix + 3) {
    return Error{Errc::kInvalid, what + ": the target is not a name like vda or sdb"};
  }
  for (const char c : target.substr(prefix)) {
    if (c < 'a' || c > 'z') {
      return Error{Errc::kInvalid, what + ": the target is not a name like vda or sdb"};
    }
    index = index * 26 + static_cast<unsigned>(c - 'a') + 1;
  }
  return index - 1;
}

// The bus, by the name of the target if the XML leaves it to that.
std::string Bus(const Disk &disk) {
  if (!disk.bus.empty()) {
    return disk.bus;
  }
  const std::string prefix = disk.target.substr(0, 2);
  return prefix == "vd"   ? "virtio"
         : prefix == "sd" ? "scsi"
         : prefix == "hd" ? "ide"
         : prefix == "fd" ? "fdc"
                          : "";
}

class DiskBuilder {
 public:
  DiskBuilder(QemuBuilder &b, const Disk &disk, size_t number)
      : b_(b), disk_(disk), number_(number), what_("disk " + disk.target), bus_(Bus(disk)) {}

  Status Add() {
    SVIRT_ASSIGN(cache_, ReadCacheMode(what_, disk_.cache));
    SVIRT_ASSIGN(index_, TargetIndex(what_, disk_.target));
    SVIRT_TRY(ReadDiscard());
    if (disk_.chain.empty() && disk_.device != "cdrom" && disk_.device != "floppy") {
      return Error{Errc::kInvalid, what_ + ": only a cdrom or floppy may be without a <source>"};
    }
    for (size_t depth = disk_.chain.size(); depth-- > 0;) {  // a node before those upon it
      SVIRT_TRY(AddImage(depth));
    }
    return AddDrive();
  }

 private:
  std::string Node(size_t depth) const { return disk_.target + "-" + std::to_string(depth); }

  Status ReadDiscard() {
    const auto all = b_.XmlDevices("disk");
    const auto word = number_ < all.size()
                          ? all[number_]->get<std::string>("driver.<xmlattr>.discard", "")
                          : std::string();
    if (!word.empty() && word != "unmap" && word != "ignore") {
      return Error{Errc::kInvalid, what_ + ": discard='" + word + "' is none of unmap, ignore"};
    }
    discard_ = word == "unmap";
    return {};
  }

  bool IsReadOnly(size_t depth) const {
    const auto &writable = b_.domain.writable_backing;
    const bool in_block_job =
        depth > 0 && std::ranges::find(writable, disk_.chain[depth].path) != writable.end();
    return disk_.readonly || disk_.device == "cdrom" || (depth > 0 && !in_block_job);
  }

  Status AddFileNode(const std::string &name, ImageSource::Type type, const std::string &path,
                     size_t depth) {
    json node = {{"node-name", name}, {"filename", path}};
    if (depth > 0 && !disk_.readonly && disk_.device != "cdrom") {
      // Opened for reading until a block job is allowed to write to the image.
      node["auto-read-only"] = true;
    } else {
      node["read-only"] = IsReadOnly(depth);
    }
    switch (type) {
      case ImageSource::Type::kFile:
        node["driver"] = "file";
        break;
      case ImageSource::Type::kBlock:
        node["driver"] =
            disk_.device == "cdrom" && path.starts_with("/dev/sr") ? "host_cdrom" : "host_device";
        break;
      default:
        return Unsupported(what_, "this driver opens images of type file and block only");
    }
    if (path.empty()) {
      return Error{Errc::kInvalid, what_ + ": the image has no path"};
    }
    if (discard_) {
      node["discard"] = "unmap";
    }
    node["cache"] = {{"direct", cache_.direct}, {"no-flush", cache_.no_flush}};
    if (!disk_.io.empty()) {
      if (disk_.io != "native" && disk_.io != "threads" && disk_.io != "io_uring") {
        return Error{Errc::kInvalid,
                     what_ + ": io='" + disk_.io + "' is none of native, threads, io_uring"};
      }
      if (disk_.io == "native" && !cache_.direct) {
        return Error{Errc::kInvalid, what_ + ": io='native' needs cache='none' or 'directsync'"};
      }
      node["aio"] = disk_.io;
    }
    b_.args.Add("-blockdev", node);
    return {};
  }

  Status AddImage(size_t depth) {
    const ImageSource &image = disk_.chain[depth];
    const bool last = depth + 1 == disk_.chain.size();
    const bool cow = Contains(kCowFormats, image.format);
    if (image.format.empty()) {
      return NoImageFormat(what_, image.path, depth);
    }
    if (!cow && !Contains(kPlainFormats, image.format)) {
      return Unsupported(what_, "this driver does not know image format '" + image.format + "'");
    }
    if (image.format == "luks") {
      return Unsupported(what_, "encrypted images need a secret, which this driver cannot give");
    }
    if (!last && !cow) {
      return Error{Errc::kInvalid, what_ + ": image " + image.path + " of format " + image.format +
                                       " cannot have a <backingStore>"};
    }
    SVIRT_TRY(AddFileNode(Node(depth) + "-file", image.type, image.path, depth));
    json node = {{"node-name", Node(depth)},
                 {"driver", image.format},
                 {"file", Node(depth) + "-file"},
                 {"read-only", IsReadOnly(depth)}};
    if (discard_) {
      node["discard"] = "unmap";
    }
    if (!image.data_file.empty()) {
      if (image.format != "qcow2") {
        return Error{Errc::kInvalid, what_ + ": only a qcow2 image has a <dataStore>"};
      }
      SVIRT_TRY(
          AddFileNode(Node(depth) + "-data",
                      image.data_is_block ? ImageSource::Type::kBlock : ImageSource::Type::kFile,
                      image.data_file, depth));
      node["data-file"] = Node(depth) + "-data";
    }
    if (cow) {
      // Spelt out also at the end of the chain, or QEMU would follow the name in the image.
      node["backing"] = last ? json(nullptr) : json(Node(depth + 1));
    }
    b_.args.Add("-blockdev", node);
    return {};
  }

  Status AddDrive() {
    json drive = {{"id", "drive-" + disk_.target}};
    SVIRT_TRY(PlaceOnBus(drive));
    if (!disk_.chain.empty()) {
      drive["drive"] = Node(0);
      if (!disk_.cache.empty() && disk_.device != "lun") {
        drive["write-cache"] = cache_.write_back ? "on" : "off";
      }
    }
    if (disk_.shareable) {
      drive["share-rw"] = true;
    }
    if (!disk_.serial.empty()) {
      drive["serial"] = disk_.serial;
    }
    const char *group = disk_.device == "cdrom" ? "cdrom" : disk_.device == "floppy" ? "fd" : "hd";
    if (const auto boot = b_.TakeBootIndex(group, disk_.boot_order)) {
      drive["bootindex"] = *boot;
    }
    if (bus_ == "virtio") {
      b_.AddPluggable(drive);
    } else {
      b_.args.Add("-device", drive);
    }
    return {};
  }

  Status PlaceOnBus(json &drive) {
    const bool cdrom = disk_.device == "cdrom";
    if (!cdrom && disk_.device != "disk" && disk_.device != "floppy" && disk_.device != "lun") {
      return Unsupported(what_, "this driver does not know device '" + disk_.device + "'");
    }
    if ((disk_.device == "floppy") != (bus_ == "fdc") ||
        (disk_.device == "lun" && disk_.bus != "scsi") || (cdrom && bus_ == "virtio")) {
      return Unsupported(what_, "a " + disk_.device + " cannot be on bus '" + bus_ + "'");
    }
    if (bus_ == "virtio") {
      drive["driver"] = b_.Virtio("virtio-blk");
    } else if (bus_ == "scsi") {
      b_.NeedScsi();
      drive["driver"] = cdrom ? "scsi-cd" : disk_.device == "lun" ? "scsi-block" : "scsi-hd";
      drive["bus"] = "scsi0.0";
      drive["scsi-id"] = index_;
    } else if (bus_ == "ide") {
      if (!b_.is_pc() || index_ > 3) {
        return Unsupported(what_, "only the pc machine has an IDE bus, for hda to hdd");
      }
      drive["driver"] = cdrom ? "ide-cd" : "ide-hd";
      drive["bus"] = "ide." + std::to_string(index_ / 2);
      drive["unit"] = index_ % 2;
    } else if (bus_ == "sata") {
      if (!b_.is_x86() || index_ > 5) {
        return Unsupported(what_, "there is a SATA bus for sda to sdf on x86 machines only");
      }
      b_.NeedAhci();
      drive["driver"] = cdrom ? "ide-cd" : "ide-hd";
      drive["bus"] = (b_.is_q35() ? "ide." : "sata0.") + std::to_string(index_);
    } else if (bus_ == "usb") {
      b_.NeedUsb();
      drive["driver"] = "usb-storage";
      drive["bus"] = "usb0.0";
    } else if (bus_ == "fdc") {
      if (!b_.is_pc() || index_ > 1) {
        return Unsupported(what_, "only the pc machine has floppy drives, fda and fdb");
      }
      drive["driver"] = "floppy";
      drive["unit"] = index_;
    } else {
      return Unsupported(what_, "this driver does not know bus '" + bus_ + "'");
    }
    return {};
  }

  QemuBuilder &b_;
  const Disk &disk_;
  const size_t number_;
  const std::string what_;
  const std::string bus_;
  CacheMode cache_;
  unsigned index_ = 0;
  bool discard_ = false;
};

}  // namespace

void AddDisks(QemuBuilder &b) {
  for (size_t i = 0; i < b.domain.disks.size(); ++i) {
    b.Check(b.domain.disks[i].position, DiskBuilder(b, b.domain.disks[i], i).Add());
  }
}

}  // namespace svirt
