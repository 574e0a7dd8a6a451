// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/qemu/qemu_elements.h"

#include <gtest/gtest.h>

#include "host/domain/domain_xml.h"

namespace svirt {
namespace {

Status Check(const std::string &inner) {
  const auto domain = ParseDomainXml(
      "<domain type='kvm' id='3' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>" + inner +
          (inner.find("<name>") == std::string::npos ? "<name>vm</name>" : "") + "</domain>",
      "vm.xml");
  if (!domain) {
    ADD_FAILURE() << domain.error().message;
    return {};
  }
  return CheckElements(*domain);
}

TEST(QemuElements, UsualDomainPasses) {
  const Status status = Check(R"(
  <name>vm</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><metadata><x:a xmlns:x="y"><x:b/></x:a></metadata>
  <memory unit='KiB'>1</memory><currentMemory unit='KiB'>1</currentMemory>
  <vcpu placement='static'>2</vcpu><resource><partition>/machine</partition></resource>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/><vmport state='off'/></features>
  <cpu mode='host-passthrough' check='none' migratable='on'/>
  <clock offset='utc'><timer name='rtc' tickpolicy='catchup'/></clock>
  <on_poweroff>destroy</on_poweroff><pm><suspend-to-mem enabled='no'/></pm>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='/a'><seclabel model='selinux' relabel='no'/></source>
      <backingStore type='file'><format type='qcow2'/><source file='/b'/>
        <backingStore type='file'><format type='raw'/><source file='/c'/><backingStore/></backingStore>
      </backingStore>
      <target dev='vda' bus='virtio'/><alias name='virtio-disk0'/>
      <address type='pci' domain='0' bus='4' slot='0' function='0'/></disk>
    <controller type='pci' index='1' model='pcie-root-port'><model name='x'/></controller>
    <interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>
    <serial type='pty'><target type='isa-serial' port='0'><model name='isa-serial'/></target></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <graphics type='vnc' port='-1' autoport='yes'><listen type='address'/></graphics>
    <video><model type='virtio' heads='1' primary='yes'/></video><audio id='1' type='none'/>
    <memballoon model='virtio'/><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices><seclabel type='dynamic' model='selinux'><label>x</label></seclabel>
  <q:commandline><q:arg value='-S'/></q:commandline><!-- a comment -->)");
  EXPECT_TRUE(status.ok()) << status.error().message;
}

// Around what is tested, so that the parser has nothing to complain about.
#define DISK(inner) \
  "<devices><disk><source file='/a'/>" inner "<target dev='vda'/></disk></devices>"

struct Unknown {
  const char *name, *xml, *sentence;
};

class QemuElementsRefuse : public testing::TestWithParam<Unknown> {};

TEST_P(QemuElementsRefuse, ByName) {
  const Status status = Check(GetParam().xml);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Errc::kUnsupported);
  EXPECT_NE(status.error().message.find(GetParam().sentence), std::string::npos)
      << status.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    All, QemuElementsRefuse,
    testing::Values(
        Unknown{"CpuTune", "<cputune><shares>1</shares></cputune>", "<cputune>"},
        Unknown{"Encryption",
                "<devices><disk><source file='/a'><encryption format='luks'/></source>"
                "<target dev='vda'/></disk></devices>",
                "<devices/disk/source/encryption>"},
        Unknown{"IoTune", DISK("<iotune/>"), "<devices/disk/iotune>"},
        Unknown{"Transient", DISK("<transient/>"), "<devices/disk/transient>"},
        Unknown{"DiskDriverOption", DISK("<driver type='raw' copy_on_read='on'/>"),
                "<devices/disk/driver copy_on_read='on'>"},
        Unknown{"NetworkFilter",
                "<devices><interface type='user'><filterref filter='x'/></interface></devices>",
                "<devices/interface/filterref>"},
        Unknown{"VncPassword", "<devices><graphics type='vnc' passwd='secret'/></devices>",
                "<devices/graphics passwd='secret'>"},
        Unknown{"Accessmode",
                "<devices><filesystem accessmode='mapped'><source dir='/a'/></filesystem>"
                "</devices>",
                "accessmode"},
        Unknown{"SecureLoader", "<os><loader secure='yes'>/a</loader></os>", "secure"},
        Unknown{"FirmwareSelection", "<os firmware='efi'><type>hvm</type></os>", "firmware"},
        Unknown{"LaunchSecurity", "<launchSecurity type='sev'/>", "<launchSecurity>"},
        Unknown{"Sound", "<devices><sound model='ich9'/></devices>", "<devices/sound>"},
        Unknown{"SecondDevices", "<devices/><devices><sound model='ich9'/></devices>",
                "<devices/sound>"},
        Unknown{"ScsiController", "<devices><controller type='scsi' model='lsilogic'/></devices>",
                "lsilogic"},
        Unknown{"DeepInTheChain",
                DISK("<driver type='qcow2'/><backingStore type='file'><format type='qcow2'/>"
                     "<source file='/b'/><backingStore type='file'><format type='raw'/>"
                     "<source file='/c'><auth/></source></backingStore></backingStore>"),
                "<devices/disk/backingStore/backingStore/source/auth>"},
        Unknown{"ConsoleProtocol",
                "<devices><console type='tcp'><source host='h' service='1'/>"
                "<protocol type='telnet'/></console></devices>",
                "<devices/console/protocol type='telnet'>"},
        Unknown{"CommandlineOfNobody", "<x:commandline xmlns:x='urn:x'/>", "<x:commandline>"},
        Unknown{"Misspelt", "<device/>", "<device>"}),
    [](const auto &param) { return param.param.name; });

TEST(QemuElements, NoDocumentIsNoComplaint) {
  EXPECT_TRUE(CheckElements(Domain()).ok());
}

}  // namespace
}  // namespace svirt
