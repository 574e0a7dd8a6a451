// SPDX-License-Identifier: LGPL-2.1-or-later
// Which settings a plugin understands, and whether those that it is given are such: an extension,
// so that plugins without settings need not know of it.
#include <svirt/ext/draft/config_keys.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "host/loader/plugin_call.h"
#include "host/util/text.h"

namespace svirt {
namespace {

constexpr uint32_t kMostKeys = 256;
constexpr size_t kLongestName = 63, kLongestText = 1024;

bool IsKeyName(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName && text[0] >= 'a' && text[0] <= 'z' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

bool IsLine(const char *text) {
  if (text == nullptr || strnlen(text, kLongestText + 1) > kLongestText) {
    return false;
  }
  return !HasControlCharacters(text) && IsUtf8(text);
}

Result<ConfigKey> ReadKey(const svirt_config_key &key) {
  constexpr std::pair<uint32_t, ConfigKey::Type> kTypes[] = {
      {SVIRT_CONFIG_TEXT, ConfigKey::Type::kText},
      {SVIRT_CONFIG_NUMBER, ConfigKey::Type::kNumber},
      {SVIRT_CONFIG_BOOL, ConfigKey::Type::kBool},
      {SVIRT_CONFIG_PATH, ConfigKey::Type::kPath}};
  const auto *const type =
      std::ranges::find(kTypes, key.type, [](const auto &each) { return each.first; });
  if (!IsLine(key.name) || !IsKeyName(key.name) || !IsLine(key.help) ||
      (key.default_value != nullptr && !IsLine(key.default_value)) || key.reserved != 0 ||
      type == std::end(kTypes)) {
    return Error{Errc::kInternal, "it declares a setting that is not valid", 0};
  }
  ConfigKey read{key.name, key.help, type->second, std::nullopt};
  if (key.default_value != nullptr) {
    read.default_value = key.default_value;
  }
  return read;
}

// What the value should be, or nullptr if it is.
const char *WrongFor(ConfigKey::Type type, const std::string &value) {
  switch (type) {
    case ConfigKey::Type::kText:
      return nullptr;
    case ConfigKey::Type::kNumber: {
      uint64_t number = 0;
      const char *const end = value.data() + value.size();
      const auto [at, error] = std::from_chars(value.data(), end, number);
      return error == std::errc() && at == end ? nullptr : "a number";
    }
    case ConfigKey::Type::kBool:
      return value == "yes" || value == "no" ? nullptr : "yes or no";
    case ConfigKey::Type::kPath:
      return value.starts_with('/') ? nullptr : "an absolute path";
  }
  return nullptr;
}

std::string NamesOf(const std::vector<ConfigKey> &keys) {
  std::string names;
  for (const ConfigKey &key : keys) {
    names += (names.empty() ? "" : ", ") + key.name;
  }
  return names;
}

}  // namespace

Result<std::optional<std::vector<ConfigKey>>> Plugin::ConfigKeys() const {
  SVIRT_ASSIGN(const svirt_config_keys *const extension,
               FindExtension<svirt_config_keys>(SVIRT_EXT_CONFIG_KEYS));
  if (extension == nullptr) {
    return std::optional<std::vector<ConfigKey>>();
  }
  const bool is_valid =
      extension->reserved == 0 && extension->count <= kMostKeys &&
      (extension->count == 0 ||
       (extension->keys != nullptr && extension->key_size >= sizeof(svirt_config_key) &&
        extension->key_size % alignof(svirt_config_key) == 0));
  if (!is_valid) {
    return Named(Error{Errc::kInternal, "its list of settings is not valid", 0});
  }
  std::vector<ConfigKey> keys;
  const auto *at = reinterpret_cast<const char *>(extension->keys);
  for (uint32_t i = 0; i < extension->count; ++i, at += extension->key_size) {
    svirt_config_key raw{};
    std::memcpy(&raw, at, sizeof raw);
    auto key = ReadKey(raw);
    if (!key.ok()) {
      return Named(std::move(key).error());
    }
    keys.push_back(std::move(key).value());
  }
  return std::optional(std::move(keys));
}

Result<std::vector<std::string>> Plugin::CheckSettings() const {
  std::vector<std::string> problems;
  if (settings_.empty()) {
    return problems;
  }
  SVIRT_ASSIGN(const auto keys, ConfigKeys());
  for (const auto &[name, setting] : settings_) {
    if (!keys) {
      break;
    }
    const std::string where = setting.where + (setting.where.empty() ? "" : ": ");
    const std::string section = " in [model " + model_ + "]";
    const auto key = std::ranges::find(*keys, name, &ConfigKey::name);
    if (key == keys->end()) {
      problems.push_back(
          where + "unknown key " + Quoted(name) + section +
          (keys->empty() ? ", a model without settings" : "; known are " + NamesOf(*keys)) +
          "; if it is to hold for every model, write it under [confinement]");
    } else if (const char *wanted = WrongFor(key->type, setting.value); wanted != nullptr) {
      problems.push_back(where + name + section + " has to be " + wanted + ", not " +
                         Quoted(setting.value));
    }
  }
  return problems;
}

}  // namespace svirt
