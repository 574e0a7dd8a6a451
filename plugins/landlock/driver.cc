// SPDX-License-Identifier: LGPL-2.1-or-later
// Checks domains and their labels, and puts their rulesets into recipes.
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

svirt_status DescribeDomain(const KernelCalls &kernel, const svirt_domain &domain, svirt_buf *text,
                            svirt_error *error) {
  Features features;
  if (const svirt_status status = ProbeFeatures(kernel, &features, error); status != SVIRT_OK) {
    return status == SVIRT_INACTIVE ? SVIRT_E_NODATA : status;
  }
  if (const svirt_status status = CheckDomain(domain, error); status != SVIRT_OK) {
    return status;
  }
  if (domain.label_type == SVIRT_LABEL_NONE) {
    return Fail(error, SVIRT_E_NODATA, 0, "a domain without a label has no Landlock rules");
  }
  return sdk::Put(text, DescribeRules(domain, features));
}

svirt_status ProbeDriver(const KernelCalls &kernel, const char *virt_type, svirt_error *reason) {
  if (virt_type != nullptr && std::strcmp(virt_type, "xen") == 0) {
    return Fail(reason, SVIRT_INACTIVE, 0,
                "Landlock confines processes, and a Xen domain is none: use a model that Xen "
                "enforces");
  }
  Features features;
  return ProbeFeatures(kernel, &features, reason);
}

svirt_status Driver::GetModel(const char *, svirt_model *model, svirt_error *) const {
  model->flags = SVIRT_MODEL_PROFILE | SVIRT_MODEL_UNVERIFIABLE | SVIRT_MODEL_FIXED;
  model->enforcing = 1;
  model->policy_version = static_cast<uint32_t>(features_.abi);
  sdk::CopyText(model->model, kModel);
  return SVIRT_OK;
}

svirt_status Driver::LabelSpace(const svirt_domain &, const char *, std::vector<svirt_index_run> *,
                                svirt_error *) const {
  return SVIRT_OK;  // told apart by uuid
}

svirt_status Driver::GenerateLabel(const svirt_domain &domain, uint64_t, sdk::DomainLabels *labels,
                                   svirt_error *error) const {
  const svirt_status status = CheckDomain(domain, error);
  if (status == SVIRT_OK && domain.label_type != SVIRT_LABEL_NONE) {
    labels->process = MakeLabel(domain, features_);  // objects are not labelled
  }
  return status;
}

svirt_status Driver::VerifyLabel(const svirt_domain &domain, svirt_error *error) const {
  const svirt_status status = CheckDomain(domain, error);
  const bool labelled =
      domain.label_type == SVIRT_LABEL_DYNAMIC && domain.label != nullptr && *domain.label != '\0';
  return status == SVIRT_OK && labelled ? CheckLabel(domain, domain.label, error) : status;
}

svirt_status Driver::GetLabel(const svirt_domain &, sdk::LabelState *, svirt_error *error) const {
  return Fail(error, SVIRT_E_NOTSUP, 0,
              "the kernel cannot be asked which Landlock rules a process runs under");
}

svirt_status Driver::SetLabel(const svirt_domain &domain, const char *label,
                              svirt_error *error) const {
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
  op.kind = SVIRT_EXEC_LANDLOCK;
  op.flags = HasSysAdmin() ? 0 : SVIRT_EXEC_NO_NEW_PRIVS;
  op.fd = ruleset.Release();
  exec->op_count = 1;
  return SVIRT_OK;
}

svirt_status Driver::PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                               sdk::ResourcePlan *plan, svirt_error *error) const {
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
  if (domain.label_type == SVIRT_LABEL_NONE || rights == 0) {
    return SVIRT_OK;
  }
  plan->action = SVIRT_PLAN_GRANT;
  plan->label = RightWords(rights);
  if (parent) {
    plan->note = "Landlock gives this right on the whole of " + ParentOf(resource.path) +
                 ", and none to remove the socket: better put it into the domain's run directory";
  }
  if (const std::string missing = MissingWords(features_); !missing.empty()) {
    plan->note += (plan->note.empty() ? "" : "; ") +
                  ("this kernel (Landlock ABI " + std::to_string(features_.abi)) +
                  ") cannot withhold: " + missing;
  }
  return SVIRT_OK;
}

}  // namespace svirt::landlock
