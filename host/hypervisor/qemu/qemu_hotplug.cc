// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of a running QEMU. What they are made of is decided in one place, by the command line.
#include "host/hypervisor/qemu/qemu_hotplug.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "host/hypervisor/qemu/qemu_builder.h"
#include "host/hypervisor/qemu/qemu_root_ports.h"

namespace svirt {
namespace {

using nlohmann::json;

// How a part of the command line is said to a running QEMU, and the member that names it.
struct Counterpart {
  std::string_view option, add, remove, key;
};
constexpr Counterpart kCounterparts[] = {
    {"-object", "object-add", "object-del", "id"},
    {"-blockdev", "blockdev-add", "blockdev-del", "node-name"},
    {"-chardev", "chardev-add", "chardev-remove", "id"},
    {"-netdev", "netdev_add", "netdev_del", "id"},
    {"-device", "device_add", "", "id"},
};

const Counterpart *CounterpartOf(const QemuOption &option) {
  const auto *found = std::ranges::find(kCounterparts, option.name, &Counterpart::option);
  return found != std::end(kCounterparts) && option.qmp.is_object() ? found : nullptr;
}

// "" if it has none.
std::string IdOf(const QemuOption &option) {
  const Counterpart *counterpart = CounterpartOf(option);
  return counterpart != nullptr ? option.qmp.value(std::string(counterpart->key), "") : "";
}

// What counts of it while QEMU runs: the boot order does not, nor the ROM that goes with it.
json Lasting(const QemuOption &option) {
  json lasting = option.qmp;
  if (option.name == "-device") {
    lasting.erase("bootindex");
    lasting.erase("romfile");
  }
  return lasting;
}

bool IsSame(const QemuOption &a, const QemuOption &b) {
  if (a.name != b.name) {
    return false;
  }
  return CounterpartOf(a) != nullptr && CounterpartOf(b) != nullptr ? Lasting(a) == Lasting(b)
                                                                    : a.value == b.value;
}

Result<QemuCommand> CommandOf(const Domain &domain) {
  QemuPaths paths;
  paths.emulator = domain.emulator;
  return BuildQemuCommand(domain, paths);
}

// Those of all that are not among the others.
std::vector<QemuOption> Without(const std::vector<QemuOption> &all,
                                std::vector<QemuOption> others) {
  std::vector<QemuOption> rest;
  for (const QemuOption &option : all) {
    const auto found = std::ranges::find_if(
        others, [&](const QemuOption &other) { return IsSame(option, other); });
    if (found == others.end()) {
      rest.push_back(option);
    } else {
      others.erase(found);
    }
  }
  return rest;
}

Status CheckIds(const std::vector<QemuOption> &options) {
  std::set<std::pair<std::string_view, std::string>> ids;
  for (const QemuOption &option : options) {
    const std::string id = IdOf(option);
    if (!id.empty() && !ids.emplace(option.name, id).second) {
      return Error{Errc::kExists,
                   "the domain has a device with the name " + id + " already: give it another"};
    }
  }
  return {};
}

// A guest that has not been told of its root ports by ACPI, and then of a device in one of them,
// may lose all the others.
bool MustStay(const Domain &domain, const QemuOption &option) {
  return option.wants_root_port && !domain.acpi;
}

Status CheckAcpi(const Domain &domain, const std::vector<QemuOption> &come,
                 const std::vector<QemuOption> &gone) {
  const auto must_stay = [&](const QemuOption &option) { return MustStay(domain, option); };
  const auto cannot_go = [&](const QemuOption &option) {
    return must_stay(option) && !IsController(IdOf(option));
  };
  if (std::ranges::none_of(come, must_stay) && std::ranges::none_of(gone, cannot_go)) {
    return {};
  }
  return Error{Errc::kUnsupported,
               "no PCI device comes to or goes from machine " + domain.machine +
                   " while it runs without ACPI: define the domain with <acpi/> among its "
                   "<features> and start it anew"};
}

Error CannotChange(const QemuOption &option) {
  if (option.name == "-m") {
    return Error{Errc::kUnsupported,
                 "QEMU has room only for the memory devices it was started with: define the domain "
                 "with <maxMemory slots='N'> and start it anew"};
  }
  if (option.name == "-serial") {
    return Error{Errc::kUnsupported,
                 "QEMU cannot change the ports of the board itself while it runs: use target type "
                 "pci-serial or usb-serial"};
  }
  return Error{Errc::kUnsupported, "QEMU cannot change this while it runs (" + option.name +
                                       "): define the domain with it and start it anew"};
}

// The strings under the key in each object of the list.
void Collect(const json &list, const char *key, std::set<std::string> *names) {
  for (const json &entry : list.is_array() ? list : json::array()) {
    if (entry.is_object() && entry.contains(key) && entry[key].is_string()) {
      names->insert(entry[key].get<std::string>());
    }
  }
}

// Ids of the devices, objects and character devices, and names of the block nodes, that QEMU has.
Result<std::set<std::string>> PresentIn(QmpClient &monitor) {
  std::set<std::string> names;
  for (const char *path : {"/machine/peripheral", "/objects"}) {
    SVIRT_ASSIGN(const json entries, monitor.Execute("qom-list", {{"path", path}}));
    Collect(entries, "name", &names);
  }
  SVIRT_ASSIGN(const json chardevs, monitor.Execute("query-chardev"));
  Collect(chardevs, "label", &names);
  SVIRT_ASSIGN(const json nodes, monitor.Execute("query-named-block-nodes", {{"flat", true}}));
  Collect(nodes, "node-name", &names);
  return names;
}

Error Held(const std::string &id) {
  return Error{Errc::kConflict, "the guest does not let go of device " + id +
                                    ": it stays; try again when the guest has stopped using it"};
}

Status UnplugDevice(QmpClient &monitor, const std::string &id,
                    QmpClient::Clock::time_point deadline) {
  if (auto asked = monitor.Execute("device_del", {{"id", id}}); !asked.ok()) {
    return std::move(asked).error();
  }
  for (;;) {
    const auto event = monitor.NextEvent(deadline);
    if (!event.ok() && event.error().code == Errc::kTimeout) {
      return Held(id);
    }
    if (!event.ok()) {
      return event.error();
    }
    const auto name = event->value("event", "");
    if (!event->contains("data") || (*event)["data"].value("device", "") != id) {
      continue;
    }
    if (name == "DEVICE_DELETED") {
      return {};
    }
    if (name == "DEVICE_UNPLUG_GUEST_ERROR") {
      return Held(id);
    }
  }
}

Status Run(QmpClient &monitor, const QmpCommand &command) {
  const auto answer = monitor.Execute(command.name, command.arguments);
  return answer ? Status() : Status(answer.error());
}

}  // namespace

Result<QemuChange> PlanQemuChange(const Domain &from, const Domain &to) {
  SVIRT_ASSIGN(const QemuCommand before, CommandOf(from));
  SVIRT_ASSIGN(const QemuCommand after, CommandOf(to));
  SVIRT_TRY(CheckIds(after.options));
  const std::vector<QemuOption> come = Without(after.options, before.options);
  const std::vector<QemuOption> gone = Without(before.options, after.options);
  SVIRT_TRY(CheckAcpi(to, come, gone));
  std::set<std::string> reopened;  // block nodes in both
  for (const QemuOption &option : gone) {
    const bool stays = std::ranges::any_of(come, [&](const QemuOption &other) {
      return other.name == "-blockdev" && IdOf(other) == IdOf(option);
    });
    if (option.name == "-blockdev" && stays) {
      reopened.insert(IdOf(option));
    }
  }
  QemuChange change;
  json nodes = json::array();
  for (const QemuOption &option : come) {
    const Counterpart *counterpart = CounterpartOf(option);
    if (counterpart == nullptr) {
      return CannotChange(option);
    }
    if (option.name == "-blockdev" && reopened.contains(IdOf(option))) {
      nodes.push_back(option.qmp);
    } else {
      change.add.push_back({std::string(counterpart->add), option.qmp, option.wants_root_port});
    }
  }
  if (!nodes.empty()) {
    change.reopen.push_back({"blockdev-reopen", {{"options", std::move(nodes)}}});
  }
  for (const QemuOption &option : gone) {
    const Counterpart *counterpart = CounterpartOf(option);
    if (counterpart == nullptr) {
      return CannotChange(option);
    }
    if (option.name == "-blockdev" && reopened.contains(IdOf(option))) {
      continue;
    }
    // The last made is the first to go: it may be made of those before it.
    if (counterpart->remove.empty()) {
      if (MustStay(to, option)) {
        continue;  // a controller, empty
      }
      change.unplug.insert(change.unplug.begin(), IdOf(option));
      continue;
    }
    if (option.qmp.contains("fd")) {
      // Only what no netdev has taken over is there; kept, it would keep the tap device as well.
      change.remove.insert(change.remove.begin(), {"closefd", {{"fdname", IdOf(option)}}});
    }
    change.remove.insert(change.remove.begin(),
                         {std::string(counterpart->remove), {{counterpart->key, IdOf(option)}}});
  }
  for (const QemuCommand::Tap &tap : after.taps) {
    const Interface &interface = to.interfaces.at(tap.interface);
    change.taps.push_back(
        {interface.alias, interface.target, interface.type == "bridge" ? interface.source : ""});
  }
  return change;
}

Status Reopen(QmpClient &monitor, const QemuChange &change) {
  for (const QmpCommand &command : change.reopen) {
    SVIRT_TRY(Run(monitor, command));
  }
  return {};
}

Status Plug(QmpClient &monitor, const QemuChange &change, const TapOpener &open_tap) {
  SVIRT_ASSIGN(const std::set<std::string> present, PresentIn(monitor));
  for (const QmpCommand &command : change.add) {
    const auto id = command.arguments.value("id", "");
    if (command.name == "device_add" && IsController(id) && present.contains(id)) {
      continue;  // it stayed when the last device on it went
    }
    const auto tap = std::ranges::find(change.taps, id, &TapToPass::name);
    if (command.name == "netdev_add" && tap != change.taps.end()) {
      SVIRT_ASSIGN(const Fd fd, open_tap(tap->device, tap->bridge));
      SVIRT_TRY(monitor.PassFd(tap->name, fd));
    }
    if (command.in_root_port) {
      QmpCommand placed = command;
      SVIRT_ASSIGN(placed.arguments["bus"], FindFreeRootPort(monitor, present, id));
      SVIRT_TRY(Run(monitor, placed));
    } else {
      SVIRT_TRY(Run(monitor, command));
    }
  }
  return {};
}

Status Unplug(QmpClient &monitor, const QemuChange &change, std::chrono::milliseconds timeout) {
  const auto deadline = QmpClient::Clock::now() + timeout;
  SVIRT_ASSIGN(const std::set<std::string> present, PresentIn(monitor));
  for (const std::string &id : change.unplug) {
    if (!present.contains(id)) {
      continue;
    }
    // An empty controller may stay, on a bus that it cannot leave or with a guest that holds it.
    if (Status gone = UnplugDevice(monitor, id, deadline); !gone.ok() && !IsController(id)) {
      return gone;
    }
  }
  for (const QmpCommand &command : change.remove) {
    // QEMU lists no netdevs and descriptors; it says when one is not there.
    const bool is_listed = command.name != "netdev_del" && command.name != "closefd";
    if (is_listed && !present.contains(command.arguments.front().get<std::string>())) {
      continue;
    }
    Status done = Run(monitor, command);
    const bool is_absent = !is_listed && !done.ok() &&
                           (command.name == "closefd" || done.error().code == Errc::kNotFound);
    if (!done.ok() && !is_absent) {
      return done;
    }
  }
  return {};
}

}  // namespace svirt
