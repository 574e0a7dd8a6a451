// SPDX-License-Identifier: LGPL-2.1-or-later
// list, dominfo, domstate
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "host/cli/cli.h"

namespace svirt {
namespace {

using nlohmann::ordered_json;

std::string_view StateName(DomainState state) {
  switch (state) {
    case DomainState::kRunning:
      return "running";
    case DomainState::kPaused:
      return "paused";
    case DomainState::kShutOff:
      break;
  }
  return "shut off";
}

// The hypervisor's number, or the process.
std::string IdOf(const StoredDomain &stored) {
  if (!stored.running) {
    return "-";
  }
  return std::to_string(stored.running->id < 0 ? stored.running->process.pid : stored.running->id);
}

ordered_json ToJson(const StoredDomain &stored, DomainState state) {
  ordered_json domain = {{"name", stored.domain.name},
                         {"uuid", stored.domain.uuid},
                         {"state", StateName(state)},
                         {"pid", nullptr},
                         {"id", nullptr}};
  if (stored.running && stored.running->id >= 0) {
    domain["id"] = stored.running->id;
  } else if (stored.running) {
    domain["pid"] = stored.running->process.pid;
  }
  return domain;
}

Result<int> PrintList(Host &host, bool all, bool json) {
  SVIRT_ASSIGN(std::vector<StoredDomain> domains, host.List());
  ordered_json list = ordered_json::array();
  std::vector<std::vector<std::string>> rows = {{"Id", "Name", "State"}};
  std::vector<size_t> width = {2, 4, 5};
  for (StoredDomain &stored : domains) {
    const auto state = host.State(&stored);
    if (!state.ok() && !host.IsDefined(stored.domain.uuid)) {
      continue;
    }
    if (!state.ok()) {
      return state.error();
    }
    if (!all && *state == DomainState::kShutOff) {
      continue;
    }
    list.push_back(ToJson(stored, *state));
    rows.push_back({IdOf(stored), stored.domain.name, std::string(StateName(*state))});
    for (size_t i = 0; i < width.size(); ++i) {
      width[i] = std::max(width[i], rows.back()[i].size());
    }
  }
  if (json) {
    CliContext::PrintJson({{"domains", list}});
    return kExitOk;
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    fmt::print(" {:<{}}   {:<{}}   {}\n", rows[i][0], width[0], rows[i][1], width[1], rows[i][2]);
    if (i == 0) {
      fmt::print("{:-<{}}\n", "", width[0] + width[1] + width[2] + 8);
    }
  }
  return kExitOk;
}

void PrintLine(std::string_view key, std::string_view value) {
  fmt::print("{:<15} {}\n", key, value);
}

void PrintLabel(const DomainLabel &label, bool running) {
  PrintLine("Security model:", label.model.model);
  PrintLine("Security DOI:", label.model.doi.empty() ? "-" : label.model.doi);
  if (!running) {
    return;
  }
  PrintLine("Security label:", fmt::format("{} ({})", label.label.empty() ? "-" : label.label,
                                           label.enforcing ? "enforcing" : "permissive"));
  if (!label.verified) {
    PrintLine("Security note:",
              "the label is the one given at the start; the kernel cannot be asked for it");
  }
}

Result<int> PrintInfo(Host &host, const std::string &name, bool json) {
  SVIRT_ASSIGN(StoredDomain stored, host.Find(name));
  SVIRT_ASSIGN(DomainState state, host.State(&stored));
  SVIRT_ASSIGN(const std::vector<DomainLabel> labels, host.Labels(&stored));
  if (!stored.running) {
    state = DomainState::kShutOff;  // it has ended between the two
  }
  const Domain &domain = stored.domain;
  if (json) {
    ordered_json document = ToJson(stored, state);
    document["os_type"] = domain.os_type;
    document["vcpus"] = domain.vcpus;
    document["memory_kib"] = domain.memory_bytes / 1024;
    document["security"] = ordered_json::array();
    for (const DomainLabel &label : labels) {
      document["security"].push_back({{"model", label.model.model},
                                      {"doi", label.model.doi},
                                      {"label", label.label},
                                      {"enforcing", label.enforcing},
                                      {"verified", label.verified}});
    }
    CliContext::PrintJson(document);
    return kExitOk;
  }
  PrintLine("Id:", IdOf(stored));
  PrintLine("Name:", domain.name);
  PrintLine("UUID:", domain.uuid);
  PrintLine("OS Type:", domain.os_type);
  PrintLine("State:", StateName(state));
  PrintLine("CPU(s):", std::to_string(domain.vcpus));
  PrintLine("Max memory:", fmt::format("{} KiB", domain.memory_bytes / 1024));
  PrintLine("Persistent:", "yes");
  for (const DomainLabel &label : labels) {
    PrintLabel(label, stored.running.has_value());
  }
  if (labels.empty()) {
    PrintLine("Security model:", "none");
  }
  return kExitOk;
}

}  // namespace

void AddInfoCommands(CLI::App &app, CliContext &context, int &exit_code) {
  auto name = std::make_shared<std::string>();
  auto all = std::make_shared<bool>(false);

  CLI::App *list = app.add_subcommand("list", "List running domains");
  list->add_flag("--all", *all, "Also those that do not run");
  OnRun(list, context, exit_code,
        [all, &context](Host &host) { return PrintList(host, *all, context.json); });

  CLI::App *dominfo = app.add_subcommand("dominfo", "Show a domain and its security label");
  dominfo->add_option("DOMAIN", *name, "Name or uuid")->required();
  OnRun(dominfo, context, exit_code,
        [name, &context](Host &host) { return PrintInfo(host, *name, context.json); });

  CLI::App *domstate = app.add_subcommand("domstate", "Show whether a domain runs");
  domstate->add_option("DOMAIN", *name, "Name or uuid")->required();
  OnRun(domstate, context, exit_code, [name, &context](Host &host) -> Result<int> {
    SVIRT_ASSIGN(StoredDomain stored, host.Find(*name));
    SVIRT_ASSIGN(const DomainState state, host.State(&stored));
    if (context.json) {
      CliContext::PrintJson(ToJson(stored, state));
    } else {
      fmt::print("{}\n", StateName(state));
    }
    return kExitOk;
  });
}

}  // namespace svirt
