// SPDX-License-Identifier: LGPL-2.1-or-later
// Domain XML: what is read, what survives being written again, and what is refused.
#include "host/domain/domain_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/domain/domain_test_support.h"
#include "host/domain/manifest.h"

namespace svirt {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

constexpr char kUuid[] = "0f3c1e5a-7b2d-4c68-9a10-000000000001";

std::string WithName(const std::string &name) {
  return "<domain type='qemu'>\n<name>" + name + "</name>\n<uuid>" + kUuid + "</uuid></domain>";
}

TEST(DomainXml, CorpusSurvivesDefineAndDumpxml) {
  const std::vector<std::string> names = TestDomainNames();
  ASSERT_GE(names.size(), 30U);
  for (const std::string &name : names) {
    SCOPED_TRACE(name);
    const Domain first = MustParse(ReadTestDomain(name));
    const std::string text = FormatDomainXml(first, true);
    const Domain second = MustParse(text);
    EXPECT_EQ(second.document, first.document);
    EXPECT_EQ(FormatDomainXml(second, true), text);
    EXPECT_EQ(second.uuid, first.uuid);
    EXPECT_EQ(second.unknown, first.unknown);
    EXPECT_EQ(second.seclabels.size(), first.seclabels.size());
    EXPECT_EQ(first.name, name);
    EXPECT_EQ(first.memory_bytes, name == "unknown-parts" ? uint64_t{1} << 30 : 512U << 20);
  }
}

TEST(DomainXml, KeepsUnknownPartsInOrderAndNamesThem) {
  const Domain domain = MustParse(ReadTestDomain("unknown-parts"));
  EXPECT_EQ(domain.current_memory_bytes, uint64_t{512} << 20);
  EXPECT_THAT(
      domain.unknown,
      ElementsAre("title", "description", "metadata", "iothreads", "cputune", "features/apic",
                  "features/hyperv", "cpu/feature", "clock", "pm", "devices/controller",
                  "devices/watchdog", "devices/memballoon", "devices/iommu", "devices/panic",
                  "devices/quantum-device", "launchSecurity/cbitpos", "launchSecurity/policy"));
  const std::string text = FormatDomainXml(domain, true);
  EXPECT_THAT(text, StartsWith("<!-- in front of the domain -->\n<?tool keep this?>\n"
                               "<domain type='kvm' id='7' future='attribute'>\n"
                               "  <!-- about the name -->\n"));
  EXPECT_THAT(text, HasSubstr("Several lines,\n      with their blanks   kept.\n"));
  EXPECT_THAT(text, HasSubstr("<app:x xmlns:app='urn:app' a='1' b='2'> <app:y/> text<app:y/> "
                              "<app:z> </app:z></app:x>"));
  EXPECT_THAT(text, HasSubstr("<quantum-device entangled='maybe'>\n      <spin>½</spin>"));
  EXPECT_THAT(text, HasSubstr("Übergröße 日本語"));
  EXPECT_THAT(text, HasSubstr("</domain>\n<!-- behind it -->\n"));
}

TEST(DomainXml, ReadsTheBasics) {
  const Domain domain = MustParse(ReadTestDomain("unknown-parts"));
  EXPECT_EQ(domain.type, "kvm");
  EXPECT_EQ(domain.memory_bytes, uint64_t{1} << 30);
  EXPECT_EQ(domain.vcpus, 4U);
  EXPECT_TRUE(domain.acpi);
  EXPECT_EQ(domain.cpu_mode, "custom");
  EXPECT_EQ(domain.cpu_model, "Haswell");
  EXPECT_EQ(domain.on_crash, "preserve");
  EXPECT_EQ(domain.launch_security, "sev");
  EXPECT_EQ(domain.os_type, "hvm");
}

TEST(DomainXml, ReadsBoot) {
  const Domain kernel = MustParse(ReadTestDomain("boot-kernel"));
  EXPECT_EQ(kernel.kernel, "/srv/boot/vmlinuz");
  EXPECT_EQ(kernel.cmdline, "console=ttyS0 quiet name=\"a & b\"");
  EXPECT_THAT(kernel.acpi_tables, ElementsAre("/srv/boot/slic.dat"));
  EXPECT_EQ(kernel.machine, "q35");
  const Domain uefi = MustParse(ReadTestDomain("boot-uefi"));
  EXPECT_TRUE(uefi.firmware.loader_readonly);
  EXPECT_EQ(uefi.firmware.loader_type, "pflash");
  EXPECT_EQ(uefi.firmware.nvram_template, "/usr/share/OVMF/OVMF_VARS.fd");
  EXPECT_THAT(uefi.boot_order, ElementsAre("cdrom", "hd"));
  EXPECT_THAT(uefi.fw_cfg, ElementsAre(Pair("opt/org.example/file", "/srv/boot/fwcfg.bin")));
  EXPECT_THAT(uefi.unknown, Contains("sysinfo/entry"));
  EXPECT_FALSE(MustParse(ReadTestDomain("boot-nvram-source")).firmware.loader_readonly);
  EXPECT_TRUE(MustParse("<domain type='qemu'><name>a</name><os><loader type='pflash'>/a</loader>"
                        "</os></domain>")
                  .firmware.loader_readonly)
      << "firmware that domains share is not writable unless the XML says so";
}

TEST(DomainXml, ReadsDisks) {
  const Domain chain = MustParse(ReadTestDomain("disk-chain"));
  const Disk &disk = chain.disks.at(0);
  ASSERT_EQ(disk.chain.size(), 3U);
  EXPECT_EQ(disk.chain[1].format, "qcow2");
  EXPECT_EQ(disk.chain[2].type, ImageSource::Type::kBlock);
  EXPECT_TRUE(disk.chain_closed);
  EXPECT_EQ(disk.cache + disk.io + disk.serial, "nonenativeWD-0001");
  EXPECT_EQ(disk.boot_order, 1U);
  const Domain kinds = MustParse(ReadTestDomain("disk-kinds"));
  ASSERT_EQ(kinds.disks.size(), 7U);
  EXPECT_TRUE(kinds.disks[1].shareable);
  EXPECT_TRUE(kinds.disks[2].readonly);
  EXPECT_TRUE(kinds.disks[3].readonly) << "a cdrom is read-only";
  EXPECT_TRUE(kinds.disks[5].chain.empty()) << "an empty drive";
  EXPECT_FALSE(kinds.disks[0].chain_closed);
}

TEST(DomainXml, ReadsCharacterDevices) {
  const Domain domain = MustParse(ReadTestDomain("chardevs"));
  ASSERT_EQ(domain.chardevs.size(), 10U);
  EXPECT_TRUE(domain.chardevs[0].source.append);
  EXPECT_EQ(domain.chardevs[3].source.log_path, "/var/log/vm/serial3.log");
  EXPECT_FALSE(domain.chardevs[3].source.log_append);
  EXPECT_TRUE(domain.chardevs[0].source.log_append) << "unless it says otherwise";
  EXPECT_TRUE(domain.chardevs[5].serial_alias);
  EXPECT_FALSE(domain.chardevs[6].serial_alias);
  EXPECT_FALSE(domain.chardevs[6].source.listen);
  EXPECT_TRUE(domain.chardevs[7].source.listen);
  EXPECT_TRUE(domain.chardevs[8].source.listen) << "the host makes the socket up";
  EXPECT_EQ(domain.redirections.size(), 2U);
  const Domain network = MustParse(ReadTestDomain("chardev-network"));
  EXPECT_TRUE(network.chardevs.at(0).source.listen);
  EXPECT_EQ(network.chardevs.at(1).source.service, "4557");
  EXPECT_EQ(network.chardevs.at(1).source.bind_host, "127.0.0.1");
  EXPECT_EQ(network.chardevs.at(1).source.bind_service, "4556");
  EXPECT_FALSE(network.chardevs.at(3).serial_alias) << "a virtio console is a device";
  const Domain lone =
      MustParse(DomainText("<console type='pty'><target type='serial'/></console>"));
  EXPECT_FALSE(lone.chardevs.at(0).serial_alias) << "without a serial port it is one itself";
}

TEST(DomainXml, ReadsQemuArgumentsByNamespace) {
  const Domain domain = MustParse(ReadTestDomain("qemu-commandline"));
  EXPECT_THAT(domain.qemu_args,
              ElementsAre("-fw_cfg", "name=opt/x,string=a\nb\tc \"quoted\" 'single' <tag>"));
  EXPECT_THAT(domain.qemu_env, ElementsAre(Pair("QEMU_AUDIO_DRV", "none")));
  EXPECT_THAT(MustParse(ReadTestDomain("other-prefix")).qemu_args, ElementsAre("-no-hpet"));
  EXPECT_THAT(MustFail(DomainText("",
                                  "<qemu:commandline><qemu:arg value='-x'/>"
                                  "</qemu:commandline>")),
              HasSubstr("f.xml:6: the prefix 'qemu' is not bound"));
  const Domain foreign = MustParse(DomainText("",
                                              "<x:commandline xmlns:x='urn:x'><x:arg value='-x'/>"
                                              "</x:commandline>"));
  EXPECT_TRUE(foreign.qemu_args.empty());
  EXPECT_THAT(foreign.unknown, ElementsAre("x:commandline"));
}

TEST(DomainXml, OfTwoTheFirstCounts) {
  const Domain domain = MustParse(
      "<domain type='qemu'><name>first</name><name>second</name><memory>1</memory>"
      "<memory>2</memory><os><kernel>/a</kernel><kernel>/b</kernel></os>"
      "<os><kernel>/c</kernel></os></domain>");
  EXPECT_EQ(domain.name, "first");
  EXPECT_EQ(domain.memory_bytes, 1024U);
  EXPECT_EQ(domain.kernel, "/a");
  EXPECT_THAT(domain.unknown, ElementsAre("name", "memory", "os/kernel", "os"));
}

TEST(DomainXml, Names) {
  for (const std::string &good :
       {std::string("a"), std::string("web server [1] * {x}"), std::string("名前"),
        std::string("it's"), std::string("-rf"), std::string("..."), std::string(255, 'n')}) {
    EXPECT_EQ(MustParse(WithName(good)).name, good);
  }
  const std::pair<std::string, std::string> bad[] = {
      {"", "f.xml:2: the name of a domain must not be empty"},
      {".", "f.xml:2: the name of a domain must not be '.' or '..'"},
      {"..", "f.xml:2: the name of a domain must not be '.' or '..'"},
      {"../../etc/passwd", "contains '/'"},
      {"a/b", "f.xml:2: the name 'a/b' contains '/', which a name must not"},
      {"a\nb", "control character"},
      {"a\tb", "control character"},
      {"a\x7f", "control character"},
      {"a\xC2\x85", "control character"},
      {std::string(256, 'n'), "f.xml:2: the name of the domain has 256 bytes; the most is 255"},
  };
  for (const auto &[name, message] : bad) {
    EXPECT_THAT(MustFail(WithName(name)), HasSubstr(message));
  }
  EXPECT_THAT(MustFail("<domain type='kvm'/>"), HasSubstr("f.xml:1: the domain has no <name>"));
}

TEST(DomainXml, NameBesideAComment) {
  const Domain domain = MustParse(WithName("a<!-- b -->c"));
  EXPECT_EQ(domain.name, "ac");
  EXPECT_THAT(FormatDomainXml(domain, true), HasSubstr("<name>a<!-- b -->c</name>"));
}

TEST(DomainXml, Uuids) {
  const auto with = [](const std::string &uuid) {
    return "<domain type='qemu'>\n<name>a</name>\n<uuid>" + uuid + "</uuid></domain>";
  };
  EXPECT_EQ(MustParse(with("0F3C1E5A-7B2D-4C68-9A10-000000000001")).uuid, kUuid);
  EXPECT_EQ(MustParse(with("0f3c1e5a7b2d4c689a10000000000001")).uuid, kUuid);
  for (const char *bad :
       {"", "x", "0f3c1e5a-7b2d-4c68-9a10-00000000000", "../../../../etc",
        "0f3c1e5a-7b2d-4c68-9a10-00000000000g", "0f3c1e5a7-b2d-4c68-9a10-000000000001",
        "0f3c1e5a-7b2d-4c68-9a10-0000000000012"}) {
    EXPECT_THAT(MustFail(with(bad)), HasSubstr("f.xml:3: <uuid>: '" + std::string(bad)));
  }
  EXPECT_THAT(MustFail(with("a\n\xC2\x9B")), HasSubstr("<uuid>: 'a?"
                                                       "?' is not a UUID"));
  const std::string none = "<domain type='qemu'><name>a</name></domain>";
  const Domain one = MustParse(none);
  EXPECT_EQ(one.uuid.size(), 36U);
  EXPECT_EQ(one.uuid[14], '4');
  EXPECT_NE(one.uuid, MustParse(none).uuid);
  EXPECT_EQ(FormatDomainXml(one, true),
            "<domain type='qemu'>\n  <name>a</name>\n  <uuid>" + one.uuid + "</uuid>\n</domain>\n");
}

TEST(DomainXml, RootAndType) {
  EXPECT_THAT(MustFail("<domain><name>a</name></domain>"),
              HasSubstr("missing domain type attribute"));
  EXPECT_THAT(MustFail("<domain type='a/b'><name>a</name></domain>"), HasSubstr("small letters"));
  EXPECT_THAT(MustFail("<!-- c -->\n<domstatus><domain/></domstatus>"),
              HasSubstr("f.xml:2: the document is a <domstatus>, not a <domain>"));
  EXPECT_EQ(MustParse("<domain type='cloud-hypervisor'><name>a</name></domain>").type,
            "cloud-hypervisor");
}

TEST(DomainXml, Numbers) {
  const auto memory = [](const std::string &unit, const std::string &number) {
    return "<domain type='qemu'><name>a</name>\n<memory " + unit + ">" + number +
           "</memory></domain>";
  };
  const std::pair<const char *, uint64_t> units[] = {
      {"", 3072},
      {"unit='b'", 3},
      {"unit='bytes'", 3},
      {"unit='KB'", 3000},
      {"unit='k'", 3072},
      {"unit='KiB'", 3072},
      {"unit='MB'", 3'000'000},
      {"unit='M'", 3 << 20},
      {"unit='mib'", 3 << 20},
      {"unit='GB'", 3'000'000'000},
      {"unit='GiB'", 3ULL << 30},
      {"unit='TiB'", 3ULL << 40},
      {"unit='PB'", 3'000'000'000'000'000},
      {"unit='E'", 3ULL << 60},
  };
  for (const auto &[unit, bytes] : units) {
    EXPECT_EQ(MustParse(memory(unit, " 3 ")).memory_bytes, bytes) << unit;
  }
  for (const char *bad : {"", "x", "-1", "1.5", "1 2", "0x", "99999999999999999999"}) {
    EXPECT_THAT(MustFail(memory("", bad)), HasSubstr("f.xml:2: <memory>: '")) << bad;
  }
  EXPECT_THAT(MustFail(memory("unit='E'", "16")), HasSubstr("too large a size"));
  EXPECT_THAT(MustFail(memory("unit='parsec'", "1")), HasSubstr("'parsec' is no unit; legal are"));
  EXPECT_THAT(MustFail("<domain type='qemu'><name>a</name><vcpu>0</vcpu></domain>"),
              HasSubstr("from 1 to 65535"));
}

TEST(DomainXml, RefusesWhatItCannotActOn) {
  const std::pair<const char *, const char *> cases[] = {
      {"<disk type='tape'><source file='/a'/></disk>",
       "f.xml:5: Invalid value for attribute 'type' in element 'disk': 'tape'; legal are file, "
       "block, dir, network, volume, nvme, vhostuser, vhostvdpa"},
      {"<disk device='zip'/>", "legal are disk, cdrom, floppy, lun"},
      {"<disk><driver type='auto'/><source file='/a'/></disk>", "legal are raw, qcow2"},
      {"\n<disk><target dev='vda'/></disk>", "f.xml:6: the disk 'vda' has no <source>"},
      {"<disk>\n<source file='a.img'/></disk>",
       "f.xml:6: attribute 'file' of <source>: 'a.img' is not an absolute path"},
      {"<disk><source file='/a/../b'/></disk>", "contains '..'"},
      {"<disk><source file='/a&#10;b'/></disk>", "control characters"},
      {"<disk><source file='/a&#x85;b'/></disk>", "control characters"},
      {"<disk><driver type='raw'/><source file='/a'/>\n<backingStore type='file'>"
       "<format type='raw'/><source file='/b'/></backingStore></disk>",
       "f.xml:6: a raw image has no backing image"},
      {"<disk><driver type='qcow2'/><source file='/a'/><backingStore type='file'>"
       "<format type='qcow2'/><source file='/a'/></backingStore></disk>",
       "the image '/a' stands twice in its own chain"},
      {"<disk><driver type='qcow2'/><source file='/a'/><backingStore type='file'>"
       "<format type='qcow2'/></backingStore></disk>",
       "a <backingStore> needs a <source>"},
      {"<disk><driver type='qcow2'/><source file='/a'/><backingStore>"
       "<source file='/b'/></backingStore></disk>",
       "needs a type"},
      {"<serial type='file'/>", "Missing source path attribute for char device"},
      {"<channel type='unix'><source mode='connect'/></channel>", "Missing source path"},
      {"<serial type='morse'/>", "legal are null, vc, pty"},
      {"<hostdev/>", "needs a type: pci, usb, scsi, scsi_host or mdev"},
      {"<hostdev mode='capabilities' type='pci'/>", "legal are subsystem"},
      {"<hostdev type='pci'><source/></hostdev>", "a pci device needs"},
      {"<hostdev type='pci'><source><address bus='0x100' slot='0'/></source></hostdev>",
       "attribute 'bus' of <address>: '0x100' is too large; the most is 255"},
      {"<hostdev type='pci'><source><address bus='010' slot='0'/></source></hostdev>",
       "'010' may be octal or decimal"},
      {"<hostdev type='usb'><source/></hostdev>", "a usb device needs"},
      {"<hostdev type='usb'><source><address bus='1'/></source></hostdev>",
       "needs bus= and device="},
      {"<hostdev type='mdev'><source><address uuid='../x'/></source></hostdev>", "not a UUID"},
      {"<shmem name='../../etc/x'/>", "the name of a <shmem>"},
      {"<shmem name='..'/>", "the name of a <shmem>"},
      {"<shmem name='a'><model type='ivshmem-doorbell'/></shmem>", "<server path='SOCKET'/>"},
      {"<tpm><backend type='abacus'/></tpm>", "legal are passthrough, emulator, external"},
      {"<tpm><backend type='external'/></tpm>", "an external TPM needs"},
      {"<filesystem><target dir='x'/></filesystem>", "needs a <source>"},
      {"<interface type='vhostuser'><source path='/a'/></interface>", "mode='client'"},
      {"<interface type='vdpa'/>", "names its device or socket"},
      {"<interface type='carrier-pigeon'/>", "legal are user, ethernet"},
      {"<input type='evdev'/>", "/dev/input/eventN"},
      {"<memory model='nvdimm'/>", "<path>PATH</path>"},
      {"<rng><backend model='dice'/></rng>", "legal are random, egd, builtin"},
      {"<graphics type='vnc' port='70000'/>", "'70000' is too large"},
  };
  for (const auto &[devices, message] : cases) {
    EXPECT_THAT(MustFail(DomainText(devices)), HasSubstr(message)) << devices;
  }
}

TEST(DomainXml, DeepBackingChainsAreBounded) {
  std::string open;
  std::string close;
  for (int i = 0; i < 300; ++i) {
    open += "<backingStore type='file'><format type='qcow2'/><source file='/b" + std::to_string(i) +
            "'/>";
    close += "</backingStore>";
  }
  EXPECT_THAT(MustFail(DomainText("<disk><driver type='qcow2'/><source file='/a'/>" + open + close +
                                  "</disk>")),
              HasSubstr("128 deep"));
}

}  // namespace
}  // namespace svirt
