// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <svirt/plugin.h>

#include "kernel_features.h"

namespace svirt::landlock {

inline constexpr char kModel[] = "landlock";

// Probe for domains of virt_type (NULL: any) on the given kernel.
svirt_status ProbeDriver(const KernelCalls &kernel, const char *virt_type, svirt_error *reason);

// The model on one kernel, behind the slots of the plugin's table; the slots' contracts are those
// of plugin.h. Immutable, so every function may be called from any thread.
class Driver {
 public:
  Driver(KernelCalls kernel, const Features &features)
      : kernel_(std::move(kernel)), features_(features) {}

  svirt_status GetModel(svirt_model *model) const;
  static svirt_status LabelSpace(svirt_index_set *set);
  svirt_status GenerateLabel(const svirt_domain &domain, svirt_buf *label, svirt_buf *image_label,
                             svirt_error *error) const;
  static svirt_status VerifyLabel(const svirt_domain &domain, svirt_error *error);
  static svirt_status SetLabel(const svirt_domain &domain, const char *label, svirt_error *error);
  svirt_status PrepareExec(const svirt_domain &domain, const char *label, svirt_exec *exec,
                           svirt_error *error) const;
  svirt_status PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                         svirt_resource_plan *plan, svirt_error *error) const;

 private:
  KernelCalls kernel_;
  Features features_;
};

}  // namespace svirt::landlock
