// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads a file, or standard input, and finds the domain that an argument means.
#include "host/cli/input.h"

#include "host/util/file.h"

namespace svirt {

Result<std::string> ReadInput(const std::string &file) {
  return ReadFile(file == "-" ? "/dev/stdin" : file, kLargestInput);
}

Result<Domain> DomainArgument(Host &host, const std::string &argument) {
  auto xml = ReadInput(argument);
  if (xml.ok()) {
    return host.definitions.Parse(*xml, argument);
  }
  if (xml.error().code != Errc::kNotFound) {
    return std::move(xml).error();
  }
  auto stored = host.definitions.Find(argument);
  if (stored.ok()) {
    return std::move(stored->domain);
  }
  if (stored.error().code != Errc::kNotFound) {
    return std::move(stored).error();
  }
  return Error{Errc::kNotFound, "there is neither a file nor a domain '" + argument + "'"};
}

}  // namespace svirt
