// SPDX-License-Identifier: LGPL-2.1-or-later
// How code of a plugin is reached: for the files that implement Plugin.
#pragma once

#include <mutex>
#include <shared_mutex>
#include <string>

#include "host/loader/plugin.h"
#include "host/loader/status.h"

namespace svirt {

template <typename Question>
Result<Plugin::Answer> Plugin::AskInstance(Question question) {
  const std::shared_lock gate(*gate_);
  std::unique_lock serial(mutex_, std::defer_lock);
  if (serial_) {
    serial.lock();
  }
  if (instance_ == nullptr) {
    return Named(Error{Errc::kInternal, "the plugin was asked before it was initialised", 0});
  }
  Answer answer{SVIRT_E_INTERNAL, BlankError()};
  answer.status = question(instance_, &answer.error);
  return answer;
}

template <typename Extension, typename... Slots>
Result<const Extension *> Plugin::FindExtension(const char *id, Slots Extension::*...slots) const {
  const auto *extension = static_cast<const Extension *>(table_.get_extension(id));
  if (extension != nullptr &&
      (extension->struct_size < sizeof *extension || ((extension->*slots == nullptr) || ...))) {
    return Named(Error{Errc::kInternal, std::string("its extension ") + id + " is not whole", 0});
  }
  return extension;
}

}  // namespace svirt
