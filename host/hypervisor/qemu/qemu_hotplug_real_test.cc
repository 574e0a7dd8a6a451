// SPDX-License-Identifier: LGPL-2.1-or-later
// Does the real QEMU take the devices that a running domain is given, and give them back?
#include <gmock/gmock.h>
#include <net/if.h>

#include "host/domain/device_change.h"
#include "host/domain/domain_xml.h"
#include "host/hypervisor/qemu/qemu_hotplug.h"
#include "host/hypervisor/qemu/qemu_real_fixture.h"
#include "host/hypervisor/qemu/tap.h"

namespace svirt {
namespace {

using testing::HasSubstr;
using testing::Not;

class RealHotplug : public RealQemu {
 protected:
  // A paused domain with room for memory, and a port for channels.
  void SetUp() override {
    RealQemu::SetUp();
    if (IsSkipped()) {
      return;
    }
    StartMachine("pc", "<maxMemory slots='2' unit='MiB'>512</maxMemory>",
                 "<input type='tablet' bus='usb'/>");
  }

  void StartMachine(const std::string &machine, const std::string &more,
                    const std::string &devices) {
    auto domain = ParseDomainXml(
        "<domain type='qemu'><name>a</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
        "<memory unit='MiB'>64</memory>" +
            more + "<os><type arch='x86_64' machine='" + machine +
            "'>hvm</type></os><features><acpi/></features><devices>"
            "<channel type='null'><target type='virtio' name='first'/></channel>" +
            devices + "</devices></domain>",
        "a.xml");
    ASSERT_TRUE(domain.ok()) << domain.error().message;
    domain_ = std::move(*domain);
    const Status started = Start(domain_);
    ASSERT_TRUE(started.ok()) << started.error().message;
  }
  // Another in its place.
  void Restart(const std::string &machine, const std::string &devices = "") {
    ASSERT_TRUE(monitor_->Execute("quit").ok());
    EXPECT_EQ(*Wait(child_), 0);
    StartMachine(machine, "", devices);
  }

  Domain With(const std::string &device) {
    auto next = WithDevice(domain_, device, "dev.xml");
    EXPECT_TRUE(next.ok()) << next.error().message;
    return next ? *next : Domain();
  }
  Status Attach(const Domain &next) {
    SVIRT_ASSIGN(const QemuChange change, PlanQemuChange(domain_, next));
    return Plug(*monitor_, change, OpenTap);
  }
  // Of what the guest has no part in, or has not got.
  Status TakeBack(const Domain &next) {
    SVIRT_ASSIGN(const QemuChange change, PlanQemuChange(next, domain_));
    return Unplug(*monitor_, change, std::chrono::seconds(5));
  }
  // What QEMU has that goes by a name, as it tells people.
  std::string Shown() {
    std::string text;
    for (const char *command : {"info chardev", "info network", "info memdev", "info qtree"}) {
      const auto answer = monitor_->Execute("human-monitor-command", {{"command-line", command}});
      EXPECT_TRUE(answer.ok()) << answer.error().message;
      text += answer ? answer->get<std::string>() : "";
    }
    return text;
  }

