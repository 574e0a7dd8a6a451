// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads the end of a log file and makes it printable.
#include "host/hypervisor/qemu/log_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "host/util/fd.h"

namespace svirt {
namespace {

constexpr off_t kTail = 1024;

}  // namespace

std::string OneLine(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "; ";
    } else if (c != '\r') {
      const auto byte = static_cast<unsigned char>(c);
      line += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
  }
  return line;
}

std::string LogTail(const std::string &path, off_t from) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat st {};
  if (!fd || fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= from) {
    return "";
  }
  const off_t start = std::max(from, st.st_size - kTail);
  std::string text(static_cast<size_t>(st.st_size - start), '\0');
  const ssize_t n = pread(fd.get(), text.data(), text.size(), start);
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  if (start > from) {
    text.erase(0, text.find('\n') == std::string::npos ? 0 : text.find('\n') + 1);
  }
  return OneLine(text);
}

}  // namespace svirt
