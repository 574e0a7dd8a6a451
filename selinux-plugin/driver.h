// SPDX-License-Identifier: LGPL-2.1-or-later
// The SELinux model as the SDK's Driver: a host's calls turned into contexts and questions to the
// policy.
#pragma once

#include <svirt/sdk_driver.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exec_check.h"
#include "labels.h"
#include "probe.h"
#include "resource_label.h"
#include "resource_plan.h"
#include "selinux_api.h"

namespace svirt::selinux {

// The model: each of its answers is that of the part which does the work. Nothing is kept between
// calls, so they may come from any thread.
class Driver : public sdk::Driver {
 public:
  Driver(const svirt_host *host, std::unique_ptr<SelinuxApi> api)
      : host_(host), api_(std::move(api)) {}

  svirt_status GetModel(const char *virt_type, svirt_model *model,
                        svirt_error *error) const override {
    return selinux::GetModel(api_.get(), virt_type, model, error);
  }

  svirt_status LabelSpace(const svirt_domain &domain, const char *label,
                          std::vector<svirt_index_run> *runs, svirt_error *error) const override {
    return label == nullptr ? AvailablePairs(api_.get(), domain, runs, error)
                            : ClaimedPairs(api_.get(), domain, label, runs, error);
  }

  svirt_status GenerateLabel(const svirt_domain &domain, uint64_t index, DomainLabels *labels,
                             svirt_error *error) const override {
    return GenerateLabels(api_.get(), domain, index, labels, error);
  }

  svirt_status VerifyLabel(const svirt_domain &domain, svirt_error *error) const override {
    return VerifyDomain(api_.get(), domain, error);
  }

  svirt_status GetLabel(const svirt_domain &domain, sdk::LabelState *state,
                        svirt_error *error) const override {
    return GetProcessLabel(api_.get(), domain, &state->label, &state->enforcing, error);
  }

  svirt_status PrepareExec(const svirt_domain &domain, const char *label, svirt_exec *exec,
                           svirt_error *error) const override {
    return selinux::PrepareExec(api_.get(), host_, domain, label != nullptr ? label : "", exec,
                                error);
  }

  svirt_status PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                         sdk::ResourcePlan *plan, svirt_error *error) const override {
    return selinux::PlanLabel(api_.get(), domain, resource, plan, error);
  }

  svirt_status GetResourceLabel(const svirt_resource &resource, std::string *label,
                                svirt_error *error) const override {
    return selinux::GetResourceLabel(api_.get(), resource, label, error);
  }

  svirt_status SetResourceLabel(const svirt_resource &resource, const char *label,
                                svirt_error *error) const override {
    return selinux::SetResourceLabel(
        api_.get(), resource, label != nullptr ? std::optional<std::string>(label) : std::nullopt,
        error);
  }

 private:
  const svirt_host *host_;
  std::unique_ptr<SelinuxApi> api_;
};

}  // namespace svirt::selinux
