// SPDX-License-Identifier: LGPL-2.1-or-later
// The scanner's report as text, strictly: what is not whole is no report.
#include "host/loader/scan_report.h"

#include "host/util/text.h"

namespace svirt {
namespace {

constexpr std::string_view kSound = "sound=", kReason = "reason=", kFile = "file=", kEnd = "end=1";

// What stands behind key in the next line; nullopt, and nothing taken, if that is another one.
std::optional<std::string_view> TakeLine(std::string_view *text, std::string_view key) {
  const size_t end = text->find('\n');
  if (end == std::string_view::npos || text->substr(0, key.size()) != key || end < key.size()) {
    return std::nullopt;
  }
  const std::string_view value = text->substr(key.size(), end - key.size());
  text->remove_prefix(end + 1);
  return value;
}

}  // namespace

std::string FormatScanReport(const ScanReport &report) {
  std::string text = std::string(kSound) + (report.sound ? "1" : "0") + "\n";
  text += std::string(kReason) + Printable(report.reason) + "\n";
  for (const UsedFile &file : report.files) {
    text += std::string(kFile) + FormatUsedFile(file) + "\n";
  }
  return text + std::string(kEnd) + "\n";
}

std::optional<ScanReport> ParseScanReport(std::string_view text) {
  const auto sound = TakeLine(&text, kSound);
  const auto reason = TakeLine(&text, kReason);
  if (!sound || (*sound != "0" && *sound != "1") || !reason) {
    return std::nullopt;
  }
  ScanReport report{*sound == "1", Printable(*reason), {}};
  while (const auto line = TakeLine(&text, kFile)) {
    const auto file = ParseUsedFile(*line);
    if (!file) {
      return std::nullopt;
    }
    report.files.push_back(*file);
  }
  const auto end = TakeLine(&text, kEnd);
  return end && end->empty() && text.empty() ? std::optional(report) : std::nullopt;
}

}  // namespace svirt
