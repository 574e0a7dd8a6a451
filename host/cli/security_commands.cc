// SPDX-License-Identifier: LGPL-2.1-or-later
// plugins, capabilities, plan, label, restore
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include <boost/property_tree/ptree.hpp>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "host/cli/cli.h"
#include "host/cli/input.h"
#include "host/domain/xml_writer.h"
#include "host/output/json_output.h"
#include "host/util/text.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;

void PrintModel(const ModelLabels &labels) {
  fmt::print("Model {}{}\n  process label  {}\n", labels.model,
             labels.enforcing ? "" : " (permissive)",
             labels.seclabel.label.empty() ? "- (unconfined)" : labels.seclabel.label);
  if (!labels.seclabel.image_label.empty()) {
    fmt::print("  image label    {}\n", labels.seclabel.image_label);
  }
  if (!labels.conflict.empty()) {
    fmt::print("  CONFLICT: {}\n", labels.conflict);
  }
}

void PrintPlan(const Domain &domain, const Plan &plan) {
  fmt::print("Domain {} ({})\n", domain.name, domain.uuid);
  for (const ModelLabels &labels : plan.models) {
    PrintModel(labels);
  }
  for (const std::string &note : plan.notes) {
    fmt::print("note: {}\n", note);
  }
  for (const PlanItem &item : plan.items) {
    const Resource &resource = plan.manifest.resources[item.resource];
    fmt::print("{:<5} {:<8} {} ({})\n", PlanActionName(item), ResourceKindName(resource.kind),
               resource.path, AccessName(resource.access));
    if (item.action == ResourcePlan::Action::kSet && item.changes) {
      fmt::print("        {} -> {}\n", item.current.value_or("no label"), item.label);
    } else if (item.action == ResourcePlan::Action::kEntry && item.changes) {
      fmt::print("        {} -> {}\n", item.current.value_or("no entry"), item.label);
    } else if (!item.label.empty()) {
      fmt::print("        {}\n", item.label);
    }
    if (!item.note.empty()) {
      fmt::print("        note: {}\n", item.note);
    }
    if (!item.conflict.empty()) {
      fmt::print("        CONFLICT: {}\n", item.conflict);
    }
  }
}

Result<int> PrintPolicies(const Domain &domain, const DomainPlan &plan) {
  if (plan.policies.empty()) {
    return Error{Errc::kUnsupported,
                 "no model that domain '" + domain.name +
                     "' gets makes a policy of its own; 'svirt plan' shows its labels"};
  }
  for (const PolicyText &policy : plan.policies) {
    fmt::print("{}", policy.text);
  }
  return kExitOk;
}

void PrintDomainPlan(const Domain &domain, const DomainPlan &plan) {
  PrintPlan(domain, plan.plan);
  if (plan.plan.models.empty() && plan.refusals.empty()) {
    fmt::print("No security driver: the domain would run unconfined\n");
  }
  for (const Error &refusal : plan.refusals.all()) {
    fmt::print("CANNOT START: {}\n", refusal.message);
  }
  if (!plan.wall.empty()) {
    fmt::print("Wall {}\n", fmt::join(plan.wall, ", "));
  }
  if (!plan.id.empty()) {
    fmt::print("Plan {}\n", plan.id);
  }
}

ExitCode PlanExitCode(const DomainPlan &plan) {
  if (!plan.refusals.empty() || plan.plan.has_conflict()) {
    return kExitPlanConflict;
  }
  return plan.plan.has_changes() ? kExitPlanChanges : kExitOk;
}

