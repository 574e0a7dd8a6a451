// SPDX-License-Identifier: MIT
// What tests of plugins have in common: the host's side of a call.
#pragma once

#include <svirt/plugin.h>
#include <sys/types.h>

#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace svirt::sdk {

inline constexpr char kUuidA[] = "11111111-2222-3333-4444-555555555555";
inline constexpr char kUuidB[] = "66666666-7777-8888-9999-aaaaaaaaaaaa";

// What a domain does with a resource.
inline constexpr uint32_t kR = SVIRT_ACCESS_READ;
inline constexpr uint32_t kW = SVIRT_ACCESS_WRITE;
inline constexpr uint32_t kRw = kR | kW;
inline constexpr uint32_t kRwc = kRw | SVIRT_ACCESS_CREATE;

// A directory of its own that everybody may enter, by the name that the kernel has for it. What is
// made in it has the modes given, whatever the umask is. Removed at the end.
class TempDir {
 public:
  explicit TempDir(mode_t file_mode = 0644, mode_t directory_mode = 0755);
  ~TempDir();
  TempDir(const TempDir &) = delete;
  TempDir &operator=(const TempDir &) = delete;

  std::string path(std::string_view name = "") const;
  std::string File(std::string_view name, std::string_view content = "x") const;
  std::string Dir(std::string_view name) const;

 private:
  std::filesystem::path root_;
  std::filesystem::perms file_mode_, directory_mode_;
};

std::string ReadText(const std::string &path);

svirt_error MakeError();

svirt_resource MakeResource(const char *path, uint32_t object, uint32_t access, uint32_t flags = 0,
                            uint32_t kind = SVIRT_RES_OTHER);

// A dynamic domain, and the memory behind its pointers.
class TestDomain {
 public:
  explicit TestDomain(const char *uuid = kUuidA, const char *emulator = "/usr/bin/true");

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

// A host that has settings for the plugin, and remembers the warnings and errors it is told.
class FakeHost {
 public:
  FakeHost();
  FakeHost(const FakeHost &) = delete;
  FakeHost &operator=(const FakeHost &) = delete;

  const svirt_host *get() const { return &host_; }

  std::map<std::string, std::string> settings;
  std::vector<std::string> log;

 private:
  svirt_host host_{};
};

// A host's buffer.
struct Buffer {
  explicit Buffer(uint32_t size = SVIRT_LABEL_MAX + 1);
  std::string bytes;
  svirt_buf buf{};
  std::string text() const { return bytes.substr(0, bytes.find('\0')); }
};

}  // namespace svirt::sdk
