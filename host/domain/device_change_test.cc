// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices come and go by what names them, and those that stay keep their names.
#include "host/domain/device_change.h"

#include <gmock/gmock.h>

#include "host/domain/device_names.h"
#include "host/domain/domain_test_support.h"
#include "host/domain/domain_xml.h"

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kNetOne[] = "<interface type='user'><mac address='52:54:00:AA:00:01'/></interface>";
constexpr char kNetTwo[] =
    "<interface type='bridge'><mac address='52:54:00:aa:00:02'/><source bridge='br0'/>"
    "<target dev='tap2'/></interface>";
constexpr char kNetPlain[] = "<interface type='user'/>";
constexpr char kAgent[] =
    "<channel type='unix'><source mode='bind' path='/run/agent'/>"
    "<target type='virtio' name='org.agent.0'/></channel>";
constexpr char kLogPort[] =
    "<serial type='file'><source path='/var/log/vm'/><target type='pci-serial' port='3'/></serial>";
constexpr char kDimm[] =
    "<memory model='dimm'><target><size unit='KiB'>131072</size><node>0</node></target></memory>";
constexpr char kUsb[] =
    "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/>"
    "<address bus='1' device='4'/></source></hostdev>";

Domain Of(const std::string &devices) {
  return MustParse(DomainText(devices));
}

std::string Refused(const Result<Domain> &result, Errc code) {
  EXPECT_FALSE(result.ok());
  if (result.ok()) {
    return "";
  }
  EXPECT_EQ(result.error().code, code) << result.error().message;
  return result.error().message;
}

std::vector<std::string> Aliases(const Domain &domain) {
  std::vector<std::string> aliases;
  for (const Interface &interface : domain.interfaces) {
    aliases.push_back(interface.alias);
  }
  for (const Chardev &chardev : domain.chardevs) {
    aliases.push_back(chardev.alias);
  }
  for (const MemoryDevice &memory : domain.memory_devices) {
    aliases.push_back(memory.alias);
  }
  for (const HostDevice &hostdev : domain.hostdevs) {
    aliases.push_back(hostdev.alias);
  }
  return aliases;
}

TEST(DeviceNames, AreThoseOfTheXmlOrTheFirstThatAreFree) {
  EXPECT_THAT(Aliases(Of(std::string(kNetPlain) + kNetOne + kAgent + kLogPort + kDimm + kUsb)),
              ElementsAre("net0", "net1", "channel0", "serial0", "memory0", "hostdev0"));
  const auto net = [](const std::string &alias) {
    return "<interface type='user'><alias name='" + alias + "'/></interface>";
  };
  EXPECT_THAT(Aliases(Of(kNetPlain + net("net0") + net("ua-mine") + net("ua-mine"))),
              ElementsAre("net1", "net0", "ua-mine", "net2"));
  for (const char *unusable :
       {"ram0", "net", "net00", "net12345", "net0,a=b", "ua-", "ua-a.b", "monitor", "channel0"}) {
    EXPECT_THAT(Aliases(Of(net(unusable))), ElementsAre("net0")) << unusable;
  }
}

TEST(DeviceNames, AConsoleIsTheSerialPortItStandsFor) {
  EXPECT_THAT(Aliases(Of("<console type='pty'/>")), ElementsAre("serial0"));
  EXPECT_THAT(Aliases(Of("<serial type='pty'/><console type='pty'/>"
                         "<console type='pty'><target type='virtio'/></console>")),
              ElementsAre("serial0", "console0", "console1"));
}

TEST(DeviceNames, StayWhenTheyArePinned) {
  Domain domain = Of(std::string(kNetPlain) + kNetPlain + kAgent + kDimm + kUsb);
  const std::vector<std::string> names = Aliases(domain), macs = MacAddresses(domain);
  EXPECT_NE(macs[0], macs[1]);
  PinDevices(&domain);
  const Domain again = MustParse(FormatDomainXml(domain, true));
  EXPECT_EQ(Aliases(again), names);
  EXPECT_EQ(MacAddresses(again), macs);
  EXPECT_EQ(again.interfaces[1].mac, macs[1]);
  // In the elements, so that it holds when one before them goes.
  for (const char *name : {"interface", "channel", "memory", "hostdev"}) {
    EXPECT_NE(domain.document.get_child("domain.devices").get_child(name).find("alias"),
              domain.document.get_child("domain.devices").get_child(name).not_found())
        << name;
  }
}

