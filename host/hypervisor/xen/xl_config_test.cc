// SPDX-License-Identifier: LGPL-2.1-or-later
// Configurations for xl: what is written, quoted and refused.
#include "host/hypervisor/xen/xl_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/hypervisor/xen/xen_test_support.h"

namespace svirt {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Config(const std::string &xml, const std::string &seclabel = "") {
  const auto config = BuildXlConfig(ParseXen(xml), seclabel);
  EXPECT_TRUE(config.ok()) << config.error().message;
  return config.ok() ? *config : "";
}

TEST(XlConfig, ASmallDomain) {
  EXPECT_EQ(Config(XenXml()),
            "name = \"vm1\"\n"
            "uuid = \"c7a5fdbd-edaf-9455-926a-d65c16db1809\"\n"
            "type = \"pv\"\n"
            "kernel = \"/bin/true\"\n"
            "memory = 64\n"
            "vcpus = 2\n"
            "on_poweroff = \"destroy\"\n"
            "on_reboot = \"destroy\"\n"
            "on_crash = \"destroy\"\n");
}

TEST(XlConfig, AllThatCanBeSaid) {
  const std::string xml =
      "<domain type='xen'><name>web</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
      "<memory unit='GiB'>1</memory><currentMemory unit='MiB'>1024</currentMemory>"
      "<vcpu placement='static'>4</vcpu>"
      "<os><type arch='x86_64' machine='xenpvh'>xenpvh</type><kernel>/boot/vmlinuz</kernel>"
      "<initrd>/boot/initrd</initrd><cmdline>root=/dev/xvda ro</cmdline></os>"
      "<clock offset='utc'/><on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot>"
      "<devices><emulator>/usr/lib/xen-4.17/bin/qemu</emulator>"
      "<disk type='file' device='disk'><driver name='file' type='raw'/>"
      "<source file='/srv/a.img'/><target dev='xvda' bus='xen'/></disk>"
      "<disk type='block'><driver name='phy' type='raw'/><source dev='/dev/vg/b'/>"
      "<target dev='xvdb1'/><readonly/></disk>"
      "<interface type='bridge'><mac address='00:16:3e:00:00:01'/><source bridge='br0'/>"
      "<target dev='vif-web.0'/><model type='netfront'/></interface>"
      "<interface type='bridge'><source bridge='br_1'/></interface>"
      "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
      "<address domain='0x0000' bus='0x0a' slot='0x1f' function='0x7'/></source></hostdev>"
      "<console type='pty'><target type='xen' port='0'/></console></devices></domain>";
  EXPECT_EQ(Config(xml, "user_1:vm_r:domU_t_building"),
            "name = \"web\"\n"
            "uuid = \"c7a5fdbd-edaf-9455-926a-d65c16db1809\"\n"
            "type = \"pvh\"\n"
            "kernel = \"/boot/vmlinuz\"\n"
            "ramdisk = \"/boot/initrd\"\n"
            "cmdline = \"root=/dev/xvda ro\"\n"
            "memory = 1024\n"
            "vcpus = 4\n"
            "seclabel = \"user_1:vm_r:domU_t_building\"\n"
            "on_poweroff = \"destroy\"\n"
            "on_reboot = \"destroy\"\n"
            "on_crash = \"destroy\"\n"
            "disk = [\n"
            "  \"format=raw,backendtype=phy,vdev=xvda,access=rw,target=/srv/a.img\",\n"
            "  \"format=raw,backendtype=phy,vdev=xvdb1,access=ro,target=/dev/vg/b\"\n"
            "]\n"
            "vif = [\n"
            "  \"type=vif,bridge=br0,mac=00:16:3e:00:00:01,vifname=vif-web.0\",\n"
            "  \"type=vif,bridge=br_1\"\n"
            "]\n"
            "pci = [\n"
            "  \"0000:0a:1f.7,seize=1\"\n"
            "]\n");
}

TEST(XlConfig, NastyNamesStayStrings) {
  Domain domain = ParseXen(XenXml("", XenDisk("/srv/x")));
  domain.name = "a\"\nkernel=\"/evil";
  EXPECT_THAT(BuildXlConfig(domain, "").error().message, HasSubstr("control character"));
  domain.name = R"(a" ] # \ ')";
  domain.kernel = R"(/boot/k"ern'el\)";
  domain.cmdline = R"(x="1" y=\n $(z))";
  domain.disks[0].chain[0].path = R"(/srv/a b,access=rw,vdev=sdb,"x\'.img)";
  const auto config = BuildXlConfig(domain, R"(l"abel)");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_THAT(*config, HasSubstr("name = \"a\\\" ] # \\\\ '\"\n"));
  EXPECT_THAT(*config, HasSubstr("kernel = \"/boot/k\\\"ern'el\\\\\"\n"));
  EXPECT_THAT(*config, HasSubstr("cmdline = \"x=\\\"1\\\" y=\\\\n $(z)\"\n"));
  EXPECT_THAT(*config, HasSubstr("seclabel = \"l\\\"abel\"\n"));
  EXPECT_THAT(*config,
              HasSubstr("access=rw,target=/srv/a b,access=rw,vdev=sdb,\\\"x\\\\'.img\"\n"));
}

