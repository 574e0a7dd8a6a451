// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the system for AppArmor, then loads and removes a trial profile.
#include <svirt/sdk.h>
#include <unistd.h>

#include <cstring>

#include "driver.h"
#include "policy/shared_policy.h"

namespace svirt::apparmor {

namespace {

using sdk::Fail;

svirt_status NotEnabled(int errnum, svirt_error *reason) {
  switch (errnum) {
    case ENOSYS:
      return Fail(reason, SVIRT_INACTIVE, errnum, "AppArmor is not built into this kernel");
    case ECANCELED:
      return Fail(reason, SVIRT_INACTIVE, errnum,
                  "AppArmor was disabled when this kernel was booted: boot with lsm=...,apparmor "
                  "(or security=apparmor apparmor=1)");
    case ENOENT:
      return Fail(reason, SVIRT_INACTIVE, errnum,
                  "AppArmor is enabled, but its interface is not there: mount securityfs on "
                  "/sys/kernel/security");
    case EBUSY:
      return Fail(reason, SVIRT_INACTIVE, errnum,
                  "AppArmor is enabled, but its policy belongs to the host outside this container");
    case EACCES:
    case EPERM:
      return Fail(reason, SVIRT_INACTIVE, errnum,
                  "AppArmor is enabled, but this process may not see its policy");
    default:
      return Fail(reason, SVIRT_E_SYSTEM, errnum, "cannot tell whether AppArmor is enabled: %s",
                  std::strerror(errnum));
  }
}

// One real operation of the model: the shared policy as a profile that nothing ever runs under.
svirt_status TryProfile(AppArmorApi *api, svirt_error *reason) {
  const auto shared = PolicyImage::Parse(SharedImage());
  if (!shared) {
    return Fail(reason, SVIRT_E_INTERNAL, 0, "the plugin's own policy is damaged");
  }
  // Several processes may probe at once, in several pid namespaces.
  const std::string name = "svirt-probe-" + std::to_string(::getpid());
  int errnum = api->Load(shared->Make(name, Mode::kEnforce, shared->files()));
  if (errnum == EACCES || errnum == EPERM || errnum == EROFS) {
    return Fail(reason, SVIRT_INACTIVE, errnum,
                "AppArmor is enabled, but this process may not load profiles: that takes root with "
                "CAP_MAC_ADMIN, outside containers and not confined itself");
  }
  if (errnum == ENOENT) {
    return NotEnabled(errnum, reason);
  }
  if (errnum != 0) {
    return Fail(reason, SVIRT_E_SYSTEM, errnum,
                "AppArmor is enabled, but the kernel does not take a trial profile: %s",
                std::strerror(errnum));
  }
  errnum = api->Remove(name);
  if (errnum != 0 && errnum != ENOENT) {
    return Fail(reason, SVIRT_E_SYSTEM, errnum,
                "AppArmor took the trial profile %s, but does not let it be removed: %s",
                name.c_str(), std::strerror(errnum));
  }
  return SVIRT_OK;
}

}  // namespace

svirt_status ProbeDriver(AppArmorApi *api, const Settings &settings, const char *virt_type,
                         svirt_error *reason) {
  if (virt_type != nullptr && std::strcmp(virt_type, "xen") == 0) {
    return Fail(reason, SVIRT_INACTIVE, 0,
                "AppArmor confines processes, and a Xen domain is none: use a model that Xen "
                "enforces");
  }
  if (const int errnum = api->Enabled(); errnum != 0) {
    return NotEnabled(errnum, reason);
  }
  if (const svirt_status status = TryProfile(api, reason); status != SVIRT_OK) {
    return status;
  }
  std::string label, mode;
  const bool confined = api->ProcessLabel(::getpid(), &label, &mode) == 0 &&
                        label.substr(0, label.find("//&")) != "unconfined";
  return sdk::Say(reason, SVIRT_OK, "AppArmor is enabled and takes profiles%s%s%s%s",
                  confined ? "; this process runs under " : "", confined ? label.c_str() : "",
                  confined ? " itself, which must allow it to change to those of its domains" : "",
                  settings.parser.empty()
                      ? "; apparmor_parser is not installed, so no domain can have rules of its own"
                      : "");
}

}  // namespace svirt::apparmor
