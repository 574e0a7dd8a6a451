// SPDX-License-Identifier: LGPL-2.1-or-later
// Bugs of other systems in how a host reads images and hands descriptors on, each under its number.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "host/domain/domain_test_support.h"
#include "host/domain/manifest.h"
#include "host/hypervisor/qemu/image_header.h"
#include "host/labels/engine_fixture.h"
#include "host/launch/launch.h"

namespace svirt::fake {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class HostCve : public EngineTest {};

std::string BigEndian(uint64_t number, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) {
    text += static_cast<char>(number >> (8 * i) & 0xff);
  }
  return text;
}

// A header extension of a qcow2 image, filled up to a multiple of eight bytes.
std::string Extension(uint32_t type, std::string data) {
  const size_t length = data.size();
  data.resize((length + 7) / 8 * 8, '\0');
  return BigEndian(type, 4) + BigEndian(length, 4) + data;
}

// A version 3 header with these extensions, whose data is in another file.
std::string SplitImage(const std::vector<std::string> &extensions) {
  std::string image = std::string("QFI\xfb", 4) + BigEndian(3, 4);
  image.resize(72, '\0');
  image += BigEndian(1u << 2, 8);  // incompatible features: an external data file
  image.resize(104, '\0');
  image.replace(100, 4, BigEndian(104, 4));  // length of this header
  for (const std::string &extension : extensions) {
    image += extension;
  }
  return image + Extension(0, "");
}

// The data file's name stood behind another header extension and was not found, so that no label
// was set. Here an image whose data is elsewhere is refused wherever it says so, until the XML
// names the file, which is then in the plan.
TEST_F(HostCve, FedoraSelinux_2855_DataFileBehindOtherExtensions) {
  const std::string data = Image("data");
  std::array<std::string, 4> extensions = {
      Extension(0x44415441, data),                         // the data file
      Extension(0xe2792aca, "raw"),                        // the backing format, oddly padded
      Extension(0x6803f857, std::string(48, 'f')),         // names of features
      Extension(0x12345678, "an unknown one, 23 bytes")};  // must be skipped
  std::sort(extensions.begin(), extensions.end());
  do {
    for (size_t count = 0; count <= extensions.size(); ++count) {
      std::ofstream(dir_ / "split", std::ios::binary)
          << SplitImage({extensions.begin(), extensions.begin() + static_cast<ptrdiff_t>(count)});
      Disk disk = MustParse(DomainText("<disk type='file'><driver name='qemu' type='qcow2'/>"
                                       "<source file='" +
                                       (dir_ / "split") + "'/><target dev='vda'/></disk>"))
                      .disks.at(0);
      const Status refused = CheckImageHeaders(disk);
      ASSERT_FALSE(refused.ok()) << count;
      EXPECT_THAT(refused.error().message, HasSubstr("<dataStore>"));
      disk.chain[0].data_file = data;
      EXPECT_TRUE(CheckImageHeaders(disk).ok()) << count;
    }
  } while (std::next_permutation(extensions.begin(), extensions.end()));

  const auto manifest = BuildManifest(
      MustParse(DomainText("<disk type='file'><driver name='qemu' type='qcow2'/><source file='" +
                           (dir_ / "split") + "'><dataStore type='file'><format type='raw'/>" +
                           "<source file='" + data +
                           "'/></dataStore></source><target dev='vda'/></disk>")),
      {});
  ASSERT_TRUE(manifest.ok()) << manifest.error().message;
  std::set<std::string> paths;
  for (const Resource &resource : manifest->resources) {
    paths.insert(resource.path);
  }
  EXPECT_TRUE(paths.contains(data));
}

// Descriptors that are open now and would be handed on to any program.
std::vector<std::string> Inheritable() {
  std::vector<std::string> found;
  for (const auto &entry : fs::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    const int flags = ::fcntl(fd, F_GETFD);
    if (fd > STDERR_FILENO && flags >= 0 && (flags & FD_CLOEXEC) == 0) {
      std::error_code gone;
      found.push_back(fs::read_symlink(entry.path(), gone));
    }
  }
  return found;
}

// A descriptor of the device mapper's control node was left open to the emulators. The launch
// closes what is not listed; and what this library opens, no other part of a daemon hands on
// either.
TEST_F(HostCve, Cve_2020_14339_NoDescriptorIsHandedOnByAccident) {
  const std::vector<std::string> before = Inheritable();
  const Plan plan = MustApply(1, {{MakeDisk(Image("disk"))}});
  EXPECT_EQ(Inheritable(), before) << "of the store and of a plan";
  LaunchSpec spec;
  spec.program = "/bin/true";
  spec.argv = {spec.program};
  std::vector<std::string> launching;
  spec.announce = [&launching](pid_t) {
    launching = Inheritable();
    return Status();
  };
  auto child = Launch(spec);
  ASSERT_TRUE(child.ok()) << child.error().message;
  EXPECT_EQ(launching, before) << "while a program is launched";
  EXPECT_EQ(Inheritable(), before) << "of a running program";
  EXPECT_EQ(*Wait(*child), 0);
}

}  // namespace
}  // namespace svirt::fake
