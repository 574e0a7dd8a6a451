/* SPDX-License-Identifier: MIT */
/*
 * svirt/ext/draft/build_label.h - the label that a domain is built with.
 *
 * An extension of the plugin, for hypervisors that build a domain before it runs.
 * DRAFT: may change.
 */
#ifndef SVIRT_EXT_DRAFT_BUILD_LABEL_H
#define SVIRT_EXT_DRAFT_BUILD_LABEL_H

#include <svirt/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVIRT_EXT_BUILD_LABEL "svirt.build-label/1"

struct svirt_build_label {
  uint32_t struct_size;
  uint32_t reserved;

  /* [instance] [blocking] [read-only] The label under which a domain that shall
   * run with label is created; the same one if the policy has none of its own for
   * that. When it is built, domain_set_label with domain->id moves it to label. */
  svirt_status (*get)(struct svirt_instance *instance, const char *label, struct svirt_buf *build_label, struct svirt_error *error) SVIRT_NOEXCEPT;
};

#ifdef __cplusplus
}
#endif

#endif /* SVIRT_EXT_DRAFT_BUILD_LABEL_H */
