// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests of hotplug: a QEMU that only remembers names, and changes applied to it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/domain/domain_xml.h"
#include "host/hypervisor/qemu/qemu_hotplug.h"
#include "host/hypervisor/qemu/qemu_test_support.h"
#include "host/hypervisor/qemu/qmp_fake_server.h"

namespace svirt {

inline Domain WithDisks(std::initializer_list<const char *> targets) {
  Domain domain = SmallDomain();
  for (const char *target : targets) {
    domain.disks.push_back(
        MakeDisk(target, "virtio", {Image(std::string("/images/") + target, "raw")}));
  }
  return domain;
}

// A QEMU of names only: what was added and not yet removed.
struct FakeQemu {
  std::set<std::string> devices, objects, chardevs, netdevs, nodes;
  std::map<std::string, ino_t> fds;            // inode by name
  std::map<std::string, std::string> in_port;  // device by root port, which is a device itself
  std::string refuses;                         // a command, or one with the name it is about
  enum { kLetsGo, kHoldsOn, kSaysNo } guest = kLetsGo;
  std::vector<std::string> asked;  // commands that change something, with their names

  void operator()(FakeServer &server) {
    server.Greet();
    for (nlohmann::json request = server.Read(); !request.is_null(); request = server.Read()) {
      Serve(server, request);
    }
  }

 private:
  static nlohmann::json Listed(const std::set<std::string> &names, const char *key) {
    nlohmann::json list = nlohmann::json::array();
    for (const std::string &name : names) {
      list.push_back({{key, name}});
    }
    return list;
  }

  nlohmann::json Members(const std::string &path) const {
    if (path == "/objects" || path == "/machine/peripheral") {
      return Listed(path == "/objects" ? objects : devices, "name");
    }
    nlohmann::json members = {{{"name", "type"}, {"type", "string"}}};
    for (const auto &[port, device] : in_port) {
      if (path == "/machine/peripheral/" + port + "/" + port) {
        members.push_back({{"name", "child[0]"}, {"type", "link<" + device + ">"}});
      }
    }
    return members;
  }

  static void Refuse(FakeServer &server, const nlohmann::json &request, const char *kind) {
    server.Line(
        nlohmann::json{{"error", {{"class", kind}, {"desc", "no"}}}, {"id", request.at("id")}}
            .dump());
  }

  std::set<std::string> *SetOf(const std::string &command) {
    return command.starts_with("blockdev")  ? &nodes
           : command.starts_with("chardev") ? &chardevs
           : command.starts_with("netdev")  ? &netdevs
           : command.starts_with("object")  ? &objects
                                            : &devices;
  }

  void Serve(FakeServer &server, const nlohmann::json &request) {
    const auto command = request.value("execute", "");
    const nlohmann::json arguments = request.value("arguments", nlohmann::json::object());
    if (command == "qom-list") {
      server.Return(request, Members(arguments.value("path", "")));
      return;
    }
    if (command == "query-named-block-nodes") {
      server.Return(request, Listed(nodes, "node-name"));
      return;
    }
    if (command == "query-chardev") {
      server.Return(request, Listed(chardevs, "label"));
      return;
    }
    const bool of_fd = command == "getfd" || command == "closefd";
    const char *key = of_fd ? "fdname" : command.starts_with("blockdev") ? "node-name" : "id";
    const auto name = arguments.value(key, "");
    asked.push_back(command + " " + name);
    if (command == refuses || asked.back() == refuses) {
      Refuse(server, request, "GenericError");
      return;
    }
    std::set<std::string> *names = SetOf(command);
    if (command == "getfd") {
      struct stat st {};
      EXPECT_EQ(fstat(server.TakeFd().get(), &st), 0);
      fds[name] = st.st_ino;
    } else if (command == "closefd" && fds.erase(name) == 0) {
      Refuse(server, request, "GenericError");
      return;
    } else if (command.ends_with("add")) {
      EXPECT_TRUE(names->insert(name).second) << request;
      if (arguments.contains("fd")) {
        EXPECT_EQ(fds.erase(arguments["fd"]), 1u) << request;
      }
      if (const auto bus = arguments.value("bus", ""); bus.starts_with("root-port")) {
        EXPECT_TRUE(devices.contains(bus) && in_port.emplace(bus, name).second) << request;
      }
    } else if (!of_fd && command != "device_del" && names->erase(name) == 0) {
      Refuse(server, request, command == "netdev_del" ? "DeviceNotFound" : "GenericError");
      return;
    }
    server.Return(request, nlohmann::json::object());
    if (command != "device_del") {
      return;
    }
    if (guest == kSaysNo) {
      server.Line(
          nlohmann::json{{"event", "DEVICE_UNPLUG_GUEST_ERROR"}, {"data", {{"device", name}}}}
              .dump());
    } else if (guest == kLetsGo) {
      devices.erase(name);
      std::erase_if(in_port, [&](const auto &port) { return port.second == name; });
      server.Line(R"({"event": "DEVICE_DELETED", "data": {"path": "/machine/unattached"}})");
      server.Line(nlohmann::json{{"event", "DEVICE_DELETED"}, {"data", {{"device", name}}}}.dump());
    }
  }
};

// A domain with these devices, as it is when it has been changed before: with names.
inline Domain WithDevices(const std::string &devices, const std::string &more = "",
                          const std::string &machine = "pc") {
  auto domain = ParseDomainXml(
      "<domain type='qemu'><name>a</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
      "<memory unit='MiB'>64</memory><os><type arch='x86_64' machine='" +
          machine + "'>hvm</type>" + more + "</os><devices>" + devices + "</devices></domain>",
      "a.xml");
  EXPECT_TRUE(domain.ok()) << domain.error().message;
  return domain ? *domain : Domain();
}

class HotplugTest : public testing::Test {
 protected:
  static QemuChange Change(const Domain &from, const Domain &to) {
    auto change = PlanQemuChange(from, to);
    EXPECT_TRUE(change.ok()) << change.error().message;
    return change ? std::move(*change) : QemuChange();
  }
  // The step against a QEMU; the fake's state may be looked at afterwards.
  template <typename Step>
  Status With(Step step) {
    FakeServer server([this](FakeServer &far) { qemu_(far); });
    auto monitor =
        QmpClient::Open(server.TakeClient(), QmpClient::Clock::now() + std::chrono::seconds(10));
    if (!monitor.ok()) {
      return monitor.error();
    }
    return step(*monitor);
  }
  Status Plugged(const QemuChange &change) {
    return With([&](QmpClient &monitor) {
      return Plug(monitor, change, [this](const std::string &device, const std::string &bridge) {
        EXPECT_EQ(device + "/" + bridge, "tap7/br0");
        return Result<Fd>(Fd(dup(tap_.get())));
      });
    });
  }
  Status Unplugged(const QemuChange &change) {
    return With([&](QmpClient &monitor) {
      return Unplug(monitor, change, std::chrono::milliseconds(200));
    });
  }

  bool HasNothing() const {
    return qemu_.devices.empty() && qemu_.objects.empty() && qemu_.chardevs.empty() &&
           qemu_.netdevs.empty() && qemu_.nodes.empty() && qemu_.fds.empty();
  }

  FakeQemu qemu_;
  const Fd tap_{open("/dev/null", O_RDWR | O_CLOEXEC)};
  const Domain one_ = WithDisks({"vda"}), two_ = WithDisks({"vda", "vdb"});
};

}  // namespace svirt
