// SPDX-License-Identifier: LGPL-2.1-or-later
// JSON for plans and plugins, the same from the command and from the C API.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "host/domain/domain.h"
#include "host/labels/engine.h"
#include "host/service/models/drivers.h"
#include "host/service/planning.h"

namespace svirt {

// The JSON documents of the C API and of the command's --json. Their members are documented in
// docs/json.md; kJsonVersion changes when one changes its meaning or goes away.
inline constexpr int kJsonVersion = 1;

// model, doi, process_label and image_label of the primary model, all models under "models", and
// the resources in document order.
nlohmann::ordered_json PlanToJson(const Domain &domain, const Plan &plan);
// Also the plan's id, what stands against a start, and the policies of the models.
nlohmann::ordered_json PlanToJson(const Domain &domain, const DomainPlan &plan);

nlohmann::ordered_json PluginsToJson(const SecurityDrivers::Overview &overview);

// What a plan does with a resource: "set" changes the object, "keep" finds it as it should be,
// "grant" names it in the domain's own policy, "none" leaves it alone.
std::string_view PlanActionName(const PlanItem &item);

// The text of a document, with its version in front. Bytes that are not UTF-8 are replaced: paths
// may hold them, JSON cannot.
std::string JsonText(const nlohmann::ordered_json &document);

}  // namespace svirt