  Domain domain_;
};

TEST_F(RealHotplug, ChannelsAndPortsComeAndGo) {
  const std::string devices[] = {
      "<channel type='unix'><source mode='bind' path='" + (dir_ / "a,b.sock") +
          "'/><target type='virtio' name='org.new.0'/><alias name='ua-new'/></channel>",
      "<channel type='file'><source path='" + (dir_ / "a,b.out") +
          "'/><target type='virtio' name='org.new.0'/><alias name='ua-new'/></channel>",
      "<channel type='pty'><target type='virtio' name='o.0'/><alias name='ua-new'/></channel>",
      "<console type='null'><log file='" + (dir_ / "log") +
          "'/><target type='virtio'/><alias name='ua-new'/></console>",
      std::string("<serial type='tcp'><source mode='bind' host='127.0.0.1' service='0'/>") +
          "<target type='usb-serial'/><alias name='ua-new'/></serial>",
  };
  const std::string before = Shown();
  ASSERT_THAT(before, Not(HasSubstr("ua-new")));
  for (const std::string &device : devices) {
    const Domain next = With(device);
    const Status attached = Attach(next);
    ASSERT_TRUE(attached.ok()) << device << ": " << attached.error().message;
    EXPECT_THAT(Shown(), HasSubstr("ua-new")) << device;
    const Status detached = TakeBack(next);
    ASSERT_TRUE(detached.ok()) << device << ": " << detached.error().message;
    EXPECT_EQ(Shown(), before) << device;
  }
  EXPECT_TRUE(std::filesystem::exists(dir_ / "a,b.out"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "a,b.sock")) << "QEMU takes its socket away";
}

// Of a bus that nothing leaves, such as that of microvm.
TEST_F(RealHotplug, AControllerThatCannotGoStays) {
  ASSERT_NO_FATAL_FAILURE(Restart("microvm"));
  const auto without = WithoutDevice(domain_, "<channel type='null'/>", "dev.xml");
  ASSERT_TRUE(without.ok()) << without.error().message;
  for (int i = 0; i < 2; ++i) {
    const auto away = PlanQemuChange(domain_, *without), back = PlanQemuChange(*without, domain_);
    ASSERT_TRUE(away.ok() && back.ok());
    const Status gone = Unplug(*monitor_, *away, std::chrono::seconds(5));
    ASSERT_TRUE(gone.ok()) << gone.error().message;
    EXPECT_THAT(Shown(), Not(HasSubstr("channel0")));
    EXPECT_THAT(Shown(), HasSubstr("virtio-serial0"));
    const Status again = Plug(*monitor_, *back, OpenTap);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_THAT(Shown(), HasSubstr("channel0"));
  }
}

TEST_F(RealHotplug, OnQ35EachHasARootPortOfItsOwn) {
  ASSERT_NO_FATAL_FAILURE(Restart("q35"));
  MakeFile(dir_ / "disk", 1 << 20);
  MakeFile(dir_ / "scsi", 1 << 20);
  const auto disk = [&](const char *target, const char *bus, const char *file) {
    return "<disk type='file'><driver type='raw'/><source file='" + (dir_ / file) +
           "'/><target dev='" + target + "' bus='" + bus + "'/></disk>";
  };
  const std::string network = "<interface type='user'><model type='virtio'/>";
  const Domain refused = With(network + "<rom file='" + (dir_ / "nobody") + "'/></interface>");
  EXPECT_FALSE(Attach(refused).ok());
  EXPECT_TRUE(TakeBack(refused).ok());
  const std::string devices[] = {disk("vda", "virtio", "disk"), network + "</interface>",
                                 disk("sda", "scsi", "scsi"),
                                 "<serial type='null'><target type='pci-serial'/></serial>"};
  for (const std::string &device : devices) {
    Domain next = With(device);
    const Status attached = Attach(next);
    ASSERT_TRUE(attached.ok()) << device << ": " << attached.error().message;
    domain_ = std::move(next);
  }
  std::vector<std::string> in_ports;
  for (int i = 0; i < 5; ++i) {
    const std::string port = "root-port" + std::to_string(i);
    const auto members =
        monitor_->Execute("qom-list", {{"path", "/machine/peripheral/" + port + "/" + port}});
    ASSERT_TRUE(members.ok()) << members.error().message;
    for (const auto &member : *members) {
      if (member.value("name", "").starts_with("child[")) {
        in_ports.push_back(port + " " + member.value("type", ""));
      }
    }
  }
  EXPECT_THAT(in_ports, testing::ElementsAre(
                            "root-port0 link<virtio-serial-pci>", "root-port1 link<virtio-blk-pci>",
                            "root-port2 link<virtio-net-pci>", "root-port3 link<virtio-scsi-pci>",
                            "root-port4 link<pci-serial>"));
  // There is no more room, but on what is there already.
  const std::string before = Shown();
  const Domain fifth = With(network + "<mac address='52:54:00:aa:bb:01'/></interface>");
  const Status attached = Attach(fifth);
  ASSERT_FALSE(attached.ok());
  EXPECT_THAT(attached.error().message, HasSubstr("no PCIe root port is free"));
  EXPECT_THAT(attached.error().message, HasSubstr("with 6 <controller"));
  const Status back = TakeBack(fifth);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(Shown(), before);
  const Status channel =
      Attach(With("<channel type='null'><target type='virtio' name='second'/></channel>"));
  EXPECT_TRUE(channel.ok()) << channel.error().message;
}

TEST_F(RealHotplug, AFullMachineStarts) {
  std::string ports;
  for (int i = 0; i < 64; ++i) {
    ports += "<controller type='pci' model='pcie-root-port'/>";
  }
  ASSERT_NO_FATAL_FAILURE(Restart("q35", ports));
  EXPECT_THAT(Shown(), HasSubstr("\"root-port63\""));
}

TEST_F(RealHotplug, ADeviceThatIsRefusedLeavesNothing) {
  MakeFile(dir_ / "dimm", 3 << 20);
  // Each fails at another of its commands.
  const std::pair<std::string, const char *> cases[] = {
      {"<channel type='unix'><source mode='connect' path='" + (dir_ / "nobody") +
           "'/><target type='virtio' name='org.new.0'/></channel>",
       "chardev-add"},
      {"<interface type='vdpa'><source dev='" + (dir_ / "nobody") + "'/></interface>",
       "netdev_add"},
      {"<interface type='user'><model type='ne2k_pci'/><rom file='" + (dir_ / "nobody") +
           "'/></interface>",
       "device_add"},
      {"<memory model='dimm'><source><path>" + (dir_ / "nobody/dimm") +
           "</path></source><target><size unit='MiB'>2</size></target></memory>",
       "object-add"},
      {"<memory model='dimm'><source><path>" + (dir_ / "dimm") +
           "</path></source><target><size unit='MiB'>3</size><node>3</node></target></memory>",
       "device_add"},
  };
  const std::string before = Shown();
  for (const auto &[device, command] : cases) {
    const Domain next = With(device);
    const Status attached = Attach(next);
    ASSERT_FALSE(attached.ok()) << device;
    EXPECT_THAT(attached.error().message, HasSubstr(std::string("refused ") + command)) << device;
    const Status back = TakeBack(next);
    EXPECT_TRUE(back.ok()) << device << ": " << back.error().message;
    EXPECT_EQ(Shown(), before) << device;
  }
}

TEST_F(RealHotplug, MemoryAndInterfacesCome) {
  MakeFile(dir_ / "dimm", 128 << 20);
  const std::pair<std::string, std::string> cases[] = {
      {"<memory model='dimm'><target><size unit='MiB'>128</size></target></memory>", "memory0-ram"},
      {"<memory model='dimm'><source><path>" + (dir_ / "dimm") +
           "</path></source><target><size unit='MiB'>128</size></target></memory>",
       "memory1-ram"},
      {"<interface type='user'><mac address='52:54:00:aa:bb:01'/><model type='virtio'/>"
       "</interface>",
       "macaddr=52:54:00:aa:bb:01"},
  };
  for (const auto &[device, shown] : cases) {
    Domain next = With(device);
    EXPECT_THAT(Shown(), Not(HasSubstr(shown)));
    const Status attached = Attach(next);
    ASSERT_TRUE(attached.ok()) << device << ": " << attached.error().message;
    EXPECT_THAT(Shown(), HasSubstr(shown));
    domain_ = std::move(next);
  }
  EXPECT_EQ(AccessMode(dir_ / "dimm"), O_RDWR);
  // A slot for each.
  auto third = WithDevice(
      domain_, "<memory model='dimm'><target><size unit='MiB'>128</size></target></memory>", "d");
  ASSERT_TRUE(third.ok());
  const auto change = PlanQemuChange(domain_, *third);
  ASSERT_FALSE(change.ok());
  EXPECT_THAT(change.error().message, HasSubstr("<maxMemory>"));
}

TEST_F(RealHotplug, ATapIsOpenedHereAndHandedOver) {
  if (access("/dev/net/tun", R_OK | W_OK) != 0 || geteuid() != 0) {
    GTEST_SKIP() << "needs root and /dev/net/tun";
  }
  const std::string name = "svirt" + std::to_string(getpid() % 100000);
  const std::string tap = "<interface type='ethernet'><target dev='" + name + "'/>";
  const std::string before = Shown();
  const Domain refused = With(tap + "<rom file='" + (dir_ / "nobody") + "'/></interface>");
  ASSERT_FALSE(Attach(refused).ok());
  EXPECT_NE(if_nametoindex(name.c_str()), 0u) << "QEMU has it still";
  const Status back = TakeBack(refused);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(Shown(), before);
  EXPECT_EQ(if_nametoindex(name.c_str()), 0u) << "nobody has it any more";
  const Status attached = Attach(With(tap + "</interface>"));
  ASSERT_TRUE(attached.ok()) << attached.error().message;
  EXPECT_THAT(Shown(), HasSubstr("type=tap"));
  EXPECT_NE(if_nametoindex(name.c_str()), 0u);
}

}  // namespace
}  // namespace svirt
