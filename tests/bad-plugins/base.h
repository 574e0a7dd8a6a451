/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the plugins of the zoo do right. Each file defines, before it includes this, the one thing
 * that it does wrong; CMake defines ZOO_MODEL after the name of the file. */
#ifndef ZOO_BASE_H
#define ZOO_BASE_H

#include <stdio.h>
#include <svirt/plugin.h>

#ifndef ZOO_TABLE_MODEL
#define ZOO_TABLE_MODEL ZOO_MODEL
#endif
#ifndef ZOO_TABLE_SIZE
#define ZOO_TABLE_SIZE sizeof(struct svirt_plugin)
#endif
#ifndef ZOO_ABI_MAJOR
#define ZOO_ABI_MAJOR SVIRT_ABI_MAJOR
#endif
#ifndef ZOO_MIN_HOST
#define ZOO_MIN_HOST 0
#endif
#ifndef ZOO_FLAGS
#define ZOO_FLAGS 0
#endif
#ifndef ZOO_PRIORITY
#define ZOO_PRIORITY 900
#endif
#ifndef ZOO_PROBE_STATUS
#define ZOO_PROBE_STATUS SVIRT_OK
#endif
#ifndef ZOO_PROBE_DOES
#define ZOO_PROBE_DOES
#endif
#ifndef ZOO_SET_LABEL
#define ZOO_SET_LABEL zoo_set_label
#endif

/* Defined by the plugin, as the ABI asks. */
struct svirt_instance {
  int unused;
};

static struct svirt_instance zoo_instance;

static svirt_status zoo_probe(const struct svirt_host *host, const char *virt_type,
                              struct svirt_error *reason) SVIRT_NOEXCEPT {
  (void)host;
  (void)virt_type;
  ZOO_PROBE_DOES;
  snprintf(reason->message, sizeof reason->message, "zoo says %d", ZOO_PROBE_STATUS);
  return ZOO_PROBE_STATUS;
}

static svirt_status zoo_init(const struct svirt_host *host, struct svirt_instance **instance,
                             struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)host;
  (void)error;
  *instance = &zoo_instance;
  return SVIRT_OK;
}

static void zoo_fini(struct svirt_instance *instance) SVIRT_NOEXCEPT {
  (void)instance;
}

static svirt_status zoo_get_model(struct svirt_instance *instance, const char *virt_type,
                                  struct svirt_model *model,
                                  struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)instance;
  (void)virt_type;
  (void)error;
  model->flags = SVIRT_MODEL_OBJECT;
  model->enforcing = 1;
  snprintf(model->model, sizeof model->model, "%s", ZOO_TABLE_MODEL);
  return SVIRT_OK;
}

static svirt_status zoo_label_space(struct svirt_instance *instance,
                                    const struct svirt_domain *domain, const char *label,
                                    struct svirt_index_set *set,
                                    struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)instance;
  (void)domain;
  (void)label;
  (void)error;
  set->run_count = 0;
  return SVIRT_OK;
}

static svirt_status zoo_generate(struct svirt_instance *instance, const struct svirt_domain *domain,
                                 uint64_t index, struct svirt_buf *label,
                                 struct svirt_buf *image_label,
                                 struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)instance;
  (void)domain;
  (void)index;
  (void)label;
  (void)image_label;
  (void)error;
  return SVIRT_E_NOTSUP;
}

static svirt_status zoo_domain(struct svirt_instance *instance, const struct svirt_domain *domain,
                               struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)instance;
  (void)domain;
  (void)error;
  return SVIRT_E_NOTSUP;
}

static svirt_status zoo_get_label(struct svirt_instance *instance,
                                  const struct svirt_domain *domain,
                                  struct svirt_label_state *state,
                                  struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)state;
  return zoo_domain(instance, domain, error);
}

#ifdef __GNUC__
__attribute__((unused)) /* missing_slot leaves it out */
#endif
static svirt_status
zoo_set_label(struct svirt_instance *instance, const struct svirt_domain *domain, const char *label,
              struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)label;
  return zoo_domain(instance, domain, error);
}

static svirt_status zoo_prepare_exec(struct svirt_instance *instance,
                                     const struct svirt_domain *domain, const char *label,
                                     struct svirt_exec *exec,
                                     struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)label;
  (void)exec;
  return zoo_domain(instance, domain, error);
}

static svirt_status zoo_plan(struct svirt_instance *instance, const struct svirt_domain *domain,
                             const struct svirt_resource *resource,
                             struct svirt_resource_plan *plan,
                             struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)resource;
  (void)plan;
  return zoo_domain(instance, domain, error);
}

static svirt_status zoo_get_resource(struct svirt_instance *instance,
                                     const struct svirt_resource *resource, struct svirt_buf *label,
                                     struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)instance;
  (void)resource;
  (void)label;
  (void)error;
  return SVIRT_E_NODATA;
}

static svirt_status zoo_set_resource(struct svirt_instance *instance,
                                     const struct svirt_resource *resource, const char *label,
                                     struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)instance;
  (void)resource;
  (void)label;
  (void)error;
  return SVIRT_E_NOTSUP;
}

static const void *zoo_extension(const char *id) SVIRT_NOEXCEPT {
  (void)id;
  return NULL; /* NOLINT(modernize-use-nullptr): also C */
}

/* Some members of the zoo never hand their table out. */
#ifdef __GNUC__
__attribute__((unused))
#endif
static const struct svirt_plugin zoo_table = {
    ZOO_TABLE_SIZE,         ZOO_ABI_MAJOR,    SVIRT_ABI_MINOR,  ZOO_MIN_HOST,
    SVIRT_THREADS_PARALLEL, ZOO_FLAGS,        ZOO_TABLE_MODEL,  "1",
    "svirt tests",          zoo_probe,        zoo_init,         zoo_fini,
    zoo_get_model,          zoo_label_space,  zoo_generate,     zoo_domain,
    zoo_get_label,          ZOO_SET_LABEL,    zoo_prepare_exec, zoo_plan,
    zoo_get_resource,       zoo_set_resource, zoo_extension};

#endif /* ZOO_BASE_H */
