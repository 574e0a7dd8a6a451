// SPDX-License-Identifier: LGPL-2.1-or-later
// Changes of a running QEMU: what is asked of it, in which order, and how a failure is undone.
#include "host/hypervisor/qemu/qemu_hotplug.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <set>

#include "host/domain/device_change.h"
#include "host/hypervisor/qemu/qemu_hotplug_fixture.h"

namespace svirt {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(HotplugTest, TheDifferenceIsTheNewDiskAlone) {
  const QemuChange change = Change(one_, two_);
  ASSERT_FALSE(change.add.empty());
  for (size_t i = 0; i + 1 < change.add.size(); ++i) {
    EXPECT_EQ(change.add[i].name, "blockdev-add");
    EXPECT_THAT(change.add[i].arguments.dump(), HasSubstr("vdb"));
  }
  EXPECT_EQ(change.add.back().name, "device_add");
  EXPECT_THAT(change.unplug, IsEmpty());
  EXPECT_THAT(change.remove, IsEmpty());
  const QemuChange none = Change(two_, two_);
  EXPECT_TRUE(none.add.empty() && none.unplug.empty() && none.remove.empty());
}

TEST_F(HotplugTest, ABackingImageIsReopened) {
  Domain chain = SmallDomain();
  chain.disks.push_back(
      MakeDisk("vda", "virtio", {Image("/images/top", "qcow2"), Image("/images/base", "qcow2")}));
  Domain in_job = chain;
  in_job.writable_backing = {"/images/base"};
  for (const bool writable : {true, false}) {
    const QemuChange change = writable ? Change(chain, in_job) : Change(in_job, chain);
    EXPECT_TRUE(change.add.empty() && change.unplug.empty() && change.remove.empty());
    ASSERT_EQ(change.reopen.size(), 1u);
    EXPECT_EQ(change.reopen[0].name, "blockdev-reopen");
    const json &nodes = change.reopen[0].arguments["options"];
    ASSERT_EQ(nodes.size(), 1u) << "the file below is opened as it is needed";
    EXPECT_EQ(nodes[0]["node-name"], "vda-1");
    EXPECT_EQ(nodes[0]["read-only"], !writable);
  }
}

TEST_F(HotplugTest, WhatQemuCannotChangeIsRefused) {
  Domain more = one_;
  more.vcpus = 7;
  const auto change = PlanQemuChange(one_, more);
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.error().code, Errc::kUnsupported);
  EXPECT_THAT(change.error().message, HasSubstr("define the domain with it"));
}

TEST_F(HotplugTest, ThereAndBackLeavesNothing) {
  ASSERT_TRUE(Plugged(Change(one_, two_)).ok());
  EXPECT_EQ(qemu_.devices.size(), 1u);
  EXPECT_FALSE(qemu_.nodes.empty());
  const Status unplugged = Unplugged(Change(two_, one_));
  ASSERT_TRUE(unplugged.ok()) << unplugged.error().message;
  EXPECT_THAT(qemu_.devices, IsEmpty());
  EXPECT_THAT(qemu_.nodes, IsEmpty());
}

TEST_F(HotplugTest, ARefusedDeviceIsTakenBackByTheOppositeChange) {
  qemu_.refuses = "device_add";
  EXPECT_FALSE(Plugged(Change(one_, two_)).ok());
  EXPECT_FALSE(qemu_.nodes.empty());
  qemu_.asked.clear();
  const Status back = Unplugged(Change(two_, one_));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_THAT(qemu_.nodes, IsEmpty());
  EXPECT_THAT(qemu_.asked, Not(testing::Contains(HasSubstr("device_del"))));
}

TEST_F(HotplugTest, NothingIsAskedOfAQemuThatHasNothingOfIt) {
  ASSERT_TRUE(Unplugged(Change(two_, one_)).ok());
  EXPECT_THAT(qemu_.asked, IsEmpty());
}

