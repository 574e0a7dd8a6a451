// SPDX-License-Identifier: LGPL-2.1-or-later
// Which resources the manifest has for each device, and when it refuses to guess.
#include "host/domain/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "host/domain/domain_test_support.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kKvm[] = "other char read,write /dev/kvm shared";
constexpr char kEmulator[] = "emulator file read,exec /usr/bin/qemu-system-x86_64 shared";
constexpr char kVfio[] = "other char read,write /dev/vfio/vfio shared";

// A directory that stands for / of a host.
class ManifestTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "manifest-XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    root_ = path;
  }
  void TearDown() override { fs::remove_all(root_); }

  void MakeFile(const std::string &path, const std::string &text = "") const {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  void MakeLink(const std::string &path, const std::string &target) const {
    fs::create_directories(fs::path(root_ + path).parent_path());
    fs::create_symlink(target, root_ + path);
  }
  void MakeUsb(const std::string &name, const std::string &bus, const std::string &device,
               const std::string &vendor, const std::string &product) const {
    const std::string directory = "/sys/bus/usb/devices/" + name;
    MakeFile(directory + "/busnum", bus + "\n");
    MakeFile(directory + "/devnum", device + "\n");
    MakeFile(directory + "/idVendor", vendor + "\n");
    MakeFile(directory + "/idProduct", product + "\n");
  }

  Result<Manifest> Build(const Domain &domain) const {
    return BuildManifest(domain, {.root = root_});
  }

  std::vector<std::string> Lines(const std::string &text) const {
    std::vector<std::string> lines;
    const Result<Manifest> manifest = Build(MustParse(text));
    EXPECT_TRUE(manifest.ok()) << manifest.error().message;
    if (manifest) {
      for (const Resource &resource : manifest->resources) {
        lines.push_back(Describe(resource));
      }
    }
    return lines;
  }
  std::vector<std::string> Devices(const std::string &devices) const {
    return Lines(DomainText(devices));
  }
  Error Refusal(const std::string &devices) const {
    const Result<Manifest> manifest = Build(MustParse(DomainText(devices)));
    EXPECT_FALSE(manifest.ok()) << devices;
    return manifest ? Error() : manifest.error();
  }

  std::string root_;
};

TEST_F(ManifestTest, MinimalHasTheEmulatorAlone) {
  EXPECT_THAT(Lines(ReadTestDomain("minimal")), ElementsAre(kEmulator));
}

TEST_F(ManifestTest, IsInDocumentOrder) {
  EXPECT_THAT(Lines(ReadTestDomain("document-order")),
              ElementsAre(kKvm, kEmulator, "rng char read /dev/urandom shared",
                          "net char read,write /dev/net/tun shared",
                          "chardev file write,create /var/log/vm/first.log optional",
                          "disk file read,write /srv/a.img",
                          "chardev file write,create /var/log/vm/second.log optional",
                          "disk file read,write /srv/b.img"));
}

TEST_F(ManifestTest, Disks) {
  EXPECT_THAT(Lines(ReadTestDomain("disk-chain")),
              ElementsAre(kKvm, kEmulator, "disk file read,write /srv/vm/top.qcow2",
                          "backing file read /srv/vm/middle.qcow2 depth=1",
                          "backing block read /dev/vg0/base depth=2"));
  EXPECT_THAT(
      Lines(ReadTestDomain("disk-kinds")),
      ElementsAre(kKvm, kEmulator, "disk block read,write /dev/disk/by-id/scsi-3600",
                  "disk file read,write /srv/shared.img shared", "disk file read /srv/readonly.img",
                  "disk file read /srv/iso/debian.iso", "disk dir read,write /srv/exchange subtree",
                  "disk file read,write /srv/floppy.img"));
  EXPECT_THAT(Lines(ReadTestDomain("disk-network")),
              ElementsAre(kKvm, kEmulator, "socket socket read,write /run/nbd/export.sock",
                          "socket socket read,write /run/spdk/vhost.0",
                          "hostdev char read,write /dev/vhost-vdpa-0"));
  EXPECT_THAT(Lines(ReadTestDomain("disk-datastore")),
              ElementsAre(kKvm, kEmulator, "disk file read,write /srv/vm/meta.qcow2",
                          "disk file read,write /srv/vm/data.raw"));
  EXPECT_THAT(Lines(ReadTestDomain("names-in-paths")),
              ElementsAre(kKvm, kEmulator,
                          "disk file read,write /srv/vm/it's \"here\" & <there>, [a]*?{b}.img",
                          "disk file read,write /srv/vm/doubled/slashes"));
}

