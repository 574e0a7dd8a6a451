// SPDX-License-Identifier: LGPL-2.1-or-later
// Pieces of QEMU's command line, safe against values with commas in them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
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

// A part of a command line: "-device" and its value, or an option alone.
struct QemuOption {
  std::string name;
  std::optional<std::string> value;
  // The arguments of the command by which a running QEMU is given the same; null if there is none.
  nlohmann::json qmp = nullptr;
  bool wants_root_port = false;  // a device for a PCIe root port of its own, which qmp leaves open
};

// Collects a command line.
class QemuArgs {
 public:
  void Add(std::string option) { list_.push_back({std::move(option), std::nullopt, nullptr}); }
  void Add(std::string option, std::string value, nlohmann::json qmp = nullptr) {
    list_.push_back({std::move(option), std::move(value), std::move(qmp)});
  }
  void Add(std::string option, const char *value) { Add(std::move(option), std::string(value)); }
  void Add(std::string option, const Keyval &value, nlohmann::json qmp = nullptr) {
    Add(std::move(option), value.str(), std::move(qmp));
  }
  // value's strings must be UTF-8. Such options are said to a running QEMU in the same words.
  void Add(std::string option, const nlohmann::json &value) {
    Add(std::move(option), value.dump(), value);
  }
  void AddInRootPort(const nlohmann::json &device) {
    Add("-device", device);
    list_.back().wants_root_port = true;
  }
  std::vector<QemuOption> Take() && { return std::move(list_); }

 private:
  std::vector<QemuOption> list_;
};

}  // namespace svirt
