// SPDX-License-Identifier: LGPL-2.1-or-later
// labels, metrics, recover
#include <fmt/core.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/cli/cli.h"
#include "host/util/text.h"

namespace svirt {
namespace {

using nlohmann::ordered_json;

// nullptr: it stays where it is.
const char *HandoverName(HandoverState state) {
  switch (state) {
    case HandoverState::kOutgoing:
      return "outgoing";
    case HandoverState::kIncoming:
      return "incoming";
    case HandoverState::kGone:
      return "gone";
    case HandoverState::kNone:
      break;
  }
  return nullptr;
}

// Why the labels are kept.
std::string HolderOf(const OwnerState &state) {
  const char *handover = HandoverName(state.handover);
  std::string holder = handover != nullptr ? handover : state.pinned ? "pinned" : "";
  for (const ProcessId &process : state.Programs()) {
    holder += (holder.empty() ? "" : ",") + std::to_string(process.pid);
  }
  return holder.empty() ? "ended" : holder;
}

ordered_json ToJson(const OwnerState &state) {
  ordered_json domain = {{"name", state.owner.name},
                         {"uuid", state.owner.uuid},
                         {"type", state.owner.virt_type},
                         {"pinned", state.pinned},
                         {"handover", nullptr},
                         {"processes", ordered_json::array()},
                         {"objects", state.objects},
                         {"interrupted", state.interrupted},
                         {"labels", ordered_json::array()}};
  if (const char *handover = HandoverName(state.handover)) {
    domain["handover"] = handover;
  }
  for (const ProcessId &process : state.Programs()) {
    domain["processes"].push_back(process.pid);
  }
  for (const HeldLabel &held : state.labels) {
    ordered_json label = {{"model", held.model},
                          {"doi", held.doi},
                          {"type", held.type == SecLabel::Type::kStatic ? "static" : "dynamic"},
                          {"index", nullptr},
                          {"label", held.label},
                          {"image_label", held.image_label}};
    if (held.index) {
      label["index"] = *held.index;
    }
    domain["labels"].push_back(std::move(label));
  }
  return domain;
}

Result<int> PrintLabels(Host &host, bool json) {
  SVIRT_ASSIGN(const std::vector<OwnerState> owners, host.owners.All());
  if (json) {
    ordered_json domains = ordered_json::array();
    for (const OwnerState &state : owners) {
      domains.push_back(ToJson(state));
    }
    CliContext::PrintJson({{"domains", domains}});
    return kExitOk;
  }
  for (const OwnerState &state : owners) {
    fmt::print("{} ({})\n  held by  {}\n", state.owner.name, state.owner.uuid, HolderOf(state));
    for (const HeldLabel &held : state.labels) {
      fmt::print("  {:<8} {}\n", held.model, held.label.empty() ? "(reserved)" : held.label);
    }
    if (state.objects > 0) {
      fmt::print("  objects  {}{}\n", state.objects,
                 state.interrupted ? ", some half done: run 'svirt recover'" : "");
    }
  }
  return kExitOk;
}

// https://prometheus.io/docs/instrumenting/exposition_formats/; names of models need no escaping.
void PrintMetric(const char *name, const char *help) {
  fmt::print("# HELP {} {}\n# TYPE {} gauge\n", name, help, name);
}

Result<int> PrintMetrics(Host &host) {
  SVIRT_ASSIGN(const std::vector<OwnerState> owners, host.owners.All());
  std::map<std::string, int> states = {{"ended", 0}, {"pinned", 0}, {"running", 0}};
  std::map<std::pair<std::string, std::string>, int> held;
  int64_t objects = 0;
  int interrupted = 0;
  for (const OwnerState &state : owners) {
    ++states[!state.processes.empty() ? "running" : state.pinned ? "pinned" : "ended"];
    for (const HeldLabel &label : state.labels) {
      ++held[{label.model, label.type == SecLabel::Type::kStatic ? "static" : "dynamic"}];
    }
    objects += state.objects;
    interrupted += state.interrupted ? 1 : 0;
  }
  PrintMetric("svirt_domains", "Domains that hold labels, by what keeps them.");
  for (const auto &[state, count] : states) {
    fmt::print("svirt_domains{{state=\"{}\"}} {}\n", state, count);
  }
  PrintMetric("svirt_labels_held", "Labels in use.");
  for (const auto &[key, count] : held) {
    fmt::print("svirt_labels_held{{model=\"{}\",type=\"{}\"}} {}\n", key.first, key.second, count);
  }
  PrintMetric("svirt_journal_objects", "Uses of objects whose old label is remembered.");
  fmt::print("svirt_journal_objects {}\n", objects);
  PrintMetric("svirt_domains_interrupted", "Domains with work that a crash left half done.");
  fmt::print("svirt_domains_interrupted {}\n", interrupted);
  SVIRT_ASSIGN(const std::vector<ListedDomain> listed, host.listing.All());
  int lost = 0;
  for (const ListedDomain &domain : listed) {
    lost += domain.problem && domain.stored.running && domain.problem->code == Errc::kRefused;
  }
  PrintMetric("svirt_domains_lost",
              "Running domains that are not confined as they were, or whose labels are not known.");
  fmt::print("svirt_domains_lost {}\n", lost);
  return kExitOk;
}

Result<int> Recover(Host &host, bool json) {
  HoldEndSignals();
  std::vector<std::string> notes;
  Status status = host.recovery.Recover(&notes);
  if (json) {
    CliContext::PrintJson({{"notes", notes}});
  } else {
    for (const std::string &note : notes) {
      fmt::print("{}\n", note);
    }
  }
  if (!status.ok()) {
    return std::move(status).error();
  }
  return kExitOk;
}

const char *OutcomeName(FoundLabel::Outcome outcome) {
  switch (outcome) {
    case FoundLabel::Outcome::kPutBack:
      return "put back";
    case FoundLabel::Outcome::kToBePutBack:
      return "to be put back";
    case FoundLabel::Outcome::kLeft:
      break;
  }
  return "left";
}

ordered_json ToJson(const FoundLabel &found) {
  ordered_json object = {{"path", found.path},
                         {"model", found.model},
                         {"label", nullptr},
                         {"old_label", nullptr},
                         {"mark_alone", found.mark_alone},
                         {"outcome", OutcomeName(found.outcome)},
                         {"reason", nullptr}};
  if (!found.label.empty()) {
    object["label"] = found.label;
  }
  if (found.old && found.old->state == OldLabel::State::kPresent) {
    object["old_label"] = found.old->label;
  }
  if (!found.reason.empty()) {
    object["reason"] = found.reason;
  }
  return object;
}

void PrintFound(const FoundLabel &found) {
  const std::string what = found.mark_alone
                               ? "a mark of model " + found.model
                               : "the " + found.model + " label " + Printable(found.label);
  std::string outcome;
  if (found.outcome == FoundLabel::Outcome::kLeft) {
    outcome = "it is left: " + found.reason;
  } else if (found.mark_alone) {
    outcome = found.outcome == FoundLabel::Outcome::kPutBack ? "taken off" : "to be taken off";
  } else {
    const bool had_one = found.old->state == OldLabel::State::kPresent;
    outcome = std::string(OutcomeName(found.outcome)) + ": " +
              (had_one ? Printable(found.old->label) : "it had none");
  }
  fmt::print("{} bears {} of a domain that is gone; {}\n", Printable(found.path), what, outcome);
}

// --scan and its like.
struct ScanArguments {
  std::vector<std::string> paths;
  bool dry_run = false;
};

Result<int> Scan(Host &host, const ScanArguments &arguments, bool json) {
  if (!arguments.dry_run) {
    HoldEndSignals();
  }
  std::vector<std::string> notes;
  ordered_json objects_found = ordered_json::array();
  int left = 0, to_do = 0;
  int64_t objects = 0;
  Status status = host.scanning.Scan(
      arguments.paths, arguments.dry_run,
      [&](const FoundLabel &found) {
        left += found.outcome == FoundLabel::Outcome::kLeft;
        to_do += found.outcome == FoundLabel::Outcome::kToBePutBack;
        if (json) {
          objects_found.push_back(ToJson(found));
        } else {
          PrintFound(found);
        }
      },
      &notes, &objects);
  if (json) {
    CliContext::PrintJson({{"notes", notes}, {"objects", objects}, {"found", objects_found}});
  } else {
    for (const std::string &note : notes) {
      fmt::print("{}\n", note);
    }
    fmt::print("{} objects were looked at\n", objects);
  }
  if (!status.ok()) {
    return std::move(status).error();
  }
  return left > 0 ? kExitProblems : to_do > 0 ? kExitPlanChanges : kExitOk;
}

}  // namespace

void AddRegistryCommands(CLI::App &app, CliContext &context, int &exit_code) {
  CLI::App *labels = app.add_subcommand("labels", "Show who holds which label, and why");
  OnRun(labels, context, exit_code,
        [&context](Host &host) { return PrintLabels(host, context.json); });

  CLI::App *metrics =
      app.add_subcommand("metrics", "Print the registry's figures in Prometheus' text format");
  OnRun(metrics, context, exit_code, [](Host &host) { return PrintMetrics(host); });

  CLI::App *recover = app.add_subcommand(
      "recover", "Put back what domains that ended, and commands that crashed, have left");
  const auto scan = std::make_shared<ScanArguments>();
  CLI::Option *const paths =
      recover
          ->add_option("--scan", scan->paths,
                       "Also look below these paths for labels of domains that are gone")
          ->expected(1, CLI::detail::expected_max_vector_size)
          ->type_name("PATH");
  recover->add_flag("--dry-run", scan->dry_run, "Only say what the scan would put back")
      ->needs(paths);
  OnRun(recover, context, exit_code, [scan, &context](Host &host) {
    return scan->paths.empty() ? Recover(host, context.json) : Scan(host, *scan, context.json);
  });
}

}  // namespace svirt
