/* SPDX-License-Identifier: MIT */
/*
 * svirt/ext/draft/config_keys.h - which settings a plugin understands.
 *
 * A misspelt key must not go unnoticed: with this extension the host refuses a
 * configuration whose [model NAME] has another key, or a value of another type.
 * Without it the host passes everything on, as svirt/ext/config.h says.
 *
 * An extension of the plugin. It needs no instance. DRAFT: may change.
 */
#ifndef SVIRT_EXT_DRAFT_CONFIG_KEYS_H
#define SVIRT_EXT_DRAFT_CONFIG_KEYS_H

#include <svirt/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVIRT_EXT_CONFIG_KEYS "svirt.config-keys/1"

/* What the host checks of a value; the plugin checks the rest. */
#define SVIRT_CONFIG_TEXT 0u   /* nothing                                     */
#define SVIRT_CONFIG_NUMBER 1u /* decimal, from 0 to UINT64_MAX               */
#define SVIRT_CONFIG_BOOL 2u   /* "yes" or "no"                               */
#define SVIRT_CONFIG_PATH 3u   /* absolute                                    */

struct svirt_config_key {
  const char *name;          /* [a-z][a-z0-9_]*, at most 63 bytes             */
  const char *default_value; /* without the key; NULL: none                   */
  const char *help;          /* a sentence for people, without a newline      */
  uint32_t type;             /* SVIRT_CONFIG_*                                */
  uint32_t reserved;         /* 0                                             */
};

struct svirt_config_keys {
  uint32_t struct_size;
  uint32_t key_size;                   /* sizeof(struct svirt_config_key)     */
  uint32_t count;                      /* 0: the plugin has no settings       */
  uint32_t reserved;                   /* 0                                   */
  const struct svirt_config_key *keys; /* count of them; as long as the table */
};

#ifdef __cplusplus
}
#endif

#endif /* SVIRT_EXT_DRAFT_CONFIG_KEYS_H */
