// SPDX-License-Identifier: LGPL-2.1-or-later
// The status file of a running domain.
#include "host/service/store/status_file.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "host/domain/domain_xml.h"

namespace svirt {
namespace {

using nlohmann::json;

constexpr int kStatusVersion = 1;

std::string_view TypeWord(SecLabel::Type type) {
  switch (type) {
    case SecLabel::Type::kDynamic:
      return "dynamic";
    case SecLabel::Type::kStatic:
      return "static";
    case SecLabel::Type::kNone:
      return "none";
    case SecLabel::Type::kDefault:
      break;
  }
  return "default";
}

SecLabel::Type TypeOfWord(const std::string &word) {
  for (const auto type :
       {SecLabel::Type::kDynamic, SecLabel::Type::kStatic, SecLabel::Type::kNone}) {
    if (word == TypeWord(type)) {
      return type;
    }
  }
  return SecLabel::Type::kDefault;
}

// The value of a member of the outermost object, as FormatStatus writes it: on a line of its own.
std::optional<std::string_view> MemberText(std::string_view text, const std::string &name) {
  const std::string before = "\n  \"" + name + "\": ";
  const size_t begin = text.find(before);
  if (begin == std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(begin + before.size());
  const size_t end = text.find(",\n");
  return end == std::string_view::npos ? std::nullopt : std::optional(text.substr(0, end));
}

template <typename T>
bool ReadNumber(std::string_view text, T *number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string FormatStatus(const RunningDomain &running) {
  json labels = json::array();
  for (const SecLabel &label : running.domain.seclabels) {
    labels.push_back({{"type", TypeWord(label.type)},
                      {"model", label.model},
                      {"relabel", label.relabel},
                      {"label", label.label},
                      {"image_label", label.image_label},
                      {"base_label", label.base_label}});
  }
  const json status = {{"version", kStatusVersion},
                       {"boot_id", running.process.boot_id},
                       {"pid", running.process.pid},
                       {"start_time", running.process.start_time},
                       {"keeper", running.keeper.pid},
                       {"keeper_start_time", running.keeper.start_time},
                       {"wall", running.wall},
                       {"id", running.id},
                       {"starting", running.starting},
                       {"xml", FormatDomainXml(running.domain, true)},
                       {"emulator", running.domain.emulator},
                       {"seclabels", labels},
                       {"enforced", running.enforced},
                       {"unlabelled", running.unlabelled},
                       {"writable_backing", running.domain.writable_backing}};
  return status.dump(2) + "\n";
}

Result<RunningDomain> ParseStatus(const std::string &text, const std::string &file) {
  const json status = json::parse(text, nullptr, /*allow_exceptions=*/false);
  try {
    if (!status.is_object() || status.value("version", 0) != kStatusVersion) {
      return Error{Errc::kInvalid, file + " is not a status file of this version of svirt"};
    }
    RunningDomain running;
    running.process = {status.at("boot_id"), status.at("pid"), status.at("start_time")};
    running.keeper = {running.process.boot_id, status.value("keeper", running.keeper.pid),
                      status.value("keeper_start_time", running.keeper.start_time)};
    running.wall = status.value("wall", running.wall);
    running.id = status.value("id", running.id);
    running.starting = status.value("starting", running.starting);
    SVIRT_ASSIGN(running.domain, ParseDomainXml(status.at("xml").get<std::string>(), file));
    running.domain.lines.clear();  // of a text that nobody has seen
    running.domain.emulator = status.value("emulator", running.domain.emulator);
    running.domain.seclabels.clear();  // what runs has more to say than what was defined
    for (const json &label : status.at("seclabels")) {
      running.domain.seclabels.push_back({TypeOfWord(label.at("type")), label.at("model"),
                                          label.at("relabel"), label.at("label"),
                                          label.at("image_label"), label.at("base_label")});
    }
    running.enforced = status.value("enforced", running.enforced);
    running.unlabelled = status.value("unlabelled", running.unlabelled);
    running.domain.writable_backing = status.value("writable_backing", std::vector<std::string>());
    return running;
  } catch (const json::exception &e) {
    return Error{Errc::kInvalid, file + " is damaged: " + e.what()};
  }
}

std::optional<ProcessId> SalvageProcess(const std::string &text) {
  const auto boot = MemberText(text, "boot_id");
  const auto pid = MemberText(text, "pid");
  const auto start_time = MemberText(text, "start_time");
  ProcessId process;
  if (!boot || boot->size() < 2 || !pid || !ReadNumber(*pid, &process.pid) || process.pid <= 0 ||
      !start_time || !ReadNumber(*start_time, &process.start_time)) {
    return std::nullopt;
  }
  process.boot_id = boot->substr(1, boot->size() - 2);  // without its quotes
  return process;
}

}  // namespace svirt
