// SPDX-License-Identifier: LGPL-2.1-or-later
// Names status codes, and makes errors of them with the plugin's sentence.
#include "host/loader/status.h"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "host/util/text.h"

namespace svirt {
namespace {

std::string_view StatusName(svirt_status status) {
  switch (status) {
    case SVIRT_E_INVALID:
      return "invalid";
    case SVIRT_E_RANGE:
      return "range";
    case SVIRT_E_NOTSUP:
      return "not supported";
    case SVIRT_E_DENIED:
      return "denied";
    case SVIRT_E_SYSTEM:
      return "system error";
    case SVIRT_E_NODATA:
      return "no label";
    case SVIRT_E_GONE:
      return "gone";
    case SVIRT_E_INTERNAL:
      return "internal error";
    default:
      return "";
  }
}

Errc CodeOf(svirt_status status, int sys_errno) {
  switch (status) {
    case SVIRT_E_INVALID:
      return Errc::kInvalid;
    case SVIRT_E_NOTSUP:
      return Errc::kUnsupported;
    case SVIRT_E_DENIED:
      return Errc::kPermission;
    case SVIRT_E_SYSTEM:
      return sys_errno == EPERM || sys_errno == EACCES ? Errc::kPermission : Errc::kSystem;
    case SVIRT_E_NODATA:
    case SVIRT_E_GONE:
      return Errc::kNotFound;
    default:
      return Errc::kInternal;
  }
}

}  // namespace

svirt_error BlankError() {
  svirt_error error{};
  error.struct_size = sizeof error;
  return error;
}

std::string MessageOf(const svirt_error &error) {
  return Printable(std::string_view(error.message, strnlen(error.message, sizeof error.message)));
}

bool IsStatus(svirt_status status) {
  return !StatusName(status).empty();
}

Error ErrorFromStatus(const std::string &name, svirt_status status, const svirt_error &error) {
  const int sys_errno = error.sys_errno;
  const std::string_view shown = StatusName(status);
  std::string message = MessageOf(error);
  if (shown.empty()) {
    message = name + " returned the unknown status " + std::to_string(status);
  } else if (status == SVIRT_E_RANGE) {
    message = name + " needs more room than the longest label takes";
  } else if (message.empty()) {
    message = name + " failed without a word (" + std::string(shown) + ")";
    if (sys_errno > 0) {
      message += ": " + std::generic_category().message(sys_errno);
    }
  }
  return Error{CodeOf(status, sys_errno), std::move(message), sys_errno};
}

}  // namespace svirt
