// SPDX-License-Identifier: LGPL-2.1-or-later
// Root ports: how many there are, which device gets which, and when none is left.
#include "host/hypervisor/qemu/qemu_root_ports.h"

#include <gmock/gmock.h>

#include "host/hypervisor/qemu/qemu_hotplug_fixture.h"

namespace svirt {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

Domain Q35(const std::string &devices) {
  Domain domain = WithDevices(devices, "", "q35");
  domain.acpi = true;
  return domain;
}

std::string Listed(size_t ports) {
  std::string controllers =
      "<controller type='pci' model='pcie-root'/><controller type='usb' model='qemu-xhci'/>";
  for (size_t i = 0; i < ports; ++i) {
    controllers += "<controller type='pci' model='pcie-root-port'/>";
  }
  return controllers;
}

std::string DiskXml(const std::string &target) {
  return "<disk type='file'><driver type='raw'/><source file='/images/" + target +
         "'/><target dev='" + target + "' bus='virtio'/></disk>";
}

std::vector<json> PortsOf(const Domain &domain) {
  std::vector<json> ports;
  for (const std::string &text : Options(Argv(domain), "-device")) {
    json device = json::parse(text);
    if (device["driver"] == "pcie-root-port") {
      ports.push_back(std::move(device));
    }
  }
  return ports;
}

TEST(RootPorts, SomeAreFreeBesideThoseOfTheDevices) {
  EXPECT_EQ(PortsOf(Q35("")).size(), 4u);
  const Domain two = Q35(DiskXml("vda") + "<interface type='user'/><memballoon model='virtio'/>");
  EXPECT_EQ(PortsOf(two).size(), 6u);
  const auto argv = Argv(two);
  EXPECT_EQ(Find(argv, "-device", "id", "drive-vda")["bus"], "root-port0");
  EXPECT_EQ(Find(argv, "-device", "id", "net0-card")["bus"], "root-port1");
  EXPECT_FALSE(Find(argv, "-device", "id", "balloon0").contains("bus")) << "it never goes";
  // QEMU must know a port before what is in it.
  const auto devices = Options(argv, "-device");
  EXPECT_THAT(devices.at(5), HasSubstr("root-port5"));
  EXPECT_THAT(devices.at(6), HasSubstr("drive-vda"));
}

TEST(RootPorts, TheXmlMayListMore) {
  EXPECT_EQ(PortsOf(Q35(Listed(3))).size(), 4u);
  const std::vector<json> ports = PortsOf(Q35(Listed(12) + DiskXml("vda")));
  ASSERT_EQ(ports.size(), 12u);
  std::set<json> addresses, chassis;
  for (size_t i = 0; i < ports.size(); ++i) {
    EXPECT_EQ(ports[i]["id"], "root-port" + std::to_string(i));
    EXPECT_EQ(ports[i].contains("multifunction"), i == 0 || i == 8) << "the first in its slot";
    addresses.insert(ports[i]["addr"]);
    chassis.insert(ports[i]["chassis"]);
  }
  EXPECT_EQ(addresses.size(), ports.size());
  EXPECT_EQ(chassis.size(), ports.size());
  EXPECT_EQ(ports[7]["addr"], "17.7");
  EXPECT_EQ(ports[8]["addr"], "18.0");
}

TEST(RootPorts, ThereIsAnEndToThem) {
  EXPECT_EQ(PortsOf(Q35(Listed(64))).back()["addr"], "1e.7");
  const auto command = Command(Q35(Listed(65)));
  ASSERT_FALSE(command.ok());
  EXPECT_EQ(command.error().code, Errc::kUnsupported);
  EXPECT_THAT(command.error().message, HasSubstr("ask for 65 PCIe root ports"));
}

TEST(RootPorts, NoneIsRefusedForThoseThatWouldBeFree) {
  const auto disks = [](size_t count) {
    std::string xml;
    for (size_t i = 0; i < count; ++i) {
      xml += DiskXml(std::string("vd") + static_cast<char>('a' + i / 26) +
                     static_cast<char>('a' + i % 26));
    }
    return xml;
  };
  EXPECT_EQ(PortsOf(Q35(disks(61))).size(), 64u);
  EXPECT_EQ(PortsOf(Q35(disks(64))).size(), 64u);
  const auto command = Command(Q35(disks(65)));
  ASSERT_FALSE(command.ok());
  EXPECT_THAT(command.error().message, HasSubstr("ask for 65 PCIe root ports"));
}

TEST(RootPorts, OtherMachinesHaveNone) {
  for (const char *machine : {"pc", "pc-i440fx-7.2", "microvm"}) {
    const Domain domain = WithDevices(Listed(2) + DiskXml("vda"), "", machine);
    EXPECT_THAT(PortsOf(domain), IsEmpty()) << machine;
    EXPECT_FALSE(Find(Argv(domain), "-device", "id", "drive-vda").contains("bus")) << machine;
  }
  EXPECT_EQ(PortsOf(WithDevices("", "", "pc-q35-7.2")).size(), 4u);
}

TEST(RootPorts, WhatCanBeAttachedToPciIsInOne) {
  Domain domain =
      Q35("<disk type='file'><driver type='raw'/><source file='/s'/><target dev='sda' bus='scsi'/>"
          "</disk><disk type='file'><driver type='raw'/><source file='/t'/><target dev='sdb' "
          "bus='sata'/></disk><serial type='null'><target type='pci-serial'/></serial>"
          "<serial type='null'><target type='usb-serial'/></serial>"
          "<channel type='null'><target type='virtio' name='c'/></channel>"
          "<memory model='virtio-pmem'><source><path>/p</path></source><target><size>1</size>"
          "</target></memory><memory model='dimm'><target><size>1</size></target></memory>"
          "<hostdev mode='subsystem' type='pci' managed='no'><source><address bus='1' slot='2'/>"
          "</source></hostdev>" +
          DiskXml("vda"));
  domain.hostdevs.resize(2);
  domain.hostdevs[1].type = "mdev";
  domain.hostdevs[1].mdev_uuid = "u-u-i-d";
  const auto argv = Argv(domain);
  const auto is_in_port = [&](const std::string &id) {
    const json device = Find(argv, "-device", "id", id);
    EXPECT_FALSE(device.is_null()) << id;
    return device.is_object() && device.value("bus", "").starts_with("root-port");
  };
  for (const char *id : {"scsi0", "usb0", "virtio-serial0", "serial0-port", "drive-vda", "memory0",
                         "hostdev0", "hostdev1"}) {
    EXPECT_TRUE(is_in_port(id)) << id;
  }
  for (const char *id : {"drive-sda", "drive-sdb", "serial1-port", "channel0-port", "memory1"}) {
    EXPECT_FALSE(is_in_port(id)) << id;
  }
  EXPECT_EQ(PortsOf(domain).size(), 12u);
}

class RootPortTest : public HotplugTest {
 protected:
  void SetUp() override {
    qemu_.devices = {"root-port0", "root-port1", "root-port2", "root-port3"};
  }
  const Domain none_ = Q35(""), disk_ = Q35(DiskXml("vda"));
};

TEST_F(RootPortTest, TheDifferenceOfTwoDomainsIsNoneOfPorts) {
  const Domain two = Q35(DiskXml("vda") + DiskXml("vdb"));
  const QemuChange change = Change(disk_, two), back = Change(two, disk_);
  ASSERT_EQ(change.add.size(), 3u);
  EXPECT_FALSE(change.add[0].in_root_port);
  EXPECT_TRUE(change.add[2].in_root_port);
  EXPECT_THAT(back.unplug, ElementsAre("drive-vdb"));
  // Nor is it where the others are, when one goes that stood before them.
  EXPECT_THAT(Change(two, Q35(DiskXml("vdb"))).unplug, ElementsAre("drive-vda"));
}

TEST_F(RootPortTest, TheFirstFreeOneIsTaken) {
  qemu_.in_port = {{"root-port0", "a"}, {"root-port2", "b"}};
  const Status plugged = Plugged(Change(none_, disk_));
  ASSERT_TRUE(plugged.ok()) << plugged.error().message;
  EXPECT_EQ(qemu_.in_port["root-port1"], "drive-vda");
  ASSERT_TRUE(Unplugged(Change(disk_, none_)).ok());
  EXPECT_THAT(qemu_.in_port, ElementsAre(Pair("root-port0", "a"), Pair("root-port2", "b")));
}

TEST_F(RootPortTest, TwoThatComeTogetherTakeTwo) {
  const Domain more =
      Q35("<channel type='null'><target type='virtio' name='c'/></channel>" + DiskXml("vda"));
  ASSERT_TRUE(Plugged(Change(none_, more)).ok());
  EXPECT_THAT(qemu_.in_port,
              ElementsAre(Pair("root-port0", "drive-vda"), Pair("root-port1", "virtio-serial0")));
}

TEST_F(RootPortTest, ADeviceThatTheGuestHoldsKeepsItsPort) {
  ASSERT_TRUE(Plugged(Change(none_, disk_)).ok());
  qemu_.guest = FakeQemu::kHoldsOn;
  EXPECT_FALSE(Unplugged(Change(disk_, none_)).ok());
  ASSERT_TRUE(Plugged(Change(disk_, Q35(DiskXml("vda") + DiskXml("vdb")))).ok());
  EXPECT_THAT(qemu_.in_port,
              ElementsAre(Pair("root-port0", "drive-vda"), Pair("root-port1", "drive-vdb")));
}

TEST_F(RootPortTest, WithAllTakenTheErrorSaysWhatToDo) {
  for (const std::string &port : qemu_.devices) {
    qemu_.in_port[port] = "x";
  }
  const auto taken = qemu_.in_port;
  const Status plugged = Plugged(Change(none_, disk_));
  ASSERT_FALSE(plugged.ok());
  EXPECT_EQ(plugged.error().code, Errc::kUnsupported);
  EXPECT_THAT(plugged.error().message,
              HasSubstr("no PCIe root port is free for device drive-vda: each of the domain's 4 "));
  EXPECT_THAT(plugged.error().message, HasSubstr("with 5 <controller type='pci'"));
  ASSERT_TRUE(Unplugged(Change(disk_, none_)).ok());
  EXPECT_THAT(qemu_.nodes, IsEmpty());
  EXPECT_EQ(qemu_.in_port, taken);
}

TEST_F(RootPortTest, WithoutAcpiNothingComesOrGoes) {
  Domain none = none_, disk = disk_;
  none.acpi = disk.acpi = false;
  for (const auto &change : {PlanQemuChange(none, disk), PlanQemuChange(disk, none)}) {
    ASSERT_FALSE(change.ok());
    EXPECT_EQ(change.error().code, Errc::kUnsupported);
    EXPECT_THAT(change.error().message, HasSubstr("<acpi/>"));
  }
  // What is on a controller does, and leaves it.
  Domain channel = Q35("<channel type='null'><target type='virtio' name='c'/></channel>");
  channel.acpi = false;
  EXPECT_THAT(Change(channel, none).unplug, ElementsAre("channel0-port"));
  EXPECT_THAT(Change(WithDevices(DiskXml("vda")), WithDevices("")).unplug, ElementsAre("drive-vda"))
      << "machine pc tells its guest by itself";
}

}  // namespace
}  // namespace svirt
