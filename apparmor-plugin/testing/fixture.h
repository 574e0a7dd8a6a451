// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <svirt/plugin.h>

#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace svirt::apparmor {

inline constexpr char kUuidA[] = "11111111-2222-3333-4444-555555555555";
inline constexpr char kUuidB[] = "66666666-7777-8888-9999-aaaaaaaaaaaa";

// A directory of its own, removed at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir &) = delete;
  TempDir &operator=(const TempDir &) = delete;

  std::string path(std::string_view name = "") const;
  std::string File(std::string_view name, std::string_view content = "x") const;
  std::string Dir(std::string_view name) const;

 private:
  std::filesystem::path root_;
};

std::string ReadText(const std::string &path);

svirt_error MakeError();

svirt_resource MakeResource(const char *path, uint32_t object, uint32_t access, uint32_t flags = 0,
                            uint32_t kind = SVIRT_RES_OTHER);

// A dynamic domain, and the memory behind its pointers.
class TestDomain {
 public:
  explicit TestDomain(const char *uuid = kUuidA);

  TestDomain &Add(const std::string &path, uint32_t object, uint32_t access, uint32_t flags = 0,
                  uint32_t kind = SVIRT_RES_OTHER, int fd = -1);
  std::vector<svirt_resource> &resources() { return resources_; }
  // Valid until the next change.
  svirt_domain &get();

 private:
  svirt_domain domain_{};
  std::vector<svirt_resource> resources_;
  std::deque<std::string> paths_;
};

// A host's buffer.
struct Buffer {
  explicit Buffer(uint32_t size = SVIRT_LABEL_MAX + 1);
  std::string bytes;
  svirt_buf buf{};
  std::string text() const { return bytes.substr(0, bytes.find('\0')); }
};

}  // namespace svirt::apparmor
