// SPDX-License-Identifier: LGPL-2.1-or-later
// Copies templates of firmware variables, whole or not at all.
#include "host/hypervisor/qemu/qemu_firmware.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string>

#include "host/util/fd.h"

namespace svirt {

bool LacksFirmwareVariables(const LoaderNvram &firmware) {
  std::error_code error;
  return !firmware.nvram.empty() && !firmware.nvram_template.empty() &&
         !std::filesystem::exists(std::filesystem::symlink_status(firmware.nvram, error));
}

Status MakeFirmwareVariables(const LoaderNvram &firmware) {
  if (!LacksFirmwareVariables(firmware)) {
    return {};
  }
  const Fd from(
      open(firmware.nvram_template.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!from) {
    return SystemError(errno,
                       "cannot open the firmware variables' template " + firmware.nvram_template);
  }
  struct stat st {};
  if (fstat(from.get(), &st) != 0 || !S_ISREG(st.st_mode)) {
    return Error{Errc::kInvalid, "the firmware variables' template " + firmware.nvram_template +
                                     " is not a regular file; name one"};
  }
  // Under another name first, so that half a copy is never taken for the variables.
  const std::string partial = firmware.nvram + ".new";
  unlink(partial.c_str());
  const Fd to(open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to) {
    return SystemError(errno, "cannot make the firmware variables " + partial);
  }
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = read(from.get(), buffer.data(), buffer.size());
    if (n == 0) {
      break;
    }
    if (n < 0 || write(to.get(), buffer.data(), static_cast<size_t>(n)) != n) {
      const int err = errno;
      unlink(partial.c_str());
      return SystemError(err, "cannot copy " + firmware.nvram_template + " to " + partial);
    }
  }
  if (fsync(to.get()) != 0 || rename(partial.c_str(), firmware.nvram.c_str()) != 0) {
    const int err = errno;
    unlink(partial.c_str());
    return SystemError(err, "cannot make the firmware variables " + firmware.nvram);
  }
  return {};
}

}  // namespace svirt
