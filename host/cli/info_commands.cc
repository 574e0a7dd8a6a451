// SPDX-License-Identifier: LGPL-2.1-or-later
// list, dominfo, domstate
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>
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

std::string_view StateName(const ListedDomain &listed) {
  if (listed.stored.damage() != nullptr) {
    return "damaged";
  }
  return listed.state ? StateName(*listed.state) : "unknown";
}

// Of a domain that is its hypervisor's by number that is not its process.
std::optional<pid_t> PidOf(const StoredDomain &stored) {
  if (stored.running) {
    return stored.running->id < 0 ? std::optional(stored.running->process.pid) : std::nullopt;
  }
  return stored.named_process ? std::optional(stored.named_process->pid) : std::nullopt;
}

// The hypervisor's number, or the process.
std::string IdOf(const StoredDomain &stored) {
  if (stored.running && stored.running->id >= 0) {
    return std::to_string(stored.running->id);
  }
  const auto pid = PidOf(stored);
  return pid ? std::to_string(*pid) : "-";
}

ordered_json ToJson(const StoredDomain &stored, std::string_view state) {
  ordered_json domain = {{"name", stored.domain.name},
                         {"uuid", stored.domain.uuid},
                         {"state", state},
                         {"pid", nullptr},
                         {"id", nullptr},
                         {"unlabelled", ordered_json::array()}};
  if (stored.running) {
    domain["unlabelled"] = stored.running->unlabelled;
  }
  if (stored.running && stored.running->id >= 0) {
    domain["id"] = stored.running->id;
  } else if (const auto pid = PidOf(stored)) {
    domain["pid"] = *pid;
  }
  return domain;
}

ordered_json ToJson(const ListedDomain &listed) {
  ordered_json domain = ToJson(listed.stored, StateName(listed));
  if (listed.stored.domain.name.empty()) {
    domain["name"] = nullptr;  // of a damaged definition
  }
  domain["problem"] = nullptr;
  if (listed.problem) {
    domain["problem"] = listed.problem->message;
  }
  return domain;
}

void PrintRows(const std::vector<std::vector<std::string>> &rows) {
  std::vector<size_t> width(rows.front().size());
  for (const auto &row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      width[i] = std::max(width[i], row[i].size());
    }
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    fmt::print(" {:<{}}   {:<{}}   {}\n", rows[i][0], width[0], rows[i][1], width[1], rows[i][2]);
    if (i == 0) {
      fmt::print("{:-<{}}\n", "", width[0] + width[1] + width[2] + 8);
    }
  }
}

// One about which something is wrong is shown in any case: it may run.
Result<int> PrintList(Host &host, bool all, bool json) {
  SVIRT_ASSIGN(std::vector<ListedDomain> domains, host.listing.All());
  if (!all) {
    std::erase_if(domains, [](const ListedDomain &listed) {
      return listed.state == DomainState::kShutOff && !listed.problem;
    });
  }
  ordered_json list = ordered_json::array();
  std::vector<std::vector<std::string>> rows = {{"Id", "Name", "State"}};
  for (const ListedDomain &listed : domains) {
    const Domain &domain = listed.stored.domain;
    const bool is_left = listed.state == DomainState::kShutOff && listed.problem;
    const bool lacks_labels = listed.stored.running && !listed.stored.running->unlabelled.empty();
    list.push_back(ToJson(listed));
    rows.push_back({IdOf(listed.stored), domain.name.empty() ? domain.uuid : domain.name,
                    std::string(StateName(listed)) + (is_left ? " (not cleaned up)" : "") +
                        (lacks_labels ? " (unlabelled objects)" : "")});
  }
  if (json) {
    CliContext::PrintJson({{"domains", list}});
  } else {
    PrintRows(rows);
  }
  bool has_problems = false;
  for (const ListedDomain &listed : domains) {
    const Domain &domain = listed.stored.domain;
    if (listed.problem) {
      has_problems = true;
      Say("svirt: domain '{}' ({}): {}\n", domain.name, domain.uuid, listed.problem->message);
    }
  }
  return has_problems ? kExitProblems : kExitOk;
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
  SVIRT_ASSIGN(StoredDomain stored, host.definitions.Find(name));
  SVIRT_ASSIGN(DomainState state, host.inspection.State(&stored));
  SVIRT_ASSIGN(const std::vector<DomainLabel> labels, host.inspection.Labels(&stored));
  if (!stored.running) {
    state = DomainState::kShutOff;  // it has ended between the two
  }
  const Status status = host.inspection.CheckNotLost(stored);
  const Domain &domain = stored.domain;
  const int exit_code = status.ok() ? kExitOk : kExitProblems;
  if (!status.ok()) {
    Say("svirt: domain '{}' ({}): {}\n", domain.name, domain.uuid, status.error().message);
  }
  if (json) {
    ordered_json document = ToJson(stored, StateName(state));
    document["problem"] = status.ok() ? ordered_json() : ordered_json(status.error().message);
    document["os_type"] = domain.os_type;
    document["vcpus"] = domain.vcpus;
    document["memory_kib"] = domain.memory_bytes / 1024;
    document["wall"] = stored.running ? ordered_json(stored.running->wall) : ordered_json();
    document["security"] = ordered_json::array();
    for (const DomainLabel &label : labels) {
      document["security"].push_back({{"model", label.model.model},
                                      {"doi", label.model.doi},
                                      {"label", label.label},
                                      {"enforcing", label.enforcing},
                                      {"verified", label.verified}});
    }
    CliContext::PrintJson(document);
    return exit_code;
  }
  PrintLine("Id:", IdOf(stored));
  PrintLine("Name:", domain.name);
  PrintLine("UUID:", domain.uuid);
  PrintLine("OS Type:", domain.os_type);
  PrintLine("State:", StateName(state));
  PrintLine("CPU(s):", std::to_string(domain.vcpus));
  PrintLine("Max memory:", fmt::format("{} KiB", domain.memory_bytes / 1024));
  PrintLine("Persistent:", "yes");
  if (stored.running && stored.running->id < 0) {
    const std::vector<std::string> &wall = stored.running->wall;
    PrintLine("Wall:", wall.empty() ? "none" : fmt::format("{}", fmt::join(wall, ", ")));
  }
  for (const DomainLabel &label : labels) {
    PrintLabel(label, stored.running.has_value());
  }
  if (labels.empty()) {
    PrintLine("Security model:", "none");
  }
  for (const std::string &path :
       stored.running ? stored.running->unlabelled : std::vector<std::string>()) {
    PrintLine("Security note:", path + " bears no label of its own (allow_unlabelled)");
  }
  return exit_code;
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
    SVIRT_ASSIGN(StoredDomain stored, host.definitions.Find(*name));
    SVIRT_ASSIGN(const DomainState state, host.inspection.State(&stored));
    if (context.json) {
      CliContext::PrintJson(ToJson(stored, StateName(state)));
    } else {
      fmt::print("{}\n", StateName(state));
    }
    return kExitOk;
  });
}

}  // namespace svirt
