// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns plans and plugins into JSON, member by member.
#include "host/output/json_output.h"

#include <string>
#include <string_view>

namespace svirt {
namespace {

using nlohmann::ordered_json;

ordered_json OrNull(const std::string &text) {
  return text.empty() ? ordered_json() : ordered_json(text);
}

ordered_json ToJson(const ModelLabels &labels) {
  return {{"model", labels.model},
          {"doi", labels.doi},
          {"process_label", labels.seclabel.label},
          {"image_label", labels.seclabel.image_label},
          {"enforcing", labels.enforcing}};
}

}  // namespace

std::string_view PlanActionName(const PlanItem &item) {
  switch (item.action) {
    case ResourcePlan::Action::kSet:
      return item.changes ? "set" : "keep";
    case ResourcePlan::Action::kGrant:
      return "grant";
    case ResourcePlan::Action::kEntry:
      return "entry";
    case ResourcePlan::Action::kNone:
      break;
  }
  return "none";
}

ordered_json PlanToJson(const Domain &domain, const Plan &plan) {
  ModelLabels none;
  none.model = "none";
  ordered_json document = {{"domain", domain.name}, {"uuid", domain.uuid}};
  document.update(ToJson(plan.models.empty() ? none : plan.models.front()));
  document["models"] = ordered_json::array();
  for (const ModelLabels &labels : plan.models) {
    document["models"].push_back(ToJson(labels));
  }
  document["notes"] = plan.notes;
  document["resources"] = ordered_json::array();
  for (const PlanItem &item : plan.items) {
    const Resource &resource = plan.manifest.resources[item.resource];
    document["resources"].push_back(
        {{"kind", ResourceKindName(resource.kind)},
         {"path", resource.path},
         {"access", AccessName(resource.access)},
         {"device", OrNull(resource.device)},
         {"model", item.model},
         {"current", item.current ? ordered_json(*item.current) : ordered_json()},
         {"label", OrNull(item.label)},
         {"action", PlanActionName(item)},
         {"note", OrNull(item.note)},
         {"unlabelled", item.unlabelled},
         {"conflict", OrNull(item.conflict)}});
  }
  return document;
}

ordered_json PlanToJson(const Domain &domain, const DomainPlan &plan) {
  ordered_json document = PlanToJson(domain, plan.plan);
  document["id"] = OrNull(plan.id);
  document["wall"] = plan.wall;
  document["refusals"] = ordered_json::array();
  for (const Error &refusal : plan.refusals.all()) {
    document["refusals"].push_back(refusal.message);
  }
  document["policies"] = ordered_json::array();
  for (const PolicyText &policy : plan.policies) {
    document["policies"].push_back({{"model", policy.model}, {"text", policy.text}});
  }
  return document;
}

ordered_json PluginsToJson(const SecurityDrivers::Overview &overview) {
  ordered_json list = ordered_json::array();
  for (const Candidate &candidate : overview.candidates) {
    list.push_back({{"state", CandidateStateName(candidate.state)},
                    {"model", candidate.model},
                    {"plugin_version", candidate.version},
                    {"abi", candidate.abi},
                    {"priority", candidate.priority},
                    {"path", candidate.path},
                    {"reason", candidate.reason},
                    {"blocks", candidate.blocks}});
  }
  return {{"plugins", list}, {"models", overview.models}, {"reason", OrNull(overview.reason)}};
}

std::string JsonText(const ordered_json &document) {
  ordered_json versioned = {{"version", kJsonVersion}};
  versioned.update(document);
  return versioned.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace svirt
