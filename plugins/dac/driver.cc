// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers a host's questions about ids, labels, owners and entries.
#include "driver.h"

#include <svirt/sdk.h>

#include <string>
#include <vector>

#include "entry.h"
#include "entry_plan.h"
#include "ownership.h"
#include "process.h"
#include "reach.h"
#include "resource_plan.h"

namespace svirt::dac {
namespace {

using sdk::Fail;

// A dynamic label that is not one domain's own after all.
svirt_status CheckUnused(const Identity &identity, svirt_error *error) {
  const std::string owner = OwnerOnThisHost(identity);
  if (owner.empty()) {
    return SVIRT_OK;
  }
  return Fail(error, SVIRT_E_INVALID, 0,
              "the DAC label '%s' would be that of %s of this host: choose other ids for domains "
              "with first_id and count under [model dac] in svirt.conf",
              FormatIdentity(identity).c_str(), owner.c_str());
}

svirt_status ReadEntry(const char *text, Entry *entry, svirt_error *error) {
  const auto parsed = ParseEntry(text != nullptr ? text : "");
  if (!parsed) {
    return Fail(error, SVIRT_E_INVALID, 0,
                "'%.300s' is no entry of the model dac, which is written +UID:rwx",
                text != nullptr ? text : "");
  }
  *entry = *parsed;
  return SVIRT_OK;
}

}  // namespace

// A label that a domain may run under.
svirt_status Driver::ParseLabel(const char *label, Identity *identity, svirt_error *error) const {
  std::string why;
  const std::string_view text = label != nullptr ? label : "";
  const auto parsed = ParseIdentity(text, &why);
  if (!parsed) {
    return Fail(error, SVIRT_E_INVALID, 0, "'%.300s' is no DAC label: %s",
                std::string(text).c_str(), why.c_str());
  }
  if (parsed->uid == 0 || parsed->gid == 0) {
    return Fail(error, SVIRT_E_INVALID, 0,
                "a domain may not run as root, as the DAC label '%s' has it: give it a user and a "
                "group of its own",
                label);
  }
  if (!map_.Has(*parsed)) {
    return Fail(error, SVIRT_E_INVALID, 0,
                "the DAC label '%.300s' has an id that this user namespace does not: it has %s",
                label, map_.Text().c_str());
  }
  *identity = *parsed;
  return SVIRT_OK;
}

svirt_status Driver::GetModel(const char *, svirt_model *model, svirt_error *) const {
  model->flags = SVIRT_MODEL_OBJECT;
  model->enforcing = 1;
  sdk::CopyText(model->model, kModel);
  return SVIRT_OK;
}

// The index is the id, so that it means the same to every process, whatever range it gives out.
svirt_status Driver::LabelSpace(const svirt_domain &domain, const char *label,
                                std::vector<svirt_index_run> *runs, svirt_error *error) const {
  if (label == nullptr) {
    if (domain.label_type == SVIRT_LABEL_DYNAMIC) {
      for (const IdRange &run : ids_) {
        runs->push_back({run.first, run.count});
      }
    }
    return SVIRT_OK;
  }
  std::string why;
  const auto identity = ParseIdentity(label, &why);
  if (!identity) {
    return Fail(error, SVIRT_E_INVALID, 0, "'%.300s' is no DAC label: %s", label, why.c_str());
  }
  // Without the domain's word for it, only ids of the range are those of a domain. A group may be
  // that of many.
  std::vector<svirt_index_run> claim;
  if (domain.label_type == SVIRT_LABEL_STATIC || range_.Contains(identity->uid)) {
    claim.push_back({identity->uid, 1});
  }
  if (range_.Contains(identity->gid) && (claim.empty() || identity->gid != identity->uid)) {
    claim.push_back({identity->gid, 1});
  }
  if (claim.size() == 2 && claim[0].first > claim[1].first) {
    std::swap(claim[0], claim[1]);
  }
  // Runs that touch are one.
  if (claim.size() == 2 && claim[0].first + 1 == claim[1].first) {
    claim = {{claim[0].first, 2}};
  }
  *runs = std::move(claim);
  return SVIRT_OK;
}

svirt_status Driver::GenerateLabel(const svirt_domain &domain, uint64_t index,
                                   sdk::DomainLabels *labels, svirt_error *error) const {
  std::string text;
  switch (domain.label_type) {
    case SVIRT_LABEL_NONE:
      break;
    case SVIRT_LABEL_DYNAMIC: {
      if (!Contains(ids_, index)) {
        return Fail(error, SVIRT_E_INVALID, 0,
                    "%llu is none of the ids %s that domains get on this host",
                    static_cast<unsigned long long>(index), FormatRanges(ids_).c_str());
      }
      const auto id = static_cast<uint32_t>(index);
      text = FormatIdentity({id, id});
      break;
    }
    case SVIRT_LABEL_STATIC: {
      Identity given;
      if (const svirt_status status = ParseLabel(domain.label, &given, error); status != SVIRT_OK) {
        return status;
      }
      text = FormatIdentity(given);
      break;
    }
    default:
      return Fail(error, SVIRT_E_INVALID, 0, "unknown type of label: %u", domain.label_type);
  }
  *labels = {text, text};
  return SVIRT_OK;
}

svirt_status Driver::VerifyLabel(const svirt_domain &domain, svirt_error *error) const {
  if (domain.base_label != nullptr && *domain.base_label != '\0') {
    return Fail(error, SVIRT_E_INVALID, 0,
                "DAC has no base labels: remove '%.300s', or give the domain a static label",
                domain.base_label);
  }
  const bool labelled = domain.label != nullptr && *domain.label != '\0';
  if (domain.label_type == SVIRT_LABEL_STATIC || labelled) {
    Identity identity;
    svirt_status status = ParseLabel(domain.label, &identity, error);
    if (status == SVIRT_OK && domain.label_type == SVIRT_LABEL_DYNAMIC) {
      status = CheckUnused(identity, error);
    }
    if (status == SVIRT_OK) {
      status = Foresee(identity, domain, range_, error);
    }
    if (status != SVIRT_OK) {
      return status;
    }
  }
  for (const svirt_resource &resource : sdk::Resources(domain)) {
    sdk::ResourcePlan ignored;
    if (!HasOverride(resource)) {
      continue;
    }
    if (const svirt_status status = PlanOwner(domain, resource, &ignored, error);
        status != SVIRT_OK) {
      return status;
    }
  }
  return SVIRT_OK;
}

svirt_status Driver::GetLabel(const svirt_domain &domain, sdk::LabelState *state,
                              svirt_error *error) const {
  Identity identity;
  const svirt_status status = ProcessIdentity(domain.pid, &identity, error);
  if (status == SVIRT_OK) {
    *state = {FormatIdentity(identity), true};
  }
  return status;
}

svirt_status Driver::SetLabel(const svirt_domain &domain, const char *label,
                              svirt_error *error) const {
  if (label == nullptr || domain.label_type == SVIRT_LABEL_NONE) {
    return SVIRT_OK;
  }
  Identity ignored;  // the kernel knows every id
  return ParseLabel(label, &ignored, error);
}

svirt_status Driver::PrepareExec(const svirt_domain &domain, const char *label, svirt_exec *exec,
                                 svirt_error *error) const {
  if (domain.label_type == SVIRT_LABEL_NONE) {
    return SVIRT_OK;
  }
  Identity identity;
  svirt_status status = ParseLabel(label, &identity, error);
  if (status != SVIRT_OK) {
    return status;
  }
  if (domain.emulator == nullptr || domain.emulator[0] != '/') {
    return Fail(error, SVIRT_E_INVALID, 0, "the domain's emulator is not an absolute path: %s",
                domain.emulator != nullptr ? domain.emulator : "(none)");
  }
  status = CheckReach(identity, domain.emulator, sdk::Resources(domain), error);
  if (status != SVIRT_OK) {
    return status;
  }
  WarnOfOpenObjects(domain);
  svirt_exec_op &op = exec->op[0];
  op.kind = SVIRT_EXEC_CREDENTIALS;
  op.uid = identity.uid;
  op.gid = identity.gid;
  exec->op_count = 1;
  return SVIRT_OK;
}

void Driver::WarnOfOpenObjects(const svirt_domain &domain) const {
  for (const svirt_resource &resource : sdk::Resources(domain)) {
    sdk::ResourcePlan plan;
    const bool exclusive = PlanOwner(domain, resource, &plan, nullptr) == SVIRT_OK &&
                           (plan.flags & SVIRT_PLAN_EXCLUSIVE) != 0;
    if (exclusive && resource.object != SVIRT_OBJ_DIR && IsOpenToAll(resource)) {
      const std::string warning =
          std::string(resource.path) +
          " is the domain's alone, but its mode lets everybody in: chmod o= it";
      host_->log(host_, SVIRT_LOG_WARNING, warning.c_str());
    }
  }
}

svirt_status Driver::PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                               sdk::ResourcePlan *plan, svirt_error *error) const {
  return PlanOwner(domain, resource, plan, error);
}

