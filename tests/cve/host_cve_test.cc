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
#include "host/domain/domain_xml.h"
#include "host/domain/manifest.h"
#include "host/hypervisor/qemu/image_header.h"
#include "host/labels/testing/engine_fixture.h"
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

// A USB host: what sysfs says is plugged in, and files that stand for the nodes.
class UsbCve : public EngineTest {
 protected:
  void Plug(const std::string &port, unsigned bus, unsigned device, const std::string &product) {
    const fs::path directory = dir_ / "host/sys/bus/usb/devices/" + port;
    fs::create_directories(directory);
    std::ofstream(directory / "busnum") << bus << "\n";
    std::ofstream(directory / "devnum") << device << "\n";
    std::ofstream(directory / "idVendor") << "1234\n";
    std::ofstream(directory / "idProduct") << product << "\n";
    fs::create_directories(fs::path(Node(bus, device)).parent_path());
    mac_.SetLabelOf(Touch(Node(bus, device)), "of-the-host");
  }
  void Unplug(const std::string &port, unsigned bus, unsigned device) {
    fs::remove_all(dir_ / "host/sys/bus/usb/devices/" + port);
    fs::remove(Node(bus, device));
  }
  std::string Node(unsigned bus, unsigned device) const {
    char name[32];
    std::snprintf(name, sizeof name, "%03u/%03u", bus, device);
    return dir_ / "host/dev/bus/usb/" + name;
  }
  static Domain Given(const std::string &source) {
    return MustParse(DomainText("<hostdev type='usb'><source>" + source + "</source></hostdev>"));
  }
  // As on a host whose nodes are below a directory, and need not be devices.
  Result<Manifest> Nodes(const Domain &domain) const {
    SVIRT_ASSIGN(Manifest manifest, BuildManifest(domain, options_));
    for (Resource &resource : manifest.resources) {
      resource.path = options_.root + resource.path;
      resource.object = ObjectType::kAny;
    }
    return manifest;
  }

  const ManifestOptions options_{.root = dir_ / "host"};
};

constexpr char kUsbIds[] = "<vendor id='0x1234'/><product id='0xbeef'/>";
constexpr char kUsbPlace[] = "<address bus='2' device='7'/>";

// Of two equal devices the first one found was labelled and given to the guest, also when the XML
// named the other by its place, and also after a replug had given the numbers to others.
TEST_F(UsbCve, Cve_2012_2693_OfEqualDevicesTheOneNamedIsLabelled) {
  Plug("1-1", 1, 2, "beef");
  Plug("2-1", 2, 7, "beef");
  const auto guessed = Nodes(Given(kUsbIds));
  ASSERT_FALSE(guessed.ok());
  EXPECT_EQ(guessed.error().code, Errc::kRefused);
  for (const std::string &place : {std::string(kUsbPlace), std::string(kUsbIds) + kUsbPlace}) {
    const auto named = Nodes(Given(place));
    ASSERT_TRUE(named.ok()) << named.error().message;
    MustApply(1, *named);
    EXPECT_EQ(Label(Node(1, 2)), "of-the-host");
    EXPECT_NE(Label(Node(2, 7)), "of-the-host");
    MustRestore(1);
    EXPECT_EQ(Label(Node(2, 7)), "of-the-host");
  }
}

TEST_F(UsbCve, Cve_2012_2693_AReplugLeadsToNoOtherDevice) {
  Plug("2-1", 2, 7, "beef");
  Domain by_ids = Given(kUsbIds), by_place = Given(kUsbPlace);
  PinUsbDevices(&by_place, options_);
  PinUsbDevices(&by_ids, options_);
  // What a domain that runs is written down with.
  by_place = MustParse(FormatDomainXml(by_place, true));
  Unplug("2-1", 2, 7);
  EXPECT_EQ(Nodes(by_place).error().code, Errc::kNotFound);
  // It comes back under another number; its own goes to a stranger.
  Plug("2-1", 2, 8, "beef");
  Plug("2-2", 2, 7, "0001");
  const auto stranger = Nodes(by_place);
  ASSERT_FALSE(stranger.ok());
  EXPECT_EQ(stranger.error().code, Errc::kRefused);
  EXPECT_THAT(stranger.error().message, HasSubstr("bus 2 device 7 is 1234:0001 now"));
  // The ids are enough where only one has them: the same device, at its new place.
  const auto same = Nodes(by_ids);
  ASSERT_TRUE(same.ok()) << same.error().message;
  MustApply(1, *same);
  EXPECT_EQ(Label(Node(2, 7)), "of-the-host");
  EXPECT_NE(Label(Node(2, 8)), "of-the-host");
}

TEST_F(UsbCve, Cve_2012_2693_AReplugBetweenPlanAndApplyIsSeen) {
  for (const char *source : {kUsbIds, kUsbPlace}) {
    Plug("2-1", 2, 7, "beef");
    Domain domain = Given(source);
    PinUsbDevices(&domain, options_);
    const auto planned = BuildManifest(domain, options_);
    ASSERT_TRUE(planned.ok()) << planned.error().message;
    const Manifest nodes = *Nodes(domain);
    EXPECT_TRUE(CheckHostDevices(domain, options_, *planned).ok());
    Unplug("2-1", 2, 7);
    Plug("2-1", 2, 8, "beef");
    Plug("2-2", 2, 7, "0001");
    // Too late for the labels, which go to the number; in time for the domain, which is not let go.
    MustApply(1, nodes);
    const Status seen = CheckHostDevices(domain, options_, *planned);
    ASSERT_FALSE(seen.ok()) << source;
    EXPECT_EQ(seen.error().code, Errc::kRefused);
    MustRestore(1);
    EXPECT_EQ(Label(Node(2, 7)), "of-the-host") << source;
    Unplug("2-1", 2, 8);
    Unplug("2-2", 2, 7);
  }
}

TEST_F(UsbCve, Cve_2012_2693_AReplugAfterApplyIsAnObjectWithoutALabel) {
  Plug("2-1", 2, 7, "beef");
  MustApply(1, *Nodes(Given(kUsbPlace)));
  ASSERT_NE(Label(Node(2, 7)), "of-the-host");
  Unplug("2-1", 2, 7);
  Plug("2-2", 2, 7, "0001");
  EXPECT_EQ(Label(Node(2, 7)), "of-the-host");
  std::vector<std::string> notes;
  MustRestore(1, &notes);
  EXPECT_EQ(Label(Node(2, 7)), "of-the-host") << "the way back takes it for no other";
}

}  // namespace
}  // namespace svirt::fake
