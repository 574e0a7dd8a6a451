// SPDX-License-Identifier: LGPL-2.1-or-later
// What models of hypervisors can say beyond the table: extensions, so that no other plugin need
// know of them.
#include <svirt/ext/draft/access.h>
#include <svirt/ext/draft/build_label.h>

#include <utility>

#include "host/loader/marshal.h"
#include "host/loader/plugin_call.h"

namespace svirt {
namespace {

constexpr uint32_t kKnownRights =
    SVIRT_MAY_READ_MEMORY | SVIRT_MAY_WRITE_MEMORY | SVIRT_MAY_COPY_MEMORY | SVIRT_MAY_NOTIFY;

}  // namespace

Result<std::string> Plugin::BuildLabel(const std::string &label) {
  SVIRT_ASSIGN(const svirt_build_label *const extension,
               FindExtension(SVIRT_EXT_BUILD_LABEL, &svirt_build_label::get));
  if (extension == nullptr) {
    return label;
  }
  if (auto checked = CheckLabelInput(label); !checked.ok()) {
    return Named(std::move(checked).error());
  }
  TextBuffer room;
  svirt_buf buf = room.Blank();
  SVIRT_ASSIGN(const Answer answer,
               AskInstance({"build_label"}, [&](svirt_instance *instance, svirt_error *error) {
                 return extension->get(instance, label.c_str(), &buf, error);
               }));
  if (answer.status != SVIRT_OK) {
    return ErrorOf("build_label", answer);
  }
  auto text = room.Read(buf, "build label", false);
  if (!text.ok()) {
    return Named(std::move(text).error());
  }
  if (text->empty()) {
    return Named(Error{Errc::kInternal, "it gave an empty build label, which confines nothing", 0});
  }
  return text;
}

Result<uint32_t> Plugin::Access(const std::string &source, const std::string &target) {
  SVIRT_ASSIGN(const svirt_access *const extension,
               FindExtension(SVIRT_EXT_ACCESS, &svirt_access::ask));
  if (extension == nullptr) {
    return Named(Error{Errc::kUnsupported,
                       "this model cannot be asked what two domains may do with each other", 0});
  }
  for (const std::string &label : {source, target}) {
    if (auto checked = CheckLabelInput(label); !checked.ok()) {
      return Named(std::move(checked).error());
    }
  }
  uint32_t may = 0;
  SVIRT_ASSIGN(const Answer answer,
               AskInstance({"access"}, [&](svirt_instance *instance, svirt_error *error) {
                 return extension->ask(instance, source.c_str(), target.c_str(), &may, error);
               }));
  if (answer.status != SVIRT_OK) {
    return ErrorOf("access", answer);
  }
  if ((may & ~kKnownRights) != 0) {
    return Named(Error{Errc::kInternal, "it answered with a right that has no meaning", 0});
  }
  return may;
}

}  // namespace svirt
