// SPDX-License-Identifier: LGPL-2.1-or-later
// Checks a path and rewrites it, component by component.
#include "host/domain/path.h"

#include <algorithm>
#include <climits>

#include "host/util/text.h"

namespace svirt {

Result<std::string> NormalPath(std::string_view path) {
  if (path.size() >= PATH_MAX) {
    return Error{Errc::kInvalid, Quoted(path) + " has " + std::to_string(path.size()) +
                                     " bytes, more than a path can have"};
  }
  if (HasControlCharacters(path)) {
    return Error{Errc::kInvalid,
                 "a path with control characters (a newline, a tab) is refused; rename the file"};
  }
  const std::string quoted = "'" + std::string(path) + "'";
  if (path.empty() || path.front() != '/') {
    return Error{Errc::kInvalid, quoted + " is not an absolute path; write it from / on"};
  }
  std::string normal;
  for (size_t start = 0; start < path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    if (part == "..") {
      return Error{Errc::kInvalid, quoted + " contains '..'; write the path that it stands for"};
    }
    if (!part.empty() && part != ".") {
      normal += "/";
      normal += part;
    }
    start = end + 1;
  }
  return normal.empty() ? std::string("/") : normal;
}

}  // namespace svirt
