// SPDX-License-Identifier: LGPL-2.1-or-later
// What the scanner helper and the loader say to each other.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/loader/used_files.h"

namespace svirt {

// What the scanner helper says about one plugin, in lines of key=value that end with "end=1".
struct ScanReport {
  bool sound = false;  // loads, answers, and keeps the rules
  std::string reason;  // why not; no subject
  // What it depends on, if it is sound. Empty: that could not be told.
  std::vector<UsedFile> files{};
};

std::string FormatScanReport(const ScanReport &report);

// nullopt: not a whole report.
std::optional<ScanReport> ParseScanReport(std::string_view text);

// How the loader starts the helper: svirt-scan PATH VIRT_TYPE CPU_SECONDS, with the plugin and the
// place for the report as these descriptors, and standard input at whose end it starts.
inline constexpr int kScanPluginFd = 3;
inline constexpr int kScanReportFd = 4;

}  // namespace svirt
