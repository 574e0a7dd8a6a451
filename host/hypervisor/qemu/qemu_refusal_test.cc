// SPDX-License-Identifier: LGPL-2.1-or-later
// What the driver cannot give is refused by name before anything is started.
#include <gtest/gtest.h>

#include <functional>

#include "host/hypervisor/qemu/qemu_test_support.h"

namespace svirt {
namespace {

struct Refusal {
  const char *name;
  std::function<void(Domain &)> spoil;
  Errc code;
  const char *sentence;
};

class QemuRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(QemuRefuses, BeforeStart) {
  Domain d = SmallDomain();
  d.disks = {MakeDisk("vda", "virtio", {Image("/a", "raw")})};
  ASSERT_TRUE(Command(d).ok());
  GetParam().spoil(d);
  const auto command = Command(d);
  ASSERT_FALSE(command.ok());
  EXPECT_EQ(command.error().code, GetParam().code) << command.error().message;
  EXPECT_NE(command.error().message.find(GetParam().sentence), std::string::npos)
      << command.error().message;
}

void AddHostdev(Domain &d, const std::string &type, bool managed) {
  d.hostdevs.resize(1);
  d.hostdevs[0].type = type;
  d.hostdevs[0].managed = managed;
}

INSTANTIATE_TEST_SUITE_P(
    All, QemuRefuses,
    testing::Values(
        Refusal{"Xen", [](Domain &d) { d.type = "xen"; }, Errc::kUnsupported, "'xen'"},
        Refusal{"NoMemory", [](Domain &d) { d.memory_bytes = 0; }, Errc::kInvalid, "<memory>"},
        Refusal{"HostCpuUnderTcg", [](Domain &d) { d.cpu_mode = "host-passthrough"; },
                Errc::kUnsupported, "host-passthrough"},
        Refusal{"CpuInjection",
                [](Domain &d) {
                  d.cpu_mode = "custom";
                  d.cpu_model = "max,enforce";
                },
                Errc::kInvalid, "cpu model"},
        Refusal{"NoFormat", [](Domain &d) { d.disks[0].chain[0].format = ""; }, Errc::kInvalid,
                "never guessed"},
        Refusal{"UnknownFormat", [](Domain &d) { d.disks[0].chain[0].format = "blkdebug"; },
                Errc::kUnsupported, "blkdebug"},
        Refusal{"BackingOfRaw", [](Domain &d) { d.disks[0].chain.push_back(Image("/b", "raw")); },
                Errc::kInvalid, "cannot have a <backingStore>"},
        Refusal{"NetworkDisk",
                [](Domain &d) { d.disks[0].chain[0].type = ImageSource::Type::kNetwork; },
                Errc::kUnsupported, "disk vda"},
        Refusal{"EmptyDisk", [](Domain &d) { d.disks[0].chain.clear(); }, Errc::kInvalid,
                "only a cdrom"},
        Refusal{"UnknownBus", [](Domain &d) { d.disks[0].bus = "xen"; }, Errc::kUnsupported,
                "bus 'xen'"},
        Refusal{"IdeOnQ35",
                [](Domain &d) {
                  d.machine = "q35";
                  d.disks[0].bus = "ide";
                  d.disks[0].target = "hda";
                },
                Errc::kUnsupported, "IDE"},
        Refusal{"BadTarget", [](Domain &d) { d.disks[0].target = "../x"; }, Errc::kInvalid,
                "target"},
        Refusal{"BadCache", [](Domain &d) { d.disks[0].cache = "fast"; }, Errc::kInvalid, "cache"},
        Refusal{"NativeNeedsDirect", [](Domain &d) { d.disks[0].io = "native"; }, Errc::kInvalid,
                "native"},
        Refusal{"VirtualNetwork",
                [](Domain &d) { d.interfaces = {MakeInterface("network", "virtio")}; },
                Errc::kUnsupported, "'network'"},
        Refusal{"UnknownCard",
                [](Domain &d) { d.interfaces = {MakeInterface("user", "virtio,x=y")}; },
                Errc::kUnsupported, "virtio,x=y"},
        Refusal{"VhostUserPrivateMemory",
                [](Domain &d) {
                  d.interfaces = {MakeInterface("vhostuser", "virtio")};
                  d.interfaces[0].socket_path = "/s";
                },
                Errc::kInvalid, "memoryBacking"},
        Refusal{"Spice",
                [](Domain &d) {
                  d.graphics.resize(1);
                  d.graphics[0].type = "spice";
                },
                Errc::kUnsupported, "spice"},
        Refusal{"LongSocketPath",
                [](Domain &d) {
                  d.chardevs = {
                      MakeChardev("serial", CharSource::Type::kUnix, "/" + std::string(200, 'x'))};
                },
                Errc::kInvalid, "107"},
        Refusal{"ManagedPci", [](Domain &d) { AddHostdev(d, "pci", true); }, Errc::kUnsupported,
                "vfio-pci"},
        Refusal{"UsbByIds", [](Domain &d) { AddHostdev(d, "usb", false); }, Errc::kUnsupported,
                "several devices"},
        Refusal{"ScsiHostdev", [](Domain &d) { AddHostdev(d, "scsi", false); }, Errc::kUnsupported,
                "'scsi'"},
        Refusal{"TpmEmulator",
                [](Domain &d) {
                  d.tpms.resize(1);
                  d.tpms[0].backend = "emulator";
                },
                Errc::kUnsupported, "swtpm"},
        Refusal{"VsockWithoutAddress", [](Domain &d) { d.vsock = true; }, Errc::kUnsupported,
                "vsock"},
        Refusal{"VirtiofsWithoutServer",
                [](Domain &d) {
                  d.filesystems.resize(1);
                  d.filesystems[0].driver = "virtiofs";
                  d.filesystems[0].target_tag = "t";
                },
                Errc::kUnsupported, "virtiofsd"},
        Refusal{"RestartAtPoweroff", [](Domain &d) { d.on_poweroff = "restart"; },
                Errc::kUnsupported, "<on_poweroff>restart"},
        Refusal{"InitrdAlone", [](Domain &d) { d.initrd = "/i"; }, Errc::kInvalid, "<kernel>"},
        Refusal{"NotUtf8", [](Domain &d) { d.disks[0].chain[0].path = "/\xff"; }, Errc::kInvalid,
                "UTF-8"},
        Refusal{
            "TooManyPorts",
            [](Domain &d) { d.chardevs.assign(5, MakeChardev("serial", CharSource::Type::kNull)); },
            Errc::kUnsupported, "has 4"}),
    [](const auto &param) { return param.param.name; });

}  // namespace
}  // namespace svirt
