// SPDX-License-Identifier: LGPL-2.1-or-later
// XML that the QEMU driver would ignore is refused by name, and usual XML passes.
#include "host/hypervisor/qemu/qemu_elements.h"

#include <gtest/gtest.h>

#include "host/domain/domain_xml.h"

namespace svirt {
namespace {

Status Elements(const Domain &domain) {
  Refusals refusals;
  CheckElements(domain, &refusals);
  return refusals.ToStatus();
}

Status Check(const std::string &inner) {
  const auto domain = ParseDomainXml(
      "<domain type='kvm' id='3' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>" + inner +
          (inner.find("<name>") == std::string::npos ? "<name>vm</name>" : "") + "</domain>",
      "vm.xml");
  if (!domain) {
    ADD_FAILURE() << domain.error().message;
    return {};
  }
  return Elements(*domain);
}

// As libvirt writes a running domain, with all that is output and placement.
constexpr char kUsual[] = R"(
  <name>vm</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><title>t</title>
  <metadata><x:a xmlns:x="y"><x:b/></x:a></metadata>
  <memory unit='KiB' dumpCore='off'>1024</memory><currentMemory unit='MiB'>1</currentMemory>
  <vcpu placement='static'>2</vcpu><resource><partition>/machine</partition></resource>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <loader readonly='yes' secure='no' type='pflash'>/c</loader>
    <nvram template='/t'>/v</nvram><boot dev='hd'/><bootmenu enable='yes'/></os>
  <features><acpi/><apic/><vmport state='off'/></features>
  <cpu mode='host-passthrough' check='none' migratable='on'/>
  <clock offset='utc'><timer name='rtc' tickpolicy='catchup'/>
    <timer name='pit' tickpolicy='delay'/><timer name='hpet' present='no'/></clock>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='/a' index='2'><seclabel model='selinux' relabel='no'/></source>
      <backingStore type='file' index='3'><format type='qcow2'/><source file='/b'/>
        <backingStore type='block'><format type='raw'/><source dev='/c'/><backingStore/></backingStore>
      </backingStore>
      <target dev='vda' bus='virtio'/><alias name='virtio-disk0'/>
      <address type='pci' domain='0' bus='4' slot='0' function='0'/></disk>
    <disk type='block' device='cdrom'><driver name='qemu' type='raw'/><source dev='/dev/sr0'/>
      <target dev='sda' bus='sata' tray='closed'/><readonly/></disk>
    <controller type='pci' index='1' model='pcie-root-port'><model name='x'/>
      <target chassis='1' port='0x10'/></controller>
    <controller type='usb' index='0' model='qemu-xhci' ports='15'/>
    <interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>
    <interface type='bridge'><source bridge='br0'/><target dev='vnet0'/><model type='virtio'/>
      <driver name='vhost'/></interface>
    <serial type='pty'><source path='/dev/pts/1'/>
      <target type='isa-serial' port='0'><model name='isa-serial'/></target></serial>
    <console type='pty' tty='/dev/pts/1'><source path='/dev/pts/1'/>
      <target type='serial' port='0'/></console>
    <channel type='unix'><source mode='bind' path='/s'/>
      <target type='virtio' name='org.qemu.guest_agent.0' state='disconnected'/></channel>
    <serial type='udp'><source mode='bind' host='127.0.0.1' service='1'/>
      <source mode='connect' host='127.0.0.1' service='2'/><protocol type='raw'/></serial>
    <input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input>
    <graphics type='vnc' port='5901' autoport='no' listen='127.0.0.1'>
      <listen type='address' address='127.0.0.1'/></graphics>
    <video><model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='1' primary='yes'/></video>
    <audio id='1' type='none'/>
    <hostdev mode='subsystem' type='pci' managed='no'><driver name='vfio'/>
      <source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>
    <hostdev mode='subsystem' type='usb'><source startupPolicy='mandatory'>
      <vendor id='0x1'/><product id='0x1'/><address bus='1' device='2'/></source></hostdev>
    <tpm model='tpm-crb'><backend type='external'>
      <source type='unix' mode='connect' path='/t'/></backend></tpm>
    <memballoon model='virtio' autodeflate='on'><stats period='10'/></memballoon>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <rng model='virtio'><backend model='egd' type='unix'>
      <source mode='connect' path='/e'/></backend></rng>
    <filesystem type='mount' accessmode='squash'><source dir='/d'/><target dir='t'/></filesystem>
    <filesystem type='mount' accessmode='mapped'><source dir='/e'/><target dir='u'/></filesystem>
    <filesystem type='mount' accessmode='passthrough'><source dir='/f'/><target dir='v'/>
      <readonly/></filesystem>
    <memory model='nvdimm' access='shared'><source><path>/n</path></source>
      <target><size unit='MiB'>2</size><node>0</node></target></memory>
    <vsock model='virtio'><cid auto='yes' address='3'/></vsock>
    <watchdog model='i6300esb' action='reset'/><panic model='isa'/>
  </devices><seclabel type='dynamic' model='selinux' relabel='yes'><label>x</label>
    <imagelabel>y</imagelabel></seclabel>
  <q:commandline><q:arg value='-S'/></q:commandline><!-- a comment -->)";

Domain Usual() {
  auto domain = ParseDomainXml(
      std::string(
          "<domain type='kvm' id='3' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>") +
          kUsual + "</domain>",
      "vm.xml");
  EXPECT_TRUE(domain.ok()) << domain.error().message;
  return domain.ok() ? *domain : Domain();
}

TEST(QemuElements, UsualDomainPasses) {
  const Status status = Elements(Usual());
  EXPECT_TRUE(status.ok()) << status.error().message;
}

// Gives each element below it the attribute in turn.
size_t ExpectRefusalBelow(Domain *domain, boost::property_tree::ptree *parent,
                          const std::string &path) {
  size_t count = 0;
  for (auto &[name, node] : *parent) {
    if (name.starts_with("<") || name == "metadata" || name == "q:commandline") {
      continue;
    }
    const std::string own = path.empty() ? name : path + "/" + name;
    node.put("<xmlattr>.svirt-unknown", "hunter2");
    const Status status = Elements(*domain);
    EXPECT_FALSE(status.ok()) << own;
    const std::string complaint = status.ok() ? "" : status.error().message;
    EXPECT_NE(complaint.find("<" + own + " svirt-unknown=...>"), std::string::npos) << complaint;
    EXPECT_EQ(complaint.find("hunter2"), std::string::npos) << complaint;
    node.get_child("<xmlattr>").erase("svirt-unknown");
    count += 1 + ExpectRefusalBelow(domain, &node, own);
  }
  return count;
}

TEST(QemuElements, AnUnknownAttributeOfAnyElementOfAUsualDomainIsRefused) {
  Domain domain = Usual();
  EXPECT_GT(ExpectRefusalBelow(&domain, &domain.document.get_child("domain"), ""), 100U);
}

// Around what is tested, so that the parser has nothing to complain about.
#define DISK(inner) \
  "<devices><disk><source file='/a'/>" inner "<target dev='vda'/></disk></devices>"

#define SERIAL(type, inner) "<devices><serial type='" type "'>" inner "</serial></devices>"
#define VNC(attributes, inner) \
  "<devices><graphics type='vnc' " attributes ">" inner "</graphics></devices>"
#define HOSTDEV(inner)                                                                \
  "<devices><hostdev type='usb'><source><address bus='1' device='2'/></source>" inner \
  "</hostdev></devices>"

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
                "<devices/disk/driver copy_on_read=...>"},
        Unknown{"NetworkFilter",
                "<devices><interface type='user'><filterref filter='x'/></interface></devices>",
                "<devices/interface/filterref>"},
        Unknown{"VncPassword", "<devices><graphics type='vnc' passwd='secret'/></devices>",
                "<devices/graphics passwd=...>"},
        Unknown{"OwnersOfTheGuest",
                "<devices><filesystem accessmode='passthrough'><source dir='/a'/></filesystem>"
                "</devices>",
                "capabilities that no domain has"},
        Unknown{"VirtiofsAccessmode",
                "<devices><filesystem accessmode='mapped'><driver type='virtiofs'/>"
                "<source socket='/a'/></filesystem></devices>",
                "not for virtiofs"},
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
        Unknown{"Tls", SERIAL("tcp", "<source host='h' service='1' tls='yes'/>"),
                "<devices/serial/source tls='yes'> (it can be no)"},
        Unknown{"UnixReconnect",
                SERIAL("unix", "<source path='/s'><reconnect enabled='yes'/></source>"),
                "<devices/serial/source/reconnect>"},
        Unknown{"PathOfTcp", SERIAL("tcp", "<source path='/p' host='h' service='1'/>"),
                "<devices/serial/source path=...>"},
        Unknown{"ConsoleThatIsTheSerialPort",
                "<devices><serial type='pty'/><console type='tcp'><source host='h' service='1'/>"
                "</console></devices>",
                "<devices/console> (it is the first serial port under another name"},
        Unknown{"CurrentMemoryWithoutBalloon", "<memory>2</memory><currentMemory>1</currentMemory>",
                "<currentMemory> (less than <memory> needs a <memballoon"},
        Unknown{"CurrentMemoryWithNoBalloon",
                "<memory>2</memory><currentMemory>1</currentMemory>"
                "<devices><memballoon model='none'/></devices>",
                "<currentMemory> (less than <memory> needs a <memballoon"},
        Unknown{"CurrentMemoryMore",
                "<memory>1</memory><currentMemory>2</currentMemory>"
                "<devices><memballoon model='virtio'/></devices>",
                "<currentMemory> (it is more than <memory>)"},
        Unknown{"CurrentVcpus", "<vcpu current='1'>2</vcpu>", "<vcpu current=...>"},
        Unknown{
            "StartupPolicy",
            "<devices><disk><source file='/a' startupPolicy='optional'/><target dev='vda'/></disk>"
            "</devices>",
            "<devices/disk/source startupPolicy='optional'> (it can be mandatory)"},
        Unknown{"Auth", DISK("<auth username='u'><secret type='ceph' usage='s'/></auth>"),
                "<devices/disk/auth>"},
        Unknown{"FileOfABlockDisk",
                "<devices><disk type='block'><source dev='/a' file='/b'/><target dev='vda'/></disk>"
                "</devices>",
                "<devices/disk/source file=...>"},
        Unknown{"ReadonlyHostdev", HOSTDEV("<readonly/>"), "<devices/hostdev/readonly>"},
        Unknown{"ShareableHostdev", HOSTDEV("<shareable/>"), "<devices/hostdev/shareable>"},
        Unknown{"ReadonlyVirtiofs",
                "<devices><filesystem><driver type='virtiofs'/><source socket='/s'/>"
                "<target dir='t'/><readonly/></filesystem></devices>",
                "<devices/filesystem> (this driver cannot make a virtiofsd keep to <readonly/>)"},
        Unknown{"PrivateNvdimm",
                "<devices><memory model='nvdimm' access='private'><source><path>/p</path></source>"
                "<target><size>1</size></target></memory></devices>",
                "<devices/memory access='private'> (it can be shared)"},
        Unknown{"ListenAtANetwork", VNC("", "<listen type='network' network='n'/>"),
                "<devices/graphics/listen type='network'>"},
        Unknown{"ListenTwice",
                VNC("", "<listen type='address'/><listen type='address' address='192.0.2.1'/>"),
                "<devices/graphics/listen> (it stands more than once)"},
        Unknown{"ListenInTwoWays",
                VNC("listen='127.0.0.1'", "<listen type='address' address='::'/>"),
                "<devices/graphics> (listen= and its <listen> differ)"},
        Unknown{"ListenNowhereAndAtAPort", VNC("port='5901'", "<listen type='none'/>"),
                "<devices/graphics> (it has a port or an address, but listens at none)"},
        Unknown{"SocketWithoutPath", VNC("", "<listen type='socket'/>"),
                "<devices/graphics> (its <listen> has no socket=)"},
        Unknown{"VncPasswordValidity", VNC("passwdValidTo='2030-01-01T00:00:00'", ""),
                "<devices/graphics passwdValidTo=...>"},
        Unknown{"KeepAlive", VNC("keepAlive='5'", ""), "<devices/graphics keepAlive=...>"},
        Unknown{"VhostOfAnotherCard",
                "<devices><interface type='bridge'><source bridge='b'/><driver name='vhost'/>"
                "<model type='e1000'/></interface></devices>",
                "<devices/interface> (vhost needs <model type='virtio'/>)"},
        Unknown{"VhostOfUser",
                "<devices><interface type='user'><driver name='vhost'/></interface></devices>",
                "<devices/interface/driver name='vhost'> (it can be qemu)"},
        Unknown{"InlineFirmwareConfiguration",
                "<sysinfo type='fwcfg'><entry name='opt/a'>value</entry></sysinfo>",
                "the text in <sysinfo/entry>"},
        Unknown{"Partition", "<resource><partition>/limited</partition></resource>",
                "'/limited' in <resource/partition> (it can be /machine)"},
        Unknown{"ForbiddenFeature",
                "<cpu mode='maximum'><feature name='vmx' policy='forbid'/></cpu>",
                "<cpu/feature policy='forbid'>"},
        Unknown{"TimerOfAnother", "<clock offset='utc'><timer name='hpet' present='yes'/></clock>",
                "<clock/timer present='yes'> (it can be no)"},
        Unknown{"LifecycleText", "<on_crash>coredump-destroy</on_crash>",
                "'coredump-destroy' in <on_crash> (it can be destroy, preserve)"},
        Unknown{"CommandlineOfNobody", "<x:commandline xmlns:x='urn:x'/>", "<x:commandline>"},
        Unknown{"Misspelt", "<device/>", "<device>"}),
    [](const auto &param) { return param.param.name; });

