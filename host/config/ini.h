// SPDX-License-Identifier: LGPL-2.1-or-later
// An INI file as it is written: sections, keys and values, each with its line. What they mean is
// for others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/util/result.h"

namespace svirt {

struct IniEntry {
  int line = 0;
  std::string key, value;
};

struct IniSection {
  int line = 0;
  std::string name;
  std::vector<IniEntry> entries;
};

// What is wrong with a file, all of it.
class FileProblems {
 public:
  explicit FileProblems(std::string file) : file_(std::move(file)) {}

  // sentence: without a subject. line 0 is the file as a whole.
  void Add(int line, const std::string &sentence);
  // FILE:LINE.
  std::string Where(int line) const;
  // kInvalid with every problem, in the order of the lines.
  Status AsStatus() const;

 private:
  struct Problem {
    int line = 0;
    std::string sentence;
  };
  std::string file_;
  std::vector<Problem> problems_;
};

// A comment begins with '#', at the start of a line or behind a blank, or is a line that starts
// with
// ';'. A section or a key that stands there a second time is a problem, and so is a line that is
// neither.
std::vector<IniSection> ParseIni(std::string_view text, FileProblems *problems);

}  // namespace svirt
