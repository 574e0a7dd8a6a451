// SPDX-License-Identifier: LGPL-2.1-or-later
// Moves a domain to its label, reads it back, and words the rule that is missing.
#include "domain_label.h"

#include <svirt/sdk.h>

#include <cerrno>

#include "flask_classes.h"

namespace svirt::flask {
namespace {

constexpr uint32_t kControlDomain = 0;

std::string NameOf(const svirt_domain &domain) {
  return "domain " + std::to_string(domain.id);
}

svirt_status ReadDomain(XenApi *api, const svirt_domain &domain, std::string *label,
                        svirt_error *error) {
  uint32_t sid = 0;
  int errnum = api->DomainSid(static_cast<uint32_t>(domain.id), &sid);
  if (errnum == ESRCH) {
    return sdk::Fail(error, SVIRT_E_GONE, errnum, "the hypervisor has no %s (any more)",
                     NameOf(domain).c_str());
  }
  if (errnum == 0) {
    errnum = ReadContext(api, sid, label);
  }
  return errnum == 0 ? SVIRT_OK : CallFailed(errnum, "read the label of " + NameOf(domain), error);
}

// The rule that would let the domain be moved, for a message.
std::string MissingRule(XenApi *api, const std::string &from, const std::string &to) {
  uint32_t sid = 0, allowed = 0;
  std::string own;
  if (api->DomainSid(kControlDomain, &sid) != 0 || ReadContext(api, sid, &own) != 0) {
    return "";
  }
  const struct {
    const std::string &source, &target;
    uint16_t security_class;
    uint32_t permission;
    const char *rule;
  } kSteps[] = {{own, from, kClassDomain2, kDomain2RelabelFrom, "domain2 relabelfrom"},
                {own, to, kClassDomain2, kDomain2RelabelTo, "domain2 relabelto"},
                {from, to, kClassDomain, kDomainTransition, "domain transition"}};
  for (const auto &step : kSteps) {
    if (api->Access(step.source, step.target, step.security_class, step.permission, &allowed) ==
            0 &&
        (allowed & step.permission) == 0) {
      return std::string(": the policy lacks ") + step.rule + " of " + step.source + " to " +
             step.target;
    }
  }
  return "";
}

}  // namespace

svirt_status GetDomainLabel(XenApi *api, const svirt_domain &domain, std::string *label,
                            bool *enforcing, svirt_error *error) {
  if (domain.id < 0) {
    return sdk::Fail(error, SVIRT_E_GONE, 0, "the domain has no number: it does not run");
  }
  const svirt_status status = ReadDomain(api, domain, label, error);
  if (status != SVIRT_OK) {
    return status;
  }
  if (const int errnum = api->Enforcing(enforcing); errnum != 0) {
    return CallFailed(errnum, "ask whether FLASK enforces", error);
  }
  return SVIRT_OK;
}

svirt_status SetDomainLabel(XenApi *api, const svirt_domain &domain, const char *label,
                            svirt_error *error) {
  Context context;
  svirt_status status = CheckLabel(api, label, "the label", &context, error);
  if (status != SVIRT_OK || domain.id < 0) {
    return status;
  }
  std::string before, after;
  status = ReadDomain(api, domain, &before, error);
  if (status != SVIRT_OK || before == label) {
    return status;
  }
  uint32_t sid = 0;
  int errnum = FindSid(api, label, &sid);
  if (errnum == 0) {
    errnum = api->RelabelDomain(static_cast<uint32_t>(domain.id), sid);
  }
  if (errnum != 0) {
    const bool denied = errnum == EACCES || errnum == EPERM;
    return CallFailed(errnum,
                      "move " + NameOf(domain) + " from the label '" + before + "' to '" + label +
                          "'" + (denied ? MissingRule(api, before, label) : ""),
                      error);
  }
  status = ReadDomain(api, domain, &after, error);
  if (status == SVIRT_OK && after != label) {
    return sdk::Fail(error, SVIRT_E_DENIED, 0,
                     "%s has the label '%s' after it was moved to '%s': was another policy loaded "
                     "meanwhile? It must not run",
                     NameOf(domain).c_str(), after.c_str(), label);
  }
  return status;
}

svirt_status CheckCreate(XenApi *api, const char *label, svirt_error *error) {
  Context context;
  const svirt_status status = CheckLabel(api, label, "the label", &context, error);
  if (status != SVIRT_OK || !api->GetMachine().is_control) {
    return status;
  }
  uint32_t sid = 0, allowed = 0;
  std::string own;
  int errnum = api->DomainSid(kControlDomain, &sid);
  if (errnum == 0) {
    errnum = ReadContext(api, sid, &own);
  }
  if (errnum == 0) {
    errnum = api->Access(own, label, kClassDomain, kDomainCreate, &allowed);
  }
  bool enforcing = true;
  if (errnum == 0) {
    errnum = api->Enforcing(&enforcing);
  }
  if (errnum != 0) {
    return CallFailed(errnum, "ask whether a domain may be made with the label", error);
  }
  if ((allowed & kDomainCreate) == 0 && enforcing) {
    return sdk::Fail(error, SVIRT_E_DENIED, 0,
                     "the policy lets nobody labelled %s make a domain labelled %s: it lacks allow "
                     "... domain create",
                     own.c_str(), label);
  }
  return SVIRT_OK;
}

}  // namespace svirt::flask