TEST(DeviceNames, NoAddressIsGivenTwice) {
  Domain domain = Of(std::string(kNetPlain) + kNetPlain);
  const std::vector<std::string> macs = MacAddresses(domain);
  domain.interfaces[0].mac = macs[1];
  domain.interfaces.resize(300);
  const std::vector<std::string> more = MacAddresses(domain);
  EXPECT_EQ(more[0], macs[1]);
  EXPECT_NE(more[1], macs[1]);
  EXPECT_TRUE(std::ranges::all_of(more, IsMac));
  for (const char *bad : {"", "52:54:00:aa:00", "52:54:00:aa:00:0g", "52-54-00-aa-00-01"}) {
    EXPECT_FALSE(IsMac(bad)) << bad;
  }
}

TEST(WithDevice, IsTheLastOfItsKindAndKeepsItsName) {
  const Domain domain = Of(std::string(kNetOne) + kAgent);
  const auto with = WithDevice(domain, kNetTwo, "net.xml");
  ASSERT_TRUE(with.ok()) << with.error().message;
  EXPECT_THAT(Aliases(*with), ElementsAre("net0", "net1", "channel0"));
  EXPECT_EQ(with->interfaces[1].target, "tap2");
  const auto without = WithoutDevice(*with, kNetOne, "net.xml");
  ASSERT_TRUE(without.ok()) << without.error().message;
  EXPECT_THAT(Aliases(*without), ElementsAre("net1", "channel0"));
}

TEST(WithDevice, WhatIsThereAlreadyIsRefused) {
  const Domain domain =
      Of(std::string("<disk type='file'><source file='/a'/><target dev='vda'/></disk>") + kNetOne +
         kNetTwo + kAgent + kLogPort +
         "<memory model='nvdimm'><source><path>/srv/nv</path></source><target><size>1</size>"
         "</target></memory>" +
         kUsb);
  const std::pair<std::string, std::string> cases[] = {
      {"<disk type='file'><source file='/b'/><target dev='vda'/></disk>", "a disk vda already"},
      {"<interface type='bridge'><mac address='52:54:00:aa:00:01'/><source bridge='b'/>"
       "</interface>",
       "an interface with MAC address 52:54:00:aa:00:01 already"},
      {"<interface type='ethernet'><target dev='tap2'/></interface>",
       "an interface with target tap2 already"},
      {"<channel type='unix'><target type='virtio' name='org.agent.0'/></channel>",
       "a channel with name org.agent.0 already"},
      {"<serial type='file'><source path='/var/log/vm'/></serial>",
       "a character device with path /var/log/vm already"},
      {"<memory model='dimm'><source><path>/srv/nv</path></source><target><size>1</size>"
       "</target></memory>",
       "a memory device with path /srv/nv already"},
      {"<hostdev type='usb'><source><address bus='1' device='4'/></source></hostdev>",
       "this device of the host already"},
  };
  for (const auto &[xml, sentence] : cases) {
    EXPECT_THAT(Refused(WithDevice(domain, xml, "dev.xml"), Errc::kExists), HasSubstr(sentence));
  }
  Domain mine = Of("<interface type='user'><alias name='ua-a'/></interface>");
  EXPECT_THAT(Refused(WithDevice(mine, "<interface type='user'><alias name='ua-a'/></interface>",
                                 "dev.xml"),
                      Errc::kExists),
              HasSubstr("alias ua-a"));
}

// A device, how it may be named, and how it may not.
struct Naming {
  const char *device;
  std::vector<std::string> by, not_by;
};

