// SPDX-License-Identifier: LGPL-2.1-or-later
// Which models domains were given last time: the file that remembers it.
#include "host/service/models/chosen_models.h"

#include <charconv>
#include <chrono>
#include <sstream>

#include "host/util/file.h"
#include "host/util/file_lock.h"
#include "host/util/text.h"

namespace svirt {
namespace {

constexpr size_t kLargestMemory = 64 << 10;
constexpr std::chrono::seconds kPatience{10};

constexpr const char *kHeader =
    "# The security model that each type of domain was given last: model, the priority of its\n"
    "# plugin if that decided, type. When one of them is gone, svirt starts no domain under a "
    "weaker\n"
    "# one; 'svirt plugins --forget MODEL' says that it is gone on purpose.\n";

constexpr const char *kNoPriority = "-";

}  // namespace

std::string ChosenModels::KeyOf(const std::string &virt_type) {
  return Printable(virt_type);
}

Result<ChosenModels::Models> ChosenModels::Read() const {
  Models models;
  const auto text = ReadFile(file_, kLargestMemory);
  if (!text.ok()) {
    return text.error().code == Errc::kNotFound ? Result<Models>(models) : text.error();
  }
  std::istringstream lines(*text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.starts_with('#')) {
      continue;
    }
    std::istringstream fields(line);
    std::string priority, type;
    ExpectedModel chosen;
    fields >> chosen.model >> priority;
    std::getline(fields >> std::ws, type);
    int value = 0;
    const char *const end = priority.data() + priority.size();
    const auto [stop, error] = std::from_chars(priority.data(), end, value);
    const bool is_number = stop == end && error == std::errc();
    if (is_number) {
      chosen.priority = value;
    }
    if (!IsModelName(chosen.model) || priority.empty() || (!is_number && priority != kNoPriority)) {
      return Error{Errc::kRefused,
                   file_ + ":" + std::to_string(number) +
                       ": this is no line of MODEL PRIORITY TYPE, so that it is not known which "
                       "security model was chosen here before; if 'svirt plugins' shows all that "
                       "should be there, delete the file",
                   0};
    }
    models[type] = chosen;
  }
  return models;
}

Result<Fd> ChosenModels::Lock() const {
  return LockFile(file_ + ".lock", kPatience);
}

Status ChosenModels::Write(const Models &models) const {
  std::string text = kHeader;
  for (const auto &[type, chosen] : models) {
    text += chosen.model + " ";
    text += chosen.priority ? std::to_string(*chosen.priority) : kNoPriority;
    text += " " + type + "\n";
  }
  return WriteFileAtomic(file_, text, 0644);
}

Status ChosenModels::Remember(const std::string &virt_type, const ExpectedModel &chosen) {
  const std::string type = KeyOf(virt_type);
  const auto is_known = [&](const Models &models) {
    const auto last = models.find(type);
    return last != models.end() && last->second.model == chosen.model;
  };
  SVIRT_ASSIGN(Models models, Read());
  if (is_known(models)) {
    return {};
  }
  SVIRT_ASSIGN(const Fd lock, Lock());
  SVIRT_ASSIGN(models, Read());
  if (is_known(models)) {
    return {};
  }
  models[type] = chosen;
  return Write(models);
}

Result<bool> ChosenModels::Forget(const std::string &model) {
  SVIRT_ASSIGN(const Fd lock, Lock());
  SVIRT_ASSIGN(Models models, Read());
  if (std::erase_if(models, [&](const auto &each) { return each.second.model == model; }) == 0) {
    return false;
  }
  SVIRT_TRY(Write(models));
  return true;
}

}  // namespace svirt
