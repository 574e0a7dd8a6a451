// SPDX-License-Identifier: LGPL-2.1-or-later
// What callers of the C API hand over, judged before anything is done with it.
#pragma once

#include <svirt/host.h>

#include <cstddef>
#include <string>

#include "host/util/result.h"

namespace svirt {

// Size of a struct in the first version of its header, which every caller has at least.
template <typename T>
inline constexpr size_t kFirstSize = 0;
template <>
inline constexpr size_t kFirstSize<svirt_options> = offsetof(svirt_options, log_data) +
                                                    sizeof(svirt_options::log_data);
template <>
inline constexpr size_t kFirstSize<svirt_command> = offsetof(svirt_command, fds) +
                                                    sizeof(svirt_command::fds);
template <>
inline constexpr size_t kFirstSize<svirt_model> = offsetof(svirt_model, base_label) +
                                                  sizeof(svirt_model::base_label);
template <>
inline constexpr size_t kFirstSize<svirt_label_state> = offsetof(svirt_label_state, label) +
                                                        sizeof(svirt_label_state::label);
template <>
inline constexpr size_t kFirstSize<svirt_buf> = offsetof(svirt_buf, data) + sizeof(svirt_buf::data);

// All are Errc::kInvalid, and name the argument.

Status NeedArgument(const void *argument, const std::string &name);
Status NeedStructSize(size_t size, size_t first_size, const std::string &name);

template <typename T>
Status NeedStruct(const T *argument, const std::string &name) {
  SVIRT_TRY(NeedArgument(argument, name));
  return NeedStructSize(argument->struct_size, kFirstSize<T>, name);
}

// No place at all is allowed: it asks for the size.
Status NeedBuffer(const svirt_buf *buf, const std::string &name);
Status NeedOptions(const svirt_options *options);
Status NeedCommand(const svirt_command *command);

}  // namespace svirt
