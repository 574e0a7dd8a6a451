// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <svirt/plugin.h>

#include <memory>
#include <string>

#include "apparmor_api.h"
#include "policy_maker.h"

namespace svirt::apparmor {

inline constexpr char kModel[] = "apparmor";

// Probe for domains of virt_type (NULL: any): a trial profile is loaded and removed.
svirt_status ProbeDriver(AppArmorApi *api, const Settings &settings, const char *virt_type,
                         svirt_error *reason);

// The model behind the slots of the plugin's table; the slots' contracts are those of plugin.h.
// Immutable, so every function may be called from any thread.
class Driver {
 public:
  Driver(std::unique_ptr<AppArmorApi> api, Settings settings)
      : api_(std::move(api)), maker_(std::move(settings)) {}

  static svirt_status GetModel(svirt_model *model);
  static svirt_status LabelSpace(svirt_index_set *set);
  svirt_status GenerateLabel(const svirt_domain &domain, svirt_buf *label, svirt_buf *image_label,
                             svirt_error *error) const;
  svirt_status VerifyLabel(const svirt_domain &domain, svirt_error *error) const;
  svirt_status GetLabel(const svirt_domain &domain, svirt_label_state *state,
                        svirt_error *error) const;
  svirt_status SetLabel(const svirt_domain &domain, const char *label, svirt_error *error) const;
  svirt_status PrepareExec(const svirt_domain &domain, const char *label, svirt_exec *exec,
                           svirt_error *error) const;
  static svirt_status PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                                svirt_resource_plan *plan, svirt_error *error);

 private:
  svirt_status CheckLoaded(const std::string &label, svirt_error *error) const;
  svirt_status Withdraw(const svirt_domain &domain, svirt_error *error) const;
  svirt_status Remove(const std::string &name, svirt_error *error) const;

  std::unique_ptr<AppArmorApi> api_;
  PolicyMaker maker_;
};

// The domain's profile as text. Needs neither privilege nor a kernel with AppArmor.
svirt_status DescribeDomain(const Settings &settings, const svirt_domain &domain, svirt_buf *text,
                            svirt_error *error);

}  // namespace svirt::apparmor