TEST_F(ManifestTest, DiskOverridesAndTargets) {
  const Manifest manifest = *Build(MustParse(ReadTestDomain("seclabel-several")));
  const Resource &disk = manifest.resources.at(2);
  EXPECT_EQ(disk.device, "vda");
  ASSERT_EQ(disk.overrides.size(), 2U);
  EXPECT_FALSE(disk.overrides[0].relabel);
  EXPECT_EQ(manifest.resources.at(3).overrides.at(0).label,
            "system_u:object_r:svirt_log_t:s0:c1,c2");
}

TEST_F(ManifestTest, FormatsAreNeverGuessed) {
  EXPECT_EQ(
      Refusal("<disk><source file='/a'/><target dev='vda'/></disk>").message,
      "f.xml:5: disk vda: the format of '/a' is not given and is never guessed, as the guest can "
      "forge it; write <driver type='raw'/>, or qcow2 if it is one");
  EXPECT_THAT(Refusal("<disk type='block'><source dev='/dev/a'/></disk>").message,
              HasSubstr("write <driver type='raw'/>"));
  EXPECT_THAT(Refusal("<disk><driver type='qcow2'/><source file='/a'/><target dev='vda'/>"
                      "<backingStore type='file'><source file='/b'/></backingStore></disk>")
                  .message,
              HasSubstr("disk vda, backing image 1: the format of '/b' is not given and is never "
                        "guessed, as the guest can forge it; write <format type='raw'/>"));
}

TEST_F(ManifestTest, VolumesNeedAPath) {
  Domain domain = MustParse(ReadTestDomain("disk-volume"));
  const Result<Manifest> refused = Build(domain);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("virsh vol-path beta.qcow2 --pool default"));
  domain.disks[0].chain[0].path = "/srv/pool/beta.qcow2";
  EXPECT_EQ(Describe(Build(domain)->resources.at(2)), "disk any read,write /srv/pool/beta.qcow2");
}

TEST_F(ManifestTest, BootFiles) {
  EXPECT_THAT(
      Lines(ReadTestDomain("boot-kernel")),
      ElementsAre(kKvm, "kernel file read /srv/boot/vmlinuz",
                  "kernel file read /srv/boot/initrd.img", "kernel file read /srv/boot/board.dtb",
                  "kernel file read /srv/boot/slic.dat", kEmulator));
  EXPECT_THAT(
      Lines(ReadTestDomain("boot-uefi")),
      ElementsAre(kKvm, "kernel file read /srv/boot/fwcfg.bin",
                  "firmware file read /usr/share/OVMF/OVMF_CODE.fd shared",
                  "nvram file read,write /var/lib/vm/boot-uefi_VARS.fd optional", kEmulator));
  EXPECT_THAT(Lines(ReadTestDomain("boot-nvram-source")),
              ElementsAre(kKvm, "firmware file read,write /srv/boot/bios.bin",
                          "nvram file read,write /srv/vm/vars.fd", kEmulator));
  EXPECT_EQ(Build(MustParse(ReadTestDomain("boot-nvram-source")))->resources.at(2).overrides.size(),
            1U);
}

TEST_F(ManifestTest, CharacterDevices) {
  EXPECT_THAT(
      Lines(ReadTestDomain("chardevs")),
      ElementsAre(kKvm, kEmulator, "chardev file write,create /var/log/vm/serial0.log optional",
                  "chardev char read,write /dev/ttyS1", "chardev fifo read,write /run/vm/pipe",
                  "chardev char read,write /dev/ptmx shared",
                  "log file write,create /var/log/vm/serial3.log optional",
                  "chardev char read,write /dev/parport0",
                  "socket socket read,write /run/vm/console.sock",
                  "socket socket read,write,create /run/vm/agent.sock optional",
                  "socket socket read,write /run/vm/usbredir.sock",
                  "other dir read /etc/pki/vmdb shared subtree"));
  EXPECT_THAT(Lines(ReadTestDomain("chardev-network")),
              ElementsAre(kKvm, kEmulator, "chardev char read,write /dev/ptmx shared"));
}

