/* SPDX-License-Identifier: MIT */
/*
 * svirt/ext/describe.h - a plugin's policy for a domain as text, for people.
 *
 * An extension of the plugin. It needs no instance, so that what a domain would
 * get can be read where the model is not active, and by who may not start it.
 */
#ifndef SVIRT_EXT_DESCRIBE_H
#define SVIRT_EXT_DESCRIBE_H

#include <svirt/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVIRT_EXT_DESCRIBE "svirt.describe/1"

/* Since 1.0. */
struct svirt_describe {
  uint32_t struct_size;
  uint32_t reserved;

  /* [instance, without one: any thread] [blocking] [read-only] The policy that
   * the domain would be given, in the model's own language and with a newline at
   * its end. The text may be long: SVIRT_E_RANGE tells how long.
   * SVIRT_E_NODATA: under this seclabel the model makes no policy for it. */
  svirt_status (*describe)(const struct svirt_host *host, const struct svirt_domain *domain, struct svirt_buf *text, struct svirt_error *error) SVIRT_NOEXCEPT;
};

#ifdef __cplusplus
}
#endif

#endif /* SVIRT_EXT_DESCRIBE_H */
