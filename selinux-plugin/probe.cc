// SPDX-License-Identifier: LGPL-2.1-or-later
// Puts the base contexts of the policy to the kernel, and describes the policy.
#include "probe.h"

#include <svirt/sdk.h>

#include <cstring>

#include "base_contexts.h"

namespace svirt::selinux {
namespace {

// One of the policy's own base contexts, put to the kernel.
svirt_status CheckBase(SelinuxApi *api, const Context &context, const std::string &path,
                       svirt_error *reason) {
  const std::string text = FormatContext(context);
  const int errnum = api->CheckContext(text);
  if (errnum == 0) {
    return SVIRT_OK;
  }
  if (errnum == EINVAL) {
    return sdk::Fail(reason, SVIRT_INACTIVE, errnum,
                     "SELinux is enabled, but the loaded policy has no context %s, which %s names: "
                     "load a policy with the virt module",
                     text.c_str(), path.c_str());
  }
  return sdk::Fail(reason, errnum == EACCES ? SVIRT_E_DENIED : SVIRT_E_SYSTEM, errnum,
                   "SELinux is enabled, but cannot be asked whether %s is valid: %s", text.c_str(),
                   std::strerror(errnum));
}

}  // namespace

svirt_status Probe(SelinuxApi *api, const svirt_host *host, const char *virt_type,
                   svirt_error *reason) {
  if (virt_type != nullptr && std::strcmp(virt_type, "xen") == 0) {
    return sdk::Say(reason, SVIRT_INACTIVE,
                    "SELinux labels processes of this kernel, and a Xen domain is none: its labels "
                    "are those of the hypervisor's own security module");
  }
  if (!api->Enabled()) {
    return sdk::Say(reason, SVIRT_INACTIVE, "%s",
                    api->KernelRegistered()
                        ? "SELinux is enabled in the kernel, but cannot be used from here: mount "
                          "selinuxfs on /sys/fs/selinux and see that /etc/selinux/config exists"
                        : "SELinux is not enabled in this kernel: install a policy and boot with "
                          "lsm=...,selinux (or security=selinux selinux=1)");
  }
  bool enforcing = false;
  if (const int errnum = api->Enforcing(&enforcing); errnum != 0) {
    return sdk::Fail(reason, SVIRT_E_SYSTEM, errnum,
                     "SELinux is enabled, but does not say whether it enforces: %s",
                     std::strerror(errnum));
  }
  Context own;
  BaseContexts base;
  svirt_status status = LoadOwnContext(api, &own, reason);
  if (status == SVIRT_OK) {
    status = LoadBaseContexts(api, &base, reason);
  }
  if (status == SVIRT_OK) {
    status = CheckBase(api, base.ForVirtType(virt_type), base.domain_path, reason);
  }
  if (status == SVIRT_OK) {
    status = CheckBase(api, base.image, base.image_path, reason);
  }
  if (status != SVIRT_OK) {
    return status;
  }
  if (virt_type != nullptr && std::strcmp(virt_type, "qemu") == 0 && !base.tcg) {
    const std::string remark = base.domain_path +
                               " has no second line for software emulation, so such domains run "
                               "as " +
                               base.domain.type + " and need its execmem right";
    host->log(host, SVIRT_LOG_WARNING, remark.c_str());
  }
  return sdk::Say(reason, SVIRT_OK, "SELinux is active with policy '%s': domains run as %s%s",
                  api->PolicyType().c_str(), base.ForVirtType(virt_type).type.c_str(),
                  enforcing ? ""
                            : "; but it is permissive: denials are logged and nothing is held "
                              "back until setenforce 1");
}

svirt_status GetModel(SelinuxApi *api, const char *virt_type, svirt_model *model,
                      svirt_error *error) {
  model->flags = SVIRT_MODEL_OBJECT;
  bool enforcing = false;
  if (const int errnum = api->Enforcing(&enforcing); errnum != 0) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, errnum, "SELinux does not say whether it enforces: %s",
                     std::strerror(errnum));
  }
  model->enforcing = enforcing ? 1 : 0;
  model->policy_version = api->PolicyVersion();
  sdk::CopyText(model->model, "selinux");
  // The DOI stays empty: SELinux has no name for whose policy this is, so it is the administrator's
  // to give, in the host's configuration.
  std::string base_label;
  if (virt_type != nullptr && std::strcmp(virt_type, "xen") != 0) {
    BaseContexts base;
    const svirt_status status = LoadBaseContexts(api, &base, error);
    if (status != SVIRT_OK) {
      return status == SVIRT_INACTIVE ? SVIRT_E_NOTSUP : status;
    }
    base_label = FormatContext(base.ForVirtType(virt_type));
  }
  if (!sdk::CopyText(model->policy_type, api->PolicyType()) ||
      !sdk::CopyText(model->base_label, base_label)) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "the policy's name or base label is longer than the sVirt limits allow");
  }
  return SVIRT_OK;
}

}  // namespace svirt::selinux
