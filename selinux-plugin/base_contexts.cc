// SPDX-License-Identifier: LGPL-2.1-or-later
// Parses the first two lines of each context file.
#include "base_contexts.h"

#include <svirt/sdk.h>

#include <cstring>

namespace svirt::selinux {
namespace {

// Lines 1 and 2 of one of the files.
svirt_status ParseLines(const std::vector<std::string> &lines, int errnum, const std::string &path,
                        Context *first, std::optional<Context> *second, svirt_error *error) {
  if (errnum == ENOENT || (errnum == 0 && lines.empty())) {
    return sdk::Fail(error, SVIRT_INACTIVE, errnum,
                     "SELinux is enabled, but its policy does not know virtual machines: %s %s; "
                     "install a policy with the virt module",
                     path.c_str(), errnum == ENOENT ? "does not exist" : "is empty");
  }
  if (errnum != 0) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, errnum, "cannot read %s: %s", path.c_str(),
                     std::strerror(errnum));
  }
  for (size_t i = 0; i < lines.size() && i < 2; ++i) {
    std::string why;
    const auto context = ParseContext(lines[i], &why);
    if (!context) {
      return sdk::Fail(error, SVIRT_E_INVALID, 0, "%s: '%s' is not a security context: %s",
                       path.c_str(), lines[i].c_str(), why.c_str());
    }
    if (i == 0) {
      *first = *context;
    } else {
      *second = context;
    }
  }
  return SVIRT_OK;
}

}  // namespace

const Context &BaseContexts::ForVirtType(const char *virt_type) const {
  const bool emulated = virt_type != nullptr && std::strcmp(virt_type, "qemu") == 0;
  return emulated && tcg ? *tcg : domain;
}

svirt_status LoadBaseContexts(SelinuxApi *api, BaseContexts *base, svirt_error *error) {
  std::vector<std::string> lines;
  int errnum = api->DomainContexts(&lines, &base->domain_path);
  const svirt_status status =
      ParseLines(lines, errnum, base->domain_path, &base->domain, &base->tcg, error);
  if (status != SVIRT_OK) {
    return status;
  }
  lines.clear();
  errnum = api->ImageContexts(&lines, &base->image_path);
  return ParseLines(lines, errnum, base->image_path, &base->image, &base->content, error);
}

svirt_status LoadOwnContext(SelinuxApi *api, Context *own, svirt_error *error) {
  std::string text;
  if (const int errnum = api->OwnContext(&text); errnum != 0) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, errnum,
                     "cannot ask SELinux for the context of this process: %s",
                     std::strerror(errnum));
  }
  std::string why;
  const auto context = ParseContext(text, &why);
  if (!context) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "the context of this process, '%s', cannot be understood: %s", text.c_str(),
                     why.c_str());
  }
  *own = *context;
  return SVIRT_OK;
}

}  // namespace svirt::selinux
