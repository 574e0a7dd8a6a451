// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the hypervisor for FLASK, its policy and a trial label, and explains what is missing.
#include "probe.h"

#include <svirt/sdk.h>

#include <cerrno>
#include <cstring>

#include "flask_classes.h"
#include "label_space.h"
#include "labels.h"

namespace svirt::flask {
namespace {

std::string Hypervisor(XenApi *api) {
  const std::string version = api->Version();
  return version.empty() ? "the hypervisor" : "the hypervisor, Xen " + version + ",";
}

// Why another module answers in FLASK's place.
svirt_status ExplainAbsence(XenApi *api, svirt_error *reason) {
  const std::string xen = Hypervisor(api);
  const auto config = api->BuildConfig();
  if (!config) {
    return sdk::Say(reason, SVIRT_INACTIVE,
                    "FLASK is not the active security module of %s: either it is not built in "
                    "(CONFIG_XSM_FLASK), or the command line chose another (xsm=) or none "
                    "(flask=disabled)",
                    xen.c_str());
  }
  if (("\n" + *config).find("\nCONFIG_XSM_FLASK=y") == std::string::npos) {
    return sdk::Say(reason, SVIRT_INACTIVE,
                    "%s has FLASK not built in (CONFIG_XSM_FLASK is not set): boot one that was "
                    "built with CONFIG_XSM=y and CONFIG_XSM_FLASK=y",
                    xen.c_str());
  }
  const auto line = api->CommandLine();
  return sdk::Say(reason, SVIRT_INACTIVE,
                  "%s has FLASK built in, but it is not the active security module: boot with "
                  "xsm=flask flask=enforcing and a policy%s%s%s",
                  xen.c_str(), line ? " (now the command line is '" : "", line ? line->c_str() : "",
                  line ? "')" : "");
}

// SVIRT_OK if the hypervisor can be asked.
svirt_status FindHypervisor(XenApi *api, svirt_error *reason) {
  const Machine machine = api->GetMachine();
  if (!machine.is_xen) {
    return sdk::Say(reason, SVIRT_INACTIVE,
                    "this machine does not run under Xen, whose security module FLASK is");
  }
  if (!machine.is_control) {
    return sdk::Say(reason, SVIRT_INACTIVE,
                    "this is a guest of Xen, not a control domain: it has no domains to label");
  }
  const int errnum = api->Open();
  switch (errnum) {
    case 0:
      return SVIRT_OK;
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return sdk::Fail(reason, SVIRT_INACTIVE, errnum,
                       "this control domain cannot talk to the hypervisor: load the kernel modules "
                       "xen-privcmd and xen-evtchn, which make /dev/xen");
    default:
      return CallFailed(errnum, "talk to the hypervisor", reason);
  }
}

const char *Describe(Distinction by) {
  switch (by) {
    case Distinction::kCategories:
      return "categories that keep domains apart";
    case Distinction::kUsers:
      return "users of role vm_r that keep domains apart";
    case Distinction::kNothing:
      break;
  }
  return "nothing that keeps domains apart, so labels are static or shared";
}

}  // namespace

bool IsXen(const char *virt_type) {
  return std::strcmp(virt_type, "xen") == 0 || std::strncmp(virt_type, "xen-", 4) == 0;
}

svirt_status Probe(XenApi *api, const char *virt_type, svirt_error *reason) {
  if (virt_type != nullptr && !IsXen(virt_type)) {
    return sdk::Say(reason, SVIRT_INACTIVE,
                    "FLASK labels domains of the Xen hypervisor; one of type '%.64s' is a process "
                    "of this kernel, and belongs to the kernel's own security module",
                    virt_type);
  }
  svirt_status status = FindHypervisor(api, reason);
  if (status != SVIRT_OK) {
    return status;
  }
  bool enforcing = false;
  int errnum = api->Enforcing(&enforcing);
  if (errnum == ENOSYS) {
    return ExplainAbsence(api, reason);
  }
  if (errnum != 0) {
    return CallFailed(errnum, "ask FLASK whether it enforces", reason);
  }
  std::string own;
  errnum = ReadContext(api, kFirstInitialSid, &own);
  if (errnum != 0) {
    return CallFailed(errnum, "ask FLASK for a context", reason);
  }
  if (own.find(':') == std::string::npos) {
    return sdk::Say(reason, SVIRT_INACTIVE,
                    "FLASK is active but has no policy: boot with one as a module of the "
                    "hypervisor, or load it (xl loadpolicy)");
  }
  Context base;
  errnum = FindBaseLabel(api, virt_type, &base);
  const std::string label = sdk::FormatContext(base);
  if (errnum == EINVAL) {
    return sdk::Fail(reason, SVIRT_INACTIVE, errnum,
                     "FLASK is active, but the loaded policy has no context %s for domains: load a "
                     "policy with Xen's modules domU and xen",
                     label.c_str());
  }
  LabelSpace space;
  if (errnum == 0) {
    errnum = FindLabelSpace(api, base, 2, &space);  // two are enough to know
  }
  if (errnum != 0) {
    return CallFailed(errnum, "ask FLASK for labels of domains", reason);
  }
  return sdk::Say(reason, SVIRT_OK, "FLASK is active: domains run as %s; its policy has %s%s",
                  label.c_str(), Describe(space.by),
                  enforcing ? ""
                            : "; but it is permissive: denials are logged and nothing is held "
                              "back until xl setenforce 1");
}

svirt_status GetModel(XenApi *api, const char *virt_type, svirt_model *model, svirt_error *error) {
  model->flags = SVIRT_MODEL_OBJECT;
  bool enforcing = false, has_mls = false;
  int errnum = api->Enforcing(&enforcing);
  if (errnum == 0) {
    errnum = api->PolicyVersion(&model->policy_version);
  }
  if (errnum == 0) {
    errnum = api->HasMls(&has_mls);
  }
  std::string base_label;
  if (errnum == 0 && virt_type != nullptr && IsXen(virt_type)) {
    Context base;
    errnum = FindBaseLabel(api, virt_type, &base);
    base_label = errnum == 0 ? sdk::FormatContext(base) : "";
    errnum = errnum == EINVAL ? 0 : errnum;
  }
  if (errnum != 0) {
    return CallFailed(errnum, "ask FLASK for its state", error);
  }
  model->enforcing = enforcing ? 1 : 0;
  sdk::CopyText(model->model, "flask");
  sdk::CopyText(model->policy_type, has_mls ? "mls" : "");
  if (!sdk::CopyText(model->base_label, base_label)) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0, "the base label is longer than a label may be");
  }
  return SVIRT_OK;
}

}  // namespace svirt::flask
