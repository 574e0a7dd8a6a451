// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests of the QEMU driver: small domains and devices, and questions to a command line.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "host/domain/device_names.h"
#include "host/domain/domain.h"
#include "host/hypervisor/qemu/qemu_command.h"

namespace svirt {

class QemuTempDir {
 public:
  QemuTempDir() {
    char name[] = "/tmp/svirt-qemu-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~QemuTempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  QemuTempDir(const QemuTempDir &) = delete;
  QemuTempDir &operator=(const QemuTempDir &) = delete;
  std::string operator/(const std::string &name) const { return path_ + "/" + name; }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

inline std::string Slurp(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void WriteText(const std::string &path, const std::string &text) {
  std::ofstream(path, std::ios::binary) << text;
}

// The smallest domain: no devices.
inline Domain SmallDomain() {
  Domain d;
  d.type = "qemu";
  d.name = "vm1";
  d.uuid = "c7a5fdbd-edaf-9455-926a-d65c16db1809";
  d.memory_bytes = uint64_t{64} << 20;
  d.vcpus = 1;
  d.arch = "x86_64";
  d.machine = "pc";
  d.os_type = "hvm";
  return d;
}

inline ImageSource Image(const std::string &path, const std::string &format) {
  ImageSource image;
  image.type = ImageSource::Type::kFile;
  image.path = path;
  image.format = format;
  return image;
}

inline Disk MakeDisk(const std::string &target, const std::string &bus,
                     std::vector<ImageSource> chain) {
  Disk disk;
  disk.target = target;
  disk.bus = bus;
  disk.chain = std::move(chain);
  return disk;
}

inline Chardev MakeChardev(const std::string &kind, CharSource::Type type,
                           const std::string &path = "") {
  Chardev device;
  device.kind = kind;
  device.source.type = type;
  device.source.path = path;
  return device;
}

inline Interface MakeInterface(const std::string &type, const std::string &model) {
  Interface interface;
  interface.type = type;
  interface.model = model;
  return interface;
}

// As if it had been read from XML.
inline Domain Named(Domain domain) {
  NameDevices(&domain);
  return domain;
}

inline Result<QemuCommand> Command(const Domain &domain) {
  QemuPaths paths;
  paths.emulator = "/usr/bin/qemu-system-x86_64";
  return BuildQemuCommand(Named(domain), paths);
}

inline std::vector<std::string> Argv(const Domain &domain) {
  const auto command = Command(domain);
  EXPECT_TRUE(command.ok()) << command.error().message;
  return command ? command->argv : std::vector<std::string>();
}

// The values of every use of an option.
inline std::vector<std::string> Options(const std::vector<std::string> &argv,
                                        const std::string &option) {
  std::vector<std::string> values;
  for (size_t i = 0; i + 1 < argv.size(); ++i) {
    if (argv[i] == option) {
      values.push_back(argv[i + 1]);
    }
  }
  return values;
}

// The option's JSON value whose member has the value, or null.
inline nlohmann::json Find(const std::vector<std::string> &argv, const std::string &option,
                           const std::string &member, const std::string &value) {
  for (const std::string &text : Options(argv, option)) {
    auto object = nlohmann::json::parse(text, nullptr, false);
    if (object.is_object() && object.value(member, "") == value) {
      return object;
    }
  }
  return nullptr;
}

inline bool Has(const std::vector<std::string> &argv, const std::string &option,
                const std::string &value) {
  const auto values = Options(argv, option);
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace svirt