TEST_F(ManifestTest, PipesAreTwoIfBothAreThere) {
  const std::string pipe = "<serial type='pipe'><source path='/run/p'/></serial>";
  EXPECT_THAT(Devices(pipe), ElementsAre("chardev fifo read,write /run/p"));
  MakeFile("/run/p.in");
  EXPECT_THAT(Devices(pipe), ElementsAre("chardev fifo read,write /run/p"));
  MakeFile("/run/p.out");
  EXPECT_THAT(Devices(pipe), ElementsAre("chardev fifo read,write /run/p.in",
                                         "chardev fifo read,write /run/p.out"));
}

TEST_F(ManifestTest, HostDevices) {
  MakeLink("/sys/bus/pci/devices/0000:06:02.0/iommu_group", "../../../kernel/iommu_groups/26");
  MakeLink("/sys/bus/pci/devices/0000:06:02.1/iommu_group", "../../../kernel/iommu_groups/27");
  MakeLink("/sys/bus/mdev/devices/c2177883-f1bb-47f0-914d-32a22e3a8804/iommu_group", "../../9");
  MakeUsb("1-1", "1", "12", "046d", "c52b");
  MakeUsb("1-2", "1", "4", "1234", "beef");
  MakeFile("/sys/bus/usb/devices/1-1:1.0/bInterfaceNumber", "00\n");
  fs::create_directories(root_ + "/sys/bus/scsi/devices/2:0:3:1/scsi_generic/sg5");
  EXPECT_THAT(
      Lines(ReadTestDomain("hostdevs")),
      ElementsAre(kKvm, kEmulator, "hostdev char read,write /dev/vfio/26", kVfio,
                  "firmware file read /srv/boot/card.rom shared",
                  "hostdev char read,write /dev/bus/usb/001/012",
                  "hostdev char read,write /dev/bus/usb/001/004",
                  "hostdev char read /dev/sg5 shared",
                  "hostdev char read,write /dev/vhost-scsi shared",
                  "hostdev char read,write /dev/vfio/9", "hostdev char read,write /dev/vfio/27"));
}

TEST_F(ManifestTest, NvmeDisksAreHostDevices) {
  MakeLink("/sys/bus/pci/devices/0000:01:00.0/iommu_group", "../../../kernel/iommu_groups/3");
  EXPECT_THAT(Lines(ReadTestDomain("disk-nvme-lun")),
              ElementsAre(kKvm, kEmulator, "hostdev char read,write /dev/vfio/3", kVfio,
                          "disk block read,write /dev/mapper/mpatha",
                          "socket socket read,write /run/qemu-pr-helper.sock"));
}

TEST_F(ManifestTest, PciNeedsAnIommuGroup) {
  const std::string pci =
      "<hostdev type='pci'><source><address bus='6' slot='2'/></source></hostdev>";
  EXPECT_EQ(Refusal(pci).code, Errc::kNotFound);
  MakeFile("/sys/bus/pci/devices/0000:06:02.0/config");
  EXPECT_EQ(Refusal(pci).code, Errc::kUnsupported);
  EXPECT_THAT(Refusal(pci).message, HasSubstr("is in no IOMMU group"));
}

TEST_F(ManifestTest, AHypervisorIsHandedThePciDeviceItself) {
  const Domain domain = MustParse(
      DomainText("<hostdev type='pci'><source><address bus='6' slot='2'/></source></hostdev>"));
  const ManifestOptions options{.root = root_, .pci_by_sysfs = true};
  EXPECT_EQ(BuildManifest(domain, options).error().code, Errc::kNotFound);
  MakeFile("/sys/bus/pci/devices/0000:06:02.0/config");
  const auto manifest = BuildManifest(domain, options);
  ASSERT_TRUE(manifest.ok()) << manifest.error().message;
  EXPECT_EQ(Describe(manifest->resources.back()),
            "hostdev dir read,write /sys/bus/pci/devices/0000:06:02.0");
}

