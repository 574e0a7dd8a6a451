// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads, replaces and removes the profiles of domains, and checks their labels.
#include "driver.h"

#include <svirt/sdk.h>

#include <algorithm>

#include "manifest_rules.h"
#include "profile_name.h"

namespace svirt::apparmor {

namespace {

using sdk::Fail;

svirt_status CheckStaticLabel(const char *label, svirt_error *error) {
  if (label == nullptr || *label == '\0' || !sdk::IsLabel(label)) {
    return Fail(error, SVIRT_E_INVALID, 0,
                "a static label for AppArmor has to be the name of a loaded profile");
  }
  for (const std::string &part : LabelParts(label)) {
    if (part == "unconfined") {
      return Fail(error, SVIRT_E_INVALID, 0,
                  "unconfined is no profile: for a domain without confinement give its seclabel "
                  "type='none'");
    }
    if (IsProfileName(part, "")) {
      return Fail(error, SVIRT_E_INVALID, 0,
                  "%s is the profile of one domain, made for it when it starts, and cannot be "
                  "given to any by name",
                  part.c_str());
    }
  }
  return SVIRT_OK;
}

// Everything that can be judged without the manifest.
svirt_status CheckDomain(const svirt_domain &domain, svirt_error *error) {
  if (domain.uuid == nullptr || !sdk::IsUuid(domain.uuid)) {
    return Fail(error, SVIRT_E_INVALID, 0,
                "the domain has no valid UUID, by which its profile is named");
  }
  switch (domain.label_type) {
    case SVIRT_LABEL_NONE:
      return SVIRT_OK;
    case SVIRT_LABEL_STATIC:
      return CheckStaticLabel(domain.label, error);
    case SVIRT_LABEL_DYNAMIC:
      if (domain.base_label == nullptr || *domain.base_label == '\0') {
        return SVIRT_OK;
      }
      return Fail(
          error, SVIRT_E_INVALID, 0,
          "AppArmor has no base labels: a domain's profile is made of its resources; remove "
          "the base label '%s', or put rules for this domain into /etc/svirt/apparmor",
          domain.base_label);
    default:
      return Fail(error, SVIRT_E_INVALID, 0, "unknown type of label: %u", domain.label_type);
  }
}

svirt_status CheckName(const svirt_domain &domain, const char *label, svirt_error *error) {
  if (label == nullptr || !IsProfileName(label, domain.uuid)) {
    return Fail(error, SVIRT_E_INVALID, 0,
                "'%s' is no AppArmor profile of domain %s: those are svirt-UUID-DIGEST",
                label != nullptr ? label : "", domain.uuid);
  }
  return SVIRT_OK;
}

svirt_status KernelError(svirt_error *error, int errnum, const char *what,
                         const std::string &name) {
  const bool denied = errnum == EACCES || errnum == EPERM;
  return Fail(error, denied ? SVIRT_E_DENIED : SVIRT_E_SYSTEM, errnum,
              "the kernel did not let the AppArmor profile %s be %s: %s%s", name.c_str(), what,
              std::strerror(errnum),
              denied ? "; that takes CAP_MAC_ADMIN and a process that is not confined itself" : "");
}

}  // namespace

svirt_status Driver::GetModel(const char *, svirt_model *model, svirt_error *) const {
  model->flags = SVIRT_MODEL_PROFILE;
  model->enforcing = 1;
  sdk::CopyText(model->model, kModel);
  return SVIRT_OK;
}

svirt_status Driver::LabelSpace(const svirt_domain &, const char *, std::vector<svirt_index_run> *,
                                svirt_error *) const {
  return SVIRT_OK;  // told apart by uuid
}

svirt_status Driver::GenerateLabel(const svirt_domain &domain, uint64_t, sdk::DomainLabels *labels,
                                   svirt_error *error) const {
  svirt_status status = CheckDomain(domain, error);
  // Objects are not labelled.
  if (status == SVIRT_OK && domain.label_type == SVIRT_LABEL_STATIC) {
    labels->process = domain.label;
  } else if (status == SVIRT_OK && domain.label_type == SVIRT_LABEL_DYNAMIC) {
    Policy policy;
    status = maker_.Gather(domain, &policy, error);
    labels->process = ProfileName(domain.uuid, policy.DigestText());
  }
  return status;
}

svirt_status Driver::CheckLoaded(const std::string &label, svirt_error *error) const {
  std::vector<LoadedProfile> profiles;
  if (const int errnum = api_->Profiles(&profiles); errnum != 0) {
    return Fail(error, errnum == EACCES ? SVIRT_E_DENIED : SVIRT_E_SYSTEM, errnum,
                "cannot see which AppArmor profiles are loaded: %s", std::strerror(errnum));
  }
  for (const std::string &part : LabelParts(label)) {
    const auto profile =
        std::find_if(profiles.begin(), profiles.end(),
                     [&part](const LoadedProfile &loaded) { return loaded.name == part; });
    if (profile == profiles.end()) {
      return Fail(error, SVIRT_E_INVALID, 0,
                  "there is no loaded AppArmor profile '%s': load it (apparmor_parser -r FILE), or "
                  "use a dynamic label",
                  part.c_str());
    }
    if (profile->mode == "unconfined") {
      return Fail(error, SVIRT_E_INVALID, 0,
                  "the AppArmor profile '%s' has the mode unconfined and confines nothing",
                  part.c_str());
    }
  }
  return SVIRT_OK;
}

svirt_status Driver::VerifyLabel(const svirt_domain &domain, svirt_error *error) const {
  svirt_status status = CheckDomain(domain, error);
  if (status != SVIRT_OK || domain.label_type == SVIRT_LABEL_NONE) {
    return status;
  }
  if (domain.label_type == SVIRT_LABEL_STATIC) {
    return CheckLoaded(domain.label, error);
  }
  if (domain.label != nullptr && *domain.label != '\0') {
    status = CheckName(domain, domain.label, error);
  }
  Policy policy;
  if (status == SVIRT_OK) {
    status = maker_.Gather(domain, &policy, error);
  }
  // When a domain is defined is the time to compile what there is to compile.
  return status == SVIRT_OK ? maker_.Prepare(policy, error) : status;
}

svirt_status Driver::GetLabel(const svirt_domain &domain, sdk::LabelState *state,
                              svirt_error *error) const {
  if (domain.pid <= 0) {
    return Fail(error, SVIRT_E_INVALID, 0, "the domain has no process to ask about");
  }
  std::string label, mode;
  if (const int errnum = api_->ProcessLabel(domain.pid, &label, &mode); errnum != 0) {
    const bool gone = errnum == ENOENT || errnum == ESRCH;
    return Fail(error, gone ? SVIRT_E_GONE : SVIRT_E_SYSTEM, errnum,
                gone ? "there is no process %d" : "cannot read the AppArmor label of process %d",
                domain.pid);
  }
  *state = {label, mode == "enforce" || mode == "kill"};
  return SVIRT_OK;
}

svirt_status Driver::Remove(const std::string &name, svirt_error *error) const {
  // Without its profile a process would be unconfined.
  std::vector<pid_t> pids;
  int errnum = api_->ProcessesUnder(name, &pids);
  if (errnum != 0) {
    return Fail(error, SVIRT_E_SYSTEM, errnum, "cannot see which processes run under %s: %s",
                name.c_str(), std::strerror(errnum));
  }
  if (!pids.empty()) {
    return Fail(error, SVIRT_E_DENIED, EBUSY,
                "process %d still runs under the AppArmor profile %s and would be unconfined "
                "without it; end it first",
                pids.front(), name.c_str());
  }
  errnum = api_->Remove(name);
  return errnum == 0 || errnum == ENOENT ? SVIRT_OK : KernelError(error, errnum, "removed", name);
}

svirt_status Driver::Withdraw(const svirt_domain &domain, svirt_error *error) const {
  const std::string held = domain.label != nullptr ? domain.label : "";
  svirt_status status = SVIRT_OK;
  if (!held.empty()) {
    status = CheckName(domain, held.c_str(), error);
    if (status == SVIRT_OK) {
      status = Remove(held, error);
    }
  }
  if (status != SVIRT_OK) {
    return status;
  }
  // A program that was run confined as the domain had a profile of another content, and may have
  // ended after the domain got this one.
  std::vector<LoadedProfile> profiles;
  if (const int errnum = api_->Profiles(&profiles); errnum != 0) {
    return KernelError(error, errnum, "found", domain.uuid);
  }
  for (const LoadedProfile &profile : profiles) {
    if (IsProfileName(profile.name, domain.uuid) && profile.name != held) {
      status = Remove(profile.name, error);
      // One that is in use is withdrawn with its process; here only if nothing else was meant.
      if (status != SVIRT_OK && (status != SVIRT_E_DENIED || held.empty())) {
        return status;
      }
    }
  }
  return SVIRT_OK;
}

svirt_status Driver::SetLabel(const svirt_domain &domain, const char *label,
                              svirt_error *error) const {
  if (domain.uuid == nullptr || !sdk::IsUuid(domain.uuid)) {
    return CheckDomain(domain, error);
  }
  // Profiles that others have loaded are theirs to remove.
  if (label == nullptr) {
    return domain.label_type == SVIRT_LABEL_DYNAMIC ? Withdraw(domain, error) : SVIRT_OK;
  }
  if (domain.label_type == SVIRT_LABEL_NONE) {
    return SVIRT_OK;
  }
  if (domain.label_type == SVIRT_LABEL_STATIC) {
    const svirt_status status = CheckStaticLabel(label, error);
    return status == SVIRT_OK ? CheckLoaded(label, error) : status;
  }
  svirt_status status = CheckDomain(domain, error);
  if (status == SVIRT_OK) {
    status = CheckName(domain, label, error);
  }
  Policy policy;
  if (status == SVIRT_OK) {
    status = maker_.Gather(domain, &policy, error);
  }
  std::string image;
  if (status == SVIRT_OK) {
    status = maker_.Make(policy, label, &image, error);
  }
  if (status != SVIRT_OK) {
    return status;
  }
  const int errnum = api_->Load(image);
  return errnum == 0 ? SVIRT_OK : KernelError(error, errnum, "loaded", label);
}

svirt_status Driver::PrepareExec(const svirt_domain &domain, const char *label, svirt_exec *exec,
                                 svirt_error *error) const {
  svirt_status status = CheckDomain(domain, error);
  if (status != SVIRT_OK) {
    return status;
  }
  if (domain.label_type == SVIRT_LABEL_NONE) {
    return SVIRT_OK;
  }
  if (domain.emulator == nullptr || domain.emulator[0] != '/') {
    return Fail(error, SVIRT_E_INVALID, 0, "the path of the emulator is not absolute: %s",
                domain.emulator != nullptr ? domain.emulator : "(none)");
  }
  if (domain.label_type == SVIRT_LABEL_STATIC) {
    status = CheckStaticLabel(label, error);
    if (status == SVIRT_OK) {
      status = CheckLoaded(label, error);
    }
  } else {
    status = CheckName(domain, label, error);
    Policy policy;
    if (status == SVIRT_OK) {
      status = maker_.Gather(domain, &policy, error);
    }
    if (status == SVIRT_OK && ProfileName(domain.uuid, policy.DigestText()) != label) {
      return Fail(error, SVIRT_E_INVALID, 0,
                  "the profile %s was made of other resources or rules than the domain has now: "
                  "plan the domain again",
                  label);
    }
  }
  if (status != SVIRT_OK) {
    return status;
  }
  const std::string command = std::string("exec ") + label;
  if (command.size() > SVIRT_EXEC_DATA_MAX) {
    return Fail(error, SVIRT_E_INVALID, ENAMETOOLONG,
                "the AppArmor label is too long to be given to the kernel");
  }
  const std::string_view attribute = api_->HasOwnAttributes() ? "apparmor/exec" : "exec";
  svirt_exec_op &op = exec->op[0];
  op.kind = SVIRT_EXEC_PROCATTR;
  op.fd = -1;
  attribute.copy(op.attr, sizeof op.attr - 1);
  command.copy(op.data, sizeof op.data - 1);
  op.data_len = static_cast<uint32_t>(command.size());
  exec->op_count = 1;
  return SVIRT_OK;
}

svirt_status Driver::PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                               sdk::ResourcePlan *plan, svirt_error *error) const {
  if (resource.path == nullptr || resource.path[0] != '/') {
    return Fail(error, SVIRT_E_INVALID, 0, "the path of a resource is not absolute: %s",
                resource.path != nullptr ? resource.path : "(none)");
  }
  // Static: the profile is somebody else's, and so is what it grants.
  if (domain.label_type != SVIRT_LABEL_DYNAMIC) {
    return SVIRT_OK;
  }
  const std::vector<FileRule> rules = ResourceRules(resource);
  for (const FileRule &rule : rules) {
    plan->label += plan->label.empty() ? "" : "; ";
    plan->label += PermissionLetters(rule.permissions) + (rule.below ? " below" : "");
  }
  if (resource.kind == SVIRT_RES_HELPER_STATE) {
    plan->note = "belongs to a helper of the domain, so the emulator gets no access to it";
  } else if (rules.size() == 2 && rules.back().path == "/dev/pts/") {
    plan->note =
        "opens every terminal of the host to the domain: which one it gets is not known before";
  } else if (resource.object == SVIRT_OBJ_SOCKET || resource.kind == SVIRT_RES_SOCKET) {
    plan->note =
        "kernels without mediation of unix sockets leave it to the owner and mode of the socket "
        "who else may connect";
  }
  plan->action = plan->label.empty() ? SVIRT_PLAN_NONE : SVIRT_PLAN_GRANT;
  return SVIRT_OK;
}

svirt_status DescribeDomain(const Settings &settings, const svirt_domain &domain, svirt_buf *text,
                            svirt_error *error) {
  svirt_status status = CheckDomain(domain, error);
  if (status != SVIRT_OK) {
    return status;
  }
  if (domain.label_type != SVIRT_LABEL_DYNAMIC) {
    return Fail(error, SVIRT_E_NODATA, 0,
                "only a domain with a dynamic label has a profile that svirt makes");
  }
  Policy policy;
  status = PolicyMaker(settings).Gather(domain, &policy, error);
  if (status != SVIRT_OK) {
    return status;
  }
  return sdk::Put(text,
                  PolicyMaker::Describe(policy, ProfileName(domain.uuid, policy.DigestText())));
}

}  // namespace svirt::apparmor
