// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads address, interrupt and ranges of a PCI device from sysfs.
#include "pci_device.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <svirt/sdk_fd.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>

namespace svirt::flask {
namespace {

constexpr unsigned kPageShift = 12;
constexpr uint64_t kIsIoPorts = 0x100, kIsMemory = 0x200;  // flags of the kernel's struct resource

bool ParseHex(std::string_view text, size_t digits, uint32_t *number) {
  const char *end = text.data() + text.size();
  return text.size() == digits && std::from_chars(text.data(), end, *number, 16).ptr == end;
}

// The next word of the line as a number, and the line without it.
bool TakeNumber(std::string_view *line, uint64_t *number) {
  if (line->substr(0, 2) != "0x") {
    return false;
  }
  const char *end = line->data() + line->size();
  const auto [at, error] = std::from_chars(line->data() + 2, end, *number, 16);
  if (error != std::errc()) {
    return false;
  }
  line->remove_prefix(static_cast<size_t>(at - line->data()));
  if (!line->empty() && line->front() == ' ') {
    line->remove_prefix(1);
  }
  return true;
}

int ReadFile(int directory, const char *name, std::string *text) {
  const sdk::Fd file(openat(directory, name, O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return errno;
  }
  std::array<char, 4096> page{};  // files of sysfs are no longer
  const ssize_t length = read(file.get(), page.data(), page.size());
  if (length < 0) {
    return errno;
  }
  text->assign(page.data(), static_cast<size_t>(length));
  return 0;
}

}  // namespace

std::optional<uint32_t> ParsePciAddress(std::string_view text) {
  uint32_t segment = 0, bus = 0, slot = 0, function = 0;
  if (text.size() != 12 || text[4] != ':' || text[7] != ':' || text[10] != '.' ||
      !ParseHex(text.substr(0, 4), 4, &segment) || !ParseHex(text.substr(5, 2), 2, &bus) ||
      !ParseHex(text.substr(8, 2), 2, &slot) || !ParseHex(text.substr(11), 1, &function) ||
      slot > 0x1f || function > 7) {
    return std::nullopt;
  }
  return segment << 16 | bus << 8 | slot << 3 | function;
}

bool ParsePciRanges(std::string_view text, PciDevice *device) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    uint64_t first = 0, last = 0, flags = 0;
    if (!TakeNumber(&line, &first) || !TakeNumber(&line, &last) || !TakeNumber(&line, &flags) ||
        !line.empty() || last < first) {
      return false;
    }
    if ((flags & kIsIoPorts) != 0) {
      device->io_ports.push_back({first, last});
    } else if ((flags & kIsMemory) != 0) {
      device->io_memory.push_back({first >> kPageShift, last >> kPageShift});
    }
  }
  return true;
}

int ReadPciDevice(int fd, PciDevice *device) {
  // The name comes from the kernel, for the very object that was checked.
  struct statfs fs {};
  if (statfs("/proc/self/fd", &fs) != 0 || fs.f_type != PROC_SUPER_MAGIC) {
    return EBADF;
  }
  if (fstatfs(fd, &fs) != 0) {
    return errno;
  }
  if (fs.f_type != SYSFS_MAGIC) {
    return ENODEV;
  }
  std::array<char, PATH_MAX> link{};
  const std::string alias = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = readlink(alias.c_str(), link.data(), link.size());
  if (length < 0) {
    return errno;
  }
  const std::string_view path(link.data(), static_cast<size_t>(length));
  const auto address = ParsePciAddress(path.substr(path.rfind('/') + 1));
  if (path.substr(0, 12) != "/sys/devices" || !address) {
    return ENODEV;
  }
  PciDevice found;
  found.address = *address;
  std::string ranges, irq;
  int errnum = ReadFile(fd, "resource", &ranges);
  if (errnum == 0) {
    errnum = ReadFile(fd, "irq", &irq);
  }
  if (errnum != 0) {
    return errnum == ENOENT ? ENODEV : errnum;
  }
  uint32_t number = 0;
  const auto [at, error] = std::from_chars(irq.data(), irq.data() + irq.size(), number);
  if (error != std::errc() || !ParsePciRanges(ranges, &found)) {
    return EPROTO;
  }
  if (number != 0) {
    found.irq = number;
  }
  *device = std::move(found);
  return 0;
}

}  // namespace svirt::flask
