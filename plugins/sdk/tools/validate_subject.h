// SPDX-License-Identifier: MIT
// What the tests of svirt-validate share: the plugin, a host, a domain and buffers.
#pragma once

#include <svirt/plugin.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/loader/elf_image.h"
#include "host/loader/note.h"
#include "host/loader/trust.h"
#include "host/util/result.h"

namespace svirt::validate {

// The plugin under test. Nothing of it has run yet.
struct Subject {
  std::string path;
  std::string virt_type;  // asked of probe
  uint64_t seed = 0;      // of random input
  // Where tests make their files. Not removed by them, since a plugin may end one at any point.
  std::filesystem::path scratch;

  Result<ElfImage> Image() const;
  // Maps the file, in this process, and checks its table.
  Result<const svirt_plugin *> Load() const;
};

// An empty error, as a host hands it over.
svirt_error NoError();
// The sentence in it, cut at its end.
std::string MessageOf(const svirt_error &error);

// A host that forgets what is logged. Its struct is longer than plugins of today know, as that of a
// later host will be.
const svirt_host *TestHost();

// A plugin that has been loaded, probed and initialised. fini is called at the end.
class Session {
 public:
  // Errc::kUnsupported, with the plugin's own reason: it is not active on this machine.
  static Result<std::unique_ptr<Session>> Start(const Subject &subject);
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  const svirt_plugin &table() const { return *table_; }
  svirt_instance *instance() const { return instance_; }

 private:
  Session() = default;

  const svirt_plugin *table_ = nullptr;
  svirt_instance *instance_ = nullptr;
};

// A domain with one disk, a real file in a new directory in the scratch directory.
class TestDomain {
 public:
  explicit TestDomain(const Subject &subject);
  ~TestDomain();
  TestDomain(const TestDomain &) = delete;
  TestDomain &operator=(const TestDomain &) = delete;

  svirt_domain domain{};      // dynamic label, emulator /bin/true
  svirt_resource resource{};  // the disk, read and write
  // Points domain.resources to the resource, at a distance of stride bytes from the next one, as a
  // later host with a longer struct does; what lies between is not zero.
  void UseResources(uint32_t count, uint32_t stride);

 private:
  std::string path_;
  int fd_ = -1;
  std::vector<char> array_;
};

// A place for one string, with room to see whether more than that was written.
class Buffer {
 public:
  explicit Buffer(uint32_t size);
  svirt_buf *get() { return &buf_; }
  uint32_t used() const { return buf_.used; }
  std::string text() const;
  // Nothing has been written at data, whatever used says.
  bool untouched() const;
  bool overrun() const;

 private:
  std::vector<char> room_;
  svirt_buf buf_{};
};

// The labels of the domain with that index; an error if the plugin gives none.
struct Labels {
  svirt_status status = SVIRT_E_INTERNAL;
  std::string label, image_label, message;
};
Labels Generate(const Session &session, const svirt_domain &domain, uint64_t index);

// The first index the plugin offers for the domain, or 0 if labels are told apart by uuid.
uint64_t FirstIndex(const Session &session, const svirt_domain &domain);

}  // namespace svirt::validate
