// SPDX-License-Identifier: LGPL-2.1-or-later
// The DAC model as the SDK's Driver: a host's calls turned into work on owners and entries.
#pragma once

#include <svirt/sdk_driver.h>

#include "id_map.h"
#include "identity.h"
#include "settings.h"

namespace svirt::dac {

inline constexpr char kModel[] = "dac";

// The model with one range of ids, as far as the user namespace has them.
class Driver : public sdk::Driver {
 public:
  Driver(const svirt_host *host, const IdRange &range, IdMap map)
      : host_(host), range_(range), map_(std::move(map)), ids_(map_.Within(range)) {}

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
  svirt_status GetResourceLabel(const svirt_resource &resource, std::string *label,
                                svirt_error *error) const override;
  svirt_status SetResourceLabel(const svirt_resource &resource, const char *label,
                                svirt_error *error) const override;
  svirt_status PlanEntry(const svirt_domain &domain, const svirt_resource &resource,
                         std::string *entry, svirt_error *error) const override;
  svirt_status GetEntry(const svirt_resource &resource, const char *entry, std::string *present,
                        svirt_error *error) const override;
  svirt_status SetEntry(const svirt_resource &resource, const char *entry,
                        svirt_error *error) const override;
  svirt_status RemoveEntry(const svirt_resource &resource, const char *entry,
                           svirt_error *error) const override;

 private:
  svirt_status ParseLabel(const char *label, Identity *identity, svirt_error *error) const;
  void WarnOfOpenObjects(const svirt_domain &domain) const;

  const svirt_host *host_;
  IdRange range_;  // as configured: whoever has one of these is a domain
  IdMap map_;
  std::vector<IdRange> ids_;  // that domains get here
};

}  // namespace svirt::dac
