// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of a running QEMU. What they are made of is decided in one place, by the command line.
#include "host/hypervisor/qemu/qemu_hotplug.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "host/hypervisor/qemu/qemu_command.h"

namespace svirt {
namespace {

using nlohmann::json;

struct Option {
  std::string name, value;
  bool operator==(const Option &) const = default;
};

// How a part of the command line is said to a running QEMU. Its values are JSON on both.
struct Counterpart {
  std::string_view option, add, remove, key;
};
constexpr Counterpart kCounterparts[] = {
    {"-object", "object-add", "object-del", "id"},
    {"-blockdev", "blockdev-add", "blockdev-del", "node-name"},
    {"-device", "device_add", "", "id"},
};

Result<std::vector<Option>> Options(const Domain &domain) {
  QemuPaths paths;
  paths.emulator = domain.emulator;
  SVIRT_ASSIGN(const QemuCommand command, BuildQemuCommand(domain, paths));
  std::vector<Option> options;
  for (size_t i = 1; i < command.argv.size(); ++i) {
    Option option{command.argv[i], ""};
    if (i + 1 < command.argv.size() && !command.argv[i + 1].starts_with('-')) {
      option.value = command.argv[++i];
    }
    options.push_back(std::move(option));
  }
  return options;
}

// Those of all that are not among the others.
std::vector<Option> Without(const std::vector<Option> &all, std::vector<Option> others) {
  std::vector<Option> rest;
  for (const Option &option : all) {
    const auto found = std::ranges::find(others, option);
    if (found == others.end()) {
      rest.push_back(option);
    } else {
      others.erase(found);
    }
  }
  return rest;
}

Result<std::pair<const Counterpart *, json>> CounterpartOf(const Option &option) {
  for (const Counterpart &counterpart : kCounterparts) {
    if (counterpart.option != option.name) {
      continue;
    }
    json value = json::parse(option.value, nullptr, false);
    if (value.is_object() && value.contains(counterpart.key) &&
        value[std::string(counterpart.key)].is_string()) {
      return std::pair(&counterpart, std::move(value));
    }
  }
  return Error{Errc::kUnsupported, "QEMU cannot change this while it runs (" + option.name +
                                       "): define the domain with it and start it anew"};
}

std::string NodeName(const Option &blockdev) {
  const json value = json::parse(blockdev.value, nullptr, false);
  return value.is_object() ? value.value("node-name", "") : "";
}

// The strings under the key in each object of the list.
void Collect(const json &list, const char *key, std::set<std::string> *names) {
  for (const json &entry : list.is_array() ? list : json::array()) {
    if (entry.is_object() && entry.contains(key) && entry[key].is_string()) {
      names->insert(entry[key].get<std::string>());
    }
  }
}

// Ids of the devices and objects, and names of the block nodes, that QEMU has.
Result<std::set<std::string>> PresentIn(QmpClient &monitor) {
  std::set<std::string> names;
  for (const char *path : {"/machine/peripheral", "/objects"}) {
    SVIRT_ASSIGN(const json entries, monitor.Execute("qom-list", {{"path", path}}));
    Collect(entries, "name", &names);
  }
  SVIRT_ASSIGN(const json nodes, monitor.Execute("query-named-block-nodes", {{"flat", true}}));
  Collect(nodes, "node-name", &names);
  return names;
}

Status UnplugDevice(QmpClient &monitor, const std::string &id,
                    QmpClient::Clock::time_point deadline) {
  if (auto asked = monitor.Execute("device_del", {{"id", id}}); !asked.ok()) {
    return std::move(asked).error();
  }
  for (;;) {
    const auto event = monitor.NextEvent(deadline);
    if (!event.ok() && event.error().code == Errc::kNotFound) {
      return Error{Errc::kConflict, "the guest does not let go of device " + id +
                                        ": it stays; try again when the guest has stopped using "
                                        "it"};
    }
    if (!event.ok()) {
      return event.error();
    }
    if (event->value("event", "") == "DEVICE_DELETED" && event->contains("data") &&
        (*event)["data"].value("device", "") == id) {
      return {};
    }
  }
}

}  // namespace

Result<QemuChange> PlanQemuChange(const Domain &from, const Domain &to) {
  SVIRT_ASSIGN(const std::vector<Option> before, Options(from));
  SVIRT_ASSIGN(const std::vector<Option> after, Options(to));
  std::set<std::string> new_nodes, reopened;
  for (const Option &option : Without(after, before)) {
    if (option.name == "-blockdev") {
      new_nodes.insert(NodeName(option));
    }
  }
  QemuChange change;
  std::vector<Option> gone;
  json nodes = json::array();
  for (const Option &option : Without(before, after)) {
    if (option.name == "-blockdev" && new_nodes.contains(NodeName(option))) {
      reopened.insert(NodeName(option));
    } else {
      gone.push_back(option);
    }
  }
  for (const Option &option : Without(after, before)) {
    SVIRT_ASSIGN(auto found, CounterpartOf(option));
    if (option.name == "-blockdev" && reopened.contains(NodeName(option))) {
      nodes.push_back(std::move(found.second));
    } else {
      change.add.push_back({std::string(found.first->add), std::move(found.second)});
    }
  }
  if (!nodes.empty()) {
    change.reopen.push_back({"blockdev-reopen", {{"options", std::move(nodes)}}});
  }
  for (const Option &option : gone) {
    SVIRT_ASSIGN(const auto found, CounterpartOf(option));
    const auto id = found.second[std::string(found.first->key)].get<std::string>();
    if (found.first->remove.empty()) {
      change.unplug.push_back(id);
    } else {
      // The last made is the first to go: it may be made of those before it.
      change.remove.insert(change.remove.begin(),
                           {std::string(found.first->remove), {{found.first->key, id}}});
    }
  }
  return change;
}

Status Reopen(QmpClient &monitor, const QemuChange &change) {
  for (const QmpCommand &command : change.reopen) {
    if (auto answer = monitor.Execute(command.name, command.arguments); !answer.ok()) {
      return std::move(answer).error();
    }
  }
  return {};
}

Status Plug(QmpClient &monitor, const QemuChange &change) {
  for (const QmpCommand &command : change.add) {
    if (auto answer = monitor.Execute(command.name, command.arguments); !answer.ok()) {
      return std::move(answer).error();
    }
  }
  return {};
}

Status Unplug(QmpClient &monitor, const QemuChange &change, std::chrono::milliseconds timeout) {
  const auto deadline = QmpClient::Clock::now() + timeout;
  SVIRT_ASSIGN(const std::set<std::string> present, PresentIn(monitor));
  for (const std::string &id : change.unplug) {
    if (present.contains(id)) {
      SVIRT_TRY(UnplugDevice(monitor, id, deadline));
    }
  }
  for (const QmpCommand &command : change.remove) {
    if (!present.contains(command.arguments.front().get<std::string>())) {
      continue;
    }
    if (auto answer = monitor.Execute(command.name, command.arguments); !answer.ok()) {
      return std::move(answer).error();
    }
  }
  return {};
}

}  // namespace svirt
