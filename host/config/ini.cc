// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads an INI file line by line, and goes on behind what it does not understand.
#include "host/config/ini.h"

#include <algorithm>
#include <boost/algorithm/string/trim.hpp>
#include <sstream>

#include "host/util/text.h"

namespace svirt {
namespace {

// A '#' within a word is part of it.
std::string WithoutComment(const std::string &line) {
  for (size_t i = 0; i < line.size(); ++i) {
    const bool starts_word = i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t';
    if (starts_word && line[i] == '#') {
      return line.substr(0, i);
    }
  }
  return line;
}

}  // namespace

void FileProblems::Add(int line, const std::string &sentence) {
  problems_.push_back({line, sentence});
}

std::string FileProblems::Where(int line) const {
  return line > 0 ? file_ + ":" + std::to_string(line) : file_;
}

Status FileProblems::AsStatus() const {
  if (problems_.empty()) {
    return {};
  }
  std::vector<Problem> sorted = problems_;
  std::ranges::stable_sort(sorted, {}, &Problem::line);
  std::string sentences;
  for (const Problem &problem : sorted) {
    sentences += (sentences.empty() ? "" : "; ") + Where(problem.line) + ": " + problem.sentence;
  }
  return Error{Errc::kInvalid, sentences, 0};
}

std::vector<IniSection> ParseIni(std::string_view text, FileProblems *problems) {
  std::vector<IniSection> sections;
  std::istringstream lines{std::string(text)};
  int number = 0;
  bool is_inside = false;  // of a section that can be told
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line = boost::trim_copy(WithoutComment(line));
    if (line.empty() || line.front() == ';') {
      continue;
    }
    if (line.front() == '[') {
      is_inside = false;
      const std::string name =
          line.back() == ']' ? boost::trim_copy(line.substr(1, line.size() - 2)) : "";
      const auto first = std::ranges::find(sections, name, &IniSection::name);
      if (name.empty()) {
        problems->Add(number, Quoted(line) + " is no section: write [NAME]");
      } else if (first != sections.end()) {
        problems->Add(number, "[" + Printable(name) + "] stands in line " +
                                  std::to_string(first->line) + " already; write all of it there");
      } else {
        sections.push_back({number, name, {}});
        is_inside = true;
      }
      continue;
    }
    const size_t equals = line.find('=');
    const std::string key = boost::trim_copy(line.substr(0, equals));
    if (equals == std::string::npos || key.empty()) {
      problems->Add(number, Quoted(line) + " is neither [SECTION] nor KEY = VALUE");
      continue;
    }
    if (sections.empty()) {
      problems->Add(number, Quoted(key) + " stands outside any section");
      continue;
    }
    if (!is_inside) {
      continue;  // its section has been named already
    }
    std::vector<IniEntry> &entries = sections.back().entries;
    const auto first = std::ranges::find(entries, key, &IniEntry::key);
    if (first != entries.end()) {
      problems->Add(number, Quoted(key) + " stands in line " + std::to_string(first->line) +
                                " already; take one of them out");
      continue;
    }
    entries.push_back({number, key, boost::trim_copy(line.substr(equals + 1))});
  }
  return sections;
}

}  // namespace svirt
