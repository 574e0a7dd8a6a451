// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <svirt/plugin.h>

#include "identity.h"
#include "settings.h"

namespace svirt::dac {

inline constexpr char kModel[] = "dac";

// The model with one range of ids, behind the slots of the plugin's table; the slots' contracts are
// those of plugin.h. Immutable, so every function may be called from any thread.
class Driver {
 public:
  Driver(const svirt_host *host, const IdRange &range) : host_(host), range_(range) {}

  static svirt_status GetModel(svirt_model *model);
  svirt_status LabelSpace(const svirt_domain &domain, const char *label, svirt_index_set *set,
                          svirt_error *error) const;
  svirt_status GenerateLabel(const svirt_domain &domain, uint64_t index, svirt_buf *label,
                             svirt_buf *image_label, svirt_error *error) const;
  static svirt_status VerifyLabel(const svirt_domain &domain, svirt_error *error);
  static svirt_status GetLabel(const svirt_domain &domain, svirt_label_state *state,
                               svirt_error *error);
  static svirt_status SetLabel(const svirt_domain &domain, const char *label, svirt_error *error);
  svirt_status PrepareExec(const svirt_domain &domain, const char *label, svirt_exec *exec,
                           svirt_error *error) const;
  static svirt_status PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                                svirt_resource_plan *plan, svirt_error *error);
  static svirt_status GetResourceLabel(const svirt_resource &resource, svirt_buf *label,
                                       svirt_error *error);
  svirt_status SetResourceLabel(const svirt_resource &resource, const char *label,
                                svirt_error *error) const;

 private:
  svirt_status CheckResources(const svirt_domain &domain, const Identity &identity,
                              svirt_error *error) const;

  const svirt_host *host_;
  IdRange range_;
};

}  // namespace svirt::dac
