// SPDX-License-Identifier: LGPL-2.1-or-later
// The file in which sound plugins are remembered, and when it is believed.
#include "host/loader/scan_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "host/loader/elf_image.h"
#include "host/util/fd.h"
#include "host/util/file.h"
#include "host/util/process.h"
#include "host/util/text.h"

namespace svirt {
namespace {

constexpr uint64_t kLargestCache = 1 << 20;
constexpr size_t kMostScans = 256;
constexpr std::string_view kPluginLine = "plugin=", kFileLine = "file=", kLastLine = "end=1";
constexpr std::string_view kNothing = "-";  // stands for an empty word

bool IsWord(std::string_view text) {
  return (!text.starts_with('-') || text == kNothing) && !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

std::string_view WordOr(const std::string &text) {
  return text.empty() ? kNothing : std::string_view(text);
}

std::string FromWord(std::string_view word) {
  return word == kNothing ? std::string() : std::string(word);
}

std::optional<ScanCache::Subject> ParseSubject(std::string_view line) {
  const auto identity = TakeIdentity(&line);
  const size_t blank = std::min(line.find(' '), line.size());
  if (!identity || blank == line.size() || !IsWord(line.substr(0, blank)) ||
      !IsWord(line.substr(blank + 1))) {
    return std::nullopt;
  }
  return ScanCache::Subject{*identity, FromWord(line.substr(0, blank)),
                            FromWord(line.substr(blank + 1))};
}

}  // namespace

void ScanCache::Forget() {
  is_read_ = false;
  scans_.clear();
  looked_at_.clear();
}

// "" where it cannot be told: then nothing can be remembered.
std::string ScanCache::Header() const {
  const auto boot = BootId();
  const FileIdentity scanner = IdentityAt(scanner_);
  if (!boot.ok() || scanner == FileIdentity()) {
    return "";
  }
  return "svirt-scans 1 " SVIRT_VERSION " " + std::to_string(geteuid()) + " " +
         FormatIdentity(scanner) + " " + *boot + "\n";
}

// Others may not have written it, nor read it: who could write to it would have a plugin loaded
// that the scanner has not seen.
std::vector<ScanCache::Scan> ScanCache::Read() const {
  Fd fd(open(file_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    return {};
  }
  const Opened opened = JudgeFile(std::move(fd), file_, kLargestCache);
  if (!opened.verdict.ok() || (opened.status.st_mode & 0777) != 0600 ||
      opened.status.st_nlink != 1) {
    return {};
  }
  std::string text(static_cast<size_t>(opened.status.st_size), '\0');
  const ByteSource bytes = FileBytes(opened.fd.get(), text.size());
  return !text.empty() && bytes.read(0, text.data(), text.size()) ? Parse(text)
                                                                  : std::vector<Scan>();
}

std::vector<ScanCache::Scan> ScanCache::Parse(std::string_view text) const {
  const std::string header = Header();
  if (header.empty() || !text.starts_with(header)) {
    return {};
  }
  text.remove_prefix(header.size());
  std::vector<Scan> scans;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      return {};
    }
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line == kLastLine) {
      return text.empty() ? scans : std::vector<Scan>();
    }
    if (line.starts_with(kPluginLine)) {
      line.remove_prefix(kPluginLine.size());
      auto subject = ParseSubject(line);
      if (!subject || scans.size() == kMostScans) {
        return {};
      }
      scans.push_back({std::move(*subject), {}});
      continue;
    }
    if (!line.starts_with(kFileLine) || scans.empty()) {
      return {};
    }
    line.remove_prefix(kFileLine.size());
    auto file = ParseUsedFile(line);
    if (!file) {
      return {};
    }
    scans.back().files.push_back(std::move(*file));
  }
  return {};
}

std::string ScanCache::Format(const std::vector<Scan> &scans) const {
  std::string text = Header();
  for (const Scan &scan : scans) {
    const Subject &subject = scan.subject;
    text += std::string(kPluginLine) + FormatIdentity(subject.plugin) + " ";
    text += WordOr(subject.build_id);
    text += " ";
    text += WordOr(subject.virt_type);
    text += "\n";
    for (const UsedFile &file : scan.files) {
      text += std::string(kFileLine) + FormatUsedFile(file) + "\n";
    }
  }
  return text + std::string(kLastLine) + "\n";
}

bool ScanCache::IsUnchanged(const UsedFile &file) {
  const auto [seen, is_new] = looked_at_.try_emplace(file.path);
  if (is_new) {
    seen->second = IdentityAt(file.path);
  }
  return seen->second == file.identity;
}

bool ScanCache::Knows(const Subject &subject) {
  if (file_.empty()) {
    return false;
  }
  if (!is_read_) {
    is_read_ = true;
    scans_ = Read();
  }
  const auto scan = std::ranges::find(scans_, subject, &Scan::subject);
  return scan != scans_.end() && !scan->files.empty() &&
         std::ranges::all_of(scan->files, [&](const UsedFile &file) { return IsUnchanged(file); });
}

void ScanCache::Add(const Subject &subject, const std::vector<UsedFile> &files,
                    int64_t started_ns) {
  const auto is_old = [&](const FileIdentity &identity) {
    return identity.changed_ns < started_ns - kFileClockTicks;
  };
  if (file_.empty() || files.empty() || !is_old(subject.plugin) ||
      !std::ranges::all_of(files, is_old, &UsedFile::identity) ||
      !IsWord(WordOr(subject.build_id)) || !IsWord(WordOr(subject.virt_type)) ||
      subject.virt_type == kNothing) {
    return;
  }
  added_.push_back({subject, files});
}

Status ScanCache::Save() {
  if (added_.empty() || Header().empty()) {
    return {};
  }
  const std::string directory = std::filesystem::path(file_).parent_path().string();
  const Fd lock(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? Status() : SystemError(errno, "cannot lock " + directory);
  }
  std::vector<Scan> scans = Read();
  for (Scan &added : added_) {
    // An older content of the same file is of no use any more.
    std::erase_if(scans, [&](const Scan &scan) {
      return scan.subject.plugin.device == added.subject.plugin.device &&
             scan.subject.plugin.inode == added.subject.plugin.inode &&
             (scan.subject.plugin != added.subject.plugin ||
              scan.subject.virt_type == added.subject.virt_type);
    });
    scans.push_back(std::move(added));
  }
  added_.clear();
  if (scans.size() > kMostScans) {
    scans.erase(scans.begin(), scans.end() - kMostScans);
  }
  SVIRT_TRY(WriteFileAtomic(file_, Format(scans), 0600));
  scans_ = std::move(scans);
  return {};
}

}  // namespace svirt