svirt_status Driver::GetResourceLabel(const svirt_resource &resource, std::string *label,
                                      svirt_error *error) const {
  Identity owner;
  const svirt_status status = GetOwner(resource, &owner, error);
  if (status == SVIRT_OK) {
    *label = FormatIdentity(owner);
  }
  return status;
}

svirt_status Driver::SetResourceLabel(const svirt_resource &resource, const char *label,
                                      svirt_error *error) const {
  if (label == nullptr) {
    return Fail(error, SVIRT_E_NOTSUP, 0, "%s always has an owner: it cannot be without one",
                PathOf(resource));
  }
  std::string why;
  const auto owner = ParseIdentity(label, &why);
  if (!owner) {
    return Fail(error, SVIRT_E_INVALID, 0, "'%.300s' is no DAC label: %s", label, why.c_str());
  }
  return SetOwner(resource, *owner, range_, error);
}

svirt_status Driver::PlanEntry(const svirt_domain &domain, const svirt_resource &resource,
                               std::string *entry, svirt_error *error) const {
  if (domain.label_type == SVIRT_LABEL_NONE) {
    return Fail(error, SVIRT_E_NODATA, 0, "the domain runs as the user that starts it");
  }
  Identity identity;
  const svirt_status status = ParseLabel(domain.label, &identity, error);
  return status == SVIRT_OK ? dac::PlanEntry(domain, identity, resource, entry, error) : status;
}

svirt_status Driver::GetEntry(const svirt_resource &resource, const char *entry,
                              std::string *present, svirt_error *error) const {
  Entry subject;
  const svirt_status status = ReadEntry(entry, &subject, error);
  return status == SVIRT_OK ? dac::GetEntry(resource, subject, present, error) : status;
}

svirt_status Driver::SetEntry(const svirt_resource &resource, const char *entry,
                              svirt_error *error) const {
  Entry wanted;
  const svirt_status status = ReadEntry(entry, &wanted, error);
  return status == SVIRT_OK ? dac::SetEntry(resource, wanted, error) : status;
}

svirt_status Driver::RemoveEntry(const svirt_resource &resource, const char *entry,
                                 svirt_error *error) const {
  Entry subject;
  const svirt_status status = ReadEntry(entry, &subject, error);
  return status == SVIRT_OK ? dac::RemoveEntry(resource, subject, error) : status;
}

}  // namespace svirt::dac