TEST(QemuElements, APasswordIsInNoMessage) {
  for (const char *xml :
       {VNC("passwd='hunter2'", ""), VNC("password='hunter2'", ""),
        "<devices><graphics type='spice' passwd='hunter2'/></devices>",
        DISK("<auth username='hunter2'><secret type='ceph'>hunter2</secret></auth>"),
        DISK("<encryption format='luks'><secret type='passphrase' uuid='hunter2'/></encryption>"),
        DISK("<serial/><serial key='hunter2'>hunter2</serial>"),
        "<devices><tpm><backend type='external'><encryption secret='hunter2'/>"
        "<source type='unix' path='/s'/></backend></tpm></devices>",
        "<launchSecurity type='sev'><session>hunter2</session></launchSecurity>"}) {
    const Status status = Check(xml);
    ASSERT_FALSE(status.ok()) << xml;
    EXPECT_EQ(status.error().message.find("hunter2"), std::string::npos) << status.error().message;
  }
}

TEST(QemuElements, CurrentMemoryWithABalloonPasses) {
  const Status status = Check(
      "<memory>2</memory><currentMemory>1</currentMemory>"
      "<devices><memballoon model='virtio'/></devices>");
  EXPECT_TRUE(status.ok()) << status.error().message;
}

TEST(QemuElements, NoDocumentIsNoComplaint) {
  EXPECT_TRUE(Elements(Domain()).ok());
}

}  // namespace
}  // namespace svirt
