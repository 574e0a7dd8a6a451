/* SPDX-License-Identifier: MIT */
/*
 * svirt/ext/draft/object_entry.h - an entry of a domain's own on an object that
 * it shares with others, such as a line of an access control list.
 *
 * A label in the sense of resource_set_label is one per object: the last one
 * wins, and two domains that need different ones cannot use the object at the
 * same time. Entries stand beside each other: each domain has its own, and the
 * end of one domain leaves those of the others alone.
 *
 * An extension of the plugin. DRAFT: may change.
 */
#ifndef SVIRT_EXT_DRAFT_OBJECT_ENTRY_H
#define SVIRT_EXT_DRAFT_OBJECT_ENTRY_H

#include <svirt/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVIRT_EXT_OBJECT_ENTRY "svirt.object-entry/1"

/* The text of an entry is the model's own, opaque to the host, within the limits
 * of a label. It names its subject (whom it is for) and what the subject may do.
 * The host remembers the entry that the subject had before, and serialises get,
 * set and remove against those of every other process that works on the same
 * state directory, so that an implementation may read, change and write.
 * The object is always the one behind resource->fd. */
struct svirt_object_entry {
  uint32_t struct_size;
  uint32_t reserved;

  /* [instance] [blocking] [read-only] The entry that the object needs so that the
   * domain can use it as resource->access says. Asked only if
   * resource_plan_label has answered SVIRT_PLAN_NONE. Looks at the object. The
   * same answer whether the subject has the entry already or not.
   * SVIRT_E_NODATA: none is needed, or none is this model's business.
   * SVIRT_E_NOTSUP: one is needed, and the object cannot have one.
   * SVIRT_E_DENIED: set would refuse it, or the domain could not get at the object
   * in spite of it. With both the sentence says how to let the domain in all the
   * same. */
  svirt_status (*plan)(struct svirt_instance *instance, const struct svirt_domain *domain, const struct svirt_resource *resource, struct svirt_buf *entry, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [blocking] [read-only] The entry that the subject of this entry has
   * on the object now, in the form of plan. SVIRT_E_NODATA: it has none. */
  svirt_status (*get)(struct svirt_instance *instance, const struct svirt_resource *resource, const char *entry, struct svirt_buf *present, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [blocking] Gives the subject of the entry this one, in place of
   * what it had. Nobody else's access changes. Idempotent. SVIRT_E_DENIED: that,
   * or a remove without a trace, cannot be had; the object is as it was. */
  svirt_status (*set)(struct svirt_instance *instance, const struct svirt_resource *resource, const char *entry, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [blocking] Takes from the object what the subject of the entry has
   * on it. The object is then as if set had never been called, in whatever order
   * the entries of several subjects were set and removed. Idempotent. */
  svirt_status (*remove)(struct svirt_instance *instance, const struct svirt_resource *resource, const char *entry, struct svirt_error *error) SVIRT_NOEXCEPT;
};

#ifdef __cplusplus
}
#endif

#endif /* SVIRT_EXT_DRAFT_OBJECT_ENTRY_H */
