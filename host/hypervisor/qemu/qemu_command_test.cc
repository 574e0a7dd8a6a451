// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line of QEMU, word by word, for each kind of device.
#include "host/hypervisor/qemu/qemu_command.h"

#include <gmock/gmock.h>

#include "host/domain/domain_xml.h"
#include "host/hypervisor/qemu/qemu_test_support.h"

namespace svirt {
namespace {

using nlohmann::json;

// A domain with a document, for what has no member in Domain.
void SetXml(Domain &d, const std::string &path, const std::string &value) {
  d.document.put("domain." + path, value);
}

TEST(QemuCommand, SmallestDomainWhole) {
  const std::vector<std::string> expected = {
      "/usr/bin/qemu-system-x86_64",
      "-name",
      "guest=vm1,debug-threads=on",
      "-uuid",
      "c7a5fdbd-edaf-9455-926a-d65c16db1809",
      "-no-user-config",
      "-nodefaults",
      "-sandbox",
      "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
      "-msg",
      "timestamp=on",
      "-machine",
      "pc,usb=off,dump-guest-core=off,acpi=off",
      "-accel",
      "tcg",
      "-m",
      "size=65536k",
      "-smp",
      "cpus=1",
      "-chardev",
      "socket,id=monitor,path=monitor.sock,server=on,wait=off",
      "-mon",
      "chardev=monitor,mode=control",
      "-rtc",
      "base=utc",
      "-boot",
      "strict=on",
      "-display",
      "none",
      "-S",
  };
  EXPECT_EQ(Argv(SmallDomain()), expected);
}

TEST(QemuCommand, KernelBootWithDiskSerialAndNetworkWhole) {
  Domain d = SmallDomain();
  d.type = "kvm";
  d.acpi = true;
  d.machine = "pc-q35-7.2";
  d.cpu_mode = "host-passthrough";
  d.kernel = "/boot/vmlinuz";
  d.initrd = "/boot/initrd";
  d.cmdline = "console=ttyS0 root=/dev/vda,ro";
  d.disks = {MakeDisk("vda", "virtio", {Image("/img/a.raw", "raw")})};
  d.disks[0].cache = "none";
  d.disks[0].io = "native";
  d.chardevs = {MakeChardev("serial", CharSource::Type::kFile, "/log/serial")};
  d.interfaces = {MakeInterface("user", "virtio")};
  d.qemu_args = {"-global", "a.b=c,d"};
  const std::vector<std::string> expected = {
      "/usr/bin/qemu-system-x86_64",
      "-name",
      "guest=vm1,debug-threads=on",
      "-uuid",
      "c7a5fdbd-edaf-9455-926a-d65c16db1809",
      "-no-user-config",
      "-nodefaults",
      "-sandbox",
      "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
      "-msg",
      "timestamp=on",
      "-machine",
      "pc-q35-7.2,usb=off,dump-guest-core=off,acpi=on",
      "-accel",
      "kvm",
      "-cpu",
      "host",
      "-m",
      "size=65536k",
      "-smp",
      "cpus=1",
      "-chardev",
      "socket,id=monitor,path=monitor.sock,server=on,wait=off",
      "-mon",
      "chardev=monitor,mode=control",
      "-rtc",
      "base=utc",
      "-boot",
      "strict=on",
      "-kernel",
      "/boot/vmlinuz",
      "-initrd",
      "/boot/initrd",
      "-append",
      "console=ttyS0 root=/dev/vda,ro",
      "-blockdev",
      R"({"aio":"native","cache":{"direct":true,"no-flush":false},"driver":"file","filename":"/img/a.raw","node-name":"vda-0-file","read-only":false})",
      "-blockdev",
      R"({"driver":"raw","file":"vda-0-file","node-name":"vda-0","read-only":false})",
      "-device",
      R"({"addr":"17.0","bus":"pcie.0","chassis":1,"driver":"pcie-root-port","id":"root-port0","multifunction":true})",
      "-device",
      R"({"addr":"17.1","bus":"pcie.0","chassis":2,"driver":"pcie-root-port","id":"root-port1"})",
      "-device",
      R"({"addr":"17.2","bus":"pcie.0","chassis":3,"driver":"pcie-root-port","id":"root-port2"})",
      "-device",
      R"({"addr":"17.3","bus":"pcie.0","chassis":4,"driver":"pcie-root-port","id":"root-port3"})",
      "-device",
      R"({"addr":"17.4","bus":"pcie.0","chassis":5,"driver":"pcie-root-port","id":"root-port4"})",
      "-device",
      R"({"addr":"17.5","bus":"pcie.0","chassis":6,"driver":"pcie-root-port","id":"root-port5"})",
      "-device",
      R"({"bus":"root-port0","drive":"vda-0","driver":"virtio-blk-pci","id":"drive-vda","write-cache":"on"})",
      "-chardev",
      "file,id=serial0,path=/log/serial,append=off",
      "-serial",
      "chardev:serial0",
      "-netdev",
      R"({"id":"net0","type":"user"})",
      "-device",
      R"({"bus":"root-port1","driver":"virtio-net-pci","id":"net0-card","mac":"52:54:00:db:18:09","netdev":"net0","romfile":""})",
      "-display",
      "none",
      "-S",
      "-global",
      "a.b=c,d",
  };
  EXPECT_EQ(Argv(d), expected);
}

TEST(QemuCommand, NamesAndPathsCannotAddOptions) {
  const std::string nasty = "/i, mg,read-only=on/\"q'\\\n\xc3\xa4,,";
  Domain d = SmallDomain();
  d.name = "a,process=evil,,\"\n\xe2\x82\xac";
  d.machine = "pc,accel=kvm";
  d.disks = {MakeDisk("vda", "virtio", {Image(nasty, "raw")})};
  d.chardevs = {MakeChardev("serial", CharSource::Type::kFile, nasty)};
  d.chardevs[0].source.log_path = nasty;
  d.fw_cfg = {{"opt/a,string=x", nasty}};
  d.acpi_tables = {nasty};
  d.graphics.resize(1);
  d.graphics[0].type = "vnc";
  d.graphics[0].socket_path = nasty;
  const auto argv = Argv(d);
  const std::string escaped = "/i,, mg,,read-only=on/\"q'\\\n\xc3\xa4,,,,";
  EXPECT_TRUE(Has(argv, "-name", "guest=a,,process=evil,,,,\"\n\xe2\x82\xac,debug-threads=on"));
  EXPECT_TRUE(Has(argv, "-machine", "pc,,accel=kvm,usb=off,dump-guest-core=off,acpi=off"));
  EXPECT_EQ(Find(argv, "-blockdev", "node-name", "vda-0-file")["filename"], nasty);
  EXPECT_TRUE(
      Has(argv, "-chardev",
          "file,id=serial0,path=" + escaped + ",append=off,logfile=" + escaped + ",logappend=on"));
  EXPECT_TRUE(Has(argv, "-fw_cfg", "name=opt/a,,string=x,file=" + escaped));
  EXPECT_TRUE(Has(argv, "-acpitable", "file=" + escaped));
  EXPECT_TRUE(Has(argv, "-vnc", "unix:" + escaped));
}

TEST(QemuCommand, ChainIsSpeltOutToItsEnd) {
  Domain d = SmallDomain();
  d.disks = {MakeDisk("vda", "virtio",
                      {Image("/top", "qcow2"), Image("/mid", "qcow2"), Image("/base", "raw")})};
  d.disks[0].chain[1].data_file = "/mid.data";
  auto argv = Argv(d);
  EXPECT_EQ(Find(argv, "-blockdev", "node-name", "vda-0")["backing"], "vda-1");
  EXPECT_EQ(Find(argv, "-blockdev", "node-name", "vda-1")["backing"], "vda-2");
  EXPECT_EQ(Find(argv, "-blockdev", "node-name", "vda-1")["data-file"], "vda-1-data");
  EXPECT_EQ(Find(argv, "-blockdev", "node-name", "vda-1-data")["filename"], "/mid.data");
  EXPECT_FALSE(Find(argv, "-blockdev", "node-name", "vda-2").contains("backing"));
  EXPECT_EQ(Find(argv, "-blockdev", "node-name", "vda-0")["read-only"], false);
  for (const char *node : {"vda-1", "vda-2"}) {
    EXPECT_EQ(Find(argv, "-blockdev", "node-name", node)["read-only"], true) << node;
  }
  // So that a block job may be let write to the image later.
  for (const char *node : {"vda-1-file", "vda-1-data", "vda-2-file"}) {
    EXPECT_EQ(Find(argv, "-blockdev", "node-name", node)["auto-read-only"], true) << node;
    EXPECT_FALSE(Find(argv, "-blockdev", "node-name", node).contains("read-only")) << node;
  }
  // The end of a chain that could go on is said to be one, or QEMU would follow the image.
  d.disks[0].chain = {Image("/top", "qcow2")};
  argv = Argv(d);
  ASSERT_TRUE(Find(argv, "-blockdev", "node-name", "vda-0").contains("backing"));
  EXPECT_TRUE(Find(argv, "-blockdev", "node-name", "vda-0")["backing"].is_null());
  // Every node has a driver: nothing is left to probing.
  for (const std::string &node : Options(argv, "-blockdev")) {
    EXPECT_TRUE(json::parse(node).contains("driver")) << node;
  }
  EXPECT_TRUE(Options(argv, "-drive").empty());
}

TEST(QemuCommand, CacheModes) {
  struct Mode {
    const char *word;
    bool direct, no_flush;
    const char *write_cache;
  };
  for (const Mode &mode :
       {Mode{"none", true, false, "on"}, Mode{"writeback", false, false, "on"},
        Mode{"writethrough", false, false, "off"}, Mode{"directsync", true, false, "off"},
        Mode{"unsafe", false, true, "on"}}) {
    Domain d = SmallDomain();
    d.disks = {MakeDisk("vda", "virtio", {Image("/a", "raw")})};
    d.disks[0].cache = mode.word;
    const auto argv = Argv(d);
    const json cache = Find(argv, "-blockdev", "node-name", "vda-0-file")["cache"];
    EXPECT_EQ(cache["direct"], mode.direct) << mode.word;
    EXPECT_EQ(cache["no-flush"], mode.no_flush) << mode.word;
    EXPECT_EQ(Find(argv, "-device", "id", "drive-vda")["write-cache"], mode.write_cache);
  }
}

TEST(QemuCommand, DrivesByBus) {
  Domain d = SmallDomain();
  d.disks = {MakeDisk("hdb", "ide", {Image("/a", "raw")}),
             MakeDisk("sdc", "sata", {Image("/b", "raw")}),
             MakeDisk("sdd", "scsi", {Image("/c", "raw")}),
             MakeDisk("sde", "usb", {Image("/d", "raw")}),
             MakeDisk("fda", "fdc", {}),
             MakeDisk("hdc", "ide", {})};
  d.disks[2].shareable = true;
  d.disks[2].serial = "a,b";
  d.disks[4].device = "floppy";
  d.disks[5].device = "cdrom";
  d.boot_order = {"cdrom", "hd"};
  const auto argv = Argv(d);
  const auto drive = [&](const char *target) {
    return Find(argv, "-device", "id", std::string("drive-") + target);
  };
  EXPECT_EQ(drive("hdb"), json({{"id", "drive-hdb"},
                                {"driver", "ide-hd"},
                                {"bus", "ide.0"},
                                {"unit", 1},
                                {"drive", "hdb-0"},
                                {"bootindex", 2}}));
  EXPECT_EQ(
      drive("sdc"),
      json({{"id", "drive-sdc"}, {"driver", "ide-hd"}, {"bus", "sata0.2"}, {"drive", "sdc-0"}}));
  EXPECT_EQ(drive("sdd"), json({{"id", "drive-sdd"},
                                {"driver", "scsi-hd"},
                                {"bus", "scsi0.0"},
                                {"scsi-id", 3},
                                {"drive", "sdd-0"},
                                {"share-rw", true},
                                {"serial", "a,b"}}));
  EXPECT_EQ(drive("sde")["driver"], "usb-storage");
  EXPECT_EQ(drive("fda"), json({{"id", "drive-fda"}, {"driver", "floppy"}, {"unit", 0}}));
  EXPECT_EQ(drive("hdc"), json({{"id", "drive-hdc"},
                                {"driver", "ide-cd"},
                                {"bus", "ide.1"},
                                {"unit", 0},
                                {"bootindex", 1}}));
  for (const char *controller : {"scsi0", "sata0", "usb0"}) {
    EXPECT_FALSE(Find(argv, "-device", "id", controller).is_null()) << controller;
  }
}

TEST(QemuCommand, ReadOnlyDisksAndCdromsAreReadOnly) {
  Domain d = SmallDomain();
  d.disks = {MakeDisk("vda", "virtio", {Image("/a", "raw")}),
             MakeDisk("hda", "ide", {Image("/b", "raw")})};
  d.disks[0].readonly = true;
  d.disks[1].device = "cdrom";
  const auto argv = Argv(d);
  for (const char *node : {"vda-0", "vda-0-file", "hda-0", "hda-0-file"}) {
    EXPECT_EQ(Find(argv, "-blockdev", "node-name", node)["read-only"], true) << node;
  }
}

TEST(QemuCommand, CharacterDevices) {
  Domain d = SmallDomain();
  using Type = CharSource::Type;
  d.chardevs = {MakeChardev("serial", Type::kPty),
                MakeChardev("serial", Type::kUnix, "/s/listen"),
                MakeChardev("serial", Type::kUnix, "/s/connect"),
                MakeChardev("serial", Type::kTcp),
                MakeChardev("parallel", Type::kDev, "/dev/parport0"),
                MakeChardev("console", Type::kPty),
                MakeChardev("console", Type::kPipe, "/p"),
                MakeChardev("channel", Type::kUnix)};
  d.chardevs[1].source.listen = true;
  d.chardevs[3].source.listen = true;
  d.chardevs[3].source.service = "4555";
  d.chardevs[5].serial_alias = true;
  d.chardevs[6].target_type = "virtio";
  d.chardevs[7].target_type = "virtio";
  d.chardevs[7].target_name = "org.qemu.guest_agent.0";
  d.chardevs[7].source.listen = true;
  const auto command = Command(d);
  ASSERT_TRUE(command.ok()) << command.error().message;
  EXPECT_EQ(Options(command->argv, "-chardev"),
            (std::vector<std::string>{
                "socket,id=monitor,path=monitor.sock,server=on,wait=off", "pty,id=serial0",
                "socket,id=serial1,path=/s/listen,server=on,wait=off",
                "socket,id=serial2,path=/s/connect",
                "socket,id=serial3,host=127.0.0.1,port=4555,server=on,wait=off",
                "parallel,id=parallel0,path=/dev/parport0", "pipe,id=console1,path=/p",
                "socket,id=channel0,path=channel0.sock,server=on,wait=off"}));
  EXPECT_EQ(Options(command->argv, "-serial").size(), 4U);
  EXPECT_EQ(Find(command->argv, "-device", "id", "channel0-port")["name"],
            "org.qemu.guest_agent.0");
  EXPECT_EQ(Find(command->argv, "-device", "id", "console1-port")["driver"], "virtconsole");
}

TEST(QemuCommand, ConsoleAloneIsTheSerialPort) {
  Domain d = SmallDomain();
  d.chardevs = {MakeChardev("console", CharSource::Type::kFile, "/c")};
  d.chardevs[0].source.append = true;
  const auto argv = Argv(d);
  EXPECT_TRUE(Has(argv, "-chardev", "file,id=serial0,path=/c,append=on"));
  EXPECT_TRUE(Has(argv, "-serial", "chardev:serial0"));
}

TEST(QemuCommand, TapDevicesGetNumbersInOrder) {
  Domain d = SmallDomain();
  d.interfaces = {MakeInterface("ethernet", "virtio"), MakeInterface("user", "e1000"),
                  MakeInterface("bridge", "virtio")};
  d.interfaces[2].source = "br0";
  d.interfaces[2].mac = "52:54:00:00:00:01";
  const auto command = Command(d);
  ASSERT_TRUE(command.ok()) << command.error().message;
  ASSERT_EQ(command->taps.size(), 2U);
  EXPECT_EQ(command->taps[0].interface, 0U);
  EXPECT_EQ(command->taps[0].fd, 3);
  EXPECT_EQ(command->taps[1].interface, 2U);
  EXPECT_EQ(command->taps[1].fd, 4);
  EXPECT_EQ(Find(command->argv, "-netdev", "id", "net2")["fd"], "4");
  EXPECT_EQ(Find(command->argv, "-device", "id", "net2-card")["mac"], "52:54:00:00:00:01");
}

TEST(QemuCommand, EachInterfaceHasAnAddressOfItsOwn) {
  Domain d = SmallDomain();
  d.uuid = "00000000-0000-0000-0000-0000000000ff";
  d.interfaces = {MakeInterface("user", "virtio"), MakeInterface("user", "virtio")};
  const auto argv = Argv(d);
  EXPECT_EQ(Find(argv, "-device", "id", "net0-card")["mac"], "52:54:00:00:00:ff");
  EXPECT_EQ(Find(argv, "-device", "id", "net1-card")["mac"], "52:54:00:00:00:00");
}

// Nobody who starts a domain can give files away.
TEST(QemuCommand, NoShareTakesTheGuestsOwners) {
  Domain d = SmallDomain();
  for (const char *mode : {"", "squash", "mapped", "passthrough"}) {
    Filesystem share;
    share.type = "mount";
    share.source_dir = "/share";
    share.target_tag = "tag";
    share.access_mode = mode;
    share.readonly = share.access_mode == "passthrough";
    d.filesystems.push_back(share);
  }
  const auto shares = Options(Argv(d), "-fsdev");
  ASSERT_EQ(shares.size(), 4U);
  EXPECT_THAT(shares[0], testing::HasSubstr(",security_model=none"));
  EXPECT_THAT(shares[1], testing::HasSubstr(",security_model=none"));
  EXPECT_THAT(shares[2], testing::HasSubstr(",security_model=mapped-xattr"));
  EXPECT_THAT(shares[3], testing::HasSubstr(",security_model=none,readonly=on"));
}

TEST(QemuCommand, MemoryBacking) {
  Domain d = SmallDomain();
  d.memory_source = "memfd";
  SetXml(d, "memoryBacking.access.<xmlattr>.mode", "shared");
  auto argv = Argv(d);
  EXPECT_EQ(Find(argv, "-object", "id", "ram0"), json({{"id", "ram0"},
                                                       {"qom-type", "memory-backend-memfd"},
                                                       {"size", 64 << 20},
                                                       {"share", true},
                                                       {"hugetlb", false},
                                                       {"prealloc", false}}));
  EXPECT_TRUE(Options(argv, "-machine")[0].ends_with(",memory-backend=ram0"));
  d.memory_source = "file";
  d.document.clear();
  EXPECT_EQ(Find(Argv(d), "-object", "id", "ram0")["mem-path"], ".");
  d.hugepages = true;
  EXPECT_EQ(Find(Argv(d), "-object", "id", "ram0")["hugetlb"], true);
}

TEST(QemuCommand, FirmwareFlash) {
  Domain d = SmallDomain();
  d.firmware.loader = "/fw/code";
  d.firmware.loader_type = "pflash";
  d.firmware.nvram = "/fw/vars";
  auto argv = Argv(d);
  EXPECT_TRUE(Options(argv, "-machine")[0].ends_with(",pflash0=pflash0,pflash1=pflash1"));
  EXPECT_EQ(Find(argv, "-blockdev", "node-name", "pflash0-file")["read-only"], true);
  EXPECT_EQ(Find(argv, "-blockdev", "node-name", "pflash1-file")["read-only"], false);
  d.firmware = {};
  d.firmware.loader = "/fw/bios,bin";
  d.firmware.loader_type = "rom";
  EXPECT_TRUE(Has(Argv(d), "-bios", "/fw/bios,bin"));
}

TEST(QemuCommand, HostDevicesAndTpm) {
  Domain d = SmallDomain();
  d.hostdevs.resize(3);
  d.hostdevs[0].type = "pci";
  d.hostdevs[0].bus = 3;
  d.hostdevs[0].slot = 0x1f;
  d.hostdevs[0].function = 7;
  d.hostdevs[1].type = "usb";
  d.hostdevs[1].bus = 1;
  d.hostdevs[1].device = 12;
  d.hostdevs[2].type = "mdev";
  d.hostdevs[2].mdev_uuid = "u-u-i-d";
  d.tpms.resize(1);
  d.tpms[0].backend = "external";
  d.tpms[0].socket_path = "/run/swtpm,1.sock";
  const auto argv = Argv(d);
  EXPECT_EQ(Find(argv, "-device", "id", "hostdev0")["host"], "0000:03:1f.7");
  EXPECT_EQ(Find(argv, "-device", "id", "hostdev1")["hostdevice"], "/dev/bus/usb/001/012");
  EXPECT_EQ(Find(argv, "-device", "id", "hostdev2")["sysfsdev"], "/sys/bus/mdev/devices/u-u-i-d");
  EXPECT_TRUE(Has(argv, "-tpmdev", "emulator,id=tpm0,chardev=tpm0-socket"));
  EXPECT_TRUE(Has(argv, "-chardev", "socket,id=tpm0-socket,path=/run/swtpm,,1.sock"));
}

TEST(QemuCommand, BoardsWithoutPciUseTheirBus) {
  Domain d = SmallDomain();
  d.machine = "microvm";
  d.disks = {MakeDisk("vda", "virtio", {Image("/a", "raw")})};
  d.interfaces = {MakeInterface("user", "virtio")};
  const auto argv = Argv(d);
  EXPECT_EQ(Find(argv, "-device", "id", "drive-vda")["driver"], "virtio-blk-device");
  EXPECT_EQ(Find(argv, "-device", "id", "net0-card")["driver"], "virtio-net-device");
}

TEST(QemuCommand, CpuFeaturesAndTopology) {
  Domain d = SmallDomain();
  d.vcpus = 4;
  d.cpu_mode = "custom";
  d.cpu_model = "Nehalem-v1";
  boost::property_tree::ptree feature;
  feature.put("<xmlattr>.name", "aes");
  feature.put("<xmlattr>.policy", "disable");
  SetXml(d, "cpu.topology.<xmlattr>.sockets", "2");
  SetXml(d, "cpu.topology.<xmlattr>.cores", "2");
  d.document.add_child("domain.cpu.feature", feature);
  feature.put("<xmlattr>.name", "avx");
  feature.put("<xmlattr>.policy", "require");
  d.document.add_child("domain.cpu.feature", feature);
  const auto argv = Argv(d);
  EXPECT_TRUE(Has(argv, "-cpu", "Nehalem-v1,-aes,+avx"));
  EXPECT_TRUE(Has(argv, "-smp", "cpus=4,sockets=2,cores=2"));
}

// The whole way from XML, as the command takes it.
TEST(QemuCommand, FromXml) {
  const auto domain = ParseDomainXml(R"(<domain type='qemu'>
  <name>vm,1</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
  <memory unit='MiB'>128</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><kernel>/k</kernel><cmdline>console=ttyS0</cmdline></os>
  <features><acpi/></features>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file'><driver type='raw' discard='unmap'/><source file='/a'/><target dev='vda'/></disk>
    <disk type='file'><driver type='raw'/><source file='/b'/><target dev='vdb' bus='virtio'/>
      <boot order='2'/></disk>
    <serial type='file'><source path='/s' append='on'/></serial>
    <console type='file'><source path='/s'/><target type='serial'/></console>
  </devices><devices><memballoon model='virtio'/></devices></domain>)",
                                     "vm.xml");
  ASSERT_TRUE(domain.ok()) << domain.error().message;
  const auto argv = Argv(*domain);
  EXPECT_TRUE(Has(argv, "-m", "size=131072k"));
  EXPECT_TRUE(Has(argv, "-machine", "pc,usb=off,dump-guest-core=off,acpi=on"));
  EXPECT_EQ(Find(argv, "-device", "id", "drive-vda")["driver"], "virtio-blk-pci");
  EXPECT_EQ(Find(argv, "-blockdev", "node-name", "vda-0")["discard"], "unmap");
  EXPECT_FALSE(Find(argv, "-blockdev", "node-name", "vdb-0").contains("discard"));
  EXPECT_EQ(Find(argv, "-device", "id", "drive-vdb")["bootindex"], 2);
  EXPECT_EQ(Options(argv, "-serial").size(), 1U);
  EXPECT_TRUE(Has(argv, "-chardev", "file,id=serial0,path=/s,append=on"));
  EXPECT_FALSE(Find(argv, "-device", "id", "balloon0").is_null());
}

TEST(QemuCommand, MemoryDevicesGoIntoTheRoomThereIs) {
  Domain d = SmallDomain();
  EXPECT_TRUE(Has(Argv(d), "-m", "size=65536k"));
  d.memory_slots = 2;
  d.max_memory_bytes = uint64_t{256} << 20;
  EXPECT_TRUE(Has(Argv(d), "-m", "size=65536k,slots=2,maxmem=262144k"));
  d.memory_devices.resize(1);
  MemoryDevice &dimm = d.memory_devices[0];
  dimm.model = "dimm";
  dimm.size_bytes = uint64_t{128} << 20;
  dimm.node = 1;
  EXPECT_TRUE(Has(Argv(d), "-m", "size=65536k,slots=2,maxmem=262144k"));
  EXPECT_EQ(Find(Argv(d), "-object", "id", "memory0-ram")["qom-type"], "memory-backend-ram");
  EXPECT_EQ(Find(Argv(d), "-device", "id", "memory0")["node"], 1);
  d.memory_source = "memfd";
  d.document.put("domain.memoryBacking.access.<xmlattr>.mode", "shared");
  const nlohmann::json shared = Find(Argv(d), "-object", "id", "memory0-ram");
  EXPECT_EQ(shared["qom-type"], "memory-backend-memfd") << "a vhost-user server sees all memory";
  EXPECT_EQ(shared["share"], true);
  dimm.path = "/srv/dimm";
  EXPECT_EQ(Find(Argv(d), "-object", "id", "memory0-ram")["mem-path"], "/srv/dimm");

  const auto refusal = [](const Domain &domain) {
    const auto command = Command(domain);
    EXPECT_FALSE(command.ok());
    return command ? "" : command.error().message;
  };
  dimm.readonly = true;
  EXPECT_THAT(refusal(d), testing::HasSubstr("only an nvdimm or virtio-pmem can be read-only"));
  dimm.readonly = false;
  dimm.size_bytes = uint64_t{193} << 20;
  EXPECT_THAT(refusal(d), testing::HasSubstr("more memory devices than its <maxMemory> allows"));
  dimm.size_bytes = 4096;
  d.memory_devices.resize(3, dimm);
  EXPECT_THAT(refusal(d), testing::HasSubstr("3 of 2 slots"));
}

TEST(QemuCommand, AnEmptyValueIsAnArgumentOfItsOwn) {
  QemuArgs args;
  args.Add("-append", "");
  args.Add("-S");
  const std::vector<QemuOption> options = std::move(args).Take();
  EXPECT_EQ(options[0].value, "");
  EXPECT_EQ(options[1].value, std::nullopt);
}

TEST(QemuCommand, AnAddressThatIsNoneIsRefused) {
  Domain d = SmallDomain();
  d.interfaces = {MakeInterface("user", "")};
  d.interfaces[0].mac = "52:54:00:12:34";
  const auto command = Command(d);
  ASSERT_FALSE(command.ok());
  EXPECT_THAT(command.error().message, testing::HasSubstr("is no MAC address"));
}

}  // namespace
}  // namespace svirt
