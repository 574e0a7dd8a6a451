// SPDX-License-Identifier: LGPL-2.1-or-later
// Attributes of the XML that QEMU is told, each in its own words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/domain/domain_xml.h"
#include "host/hypervisor/qemu/qemu_elements.h"
#include "host/hypervisor/qemu/qemu_monitor.h"
#include "host/hypervisor/qemu/qemu_real_fixture.h"
#include "host/hypervisor/qemu/qmp_fake_server.h"

namespace svirt {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;

Result<Domain> Read(const std::string &devices, const std::string &more = "") {
  return ParseDomainXml(
      "<domain type='qemu'><name>vm</name><memory unit='MiB'>64</memory>"
      "<os><type arch='x86_64' machine='pc'>hvm</type></os>" +
          more + "<devices>" + devices + "</devices></domain>",
      "vm.xml");
}

// The domain passes the rules; how it is started.
QemuCommand CommandOf(const std::string &devices, const std::string &more = "") {
  const auto domain = Read(devices, more);
  EXPECT_TRUE(domain.ok()) << domain.error().message;
  Refusals beyond;
  if (domain.ok()) {
    CheckElements(*domain, &beyond);
  }
  EXPECT_TRUE(beyond.empty()) << beyond.ToStatus().error().message;
  auto command = domain.ok() ? Command(*domain) : Result<QemuCommand>(domain.error());
  EXPECT_TRUE(command.ok()) << command.error().message;
  return command.ok() ? *std::move(command) : QemuCommand();
}

std::string Udp(const std::string &sources) {
  return "<serial type='udp'>" + sources + "</serial>";
}

TEST(QemuAttributes, UdpReceivesWhereItIsBoundTo) {
  const std::string connect = "<source mode='connect' host='192.0.2.1' service='4557'/>";
  const std::string start = "udp,id=serial0,host=192.0.2.1,port=4557";
  const std::pair<std::string, std::string> sources[] = {
      {connect, start},
      {connect + "<source mode='bind' host='127.0.0.1' service='4556'/>",
       start + ",localaddr=127.0.0.1,localport=4556"},
      {"<source mode='bind' host='127.0.0.1'/>" + connect,
       start + ",localaddr=127.0.0.1,localport=0"},
      {"<source mode='bind' service='4556'/>" + connect, start + ",localaddr=,localport=4556"},
  };
  for (const auto &[xml, option] : sources) {
    EXPECT_THAT(Options(CommandOf(Udp(xml)).argv, "-chardev"), Contains(option));
  }
  const json::json_pointer local("/backend/data/local");
  std::vector<json> said;
  for (const QemuOption &option : CommandOf(Udp(sources[1].first)).options) {
    if (option.qmp.contains(local)) {
      said.push_back(option.qmp.at(local));
    }
  }
  EXPECT_EQ(said, std::vector<json>(
                      {{{"type", "inet"}, {"data", {{"host", "127.0.0.1"}, {"port", "4556"}}}}}));
  EXPECT_THAT(Read(Udp(connect + connect)).error().message, HasSubstr("at most"));
}

TEST(QemuAttributes, ALogIsAppendedToOrNot) {
  for (const auto &[append, option] :
       {std::pair("", "on"), {"append='on'", "on"}, {"append='off'", "off"}}) {
    EXPECT_THAT(Options(CommandOf(std::string("<serial type='null'><log file='/l' ") + append +
                                  "/></serial>")
                            .argv,
                        "-chardev"),
                Contains(std::string("null,id=serial0,logfile=/l,logappend=") + option));
  }
}

TEST(QemuAttributes, ADisplayThatListensNowhereDoesNot) {
  const auto argv = CommandOf("<graphics type='vnc'><listen type='none'/></graphics>").argv;
  EXPECT_EQ(Options(argv, "-vnc"), std::vector<std::string>{"none"});
}

TEST(QemuAttributes, ADisplayListensAtItsAddress) {
  const auto argv = CommandOf(
                        "<graphics type='vnc' port='5907'>"
                        "<listen type='address' address='192.0.2.7'/></graphics>")
                        .argv;
  EXPECT_EQ(Options(argv, "-vnc"), std::vector<std::string>{"192.0.2.7:7"});
}

TEST(QemuAttributes, VideoHasTheMemoryAndHeadsAskedFor) {
  const auto video = [](const std::string &model) {
    return Find(CommandOf("<video><model " + model + "/></video>").argv, "-device", "id", "video0");
  };
  EXPECT_EQ(video("type='vga' vram='16384' heads='1' primary='yes'"),
            (json{{"driver", "VGA"}, {"id", "video0"}, {"vgamem_mb", 16}}));
  EXPECT_EQ(video("type='bochs' vram='16384'"),
            (json{{"driver", "bochs-display"}, {"id", "video0"}, {"vgamem", 16777216}}));
  EXPECT_EQ(video("type='qxl' ram='65536' vram='32768' vram64='8192' vgamem='16384' heads='2'"),
            (json{{"driver", "qxl-vga"},
                  {"id", "video0"},
                  {"ram_size", 67108864},
                  {"vram_size", 33554432},
                  {"vram64_size_mb", 8},
                  {"vgamem_mb", 16},
                  {"max_outputs", 2}}));
  EXPECT_EQ(video("type='virtio' heads='3'"),
            (json{{"driver", "virtio-vga"}, {"id", "video0"}, {"max_outputs", 3}}));
  for (const char *vram : {"0", "x", "99999999"}) {
    const auto domain = Read("<video><model type='vga' vram='" + std::string(vram) + "'/></video>");
    EXPECT_THAT(Command(*domain).error().message, HasSubstr("vram")) << vram;
  }
}

TEST(QemuAttributes, ABalloonIsMadeAsAskedFor) {
  EXPECT_EQ(
      Find(CommandOf("<memballoon model='virtio' autodeflate='on' freePageReporting='off'/>").argv,
           "-device", "id", "balloon0"),
      (json{{"driver", "virtio-balloon-pci"},
            {"id", "balloon0"},
            {"deflate-on-oom", true},
            {"free-page-reporting", false}}));
}

TEST(QemuAttributes, AProcessorThatIsCheckedIsGivenInFullOrNotAtAll) {
  for (const auto &[check, option] : {std::pair("", "max,+avx"),
                                      {"check='none'", "max,+avx"},
                                      {"check='partial'", "max,+avx,enforce"},
                                      {"check='full'", "max,+avx,enforce"}}) {
    const auto argv = CommandOf("", std::string("<cpu mode='maximum' ") + check +
                                        "><feature name='avx' policy='require'/></cpu>")
                          .argv;
    EXPECT_EQ(Options(argv, "-cpu"), std::vector<std::string>{option});
  }
  Domain other = *Read("", "<cpu mode='maximum' check='full'/>");
  other.arch = "aarch64";
  other.machine = "virt";
  EXPECT_EQ(Command(other).error().code, Errc::kUnsupported);
}

TEST(QemuAttributes, QemuGetsOnlyItsOwnArguments) {
  const auto read = [](const std::string &inside) {
    return Read("", "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>" +
                        inside + "</q:commandline>");
  };
  EXPECT_TRUE(read("<q:arg value='-S'/><q:env name='A' value='b'/>").ok());
  for (const auto &[inside, words] :
       {std::pair("<q:arg value='hunter2' after='hunter2'/>", "<q:arg> has no attribute after="),
        {"<q:env name='A' value='hunter2' secret='hunter2'/>", "<q:env> has no attribute secret="},
        {"<q:file path='hunter2'/>", "<q:file> is neither"}}) {
    const std::string message = read(inside).error().message;
    EXPECT_THAT(message, HasSubstr(words));
    EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
  }
}

TEST(QemuAttributes, CurrentMemoryIsAskedOfTheBalloon) {
  json request;
  {
    FakeServer server([&request](FakeServer &self) {
      self.Greet();
      request = self.Read();
      if (request.is_object()) {
        self.Return(request, json::object());
      }
    });
    const Domain domain = *Read("", "<currentMemory unit='MiB'>48</currentMemory>");
    auto monitor =
        QmpClient::Open(server.TakeClient(), QmpClient::Clock::now() + std::chrono::seconds(10));
    ASSERT_TRUE(monitor.ok()) << monitor.error().message;
    for (const uint64_t whole : {uint64_t{0}, domain.memory_bytes}) {
      Domain other = domain;
      other.current_memory_bytes = whole;
      EXPECT_TRUE(SetMemory(*monitor, other).ok()) << "asks for nothing";
    }
    EXPECT_TRUE(SetMemory(*monitor, domain).ok());
  }
  ASSERT_TRUE(request.is_object()) << "QEMU was asked for nothing";
  EXPECT_EQ(request.value("execute", ""), "balloon");
  EXPECT_EQ(request["arguments"], (json{{"value", uint64_t{48} << 20}}));
}

TEST_F(RealQemu, TakesTheAttributesOfItsDevices) {
  for (const char *model :
       {"type='vga' vram='16384'", "type='bochs' vram='16384'", "type='virtio' heads='2'"}) {
    auto domain =
        Read(std::string("<serial type='udp'><source mode='bind' host='127.0.0.1' service='0'/>"
                         "<source mode='connect' host='127.0.0.1' service='9'/></serial>"
                         "<serial type='udp'><source mode='bind' host='127.0.0.1'/>"
                         "<source mode='connect' host='127.0.0.1' service='9'/></serial>"
                         "<graphics type='vnc'><listen type='none'/></graphics>"
                         "<memballoon model='virtio' autodeflate='on' freePageReporting='on'/>"
                         "<video><model ") +
                 model + "/></video>",
             "<currentMemory unit='MiB'>48</currentMemory>");
    ASSERT_TRUE(domain.ok()) << domain.error().message;
    domain->emulator = kQemu;
    const Status started = Start(*domain);
    ASSERT_TRUE(started.ok()) << started.error().message;
    const Status set = SetMemory(*monitor_, *domain);
    EXPECT_TRUE(set.ok()) << set.error().message;
    const auto vnc = monitor_->Execute("query-vnc-servers");
    EXPECT_TRUE(vnc.ok() && (vnc->empty() || vnc->at(0).value("server", json::array()).empty()))
        << (vnc.ok() ? vnc->dump() : vnc.error().message);
    RunAndQuit();
    monitor_.reset();
    child_ = {};
    std::filesystem::remove(place_.run_dir + "/monitor.sock");
  }
}

}  // namespace
}  // namespace svirt
