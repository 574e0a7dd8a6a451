// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes the line of a ProgressLine a few times in a second.
#include "host/cli/progress_line.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstring>
#include <memory>

namespace svirt {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{1000};  // of people, without a word
constexpr milliseconds kBetween{200};

// "1,234,567"
std::string Grouped(size_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) {
    text.insert(at - 3, ",");
  }
  return text;
}

}  // namespace

std::string ProgressLine::Format(const Progress &progress, milliseconds time) {
  const auto per_second = static_cast<size_t>(static_cast<double>(progress.done) * 1000 /
                                              static_cast<double>(time.count() + 1));
  std::string line = fmt::format("{}: {}", progress.work, Grouped(progress.done));
  if (progress.total != 0) {
    line += " of " + Grouped(progress.total);
  }
  line += fmt::format(" objects, {}/s", Grouped(per_second));
  if (progress.total > progress.done && per_second > 0) {
    line += fmt::format(", {} s left", Grouped((progress.total - progress.done) / per_second + 1));
  }
  return line;
}

void ProgressLine::Show(const Progress &progress) {
  const auto now = Clock::now();
  if (current_.work == nullptr || std::strcmp(current_.work, progress.work) != 0 ||
      current_.has_ended) {
    begin_ = now;
  }
  current_ = progress;
  if (progress.has_ended) {
    if (is_shown_) {
      fmt::print(stderr, "\r\033[K");  // back to the first column, and nothing to the right of it
    }
    is_shown_ = false;
  } else if (now - begin_ >= kPatience && now - shown_ >= kBetween) {
    fmt::print(stderr, "\r{}\033[K",
               Format(progress, std::chrono::duration_cast<milliseconds>(now - begin_)));
    is_shown_ = true;
    shown_ = now;
  }
  std::fflush(stderr);
}

ProgressSink ShowOnTerminal() {
  if (::isatty(STDERR_FILENO) != 1) {
    return {};
  }
  return
      [line = std::make_shared<ProgressLine>()](const Progress &progress) { line->Show(progress); };
}

}  // namespace svirt
