/* SPDX-License-Identifier: MIT */
/*
 * svirt/ext/draft/access.h - what the policy lets two labels do.
 *
 * An extension of the plugin. DRAFT: may change.
 */
#ifndef SVIRT_EXT_DRAFT_ACCESS_H
#define SVIRT_EXT_DRAFT_ACCESS_H

#include <svirt/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVIRT_EXT_ACCESS "svirt.access/1"

/* What a domain labelled source may do with one labelled target. */
#define SVIRT_MAY_READ_MEMORY 0x1u  /* read pages that target shares with it       */
#define SVIRT_MAY_WRITE_MEMORY 0x2u /* write them                                  */
#define SVIRT_MAY_COPY_MEMORY 0x4u  /* have the hypervisor copy to or from them    */
#define SVIRT_MAY_NOTIFY 0x8u       /* connect a channel for events, both ways     */

struct svirt_access {
  uint32_t struct_size;
  uint32_t reserved;

  /* [instance] [blocking] [read-only] All of SVIRT_MAY_* that the loaded policy
   * allows, whether it is enforced or not. SVIRT_E_INVALID: it has no such label. */
  svirt_status (*ask)(struct svirt_instance *instance, const char *source, const char *target, uint32_t *may, struct svirt_error *error) SVIRT_NOEXCEPT;
};

#ifdef __cplusplus
}
#endif

#endif /* SVIRT_EXT_DRAFT_ACCESS_H */