TEST(XlConfig, EveryStringIsChecked) {
  for (const char *bad : {"a\nb", "a\tb", "a\x7f", "\x01"}) {
    EXPECT_FALSE(BuildXlConfig(ParseXen(XenXml()), bad).ok());
    Domain domain = ParseXen(XenXml("", XenDisk("/srv/x")));
    domain.disks[0].chain[0].path = std::string("/srv/") + bad;
    EXPECT_FALSE(BuildXlConfig(domain, "").ok());
    domain = ParseXen(XenXml());
    domain.cmdline = bad;
    EXPECT_FALSE(BuildXlConfig(domain, "").ok());
  }
}

struct Refusal {
  std::string name, xml, words;
};

class XlConfigRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(XlConfigRefuses, ByName) {
  const auto config = BuildXlConfig(ParseXen(GetParam().xml), "");
  ASSERT_FALSE(config.ok()) << *config;
  EXPECT_TRUE(config.error().code == Errc::kUnsupported || config.error().code == Errc::kInvalid);
  EXPECT_THAT(config.error().message, HasSubstr(GetParam().words));
}

std::string Interface(const std::string &inside, const std::string &type = "bridge") {
  return XenXml("", "<interface type='" + type + "'>" + inside + "</interface>");
}

std::string Disk(const std::string &attributes, const std::string &inside) {
  return XenXml("", "<disk " + attributes + ">" + inside + "</disk>");
}

