// SPDX-License-Identifier: LGPL-2.1-or-later
// The Landlock model as the SDK's Driver: a host's calls turned into rulesets and labels.
#pragma once

#include <svirt/sdk_driver.h>

#include "kernel_features.h"

namespace svirt::landlock {

inline constexpr char kModel[] = "landlock";

// Probe for domains of virt_type (NULL: any) on the given kernel.
svirt_status ProbeDriver(const KernelCalls &kernel, const char *virt_type, svirt_error *reason);

// The rules that the domain would be given, as text.
svirt_status DescribeDomain(const KernelCalls &kernel, const svirt_domain &domain, svirt_buf *text,
                            svirt_error *error);

// The model on one kernel.
class Driver : public sdk::Driver {
 public:
  Driver(KernelCalls kernel, const Features &features)
      : kernel_(std::move(kernel)), features_(features) {}

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
  KernelCalls kernel_;
  Features features_;
};

}  // namespace svirt::landlock