TEST_F(HotplugTest, AGuestThatHoldsOnKeepsItsDisk) {
  ASSERT_TRUE(Plugged(Change(one_, two_)).ok());
  const auto nodes = qemu_.nodes;
  qemu_.guest = FakeQemu::kHoldsOn;
  const Status held = Unplugged(Change(two_, one_));
  ASSERT_FALSE(held.ok());
  EXPECT_EQ(held.error().code, Errc::kConflict);
  EXPECT_EQ(qemu_.nodes, nodes);
  qemu_.guest = FakeQemu::kSaysNo;
  const auto start = QmpClient::Clock::now();
  const Status refused =
      With([&](QmpClient &monitor) { return Unplug(monitor, Change(two_, one_), seconds(60)); });
  EXPECT_LT(QmpClient::Clock::now() - start, seconds(30)) << "it has said so";
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  EXPECT_EQ(qemu_.nodes, nodes);
  // It lets go later, when nobody listens: asked again, the rest is removed.
  qemu_.devices.clear();
  const Status again = Unplugged(Change(two_, one_));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_THAT(qemu_.nodes, IsEmpty());
}

TEST_F(HotplugTest, WhatIsMadeOfOthersGoesFirst) {
  ASSERT_TRUE(Plugged(Change(one_, two_)).ok());
  const std::vector<std::string> made = qemu_.asked;
  qemu_.asked.clear();
  ASSERT_TRUE(Unplugged(Change(two_, one_)).ok());
  ASSERT_EQ(qemu_.asked.size(), made.size());
  for (size_t i = 0; i < made.size(); ++i) {
    const std::string &last = made[made.size() - 1 - i];
    EXPECT_EQ(qemu_.asked[i].substr(qemu_.asked[i].find(' ')), last.substr(last.find(' ')));
  }
}

constexpr char kUser[] = "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>";
constexpr char kBridge[] =
    "<interface type='bridge'><source bridge='br0'/><target dev='tap7'/></interface>";
constexpr char kChannel[] =
    "<channel type='unix'><source mode='bind' path='/run/vm/agent.sock'/>"
    "<target type='virtio' name='org.example.0'/></channel>";
constexpr char kSerial[] =
    "<serial type='file'><source path='/var/log/vm'/><target type='pci-serial'/></serial>";
constexpr char kDimm[] =
    "<memory model='dimm'><source><path>/srv/dimm</path></source>"
    "<target><size unit='MiB'>128</size><node>0</node></target></memory>";

// Devices of each kind, and how the first of the commands that give them is called.
class KindTest : public HotplugTest,
                 public testing::WithParamInterface<std::pair<const char *, const char *>> {
 protected:
  const Domain before_ = Roomy(""), after_ = Roomy(GetParam().second);

 private:
  static Domain Roomy(const std::string &devices) {
    Domain domain = WithDevices(devices);
    domain.max_memory_bytes = uint64_t{1} << 30;
    domain.memory_slots = 2;
    return domain;
  }
};
INSTANTIATE_TEST_SUITE_P(, KindTest,
                         testing::Values(std::pair("netdev_add", kUser),
                                         std::pair("netdev_add", kBridge),
                                         std::pair("chardev-add", kChannel),
                                         std::pair("chardev-add", kSerial),
                                         std::pair("object-add", kDimm)));

TEST_P(KindTest, ThereAndBackLeavesNothing) {
  const QemuChange change = Change(before_, after_), back = Change(after_, before_);
  ASSERT_FALSE(change.add.empty());
  EXPECT_EQ(change.add.front().name, GetParam().first);
  EXPECT_TRUE(change.unplug.empty() && change.remove.empty());
  EXPECT_TRUE(back.add.empty());
  const Status plugged = Plugged(change);
  ASSERT_TRUE(plugged.ok()) << plugged.error().message;
  EXPECT_FALSE(qemu_.devices.empty());
  const Status unplugged = Unplugged(back);
  ASSERT_TRUE(unplugged.ok()) << unplugged.error().message;
  EXPECT_TRUE(HasNothing());
}

TEST_P(KindTest, WhatIsRefusedIsTakenBackWhateverCameBefore) {
  const QemuChange change = Change(before_, after_), back = Change(after_, before_);
  std::set<std::string> names;
  for (const QmpCommand &command : change.add) {
    names.insert(command.name);
  }
  for (const std::string &name : names) {
    qemu_.refuses = name;
    EXPECT_FALSE(Plugged(change).ok());
    qemu_.refuses.clear();
    const Status unplugged = Unplugged(back);
    EXPECT_TRUE(unplugged.ok()) << name << ": " << unplugged.error().message;
    EXPECT_TRUE(HasNothing()) << name;
  }
}

