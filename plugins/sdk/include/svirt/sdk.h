// SPDX-License-Identifier: MIT
// Help for writing a plugin in C++: buffers, errors, sized structs, and the wall that no exception
// passes. Header only; a plugin needs nothing of it at run time.
#pragma once

#include <svirt/ext/config.h>
#include <svirt/ext/draft/config_keys.h>
#include <svirt/plugin.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>
#include <vector>

namespace svirt::sdk {

// Can a Put of this text succeed? For slots with several outputs, of which a failed call may fill
// none.
inline bool Fits(const svirt_buf *buf, std::string_view text) {
  return text.size() < buf->size;
}

// Puts a string with its NUL into a buffer of the host. SVIRT_E_RANGE, and only used set, if it
// does not fit.
inline svirt_status Put(svirt_buf *buf, std::string_view text) {
  buf->used = static_cast<uint32_t>(text.size() + 1);
  if (!Fits(buf, text)) {
    return SVIRT_E_RANGE;
  }
  std::memcpy(buf->data, text.data(), text.size());
  buf->data[text.size()] = '\0';
  return SVIRT_OK;
}

// Puts both strings or neither, as the rule for a call that fails demands.
inline svirt_status PutBoth(svirt_buf *first, std::string_view first_text, svirt_buf *second,
                            std::string_view second_text) {
  if (!Fits(first, first_text) || !Fits(second, second_text)) {
    first->used = static_cast<uint32_t>(first_text.size() + 1);
    second->used = static_cast<uint32_t>(second_text.size() + 1);
    return SVIRT_E_RANGE;
  }
  Put(first, first_text);
  return Put(second, second_text);
}

// Bytes of the control character that the text has at this place, 0 if it has none there: C0 and
// DEL, and C1 in UTF-8 (U+0080 to U+009F), which a terminal obeys as well.
inline size_t ControlLength(std::string_view text, size_t at) {
  const unsigned char c = static_cast<unsigned char>(text[at]);
  if (c < 0x20 || c == 0x7f) {
    return 1;
  }
  if (c != 0xc2 || at + 1 == text.size()) {
    return 0;
  }
  const unsigned char next = static_cast<unsigned char>(text[at + 1]);
  return next >= 0x80 && next < 0xa0 ? 2 : 0;
}

// Can the text be a label, as far as the ABI limits what one is (rule 4 of plugin.h)? The host
// takes no other from a plugin.
inline bool IsLabel(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (ControlLength(text, i) != 0) {
      return false;
    }
  }
  return text.size() <= SVIRT_LABEL_MAX;
}

// Makes a sentence of a message that quotes what others wrote: control characters become '?', and
// half a character where it was cut off goes.
inline void CleanMessage(char *message) {
  const size_t length = std::strlen(message);
  for (size_t i = 0; i < length; ++i) {
    std::memset(message + i, '?', ControlLength({message, length}, i));
  }
  // Back to the first byte of the last character, and see whether all of it is there.
  size_t start = length;
  while (start > 0 && length - start < 3 &&
         (static_cast<unsigned char>(message[start - 1]) & 0xc0) == 0x80) {
    --start;
  }
  if (start == 0) {
    return;
  }
  const unsigned char lead = static_cast<unsigned char>(message[start - 1]);
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  if (length - (start - 1) < size) {
    message[start - 1] = '\0';
  }
}

// Fills in the error, as far as the host's struct reaches, and returns status.
__attribute__((format(printf, 4, 5))) inline svirt_status Fail(svirt_error *error,
                                                               svirt_status status, int sys_errno,
                                                               const char *format, ...) {
  if (error == nullptr || error->struct_size <= offsetof(svirt_error, message)) {
    return status;
  }
  error->sys_errno = sys_errno;
  const size_t room =
      std::min<size_t>(error->struct_size - offsetof(svirt_error, message), sizeof error->message);
  std::va_list args;
  va_start(args, format);
  std::vsnprintf(error->message, room, format, args);
  va_end(args);
  CleanMessage(error->message);
  return status;
}

// The sentence that probe owes its caller in every case.
__attribute__((format(printf, 3, 4))) inline svirt_status Say(svirt_error *reason,
                                                              svirt_status status,
                                                              const char *format, ...) {
  char text[sizeof reason->message];
  std::va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return Fail(reason, status, 0, "%s", text);
}

