// SPDX-License-Identifier: LGPL-2.1-or-later
#include "driver.h"

#include <linux/capability.h>
#include <svirt/sdk.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>

#include "label.h"
#include "rights.h"
#include "ruleset.h"

namespace svirt::landlock {

namespace {

using sdk::Fail;

// Does the kernel let this thread restrict itself without no_new_privs? Asked by capability and not
// by user id: root in a container has often lost it, and a service user may have it.
bool HasSysAdmin() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, data) != 0) {
    return false;
  }
  return (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN)) != 0;
}

svirt_status CheckUuid(const svirt_domain &domain, svirt_error *error) {
  if (domain.uuid == nullptr || !sdk::IsUuid(domain.uuid)) {
    return Fail(error, SVIRT_E_INVALID, 0,
                "the domain has no valid UUID, by which Landlock labels are told apart");
  }
  return SVIRT_OK;
}

svirt_status CheckResource(const svirt_resource &resource, svirt_error *error) {
  if (resource.path == nullptr || resource.path[0] != '/') {
    return Fail(error, SVIRT_E_INVALID, 0, "the path of a resource is not absolute: %s",
                resource.path != nullptr ? resource.path : "(none)");
  }
  if (resource.override_label != nullptr) {
    return Fail(error, SVIRT_E_INVALID, 0,
                "%s cannot have the label '%s': Landlock labels no objects; remove the label from "
                "the device, or give it a model",
                resource.path, resource.override_label);
  }
  return SVIRT_OK;
}

// Everything that has to be right before rules or a label can be made.
svirt_status CheckDomain(const svirt_domain &domain, svirt_error *error) {
  svirt_status status = CheckUuid(domain, error);
  const std::vector<svirt_resource> resources = sdk::Resources(domain);
  for (size_t i = 0; i < resources.size() && status == SVIRT_OK; ++i) {
    status = CheckResource(resources[i], error);
  }
  if (status != SVIRT_OK) {
    return status;
  }
  switch (domain.label_type) {
    case SVIRT_LABEL_NONE:
      return SVIRT_OK;
    case SVIRT_LABEL_DYNAMIC:
      if (domain.base_label == nullptr || *domain.base_label == '\0') {
        return SVIRT_OK;
      }
      return Fail(error, SVIRT_E_INVALID, 0,
                  "Landlock has no base labels: its rules come from the domain's resources alone; "
                  "remove the base label '%s'",
                  domain.base_label);
    case SVIRT_LABEL_STATIC:
      return Fail(
          error, SVIRT_E_INVALID, 0,
          "a Landlock label cannot be chosen, it follows from the domain's resources: use a "
          "dynamic label instead of a static one");
    default:
      return Fail(error, SVIRT_E_INVALID, 0, "unknown type of label: %u", domain.label_type);
  }
}

svirt_status CheckLabel(const svirt_domain &domain, const char *label, svirt_error *error) {
  if (label == nullptr || !IsLabelOf(label, domain.uuid)) {
    return Fail(error, SVIRT_E_INVALID, 0,
                "'%s' is no Landlock label of domain %s: those are landlock:UUID:DIGEST",
                label != nullptr ? label : "", domain.uuid);
  }
  return SVIRT_OK;
}

}  // namespace

svirt_status ProbeDriver(const KernelCalls &kernel, const char *virt_type, svirt_error *reason) {
  if (virt_type != nullptr && std::strcmp(virt_type, "xen") == 0) {
    return Fail(reason, SVIRT_INACTIVE, 0,
                "Landlock confines processes, and a Xen domain is none: use a model that Xen "
                "enforces");
  }
  Features features;
  return ProbeFeatures(kernel, &features, reason);
}

svirt_status Driver::GetModel(svirt_model *model) const {
  svirt_model mine{};
  mine.flags = SVIRT_MODEL_PROFILE | SVIRT_MODEL_UNVERIFIABLE | SVIRT_MODEL_FIXED;
  mine.enforcing = 1;
  mine.policy_version = static_cast<uint32_t>(features_.abi);
  std::memcpy(mine.model, kModel, sizeof kModel);
  sdk::StoreSized(model, mine);
  return SVIRT_OK;
}

svirt_status Driver::LabelSpace(svirt_index_set *set) {
  set->run_count = 0;  // told apart by uuid
  return SVIRT_OK;
}

