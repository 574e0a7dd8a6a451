// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace svirt {

// A value inside one of QEMU's comma separated options: commas doubled.
std::string EscapeCommas(std::string_view value);

// "first,key=value,key=value" with every value escaped, so that no name or path can add a key.
class Keyval {
 public:
  explicit Keyval(std::string_view first) : text_(EscapeCommas(first)) {}
  Keyval &Set(std::string_view key, std::string_view value);
  Keyval &Set(std::string_view key, const char *value) { return Set(key, std::string_view(value)); }
  Keyval &Set(std::string_view key, bool on) { return Set(key, on ? "on" : "off"); }
  Keyval &Set(std::string_view key, uint64_t number) { return Set(key, std::to_string(number)); }
  const std::string &str() const { return text_; }

 private:
  std::string text_;
};

// Collects a command line.
class QemuArgs {
 public:
  void Add(std::string option) { list_.push_back(std::move(option)); }
  void Add(std::string option, std::string value) {
    list_.push_back(std::move(option));
    list_.push_back(std::move(value));
  }
  void Add(std::string option, const char *value) { Add(std::move(option), std::string(value)); }
  void Add(std::string option, const Keyval &value) { Add(std::move(option), value.str()); }
  // value's strings must be UTF-8.
  void Add(std::string option, const nlohmann::json &value) {
    Add(std::move(option), value.dump());
  }
  std::vector<std::string> Take() && { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

}  // namespace svirt
