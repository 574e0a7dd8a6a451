// SPDX-License-Identifier: LGPL-2.1-or-later
// Plugins that the scanner has found sound, remembered until the boot ends, so that a command need
// not start the scanner again for what it has seen already.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/loader/trust.h"
#include "host/loader/used_files.h"
#include "host/util/result.h"

namespace svirt {

// What is remembered is that a plugin loads, has a table that keeps the rules, and comes back from
// its probe; never what the probe says, which is asked in each process. It holds for one content
// of the plugin's file and of everything that was mapped with it, for one type of domain, host,
// scanner, user and boot. In any doubt nothing is remembered, and the scanner runs.
//
// The file begins with "svirt-scans 1 VERSION USER SCANNER BOOT", the scanner by identity. Each
// plugin is a line "plugin=IDENTITY BUILD_ID TYPE" and a line "file=IDENTITY PATH" for each thing
// that it depends on. The last line is "end=1".
class ScanCache {
 public:
  // A plugin, and the question that it was asked.
  struct Subject {
    FileIdentity plugin;
    std::string build_id, virt_type;
    bool operator==(const Subject &) const = default;
  };

  // file "" remembers nothing. scanner: the program whose word is remembered.
  ScanCache(std::string file, std::string scanner)
      : file_(std::move(file)), scanner_(std::move(scanner)) {}

  // What is believed from now on is what the file says then, when it is first needed.
  void Forget();

  // Has the scanner seen this one come back, with everything as it is now?
  bool Knows(const Subject &subject);

  // started_ns: when the scanner was started. What was changed so shortly before that the clock of
  // the file system may not tell the next change from it is not remembered.
  void Add(const Subject &subject, const std::vector<UsedFile> &files, int64_t started_ns);

  // Writes down what was added. If another process is writing, that is left for the next time.
  Status Save();

 private:
  struct Scan {
    Subject subject;
    std::vector<UsedFile> files;
  };

  std::string Header() const;
  std::vector<Scan> Read() const;
  std::vector<Scan> Parse(std::string_view text) const;
  std::string Format(const std::vector<Scan> &scans) const;
  bool IsUnchanged(const UsedFile &file);

  std::string file_, scanner_;
  bool is_read_ = false;
  std::vector<Scan> scans_, added_;
  std::map<std::string, FileIdentity> looked_at_;  // libraries that several plugins share
};

}  // namespace svirt