svirt_status Driver::GenerateLabel(const svirt_domain &domain, svirt_buf *label,
                                   svirt_buf *image_label, svirt_error *error) const {
  if (const svirt_status status = CheckDomain(domain, error); status != SVIRT_OK) {
    return status;
  }
  // Objects are not labelled.
  return sdk::PutBoth(label,
                      domain.label_type == SVIRT_LABEL_NONE ? "" : MakeLabel(domain, features_),
                      image_label, "");
}

svirt_status Driver::VerifyLabel(const svirt_domain &domain, svirt_error *error) {
  const svirt_status status = CheckDomain(domain, error);
  const bool labelled =
      domain.label_type == SVIRT_LABEL_DYNAMIC && domain.label != nullptr && *domain.label != '\0';
  return status == SVIRT_OK && labelled ? CheckLabel(domain, domain.label, error) : status;
}

svirt_status Driver::SetLabel(const svirt_domain &domain, const char *label, svirt_error *error) {
  if (label == nullptr || domain.label_type == SVIRT_LABEL_NONE) {
    return SVIRT_OK;
  }
  const svirt_status status = CheckUuid(domain, error);
  return status == SVIRT_OK ? CheckLabel(domain, label, error) : status;
}

svirt_status Driver::PrepareExec(const svirt_domain &domain, const char *label, svirt_exec *exec,
                                 svirt_error *error) const {
  if (const svirt_status status = CheckDomain(domain, error); status != SVIRT_OK) {
    return status;
  }
  if (domain.label_type == SVIRT_LABEL_NONE) {
    exec->op_count = 0;
    return SVIRT_OK;
  }
  if (domain.emulator == nullptr || domain.emulator[0] != '/') {
    return Fail(error, SVIRT_E_INVALID, 0, "the domain's emulator is not an absolute path: %s",
                domain.emulator != nullptr ? domain.emulator : "(none)");
  }
  if (const svirt_status status = CheckLabel(domain, label, error); status != SVIRT_OK) {
    return status;
  }
  if (const std::string now = MakeLabel(domain, features_); now != label) {
    return Fail(error, SVIRT_E_INVALID, 0,
                "the label %s stands for other rules than the domain's resources give now (%s): "
                "plan the domain again",
                label, now.c_str());
  }
  sdk::Fd ruleset;
  if (const svirt_status status = BuildRuleset(kernel_, features_, domain, &ruleset, error);
      status != SVIRT_OK) {
    return status;
  }
  svirt_exec_op &op = exec->op[0];
  op = {};
  op.kind = SVIRT_EXEC_LANDLOCK;
  op.flags = HasSysAdmin() ? 0 : SVIRT_EXEC_NO_NEW_PRIVS;
  op.fd = ruleset.Release();
  exec->op_count = 1;
  return SVIRT_OK;
}

svirt_status Driver::PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                               svirt_resource_plan *plan, svirt_error *error) const {
  if (const svirt_status status = CheckResource(resource, error); status != SVIRT_OK) {
    return status;
  }
  // The terminal behind it is not there yet, so only a rule for all of /dev/pts could grant it.
  if (domain.label_type != SVIRT_LABEL_NONE && resource.kind == SVIRT_RES_CHARDEV &&
      std::string_view(resource.path) == "/dev/ptmx") {
    return Fail(error, SVIRT_E_DENIED, 0,
                "Landlock cannot give a domain a terminal of its own (type='pty') without those of "
                "others: use <serial type='unix'> or type='file' instead, and the same for a "
                "console or channel");
  }
  const bool parent = NeedsParent(resource, sdk::Resources(domain));
  const uint64_t rights =
      parent ? kParentRights : ObjectRights(resource, DeclaredShape(resource), features_);
  const bool grant = domain.label_type != SVIRT_LABEL_NONE && rights != 0;
  std::string note;
  if (grant && parent) {
    note = "Landlock gives this right on the whole of " + ParentOf(resource.path) +
           ", and none to remove the socket: better put it into the domain's run directory";
  }
  if (const std::string missing = MissingWords(features_); grant && !missing.empty()) {
    note += (note.empty() ? "" : "; ") +
            ("this kernel (Landlock ABI " + std::to_string(features_.abi)) +
            ") cannot withhold: " + missing;
  }
  const svirt_status status =
      sdk::PutBoth(&plan->label, grant ? RightWords(rights) : "", &plan->note, note);
  if (status == SVIRT_OK) {
    plan->action = grant ? SVIRT_PLAN_GRANT : SVIRT_PLAN_NONE;
    plan->flags = 0;
  }
  return status;
}

}  // namespace svirt::landlock
