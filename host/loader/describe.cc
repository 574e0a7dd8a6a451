// SPDX-License-Identifier: LGPL-2.1-or-later
// A plugin's policy as text: an extension, so that older plugins need not know of it.
#include <svirt/ext/describe.h>

#include <algorithm>
#include <utility>

#include "host/loader/marshal.h"
#include "host/loader/plugin_call.h"

namespace svirt {
namespace {

// Most policies fit the first room; none has reason to be longer than the last.
constexpr uint32_t kFirstRoom = 64u << 10;
constexpr uint32_t kMostRoom = 64u << 20;

// People read it at a terminal.
bool IsPlainText(const std::string &text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
  });
}

}  // namespace

Result<std::optional<std::string>> Plugin::Describe(const DomainRef &domain) {
  SVIRT_ASSIGN(const auto gate, PassGate<std::shared_lock<PluginGate>>());
  std::unique_lock serial(mutex_, std::defer_lock);
  if (serial_) {
    serial.lock();
  }
  SVIRT_ASSIGN(const svirt_describe *const extension,
               FindExtension(SVIRT_EXT_DESCRIBE, &svirt_describe::describe));
  if (extension == nullptr) {
    return std::optional<std::string>();
  }
  auto view = DomainView::Make(domain, model_);
  if (!view.ok()) {
    return Named(view.error());
  }
  for (uint32_t room = kFirstRoom;;) {
    std::string text(room, '\0');
    svirt_buf buf{};
    buf.struct_size = sizeof buf;
    buf.size = room;
    buf.data = text.data();
    Answer answer{SVIRT_E_INTERNAL, BlankError()};
    SVIRT_TRY(Timed(About("describe", domain), [&] {
      answer.status = extension->describe(&host_, view->get(), &buf, &answer.error);
    }));
    if (answer.status == SVIRT_E_NODATA) {
      return std::optional<std::string>();
    }
    if (answer.status == SVIRT_E_RANGE && buf.used > room && buf.used <= kMostRoom) {
      room = buf.used;
      continue;
    }
    if (answer.status != SVIRT_OK) {
      return ErrorOf("describe", answer);
    }
    text.resize(std::min(text.find('\0'), text.size()));
    if (!IsPlainText(text)) {
      return Named(Error{Errc::kInternal, "its description has control characters", 0});
    }
    return std::optional(std::move(text));
  }
}

}  // namespace svirt
