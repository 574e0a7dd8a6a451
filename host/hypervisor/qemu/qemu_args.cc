// SPDX-License-Identifier: LGPL-2.1-or-later
// Escapes the values of QEMU's options.
#include "host/hypervisor/qemu/qemu_args.h"

namespace svirt {

std::string EscapeCommas(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  for (const char c : value) {
    text.append(c == ',' ? 2 : 1, c);
  }
  return text;
}

Keyval &Keyval::Set(std::string_view key, std::string_view value) {
  text_.append(",").append(key).append("=").append(EscapeCommas(value));
  return *this;
}

}  // namespace svirt
