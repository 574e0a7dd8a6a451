/* SPDX-License-Identifier: MIT */
/*
 * svirt/ext/config.h - what the host's configuration says to a plugin.
 *
 * An extension of the host, see svirt_host.get_extension.
 */
#ifndef SVIRT_EXT_CONFIG_H
#define SVIRT_EXT_CONFIG_H

#include <svirt/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVIRT_EXT_CONFIG "svirt.config/1"

struct svirt_config {
  uint32_t struct_size;
  uint32_t reserved;

  /* [any thread] The value of key in [model NAME] of svirt.conf, NAME being the
   * plugin's model; NULL if it is not set. Lives as long as the host struct. */
  const char *(*get)(const struct svirt_host *host, const char *key) SVIRT_NOEXCEPT;
};

#ifdef __cplusplus
}
#endif

#endif /* SVIRT_EXT_CONFIG_H */
