/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Not a plugin, but named like one: what needs_plugin needs. */
const void *zoo_peer(void);
const void *zoo_peer(void) {
  return 0;
}
