// SPDX-License-Identifier: LGPL-2.1-or-later
// How code of a plugin is reached: for the files that implement Plugin.
#pragma once

#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include "host/loader/plugin.h"
#include "host/loader/status.h"

namespace svirt {

// A call that does not come back in one context of a process must not keep the others for ever.
// Asks again and again: so it needs no clock of the lock's own.
template <typename Lock>
Result<Lock> Plugin::PassGate() const {
  using std::chrono::milliseconds, std::chrono::steady_clock;
  Lock lock(*gate_, std::defer_lock);
  if (watch_ == nullptr) {
    lock.lock();
    return lock;
  }
  const auto deadline = steady_clock::now() + watch_->limit();
  for (milliseconds pause(1); !lock.try_lock(); pause = std::min(2 * pause, milliseconds(20))) {
    if (steady_clock::now() >= deadline) {
      return Named(Error{Errc::kTimeout,
                         "another call into plugin " + file_ +
                             " that this process makes has not come back: restart the process",
                         0});
    }
    std::this_thread::sleep_for(pause);
  }
  return lock;
}

template <typename Body>
Status Plugin::Timed(const CallName &name, Body body) const {
  if (const char *const slot = overdue_.load(); slot != nullptr) {
    return Named(Error{Errc::kTimeout,
                       "plugin " + file_ + " did not come back from " + slot +
                           " in time, and is asked nothing any more: mend or replace it, then "
                           "restart this program; 'svirt recover' puts back what is left",
                       0});
  }
  const CallWatch::Scope watched(watch_,
                                 {&file_, &model_, name.slot, name.domain, name.object, &overdue_});
  body();
  return {};
}

template <typename Question>
Result<Plugin::Answer> Plugin::AskInstance(const CallName &name, Question question) {
  SVIRT_ASSIGN(const auto gate, PassGate<std::shared_lock<PluginGate>>());
  std::unique_lock serial(mutex_, std::defer_lock);
  if (serial_) {
    serial.lock();
  }
  if (instance_ == nullptr) {
    return Named(Error{Errc::kInternal, "the plugin was asked before it was initialised", 0});
  }
  Answer answer{SVIRT_E_INTERNAL, BlankError()};
  SVIRT_TRY(Timed(name, [&] { answer.status = question(instance_, &answer.error); }));
  return answer;
}

template <typename Extension, typename... Slots>
Result<const Extension *> Plugin::FindExtension(const char *id, Slots Extension::*...slots) const {
  const Extension *extension = nullptr;
  SVIRT_TRY(Timed({"get_extension"},
                  [&] { extension = static_cast<const Extension *>(table_.get_extension(id)); }));
  if (extension != nullptr &&
      (extension->struct_size < sizeof *extension || ((extension->*slots == nullptr) || ...))) {
    return Named(Error{Errc::kInternal, std::string("its extension ") + id + " is not whole", 0});
  }
  return extension;
}

}  // namespace svirt
