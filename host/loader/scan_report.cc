// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/loader/scan_report.h"

#include "host/util/text.h"

namespace svirt {
namespace {

constexpr std::string_view kSound = "sound=", kReason = "\nreason=", kEnd = "\nend=1\n";

}  // namespace

std::string FormatScanReport(const ScanReport &report) {
  std::string text(kSound);
  text += report.sound ? "1" : "0";
  text += kReason;
  text += Printable(report.reason);
  text += kEnd;
  return text;
}

std::optional<ScanReport> ParseScanReport(std::string_view text) {
  if (text.size() < kSound.size() + 1 + kReason.size() + kEnd.size() ||
      text.substr(0, kSound.size()) != kSound || text.substr(text.size() - kEnd.size()) != kEnd) {
    return std::nullopt;
  }
  const char sound = text[kSound.size()];
  text.remove_prefix(kSound.size() + 1);
  text.remove_suffix(kEnd.size());
  if ((sound != '0' && sound != '1') || text.substr(0, kReason.size()) != kReason) {
    return std::nullopt;
  }
  text.remove_prefix(kReason.size());
  return ScanReport{sound == '1', Printable(text)};
}

}  // namespace svirt