INSTANTIATE_TEST_SUITE_P(
    All, XlConfigRefuses,
    testing::Values(
        Refusal{"Hvm", XenXml("", "", "<type>hvm</type>"), "os type 'hvm' needs an emulator"},
        Refusal{"Arch", XenXml("", "", "<type arch='i686'>linux</type>"), "arch 'i686'"},
        Refusal{"Machine", XenXml("", "", "<type machine='pc'>linux</type>"), "no machine 'pc'"},
        Refusal{"Memory",
                "<domain type='xen'><name>a</name><memory unit='KiB'>65537</memory><os>"
                "<type>linux</type><kernel>/k</kernel></os></domain>",
                "whole MiB"},
        Refusal{"Balloon", XenXml("<currentMemory unit='MiB'>32</currentMemory>"),
                "<currentMemory> must be"},
        Refusal{"NoKernel",
                "<domain type='xen'><name>a</name><memory>65536</memory><os><type>linux</type>"
                "</os></domain>",
                "needs a <kernel>"},
        Refusal{"Restart", XenXml("<on_reboot>restart</on_reboot>"), "<on_reboot>restart"},
        Refusal{"Preserve", XenXml("<on_crash>preserve</on_crash>"), "<on_crash>preserve"},
        Refusal{"Bootloader", XenXml("<bootloader>/usr/bin/pygrub</bootloader>"),
                "the Xen driver cannot do <bootloader>; take it out or change it"},
        Refusal{"Cpu", XenXml("<cpu mode='host-passthrough'/>"), "<cpu>"},
        Refusal{"QemuArguments",
                XenXml("<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>"
                       "<q:arg value='-s'/></q:commandline>"),
                "<q:commandline>"},
        Refusal{"Serial", XenXml("", "<serial type='pty'/>"), "<devices/serial>"},
        Refusal{"ConsoleFile", XenXml("", "<console type='file'><source path='/x'/></console>"),
                "<devices/console type='file'>"},
        Refusal{"TwoConsoles", XenXml("", "<console type='pty'/><console type='pty'/>"),
                "one console only"},
        Refusal{"Graphics", XenXml("", "<graphics type='vnc'/>"), "<devices/graphics>"},
        Refusal{"Usb",
                XenXml("",
                       "<hostdev type='usb'><source><address bus='1' device='2'/></source>"
                       "</hostdev>"),
                "only PCI devices"},
        Refusal{"Cdrom",
                Disk("type='file' device='cdrom'",
                     "<driver type='raw'/><source file='/x'/><target dev='xvda'/>"),
                "disk xvda: a domain without an emulator has no cdrom"},
        Refusal{
            "Qcow2",
            Disk("type='file'", "<driver type='qcow2'/><source file='/x'/><target dev='xvda'/>"),
            "only a raw image"},
        Refusal{"NoFormat", Disk("type='file'", "<source file='/x'/><target dev='xvda'/>"),
                "only a raw image"},
        Refusal{"QemuDriver",
                Disk("type='file'",
                     "<driver name='qemu' type='raw'/><source file='/x'/><target dev='xvda'/>"),
                "only a raw image"},
        Refusal{"Cache",
                Disk("type='file'",
                     "<driver type='raw' cache='none'/><source file='/x'/><target dev='xvda'/>"),
                "<devices/disk/driver cache=...>"},
        Refusal{"Bus",
                Disk("type='file'",
                     "<driver type='raw'/><source file='/x'/><target dev='vda' bus='virtio'/>"),
                "bus 'xen'"},
        Refusal{"DiskName",
                Disk("type='file'",
                     "<driver type='raw'/><source file='/x'/><target dev='xvda,access=rw'/>"),
                "bus 'xen'"},
        Refusal{"Shared",
                Disk("type='file'",
                     "<driver type='raw'/><source file='/x'/><target dev='xvda'/><shareable/>"),
                "<devices/disk/shareable>"},
        Refusal{"Comma",
                Disk("type='file'", "<driver type='raw'/><source file='/x,'/><target dev='xvda'/>"),
                "drop the comma"},
        Refusal{"Network", Interface("<source network='default'/>", "network"),
                "<devices/interface/source network=...>"},
        Refusal{"User", Interface("", "user"), "only <interface type='bridge'>"},
        Refusal{"Bridge", Interface("<source bridge='br0,script=/evil'/>"), "no name of a bridge"},
        Refusal{"NoBridge", Interface(""), "no name of a bridge"},
        Refusal{"LongBridge", Interface("<source bridge='abcdefghijklmnop'/>"),
                "no name of a bridge"},
        Refusal{"Mac", Interface("<mac address='00:16:3e:0:0:1'/><source bridge='br0'/>"),
                "no MAC address"},
        Refusal{"Vifname", Interface("<source bridge='br0'/><target dev='a,b'/>"),
                "no name of a network device"},
        Refusal{"Script", Interface("<source bridge='br0'/><script path='/x'/>"),
                "<devices/interface/script>"},
        Refusal{"Model", Interface("<source bridge='br0'/><model type='e1000'/>"), "type='e1000'"}),
    [](const auto &info) { return info.param.name; });

TEST(XlConfig, TheTestsOfRefusalsBeginWithSomethingGood) {
  EXPECT_THAT(Config(Interface("<source bridge='br0'/>")), HasSubstr("bridge=br0"));
  EXPECT_THAT(
      Config(Disk("type='file'", "<driver type='raw'/><source file='/x'/><target dev='xvda'/>")),
      Not(HasSubstr("qdisk")));
}

}  // namespace
}  // namespace svirt