Result<int> PrintPlugins(Host &host, const std::string &virt_type, bool json) {
  SVIRT_ASSIGN(const SecurityDrivers::Overview overview, host.machine.models().Show(virt_type));
  if (json) {
    CliContext::PrintJson(PluginsToJson(overview));
    return kExitOk;
  }
  for (const Candidate &candidate : overview.candidates) {
    fmt::print("{:<9} {:<10} {:<8} {}\n          {}{}\n", CandidateStateName(candidate.state),
               candidate.model.empty() ? "-" : candidate.model,
               candidate.version.empty() ? "-" : candidate.version, candidate.path,
               candidate.blocks ? "BLOCKS the selection: " : "", candidate.reason);
  }
  if (overview.candidates.empty()) {
    fmt::print("No plugin is installed in");
    for (const std::string &dir : host.machine.config().plugin_directories) {
      fmt::print(" {}", dir);
    }
    fmt::print("\n");
  }
  if (overview.models.empty()) {
    fmt::print("Nothing is selected: {}\n", overview.reason);
  } else {
    fmt::print("Domains get: {}\n", fmt::join(overview.models, ", "));
  }
  return kExitOk;
}

Result<int> Forget(Host &host, const std::string &model) {
  if (!IsModelName(model)) {
    return Error{Errc::kInvalid, Quoted(model) + " is not the name of a model"};
  }
  SVIRT_ASSIGN(const bool was_expected, host.machine.models().Forget(model));
  fmt::print("{}\n", was_expected ? "Model '" + model + "' is not expected any more"
                                  : "No domain was given model '" + model + "' last");
  return kExitOk;
}

Result<int> PrintCapabilities(Host &host) {
  ptree tree;
  ptree &host_node = tree.add("capabilities.host", "");
  utsname names{};
  ::uname(&names);
  host_node.add("cpu.arch", names.machine);
  SVIRT_ASSIGN(const std::vector<Plugin *> plugins, host.machine.models().For(""));
  for (Plugin *plugin : plugins) {
    ptree &secmodel = host_node.add("secmodel", "");
    SVIRT_ASSIGN(const ModelInfo info, host.machine.models().Describe(plugin, ""));
    secmodel.add("model", info.model);
    secmodel.add("doi", info.doi);
    for (const std::string &virt_type : host.machine.DomainTypes()) {
      SVIRT_ASSIGN(const ModelInfo typed, host.machine.models().Describe(plugin, virt_type));
      if (!typed.base_label.empty()) {
        secmodel.add("baselabel", typed.base_label).put("<xmlattr>.type", virt_type);
      }
    }
    ptree &policy = secmodel.add("policy", "");
    policy.put("<xmlattr>.type", info.policy_type);
    policy.put("<xmlattr>.version", info.policy_version);
    policy.put("<xmlattr>.enforcing", info.enforcing ? "yes" : "no");
  }
  fmt::print("{}", WriteXml(tree));
  return kExitOk;
}

Domain ToDomain(const LabelOwner &owner) {
  Domain domain;
  domain.uuid = owner.uuid;
  domain.name = owner.name;
  domain.type = owner.virt_type;
  return domain;
}

// A domain that was only labelled may have no definition, and its XML be lost.
Result<Domain> LabelledDomain(Host &host, const std::string &argument) {
  auto domain = DomainArgument(host, argument);
  if (domain.ok() || domain.error().code != Errc::kNotFound) {
    return domain;
  }
  const auto owner = host.owners.Find(argument);
  return owner.ok() ? ToDomain(*owner) : std::move(domain);
}

// Goes on after a failure and ends with the first.
Result<int> RestoreAll(Host &host, bool even_trees) {
  SVIRT_ASSIGN(const std::vector<OwnerState> owners, host.owners.All());
  Status first;
  for (const OwnerState &state : owners) {
    if (!state.processes.empty() || state.in_hypervisor) {
      continue;
    }
    if (IsAskedToEnd()) {
      return Error{Errc::kSystem,
                   "a signal ended this before domain '" + state.owner.name +
                       "' was restored; 'svirt restore --all' goes on where it stopped",
                   EINTR};
    }
    Status restored = host.confinement.Restore(ToDomain(state.owner), even_trees);
    if (restored.ok()) {
      fmt::print("Domain '{}' restored\n", state.owner.name);
    } else if (first.ok()) {
      first = std::move(restored);
    } else {
      Say("svirt: {}\n", restored.error().message);
    }
  }
  if (!first.ok()) {
    return std::move(first).error();
  }
  return kExitOk;
}

}  // namespace

