// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads the headers of qcow2 images and compares them with the XML.
#include "host/hypervisor/qemu/image_header.h"

#include <endian.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/util/fd.h"

namespace svirt {
namespace {

// The start of a qcow2 image (docs/interop/qcow2.txt of QEMU); all numbers are big-endian.
struct Qcow2Header {
  char magic[4];
  uint32_t version;
  uint64_t backing_file_offset;
  unsigned char other[56];
  uint64_t incompatible_features;  // version 3 and later
};
static_assert(sizeof(Qcow2Header) == 80);

constexpr char kMagic[4] = {'Q', 'F', 'I', '\xfb'};
constexpr uint64_t kExternalDataFile = 1U << 2;
constexpr size_t kVersion2Size = 72;

Status CheckQcow2(const std::string &what, const ImageSource &image, bool last) {
  const std::string named = what + ": image " + image.path;
  const Fd fd(open(image.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) {
    return SystemError(errno, "cannot open " + named);
  }
  Qcow2Header header{};
  const ssize_t n = pread(fd.get(), &header, sizeof header, 0);
  if (n < 0) {
    return SystemError(errno, "cannot read " + named);
  }
  if (static_cast<size_t>(n) < kVersion2Size ||
      std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) {
    return Error{Errc::kInvalid, named + " is declared qcow2 and is not: correct the format"};
  }
  if (last && header.backing_file_offset != 0) {
    return Error{Errc::kInvalid,
                 named +
                     " has a backing file that the XML does not name: add a <backingStore> "
                     "with its <format> and <source>"};
  }
  const bool external = be32toh(header.version) >= 3 &&
                        (be64toh(header.incompatible_features) & kExternalDataFile) != 0;
  if (external && image.data_file.empty()) {
    return Error{Errc::kInvalid,
                 named +
                     " keeps its data in another file that the XML does not name: add a "
                     "<dataStore>"};
  }
  return {};
}

}  // namespace

Status CheckImageHeaders(const Disk &disk) {
  const std::string what = "disk " + disk.target;
  for (size_t i = 0; i < disk.chain.size(); ++i) {
    const ImageSource &image = disk.chain[i];
    const bool last = i + 1 == disk.chain.size();
    if (image.format == "qcow2") {
      SVIRT_TRY(CheckQcow2(what, image, last));
    } else if (last && !disk.chain_closed &&
               (image.format == "qcow" || image.format == "qed" || image.format == "vmdk")) {
      return Error{Errc::kInvalid, what + ": image " + image.path + " of format " + image.format +
                                       " may have a backing file: say that it has none with an "
                                       "empty <backingStore/>, or name it there"};
    }
  }
  return {};
}

}  // namespace svirt