TEST(WithoutDevice, EachKindIsFoundByWhatNamesIt) {
  const std::string usb = "<hostdev type='usb'><source>";
  const Naming cases[] = {
      {kNetOne,
       {"<interface type='user'><mac address='52:54:00:aa:00:01'/></interface>",
        "<interface type='user'/>", "<interface type='user'><alias name='net0'/></interface>"},
       {"<interface type='user'><mac address='52:54:00:aa:00:09'/></interface>",
        "<interface type='user'><mac address='52:54:00:aa:00:01'/><alias name='net1'/>"
        "</interface>",
        "<interface type='bridge'><source bridge='other'/></interface>"}},
      {kNetTwo,
       {"<interface type='bridge'><target dev='tap2'/></interface>",
        "<interface type='bridge'><source bridge='br0'/></interface>"},
       {"<interface type='bridge'><target dev='tap3'/></interface>",
        "<interface type='bridge'><mac address='52:54:00:aa:00:01'/><target dev='tap2'/>"
        "</interface>"}},
      {kAgent,
       {"<channel type='unix'><target type='virtio' name='org.agent.0'/></channel>",
        "<channel type='unix'><source mode='bind' path='/run/agent'/></channel>",
        "<channel type='pty'><alias name='channel0'/></channel>"},
       {"<channel type='unix'><target type='virtio' name='org.agent.1'/></channel>",
        "<serial type='unix'><target name='org.agent.0'/></serial>"}},
      {kLogPort,
       {"<serial type='pty'><target port='3'/></serial>"},
       {"<serial type='pty'><target port='2'/></serial>",
        "<serial type='file'><source path='/var/log/other'/></serial>"}},
      {kDimm,
       {"<memory model='dimm'><target><size unit='MiB'>128</size></target></memory>"},
       {"<memory model='dimm'><target><size unit='MiB'>129</size></target></memory>",
        "<memory model='dimm'><target><size unit='MiB'>128</size><node>1</node></target></memory>",
        "<memory model='dimm'><source><path>/a</path></source><target><size unit='MiB'>128</size>"
        "</target></memory>"}},
      {kUsb,
       {usb + "<address bus='1' device='4'/></source></hostdev>"},
       {usb + "<address bus='1' device='5'/></source></hostdev>",
        usb + "<vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>",
        "<hostdev type='pci'><source><address bus='1' slot='4'/></source></hostdev>"}},
  };
  const std::string others =
      "<interface type='ethernet'><mac address='52:54:00:bb:00:01'/><alias name='net7'/>"
      "</interface>"
      "<channel type='pty'><target type='virtio' name='other'/><alias name='channel7'/></channel>"
      "<serial type='pty'><target port='7'/><alias name='serial7'/></serial>"
      "<memory model='dimm'><target><size unit='MiB'>512</size></target></memory>"
      "<hostdev type='pci'><source><address bus='1' slot='7'/></source></hostdev>";
  const size_t left = Aliases(Of(others)).size();
  for (const Naming &each : cases) {
    for (const std::string &xml : each.by) {
      const auto without = WithoutDevice(Of(each.device + others), xml, "dev.xml");
      ASSERT_TRUE(without.ok()) << xml << ": " << without.error().message;
      EXPECT_EQ(Aliases(*without).size(), left);
      EXPECT_EQ(FormatDomainXml(*without, true).find("aa:00:0"), std::string::npos);
    }
    for (const std::string &xml : each.not_by) {
      EXPECT_THAT(Refused(WithoutDevice(Of(each.device + others), xml, "dev.xml"), Errc::kNotFound),
                  HasSubstr("dev.xml: domain 'a' has no such <"))
          << xml;
    }
  }
}

TEST(WithoutDevice, OneOfSeveralMustBeSaid) {
  const std::string two = std::string(kNetPlain) + kNetPlain + kDimm + kDimm;
  EXPECT_THAT(Refused(WithoutDevice(Of(two), kNetPlain, "dev.xml"), Errc::kInvalid),
              HasSubstr("has 2 such <interface>: say which one with <alias name='net0'/> or "
                        "<alias name='net1'/>"));
  EXPECT_THAT(Refused(WithoutDevice(Of(two), kDimm, "dev.xml"), Errc::kInvalid),
              HasSubstr("<alias name='memory0'/> or <alias name='memory1'/>"));
  const auto second =
      WithoutDevice(Of(two), "<interface type='user'><alias name='net1'/></interface>", "dev.xml");
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_THAT(Aliases(*second), ElementsAre("net0", "memory0", "memory1"));
}

TEST(WithoutDevice, OtherDevicesAreRefusedByName) {
  EXPECT_THAT(Refused(WithoutDevice(Of("<rng><backend model='builtin'/></rng>"),
                                    "<rng><backend model='builtin'/></rng>", "dev.xml"),
                      Errc::kUnsupported),
              HasSubstr("a <rng> cannot be detached"));
  EXPECT_THAT(Refused(WithoutDevice(Of(""), "<interface/>", "dev.xml"), Errc::kInvalid),
              HasSubstr("an <interface> needs a type"));
}

TEST(MaxMemory, IsReadWithItsSlots) {
  const auto text = [](const std::string &element) {
    std::string domain = DomainText("");
    return domain.insert(domain.find("<devices>"), element);
  };
  const Domain domain = MustParse(text("<maxMemory slots='4' unit='MiB'>512</maxMemory>"));
  EXPECT_EQ(domain.max_memory_bytes, uint64_t{512} << 20);
  EXPECT_EQ(domain.memory_slots, 4u);
  for (const char *bad :
       {"<maxMemory>512</maxMemory>", "<maxMemory slots='0'>512</maxMemory>",
        "<maxMemory slots='257'>512</maxMemory>", "<maxMemory slots='1'>0</maxMemory>",
        "<maxMemory slots='1'>lots</maxMemory>"}) {
    MustFail(text(bad));
  }
}

}  // namespace
}  // namespace svirt