// A zeroed T filled with as much as the other side knows of it.
template <typename T>
T CopySized(const T *theirs) {
  T mine{};
  std::memcpy(&mine, theirs, std::min<size_t>(theirs->struct_size, sizeof mine));
  mine.struct_size = sizeof mine;
  return mine;
}

// Writes back as much of mine as the other side has room for; its struct_size stays.
template <typename T>
void StoreSized(T *theirs, const T &mine) {
  const uint32_t size = theirs->struct_size;
  std::memcpy(theirs, &mine, std::min<size_t>(size, sizeof mine));
  theirs->struct_size = size;
}

// The resources of a domain, whatever size the host's struct has. What it does not have reads as 0.
inline std::vector<svirt_resource> Resources(const svirt_domain &domain) {
  std::vector<svirt_resource> list;
  const char *at = reinterpret_cast<const char *>(domain.resources);
  if (at == nullptr) {
    return list;
  }
  list.reserve(domain.resource_count);
  for (uint32_t i = 0; i < domain.resource_count; ++i, at += domain.resource_size) {
    list.push_back(CopySized(reinterpret_cast<const svirt_resource *>(at)));
  }
  return list;
}

// Hands over a set of indexes. SVIRT_E_RANGE, and only run_count set, if the host has no room.
inline svirt_status PutRuns(svirt_index_set *set, const std::vector<svirt_index_run> &runs,
                            svirt_error *error) {
  set->run_count = static_cast<uint32_t>(runs.size());
  if (runs.size() > set->run_capacity) {
    return Fail(error, SVIRT_E_RANGE, 0, "the indexes need room for %zu runs", runs.size());
  }
  std::copy(runs.begin(), runs.end(), set->runs);
  return SVIRT_OK;
}

// A text for a fixed array of a struct; false, and the array as it was, if it has no room.
template <size_t kRoom>
bool CopyText(char (&to)[kRoom], std::string_view text) {
  if (text.size() >= kRoom) {
    return false;
  }
  std::memcpy(to, text.data(), text.size());
  to[text.size()] = '\0';
  return true;
}

// What the host's configuration says to this plugin under the key; nullptr: nothing.
inline const char *Setting(const svirt_host *host, const char *key) {
  const auto *config =
      static_cast<const svirt_config *>(host->get_extension(host, SVIRT_EXT_CONFIG));
  return config != nullptr ? config->get(host, key) : nullptr;
}

// The extension SVIRT_EXT_CONFIG_KEYS, for an ExtensionFunction: which keys Setting is asked for.
//   constexpr svirt_config_key kKeys[] = {...};
//   constexpr svirt_config_keys kConfigKeys = MakeConfigKeys(kKeys);
template <size_t kCount>
constexpr svirt_config_keys MakeConfigKeys(const svirt_config_key (&keys)[kCount]) {
  return {.struct_size = sizeof(svirt_config_keys),
          .key_size = sizeof(svirt_config_key),
          .count = kCount,
          .reserved = 0,
          .keys = keys};
}

// Of a plugin without settings.
constexpr svirt_config_keys MakeConfigKeys() {
  return {.struct_size = sizeof(svirt_config_keys),
          .key_size = sizeof(svirt_config_key),
          .count = 0,
          .reserved = 0,
          .keys = nullptr};
}

inline bool IsLowerHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// As svirt_domain.uuid has to be: 36 characters, lower case.
inline constexpr size_t kUuidLength = 36;
inline bool IsUuid(std::string_view text) {
  if (text.size() != kUuidLength) {
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsLowerHex(text[i])) {
      return false;
    }
  }
  return true;
}

// Runs a slot's body so that no exception leaves it.
template <typename Body>
svirt_status Guard(svirt_error *error, Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return Fail(error, SVIRT_E_SYSTEM, ENOMEM, "out of memory");
  } catch (const std::exception &e) {
    return Fail(error, SVIRT_E_INTERNAL, 0, "defect in the plugin: %s", e.what());
  } catch (...) {
    return Fail(error, SVIRT_E_INTERNAL, 0, "defect in the plugin: unknown exception");
  }
}

}  // namespace svirt::sdk
