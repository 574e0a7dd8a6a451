// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks for the apparmor_parser of this machine, and compiles a text with it.
#include "testing/parser.h"

#include "compiler.h"

namespace svirt::apparmor {

bool HasParser() {
  return !FindParser().empty();
}

std::string RunParser(const std::string &text, std::string *errors) {
  svirt_error error{};
  error.struct_size = sizeof error;
  std::string image;
  const svirt_status status = Compile(FindParser(), text, &image, &error);
  *errors = error.message;
  return status == SVIRT_OK ? image : "";
}

}  // namespace svirt::apparmor
