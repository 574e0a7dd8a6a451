// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes an error of an errno.
#include "host/util/result.h"

#include <cerrno>
#include <system_error>

namespace svirt {

Error SystemError(int err, std::string sentence) {
  Errc code = Errc::kSystem;
  if (err == EPERM || err == EACCES) {
    code = Errc::kPermission;
  } else if (err == ENOENT) {
    code = Errc::kNotFound;
  }
  return Error{code, std::move(sentence) + ": " + std::generic_category().message(err), err};
}

}  // namespace svirt