TEST_F(HotplugTest, ATapIsPassedAsADescriptor) {
  struct stat tap {};
  ASSERT_EQ(fstat(tap_.get(), &tap), 0);
  qemu_.refuses = "netdev_add";
  EXPECT_FALSE(Plugged(Change(WithDevices(""), WithDevices(kBridge))).ok());
  EXPECT_EQ(qemu_.fds["net0"], tap.st_ino);
  qemu_.refuses.clear();
  ASSERT_TRUE(Unplugged(Change(WithDevices(kBridge), WithDevices(""))).ok());
  EXPECT_TRUE(HasNothing());
  qemu_.asked.clear();
  ASSERT_TRUE(Plugged(Change(WithDevices(""), WithDevices(kBridge))).ok());
  EXPECT_THAT(qemu_.asked,
              testing::ElementsAre("getfd net0", "netdev_add net0", "device_add net0-card"));
  // The number on the command line is of another process.
  const QemuChange second = Change(WithDevices(kUser), WithDevices(std::string(kUser) + kBridge));
  EXPECT_EQ(second.add.at(0).arguments["fd"], "net1");
}

TEST_F(HotplugTest, WhatGoesWithADeviceGoesAfterIt) {
  ASSERT_TRUE(Plugged(Change(WithDevices(""), WithDevices(kChannel))).ok());
  EXPECT_THAT(qemu_.asked, testing::ElementsAre("chardev-add channel0", "device_add virtio-serial0",
                                                "device_add channel0-port"));
  qemu_.asked.clear();
  ASSERT_TRUE(Unplugged(Change(WithDevices(kChannel), WithDevices(""))).ok());
  EXPECT_THAT(qemu_.asked,
              testing::ElementsAre("device_del channel0-port", "device_del virtio-serial0",
                                   "chardev-remove channel0"));
}

TEST_F(HotplugTest, AControllerThatCannotGoIsFoundByTheNext) {
  const Domain none = WithDevices(""), one = WithDevices(kChannel);
  ASSERT_TRUE(Plugged(Change(none, one)).ok());
  qemu_.refuses = "device_del virtio-serial0";
  for (int i = 0; i < 2; ++i) {
    const Status unplugged = Unplugged(Change(one, none));
    ASSERT_TRUE(unplugged.ok()) << unplugged.error().message;
    EXPECT_THAT(qemu_.devices, testing::ElementsAre("virtio-serial0"));
    EXPECT_THAT(qemu_.chardevs, IsEmpty());
    const Status plugged = Plugged(Change(none, one));
    ASSERT_TRUE(plugged.ok()) << plugged.error().message;
  }
}

TEST_F(HotplugTest, OneThatGoesLeavesTheOthersTheirNames) {
  const std::string network = "<interface type='user'><model type='virtio'/></interface>";
  for (const char *boot : {"", "<boot dev='network'/>"}) {
    const Domain all = WithDevices(network + kBridge + network + kChannel, boot);
    const auto without =
        WithoutDevice(all, "<interface type='user'><alias name='net0'/></interface>", "net.xml");
    ASSERT_TRUE(without.ok()) << without.error().message;
    const QemuChange change = Change(all, *without);
    EXPECT_TRUE(change.add.empty());
    EXPECT_THAT(change.unplug, testing::ElementsAre("net0-card"));
    ASSERT_EQ(change.remove.size(), 1u);
    EXPECT_EQ(change.remove[0].arguments["id"], "net0");
    // The next one takes its place, and no address that another has.
    const auto again = WithDevice(*without, network, "net.xml");
    ASSERT_TRUE(again.ok()) << again.error().message;
    const QemuChange more = Change(*without, *again);
    ASSERT_EQ(more.add.size(), 2u);
    EXPECT_EQ(more.add[0].arguments["id"], "net0");
    EXPECT_EQ(more.add[1].arguments["mac"], "52:54:00:db:18:0c");
    EXPECT_TRUE(more.unplug.empty() && more.remove.empty());
  }
}