// CVE-2012-2693: of two devices with the same ids the wrong one was handed out.
TEST_F(ManifestTest, UsbDevicesAreNeverMixedUp) {
  const std::string by_ids =
      "<hostdev type='usb'><source><vendor id='0x1234'/>"
      "<product id='0xbeef'/></source></hostdev>";
  EXPECT_EQ(Refusal(by_ids).code, Errc::kNotFound);
  EXPECT_THAT(Refusal(by_ids).message, HasSubstr("no USB device 1234:beef is plugged in"));
  MakeUsb("1-1", "1", "2", "1234", "beef");
  EXPECT_THAT(Devices(by_ids), ElementsAre("hostdev char read,write /dev/bus/usb/001/002"));
  MakeUsb("2-1", "2", "7", "1234", "beef");
  EXPECT_EQ(Refusal(by_ids).code, Errc::kRefused);
  EXPECT_THAT(Refusal(by_ids).message,
              HasSubstr("is there more than once (bus 1 device 2, bus 2 device 7)"));

  const auto by_place = [](const std::string &device) {
    return "<hostdev type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/>"
           "<address bus='2' device='" +
           device + "'/></source></hostdev>";
  };
  EXPECT_THAT(Devices(by_place("7")), ElementsAre("hostdev char read,write /dev/bus/usb/002/007"));
  EXPECT_EQ(Refusal(by_place("8")).code, Errc::kNotFound);
  MakeUsb("2-2", "2", "8", "5678", "0001");
  EXPECT_THAT(Refusal(by_place("8")).message,
              HasSubstr("bus 2 device 8 is 5678:0001 now, not 1234:beef"));
}

TEST_F(ManifestTest, ScsiNeedsAGenericNode) {
  const auto scsi = [](const std::string &adapter) {
    return "<hostdev type='scsi'><source><adapter name='" + adapter +
           "'/><address bus='0' target='0' unit='0'/></source></hostdev>";
  };
  EXPECT_EQ(Refusal(scsi("scsi_host0")).code, Errc::kNotFound);
  EXPECT_THAT(Refusal(scsi("scsi_host0/../..")).message, HasSubstr("not of the form scsi_hostN"));
  EXPECT_THAT(Refusal(scsi("fc0")).message, HasSubstr("not of the form scsi_hostN"));
}

TEST_F(ManifestTest, Tpms) {
  EXPECT_THAT(Lines(ReadTestDomain("tpm")),
              ElementsAre(kKvm, kEmulator, "tpm char read,write /dev/tpm0",
                          "socket socket read,write /run/vm/swtpm.sock"));
  MakeFile("/sys/class/tpm/tpm0/device/cancel");
  EXPECT_THAT(Lines(ReadTestDomain("tpm")),
              ElementsAre(kKvm, kEmulator, "tpm char read,write /dev/tpm0",
                          "tpm file write /sys/class/tpm/tpm0/device/cancel",
                          "socket socket read,write /run/vm/swtpm.sock"));
}

TEST_F(ManifestTest, Memory) {
  EXPECT_THAT(
      Lines(ReadTestDomain("memory")),
      ElementsAre(kKvm, "memory dir read,write,create /dev/hugepages shared subtree", kEmulator,
                  "memory any read /dev/dax0.0", "memory any read,write /srv/vm/pmem.img",
                  "memory char read,write /dev/sgx_vepc shared",
                  "memory char read /dev/sgx_provision shared"));
  EXPECT_THAT(
      Lines(ReadTestDomain("shmem-vsock")),
      ElementsAre(kKvm, kEmulator, "memory file read,write,create /dev/shm/plain0 shared optional",
                  "socket socket read,write /run/vm/ivshmem.sock",
                  "net char read,write /dev/vhost-vsock shared"));
}

TEST_F(ManifestTest, SharesInputsAndRandomSources) {
  EXPECT_THAT(Lines(ReadTestDomain("shares")),
              ElementsAre(kKvm, kEmulator, "share dir read /srv/share subtree",
                          "socket socket read,write /run/vm/virtiofs.sock",
                          "share dir read,write /srv/fast subtree"));
  EXPECT_THAT(
      Lines(ReadTestDomain("inputs-rng")),
      ElementsAre(kKvm, kEmulator, "input char read,write /dev/input/event3",
                  "input char read,write /dev/input/by-id/kbd", "rng char read /dev/hwrng shared",
                  "rng char read /dev/urandom shared", "socket socket read,write /run/egd.sock"));
}

