// SPDX-License-Identifier: LGPL-2.1-or-later
// Counts the elements of a document, as its reader has done.
#include "host/domain/document_place.h"

#include <string>
#include <utility>

#include "host/util/text.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;

// Counts until the node is found. As deep as a document may be.
bool CountTo(const ptree &node, const ptree &parent, uint32_t *count) {
  for (const auto &[name, child] : parent) {
    if (name.starts_with('<')) {
      continue;  // attributes, comments and text
    }
    ++*count;
    if (&child == &node || CountTo(node, child, count)) {
      return true;
    }
  }
  return false;
}

}  // namespace

uint32_t PositionOf(const Domain &domain, const ptree &node) {
  uint32_t count = 0;
  return CountTo(node, domain.document, &count) ? count : 0;
}

uint32_t PositionOf(const Domain &domain, std::string_view path) {
  const std::string below = path.empty() ? "domain" : "domain/" + std::string(path);
  const auto node = domain.document.get_child_optional(ptree::path_type(below, '/'));
  return node ? PositionOf(domain, *node) : 0;
}

Error At(const Domain &domain, uint32_t position, Error error) {
  if (error.line != 0 || position == 0 || position > domain.lines.size()) {
    return error;
  }
  error.line = domain.lines[position - 1];
  error.message =
      Printable(domain.file) + ":" + std::to_string(error.line) + ": " + std::move(error.message);
  return error;
}

Status At(const Domain &domain, uint32_t position, Status status) {
  return status.ok() ? status : Status(At(domain, position, std::move(status).error()));
}

}  // namespace svirt