void AddSecurityCommands(CLI::App &app, CliContext &context, int &exit_code) {
  auto file = std::make_shared<std::string>();
  auto virt_type = std::make_shared<std::string>();

  CLI::App *plugins =
      app.add_subcommand("plugins", "Show every plugin found, and why it is or is not active");
  plugins->add_option("--virt-type", *virt_type, "For domains of this type");
  auto forgotten = std::make_shared<std::string>();
  CLI::Option *forget = plugins->add_option(
      "--forget", *forgotten,
      "Do not miss this model any more, which was chosen before and is gone on purpose");
  forget->type_name("MODEL");
  OnRun(plugins, context, exit_code, [virt_type, forget, forgotten, &context](Host &host) {
    return forget->count() > 0 ? Forget(host, *forgotten)
                               : PrintPlugins(host, *virt_type, context.json);
  });

  CLI::App *capabilities =
      app.add_subcommand("capabilities", "Print the host's security models as XML");
  OnRun(capabilities, context, exit_code, [](Host &host) { return PrintCapabilities(host); });

  CLI::App *plan = app.add_subcommand(
      "plan",
      "Show what starting a domain would do to labels; exit status 0 nothing, 10 changes, "
      "20 conflict");
  plan->add_option("FILE", *file, "Domain XML, - for standard input, or a defined domain")
      ->required();
  auto profile = std::make_shared<bool>(false);
  plan->add_flag("--profile", *profile, "Print the policy that the domain would be given, only");
  auto hold = std::make_shared<bool>(false);
  plan->add_flag("--hold", *hold,
                 "Keep the labels for the domain until it has run, or until 'svirt restore'");
  OnRun(plan, context, exit_code, [file, profile, hold, &context](Host &host) -> Result<int> {
    SVIRT_ASSIGN(const Domain domain, DomainArgument(host, *file));
    SVIRT_ASSIGN(const DomainPlan result,
                 *hold ? host.planning.Hold(domain) : host.planning.Make(domain));
    if (context.json) {
      CliContext::PrintJson(PlanToJson(domain, result));
      return PlanExitCode(result);
    }
    if (*profile) {
      SVIRT_TRY(result.refusals.ToStatus());
      return PrintPolicies(domain, result);
    }
    PrintDomainPlan(domain, result);
    return PlanExitCode(result);
  });

  CLI::App *label = app.add_subcommand(
      "label", "Label a domain's resources without starting it; for hooks of other VM managers");
  label->add_option("FILE", *file, "Domain XML, - for standard input, or a defined domain")
      ->required();
  OnRun(label, context, exit_code, [file, &context](Host &host) -> Result<int> {
    SVIRT_ASSIGN(const Domain domain, DomainArgument(host, *file));
    HoldEndSignals();
    SVIRT_ASSIGN(const Plan result, host.confinement.Label(domain));
    if (context.json) {
      CliContext::PrintJson(PlanToJson(domain, result));
    } else {
      fmt::print("Domain '{}' labelled\n", domain.name);
    }
    return kExitOk;
  });

  CLI::App *restore =
      app.add_subcommand("restore", "Put back every label that 'label' changed for a domain");
  CLI::Option *one = restore->add_option(
      "FILE", *file, "Domain XML, - for standard input, or the name or uuid of a domain");
  auto all = std::make_shared<bool>();
  restore->add_flag("--all", *all, "For every domain that was labelled and does not run")
      ->excludes(one);
  auto trees = std::make_shared<bool>();
  restore->add_flag("--trees", *trees,
                    "Also what stays labelled below directories for the next start (keep_trees)");
  OnRun(restore, context, exit_code, [file, trees, all, one](Host &host) -> Result<int> {
    if (*all) {
      HoldEndSignals();
      return RestoreAll(host, *trees);
    }
    if (one->count() == 0) {
      return Error{Errc::kInvalid, "say which domain, or --all"};
    }
    SVIRT_ASSIGN(const Domain domain, LabelledDomain(host, *file));
    HoldEndSignals();
    SVIRT_TRY(host.confinement.Restore(domain, *trees));
    fmt::print("Domain '{}' restored\n", domain.name);
    return kExitOk;
  });
}

}  // namespace svirt