TEST_F(HotplugTest, NoNameIsGivenTwice) {
  // "ua-a-card" would be the card of interface ua-a and a memory device.
  const std::string net = "<interface type='user'><alias name='ua-a'/></interface>";
  const std::string memory =
      "<memory model='dimm'><alias name='ua-a-card'/><target><size>1</size></target></memory>";
  const auto change = PlanQemuChange(WithDevices(net), WithDevices(net + memory));
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.error().code, Errc::kExists);
}

TEST_F(HotplugTest, WhatTheMachineHasNoRoomForIsSaid) {
  const auto refusal = [](const std::string &devices) {
    const auto change = PlanQemuChange(WithDevices(""), WithDevices(devices));
    EXPECT_FALSE(change.ok());
    return change ? "" : change.error().message;
  };
  EXPECT_THAT(refusal(kDimm), HasSubstr("<maxMemory slots="));
  EXPECT_THAT(refusal("<serial type='null'/>"), HasSubstr("pci-serial"));
}

TEST_F(HotplugTest, ABackendIsTheSameInBothNotations) {
  const auto qmp = [](const std::string &device) {
    const QemuChange change = Change(WithDevices(""), WithDevices(device));
    EXPECT_EQ(change.add.at(0).name, "chardev-add");
    return change.add.at(0).arguments["backend"];
  };
  const auto port = [](const std::string &type, const std::string &source) {
    return "<serial type='" + type + "'>" + source + "<target type='pci-serial'/></serial>";
  };
  EXPECT_EQ(qmp(port("null", "")), json::parse(R"({"type": "null", "data": {}})"));
  EXPECT_EQ(qmp(port("pty", "")), json::parse(R"({"type": "pty", "data": {}})"));
  EXPECT_EQ(qmp(port("stdio", "")), json::parse(R"({"type": "stdio", "data": {"signal": false}})"));
  EXPECT_EQ(qmp(port("dev", "<source path='/dev/ttyS1'/>")),
            json::parse(R"({"type": "serial", "data": {"device": "/dev/ttyS1"}})"));
  EXPECT_EQ(qmp(port("pipe", "<source path='/p,q'/>")),
            json::parse(R"({"type": "pipe", "data": {"device": "/p,q"}})"));
  EXPECT_EQ(qmp(port("file", "<source path='/f' append='on'/><log file='/l'/>")),
            json::parse(R"({"type": "file", "data": {"out": "/f", "append": true,
                            "logfile": "/l", "logappend": true}})"));
  EXPECT_EQ(qmp(port("unix", "<source mode='bind' path='/s'/>")),
            json::parse(R"({"type": "socket", "data": {"server": true, "wait": false,
                            "addr": {"type": "unix", "data": {"path": "/s"}}}})"));
  EXPECT_EQ(qmp(port("unix", "<source mode='connect' path='/s'/>")),
            json::parse(R"({"type": "socket", "data": {"server": false,
                            "addr": {"type": "unix", "data": {"path": "/s"}}}})"));
  EXPECT_EQ(qmp(port("tcp", "<source mode='connect' host='h' service='7'/>")),
            json::parse(R"({"type": "socket", "data": {"server": false, "addr":
                            {"type": "inet", "data": {"host": "h", "port": "7"}}}})"));
  EXPECT_EQ(qmp(port("udp", "<source mode='connect' service='7'/>")),
            json::parse(R"({"type": "udp", "data": {"remote":
                            {"type": "inet", "data": {"host": "127.0.0.1", "port": "7"}}}})"));
}

TEST_F(HotplugTest, AnEmulatorThatEndsIsAnError) {
  const QemuChange change = Change(two_, one_);
  FakeServer server([](FakeServer &far) {
    far.Greet();
    far.Read();
  });
  auto monitor = QmpClient::Open(server.TakeClient(), QmpClient::Clock::now() + seconds(10));
  ASSERT_TRUE(monitor.ok());
  EXPECT_FALSE(Unplug(*monitor, change, seconds(5)).ok());
}

}  // namespace
}  // namespace svirt
