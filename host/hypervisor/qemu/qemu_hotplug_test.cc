// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/qemu/qemu_hotplug.h"

#include <gmock/gmock.h>

#include <set>

#include "host/hypervisor/qemu/qemu_test_support.h"
#include "host/hypervisor/qemu/qmp_fake_server.h"

namespace svirt {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;

Domain WithDisks(std::initializer_list<const char *> targets) {
  Domain domain = SmallDomain();
  for (const char *target : targets) {
    domain.disks.push_back(
        MakeDisk(target, "virtio", {Image(std::string("/images/") + target, "raw")}));
  }
  return domain;
}

// A QEMU of names only: what was added and not yet removed.
struct FakeQemu {
  std::set<std::string> devices, nodes;
  std::string refuses;             // a command
  bool lets_go = true;             // of devices, when asked
  std::vector<std::string> asked;  // commands that change something, with their names

  void operator()(FakeServer &server) {
    server.Greet();
    for (json request = server.Read(); !request.is_null(); request = server.Read()) {
      Serve(server, request);
    }
  }

 private:
  static json Listed(const std::set<std::string> &names, const char *key) {
    json list = json::array();
    for (const std::string &name : names) {
      list.push_back({{key, name}});
    }
    return list;
  }

  void Serve(FakeServer &server, const json &request) {
    const auto command = request.value("execute", "");
    const json arguments = request.value("arguments", json::object());
    if (command == "qom-list") {
      const bool peripheral = arguments["path"] == "/machine/peripheral";
      server.Return(request, peripheral ? Listed(devices, "name") : json::array());
      return;
    }
    if (command == "query-named-block-nodes") {
      server.Return(request, Listed(nodes, "node-name"));
      return;
    }
    const auto name = arguments.value(command.starts_with("blockdev") ? "node-name" : "id", "");
    asked.push_back(command + " " + name);
    if (command == refuses) {
      server.Line(
          json{{"error", {{"class", "GenericError"}, {"desc", "no"}}}, {"id", request.at("id")}}
              .dump());
      return;
    }
    if (command == "blockdev-add") {
      nodes.insert(name);
    } else if (command == "blockdev-del") {
      nodes.erase(name);
    } else if (command == "device_add") {
      devices.insert(name);
    }
    server.Return(request, json::object());
    if (command == "device_del" && lets_go) {
      devices.erase(name);
      server.Line(R"({"event": "DEVICE_DELETED", "data": {"path": "/machine/unattached"}})");
      server.Line(json{{"event", "DEVICE_DELETED"}, {"data", {{"device", name}}}}.dump());
    }
  }
};

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
    auto monitor = QmpClient::Open(server.TakeClient(), QmpClient::Clock::now() + seconds(10));
    if (!monitor.ok()) {
      return monitor.error();
    }
    return step(*monitor);
  }
  Status Plugged(const QemuChange &change) {
    return With([&](QmpClient &monitor) { return Plug(monitor, change); });
  }
  Status Unplugged(const QemuChange &change) {
    return With([&](QmpClient &monitor) { return Unplug(monitor, change, milliseconds(200)); });
  }

  FakeQemu qemu_;
  const Domain one_ = WithDisks({"vda"}), two_ = WithDisks({"vda", "vdb"});
};

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
  qemu_.lets_go = false;
  const Status held = Unplugged(Change(two_, one_));
  ASSERT_FALSE(held.ok());
  EXPECT_EQ(held.error().code, Errc::kConflict);
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
