/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels disks by an extended attribute, and does not come back from labelling FILE for as long as
 * there is a FILE.hang. It confines no process. */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base.h"

static const char kAttribute[] = "user.svirt-hang-set";

static svirt_status answer(struct svirt_buf *buf, const char *text) {
  buf->used = (uint32_t)strlen(text) + 1;
  if (buf->used > buf->size) {
    return SVIRT_E_RANGE;
  }
  memcpy(buf->data, text, buf->used);
  return SVIRT_OK;
}

static svirt_status hang_get_model(struct svirt_instance *instance, const char *virt_type,
                                   struct svirt_model *model,
                                   struct svirt_error *error) SVIRT_NOEXCEPT {
  zoo_get_model(instance, virt_type, model, error);
  model->flags |= SVIRT_MODEL_UNVERIFIABLE;
  return SVIRT_OK;
}

static svirt_status hang_generate(struct svirt_instance *instance,
                                  const struct svirt_domain *domain, uint64_t index,
                                  struct svirt_buf *label, struct svirt_buf *image_label,
                                  struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)instance;
  (void)index;
  (void)error;
  answer(image_label, domain->uuid);
  return answer(label, domain->uuid);
}

static svirt_status hang_verify(struct svirt_instance *instance, const struct svirt_domain *domain,
                                struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)instance;
  (void)domain;
  (void)error;
  return SVIRT_OK;
}

static svirt_status hang_set_domain(struct svirt_instance *instance,
                                    const struct svirt_domain *domain, const char *label,
                                    struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)label;
  return hang_verify(instance, domain, error);
}

static svirt_status hang_prepare_exec(struct svirt_instance *instance,
                                      const struct svirt_domain *domain, const char *label,
                                      struct svirt_exec *exec,
                                      struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)label;
  exec->op_count = 0;
  return hang_verify(instance, domain, error);
}

static svirt_status hang_plan(struct svirt_instance *instance, const struct svirt_domain *domain,
                              const struct svirt_resource *resource,
                              struct svirt_resource_plan *plan,
                              struct svirt_error *error) SVIRT_NOEXCEPT {
  (void)instance;
  (void)error;
  if (resource->kind != SVIRT_RES_DISK) {
    return SVIRT_OK;
  }
  plan->action = SVIRT_PLAN_SET;
  plan->flags = SVIRT_PLAN_EXCLUSIVE;
  return answer(&plan->label, domain->uuid);
}

static void path_of(const struct svirt_resource *resource, char path[64]) {
  snprintf(path, 64, "/proc/self/fd/%d", resource->fd);
}

static svirt_status hang_get_resource(struct svirt_instance *instance,
                                      const struct svirt_resource *resource,
                                      struct svirt_buf *label,
                                      struct svirt_error *error) SVIRT_NOEXCEPT {
  char path[64];
  char value[64] = "";
  (void)instance;
  path_of(resource, path);
  if (getxattr(path, kAttribute, value, sizeof value - 1) < 0) {
    error->sys_errno = errno;
    return errno == ENODATA ? SVIRT_E_NODATA : SVIRT_E_SYSTEM;
  }
  return answer(label, value);
}

static svirt_status hang_set_resource(struct svirt_instance *instance,
                                      const struct svirt_resource *resource, const char *label,
                                      struct svirt_error *error) SVIRT_NOEXCEPT {
  char path[64];
  char hang[4096 + sizeof ".hang"];
  (void)instance;
  snprintf(hang, sizeof hang, "%s.hang", resource->path);
  while (access(hang, F_OK) == 0) {
    usleep(10000);
  }
  path_of(resource, path);
  if (label == NULL ? removexattr(path, kAttribute) != 0 && errno != ENODATA
                    : setxattr(path, kAttribute, label, strlen(label), 0) != 0) {
    error->sys_errno = errno;
    return SVIRT_E_SYSTEM;
  }
  return SVIRT_OK;
}

static const struct svirt_plugin hang_table = {
    sizeof(struct svirt_plugin),
    SVIRT_ABI_MAJOR,
    SVIRT_ABI_MINOR,
    0,
    SVIRT_THREADS_PARALLEL,
    0,
    ZOO_MODEL,
    "1",
    "svirt tests",
    zoo_probe,
    zoo_init,
    zoo_fini,
    hang_get_model,
    zoo_label_space,
    hang_generate,
    hang_verify,
    zoo_get_label,
    hang_set_domain,
    hang_prepare_exec,
    hang_plan,
    hang_get_resource,
    hang_set_resource,
    zoo_extension,
};

SVIRT_PLUGIN_DEFINE(hang_table, ZOO_MODEL, "1", 0, 900);