TEST_F(ManifestTest, GraphicsAndInterfaces) {
  EXPECT_THAT(
      Lines(ReadTestDomain("graphics")),
      ElementsAre(kKvm, kEmulator, "socket socket read,write,create /run/vm/vnc.sock optional",
                  "socket socket read,write,create /run/vm/spice.sock optional",
                  "graphics char read,write /dev/dri/renderD128 shared",
                  "graphics char read,write /dev/dri/renderD129 shared",
                  "graphics file read /home/user/.Xauthority",
                  "graphics char read,write /dev/dri/renderD130 shared"));
  EXPECT_THAT(Lines(ReadTestDomain("interfaces")),
              ElementsAre(kKvm, kEmulator, "net char read,write /dev/net/tun shared",
                          "net char read,write /dev/vhost-net shared",
                          "firmware file read /srv/boot/pxe.rom shared",
                          "net char read,write /dev/custom/tun shared",
                          "net char read,write /dev/custom/vhost shared",
                          "socket socket read,write /run/vm/vhost1.sock",
                          "socket socket read,write,create /run/vm/vhost2.sock optional",
                          "net char read,write /dev/vhost-vdpa-1",
                          "net char read,write /dev/net/tun shared"));
  EXPECT_THAT(Lines(ReadTestDomain("unknown-parts")),
              ElementsAre(kKvm, "other char read,write /dev/sev shared"));
}

// CVE-2010-2237 and -2238: a header that the guest wrote into a raw image named a host file, which
// was then labelled for it. The image is really there with such a header, so that whoever looks
// into it finds one.
TEST_F(ManifestTest, HeadersInsideImagesAreNotRead) {
  std::string header("QFI\xFB\0\0\0\2\0\0\0\0\0\0\0\x68\0\0\0\x0b", 20);
  header.resize(0x68, '\0');
  header += "/etc/shadow";
  const std::string image = root_ + "/raw.img";
  MakeFile("/raw.img", header);
  EXPECT_THAT(Devices("<disk><driver type='raw'/><source file='" + image + "'/></disk>"),
              ElementsAre("disk file read,write " + image));
  EXPECT_THAT(Devices("<disk><driver type='qcow2'/><source file='/top'/><backingStore type='file'>"
                      "<format type='raw'/><source file='" +
                      image + "'/></backingStore></disk>"),
              ElementsAre("disk file read,write /top", "backing file read " + image + " depth=1"));
  EXPECT_THAT(Devices("<disk><driver type='qcow2'/><source file='" + image + "'/></disk>"),
              ElementsAre("disk file read,write " + image));
}

TEST_F(ManifestTest, ChecksPathsOfDomainsMadeInCode) {
  Domain domain;
  domain.type = "qemu";
  domain.kernel = "relative/kernel";
  const Result<Manifest> relative = Build(domain);
  ASSERT_FALSE(relative.ok());
  EXPECT_EQ(relative.error().message,
            "kernel: 'relative/kernel' is not an absolute path; write it from / on");
  for (const std::string &path : {std::string("/a/../b"), std::string("/.."), std::string("/a\n"),
                                  std::string("/a\0b", 4), "/" + std::string(4096, 'x')}) {
    domain.kernel = path;
    EXPECT_FALSE(Build(domain).ok()) << path;
  }
  domain.kernel = "/a/..b/c..";
  EXPECT_EQ(Build(domain)->resources.at(0).path, "/a/..b/c..");
  Disk disk;
  disk.chain.resize(2);
  for (ImageSource &image : disk.chain) {
    image.type = ImageSource::Type::kFile;
    image.format = "raw";
  }
  disk.chain[0].path = "/a";
  disk.chain[1].path = "/b";
  domain.disks.push_back(disk);
  const Result<Manifest> chain = Build(domain);
  ASSERT_FALSE(chain.ok());
  EXPECT_EQ(chain.error().message, "disk disk0, backing image 1: a raw image has no backing image");
}

TEST(ResourceNames, AreTheWordsOfPlans) {
  EXPECT_EQ(AccessName(0), "");
  EXPECT_EQ(AccessName(kAccessRead | kAccessWrite | kAccessExec | kAccessCreate),
            "read,write,exec,create");
  std::vector<std::string> kinds;
  for (uint32_t kind = 0; kind < 20; ++kind) {
    kinds.emplace_back(ResourceKindName(static_cast<ResourceKind>(kind)));
  }
  EXPECT_THAT(kinds,
              ElementsAre("other", "emulator", "disk", "backing", "kernel", "firmware", "nvram",
                          "chardev", "socket", "hostdev", "tpm", "memory", "input", "share", "rng",
                          "net", "rundir", "log", "helper-state", "graphics"));
}

}  // namespace
}  // namespace svirt
