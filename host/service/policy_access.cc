// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the policy what one domain may do with another.
#include "host/service/policy_access.h"

#include <svirt/ext/draft/access.h>

#include <utility>
#include <vector>

#include "host/service/inspection.h"

namespace svirt {
namespace {

// A domain is named, or else its label is given: labels have colons.
bool LooksLikeLabel(const std::string &text) {
  return text.find(':') != std::string::npos;
}

}  // namespace

Result<std::string> PolicyAccess::LabelOf(const std::string &domain_or_label,
                                          Plugin *plugin) const {
  const auto stored = definitions_->Find(domain_or_label);
  if (!stored.ok() && stored.error().code == Errc::kNotFound && LooksLikeLabel(domain_or_label)) {
    return domain_or_label;
  }
  if (!stored.ok()) {
    return stored.error();
  }
  if (stored->running) {
    SVIRT_ASSIGN(LabelState state, Inspection::RunningLabel(plugin, *stored->running));
    return std::move(state.label);
  }
  for (const SecLabel &seclabel : stored->domain.seclabels) {
    if (seclabel.type == SecLabel::Type::kStatic &&
        (seclabel.model.empty() || seclabel.model == plugin->model())) {
      return seclabel.label;
    }
  }
  return Error{Errc::kConflict, "domain '" + stored->domain.name +
                                    "' does not run, and gets its label when it is started"};
}

Result<AccessAnswer> PolicyAccess::Ask(const std::string &source, const std::string &target) const {
  std::string type;  // labels do not say
  for (const std::string &name : {source, target}) {
    const auto stored = machine_->domains().Find(name);
    if (!stored.ok() && !(stored.error().code == Errc::kNotFound && LooksLikeLabel(name))) {
      return stored.error();
    }
    if (stored.ok() && !type.empty() && stored->domain.type != type) {
      return Error{Errc::kUnsupported, "domains of type " + type + " and " + stored->domain.type +
                                           " are kept apart by more than a policy"};
    }
    type = stored.ok() ? stored->domain.type : type;
  }
  if (!type.empty()) {
    return AskUnder(type, source, target);
  }
  // Whose labels they are, only a model can tell.
  const std::vector<std::string> types = machine_->DomainTypes();
  auto answer = AskUnder(types.front(), source, target);
  for (size_t i = 1; i < types.size() && !answer.ok(); ++i) {
    if (auto next = AskUnder(types[i], source, target); next.ok()) {
      answer = std::move(next);
    }
  }
  return answer;
}

Result<AccessAnswer> PolicyAccess::AskUnder(const std::string &type, const std::string &source,
                                            const std::string &target) const {
  SVIRT_ASSIGN(const std::vector<Plugin *> plugins, machine_->models().For(type));
  if (plugins.empty()) {
    return Error{Errc::kUnsupported,
                 "no security driver is in use here, so nothing keeps domains apart"};
  }
  Plugin *plugin = plugins.front();
  AccessAnswer answer;
  answer.model = plugin->model();
  SVIRT_ASSIGN(answer.source_label, LabelOf(source, plugin));
  SVIRT_ASSIGN(answer.target_label, LabelOf(target, plugin));
  SVIRT_ASSIGN(const uint32_t may, plugin->Access(answer.source_label, answer.target_label));
  answer.read_memory = (may & SVIRT_MAY_READ_MEMORY) != 0;
  answer.write_memory = (may & SVIRT_MAY_WRITE_MEMORY) != 0;
  answer.copy_memory = (may & SVIRT_MAY_COPY_MEMORY) != 0;
  answer.notify = (may & SVIRT_MAY_NOTIFY) != 0;
  return answer;
}

}  // namespace svirt
