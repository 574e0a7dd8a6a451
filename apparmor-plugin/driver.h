// SPDX-License-Identifier: LGPL-2.1-or-later
// The AppArmor model as the SDK's Driver: a host's calls turned into work on profiles.
#pragma once

#include <svirt/sdk_driver.h>

#include <memory>
#include <string>

#include "apparmor_api.h"
#include "policy_maker.h"

namespace svirt::apparmor {

inline constexpr char kModel[] = "apparmor";

// Probe for domains of virt_type (NULL: any): a trial profile is loaded and removed.
svirt_status ProbeDriver(AppArmorApi *api, const Settings &settings, const char *virt_type,
                         svirt_error *reason);

// The model on one kernel.
class Driver : public sdk::Driver {
 public:
  Driver(std::unique_ptr<AppArmorApi> api, Settings settings)
      : api_(std::move(api)), maker_(std::move(settings)) {}

  svirt_status GetModel(const char *virt_type, svirt_model *model,
                        svirt_error *error) const override;
  svirt_status LabelSpace(const svirt_domain &domain, const char *label,
                          std::vector<svirt_index_run> *runs, svirt_error *error) const override;
  svirt_status GenerateLabel(const svirt_domain &domain, uint64_t index, sdk::DomainLabels *labels,
                             svirt_error *error) const override;
  svirt_status VerifyLabel(const svirt_domain &domain, svirt_error *error) const override;
  svirt_status GetLabel(const svirt_domain &domain, sdk::LabelState *state,
                        svirt_error *error) const override;
  svirt_status SetLabel(const svirt_domain &domain, const char *label,
                        svirt_error *error) const override;
  svirt_status PrepareExec(const svirt_domain &domain, const char *label, svirt_exec *exec,
                           svirt_error *error) const override;
  svirt_status PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                         sdk::ResourcePlan *plan, svirt_error *error) const override;

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
