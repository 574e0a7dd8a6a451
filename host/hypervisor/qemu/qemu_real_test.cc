// SPDX-License-Identifier: LGPL-2.1-or-later
// Does the real QEMU take what the driver makes for it?
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "host/hypervisor/qemu/image_header.h"
#include "host/hypervisor/qemu/qemu_firmware.h"
#include "host/hypervisor/qemu/qemu_real_fixture.h"

namespace svirt {
namespace {

TEST_F(RealQemu, ChainsCdromSerialVncRngNetworkAndCommas) {
  Domain d = SmallDomain();
  d.name = "a,b \"c\" \xc3\xa4";
  d.acpi = true;
  d.boot_order = {"cdrom", "hd"};
  const std::string raw = dir_ / "disk, raw.img";
  const std::string base = dir_ / "base,.img";
  const std::string top = dir_ / "top.qcow2";
  MakeFile(raw, 1 << 20);
  MakeFile(base, 1 << 20);
  MakeFile(dir_ / "cd.iso", 1 << 20);
  ASSERT_EQ(RunProgram({kQemuImg, "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, top}), 0);
  d.disks = {MakeDisk("vda", "virtio", {Image(raw, "raw")}),
             MakeDisk("vdb", "virtio", {Image(top, "qcow2"), Image(base, "raw")}),
             MakeDisk("hda", "ide", {Image(dir_ / "cd.iso", "raw")}), MakeDisk("hdc", "ide", {})};
  d.disks[1].cache = "writethrough";
  d.disks[1].serial = "s,1";
  d.disks[2].device = d.disks[3].device = "cdrom";
  d.chardevs = {MakeChardev("serial", CharSource::Type::kFile, dir_ / "serial,log")};
  d.graphics.resize(1);
  d.graphics[0].type = "vnc";
  d.graphics[0].socket_path = dir_ / "vnc,1.sock";
  d.rngs.resize(2);
  d.rngs[0].backend = "random";
  d.rngs[0].path = "/dev/urandom";
  d.rngs[1].backend = "builtin";
  d.interfaces = {MakeInterface("user", "virtio"), MakeInterface("user", "")};
  const Status started = Start(d);
  ASSERT_TRUE(started.ok()) << started.error().message;
  const auto name = monitor_->Execute("query-name");
  ASSERT_TRUE(name.ok());
  EXPECT_EQ((*name)["name"], d.name);
  struct stat st {};
  EXPECT_EQ(stat((dir_ / "vnc,1.sock").c_str(), &st), 0);
  EXPECT_TRUE(S_ISSOCK(st.st_mode));
  EXPECT_EQ(st.st_mode & 077U, 0U) << "others may connect to the display";
  EXPECT_TRUE(std::filesystem::exists(dir_ / "serial,log"));
  const std::pair<std::string, int> modes[] = {
      {raw, O_RDWR}, {top, O_RDWR}, {base, O_RDONLY}, {dir_ / "cd.iso", O_RDONLY}};
  for (const auto &[path, mode] : modes) {
    EXPECT_EQ(AccessMode(path), mode) << path;
  }
  RunAndQuit();
}

TEST_F(RealQemu, Q35WithManyDevices) {
  Domain d = SmallDomain();
  d.machine = "q35";
  d.acpi = true;
  d.vcpus = 2;
  d.memory_source = "memfd";
  d.document.put("domain.memoryBacking.access.<xmlattr>.mode", "shared");
  d.document.put("domain.clock.<xmlattr>.offset", "localtime");
  d.document.put("domain.pm.suspend-to-mem.<xmlattr>.enabled", "no");
  d.document.put("domain.features.vmport.<xmlattr>.state", "off");
  d.document.put("domain.devices.memballoon.<xmlattr>.model", "virtio");
  d.document.put("domain.devices.watchdog.<xmlattr>.model", "i6300esb");
  d.document.put("domain.devices.panic.<xmlattr>.model", "isa");
  d.document.put("domain.devices.video.model.<xmlattr>.type", "virtio");
  d.on_reboot = "destroy";
  d.on_crash = "preserve";
  d.cpu_mode = "maximum";
  for (const char *name : {"a", "b", "c", "nv"}) {
    MakeFile(dir_ / name, 2 << 20);
  }
  d.disks = {MakeDisk("sda", "sata", {Image(dir_ / "a", "raw")}),
             MakeDisk("sdb", "scsi", {Image(dir_ / "b", "raw")}),
             MakeDisk("sdc", "usb", {Image(dir_ / "c", "raw")}), MakeDisk("sdd", "scsi", {})};
  d.disks[1].cache = "none";
  d.disks[1].io = "native";
  d.disks[1].shareable = true;
  d.disks[3].device = "cdrom";
  using Type = CharSource::Type;
  d.chardevs = {MakeChardev("serial", Type::kPty),
                MakeChardev("serial", Type::kNull),
                MakeChardev("console", Type::kPty),
                MakeChardev("console", Type::kPty),
                MakeChardev("channel", Type::kUnix),
                MakeChardev("serial", Type::kTcp),
                MakeChardev("parallel", Type::kFile, dir_ / "parallel")};
  d.chardevs[2].serial_alias = true;
  d.chardevs[3].target_type = "virtio";
  d.chardevs[4].target_type = "virtio";
  d.chardevs[4].target_name = "org.qemu.guest_agent.0";
  d.chardevs[4].source.listen = true;
  d.chardevs[5].source.listen = true;
  d.chardevs[5].source.service = "0";
  d.chardevs[1].source.log_path = dir_ / "log,of port";
  d.inputs.resize(3);
  d.inputs[0].type = "tablet";
  d.inputs[1].type = "keyboard";
  d.inputs[1].bus = "virtio";
  d.inputs[2].type = "mouse";
  d.memory_devices.resize(2);
  d.memory_devices[0].model = "nvdimm";
  d.memory_devices[0].path = dir_ / "nv";
  d.memory_devices[0].size_bytes = 2 << 20;
  d.memory_devices[1].model = "dimm";
  d.memory_devices[1].size_bytes = 128 << 20;
  d.interfaces = {MakeInterface("user", "")};
  d.graphics.resize(1);
  d.graphics[0].type = "vnc";
  const Status started = Start(d);
  ASSERT_TRUE(started.ok()) << started.error().message;
  EXPECT_TRUE(std::filesystem::exists(place_.run_dir + "/channel0.sock"));
  RunAndQuit();
}

TEST_F(RealQemu, PcWithFloppyFlashAndFileMemory) {
  const std::string bios = "/usr/share/seabios/bios-256k.bin";
  if (access(bios.c_str(), R_OK) != 0) {
    GTEST_SKIP() << "needs " << bios << " (Debian: seabios)";
  }
  Domain d = SmallDomain();
  d.memory_source = "file";
  d.firmware.loader = bios;
  d.firmware.loader_type = "pflash";
  d.firmware.nvram = dir_ / "vars,fd";
  d.firmware.nvram_template = dir_ / "vars.template";
  MakeFile(dir_ / "vars.template", 64 << 10);
  MakeFile(dir_ / "floppy", 1440 << 10);
  d.disks = {MakeDisk("fda", "fdc", {Image(dir_ / "floppy", "raw")})};
  d.disks[0].device = "floppy";
  const Status prepared = MakeFirmwareVariables(d.firmware);
  ASSERT_TRUE(prepared.ok()) << prepared.error().message;
  const Status started = Start(d);
  ASSERT_TRUE(started.ok()) << started.error().message;
  for (const auto &entry : std::filesystem::directory_iterator(place_.run_dir)) {
    EXPECT_EQ(entry.path().filename(), "monitor.sock") << "guest memory is left as a file";
  }
  RunAndQuit();
}

TEST_F(RealQemu, Microvm) {
  Domain d = SmallDomain();
  d.machine = "microvm";
  MakeFile(dir_ / "a", 1 << 20);
  d.disks = {MakeDisk("vda", "virtio", {Image(dir_ / "a", "raw")})};
  d.disks[0].readonly = true;
  d.interfaces = {MakeInterface("user", "virtio")};
  d.chardevs = {MakeChardev("console", CharSource::Type::kFile, dir_ / "serial")};
  d.rngs.resize(1);
  d.rngs[0].backend = "builtin";
  const Status started = Start(d);
  ASSERT_TRUE(started.ok()) << started.error().message;
  RunAndQuit();
}

TEST_F(RealQemu, DeepRunDirectory) {
  for (int i = 0; i < 5; ++i) {
    place_.run_dir += "/" + std::string(60, static_cast<char>('a' + i));
    std::filesystem::create_directory(place_.run_dir);
  }
  const Status started = Start(SmallDomain());
  ASSERT_TRUE(started.ok()) << started.error().message;
  monitor_.reset();
  // Another process of ours finds it again; a stranger's monitor is not taken for it.
  const auto deadline = QmpClient::Clock::now() + std::chrono::seconds(10);
  EXPECT_EQ(ConnectMonitor(place_.run_dir, getpid(), deadline).error().code, Errc::kRefused);
  auto again = ConnectMonitor(place_.run_dir, child_.pid, deadline);
  ASSERT_TRUE(again.ok()) << again.error().message;
  monitor_.emplace(std::move(*again));
  RunAndQuit();
}

TEST_F(RealQemu, OwnWordsWhenItEndsAtOnce) {
  WriteText(place_.log_path, "an old line\n");
  log_start_ = static_cast<off_t>(std::filesystem::file_size(place_.log_path));
  Domain d = SmallDomain();
  d.qemu_args = {"-device", "no-such-device"};
  const auto start = std::chrono::steady_clock::now();
  const Status started = Start(d);
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message.find("no-such-device"), std::string::npos)
      << started.error().message;
  EXPECT_EQ(started.error().message.find("an old line"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST_F(RealQemu, MonitorThatNeverAnswersIsGivenUp) {
  LaunchSpec spec;
  spec.program = "/bin/sleep";
  spec.argv = {"sleep", "1000"};
  auto child = Launch(spec);
  ASSERT_TRUE(child.ok());
  const auto monitor = WaitForMonitor(place_, 0, *child, std::chrono::milliseconds(200));
  Kill(*child);
  ASSERT_FALSE(monitor.ok());
  EXPECT_NE(monitor.error().message.find("within 200 ms"), std::string::npos);
}

TEST_F(RealQemu, ChildHasOnlyWhatItNeeds) {
  const Fd leak(open("/dev/zero", O_RDONLY));
  const Status started = Start(SmallDomain());
  ASSERT_TRUE(started.ok()) << started.error().message;
  const std::string fds = "/proc/" + std::to_string(child_.pid) + "/fd";
  for (const auto &entry : std::filesystem::directory_iterator(fds)) {
    EXPECT_NE(std::filesystem::read_symlink(entry.path()), "/dev/zero");
  }
  EXPECT_EQ(std::filesystem::read_symlink(fds + "/0"), "/dev/null");
  EXPECT_EQ(std::filesystem::read_symlink(fds + "/1"), place_.log_path);
  EXPECT_EQ(std::filesystem::read_symlink(fds + "/2"), place_.log_path);
  RunAndQuit();
}

TEST_F(RealQemu, ImageHeadersAreComparedWithTheXml) {
  const std::string base = dir_ / "base";
  const std::string top = dir_ / "top";
  const std::string alone = dir_ / "alone";
  const std::string split = dir_ / "split";
  MakeFile(base, 1 << 20);
  ASSERT_EQ(RunProgram({kQemuImg, "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, top}), 0);
  ASSERT_EQ(RunProgram({kQemuImg, "create", "-q", "-f", "qcow2", alone, "1M"}), 0);
  ASSERT_EQ(RunProgram({kQemuImg, "create", "-q", "-f", "qcow2", "-o", "data_file=" + split + ".d",
                        split, "1M"}),
            0);
  EXPECT_TRUE(CheckImageHeaders(MakeDisk("vda", "virtio", {Image(alone, "qcow2")})).ok());
  EXPECT_TRUE(
      CheckImageHeaders(MakeDisk("vda", "virtio", {Image(top, "qcow2"), Image(base, "raw")})).ok());
  Status status = CheckImageHeaders(MakeDisk("vda", "virtio", {Image(top, "qcow2")}));
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("<backingStore>"), std::string::npos);
  status = CheckImageHeaders(MakeDisk("vda", "virtio", {Image(split, "qcow2")}));
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("<dataStore>"), std::string::npos);
  Disk with_data = MakeDisk("vda", "virtio", {Image(split, "qcow2")});
  with_data.chain[0].data_file = split + ".d";
  EXPECT_TRUE(CheckImageHeaders(with_data).ok());
  Domain d = SmallDomain();
  d.disks = {with_data};
  const Status started = Start(d);
  ASSERT_TRUE(started.ok()) << started.error().message;
  RunAndQuit();
}

// What a guest writes to its raw disk decides nothing (CVE-2010-2237).
TEST_F(RealQemu, RawDiskWithAForgedHeaderIsRaw) {
  const std::string disk = dir_ / "disk";
  ASSERT_EQ(RunProgram({kQemuImg, "create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b",
                        "/etc/shadow", disk, "1M"}),
            0);
  Domain d = SmallDomain();
  d.disks = {MakeDisk("vda", "virtio", {Image(disk, "raw")})};
  const Status started = Start(d);
  ASSERT_TRUE(started.ok()) << started.error().message;
  const auto blocks = monitor_->Execute("query-named-block-nodes");
  ASSERT_TRUE(blocks.ok());
  EXPECT_EQ(blocks->size(), 2U);
  EXPECT_EQ(blocks->dump().find("/etc/shadow"), std::string::npos);
  RunAndQuit();
}

}  // namespace
}  // namespace svirt
