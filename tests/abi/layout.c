/* SPDX-License-Identifier: MIT */
/* Compiles only if plugin.h has the layout and the numbers that plugins have been built with. */
#include <stddef.h>
#include <svirt/plugin.h>

#ifdef __cplusplus
#define HOLDS static_assert
#else
#define HOLDS _Static_assert
#endif

#if defined(__LP64__)
#define LAYOUT_SIZE(type, size) HOLDS(sizeof(struct type) == (size), "size of " #type);
#define LAYOUT_AT(type, member, offset) \
  HOLDS(offsetof(struct type, member) == (offset), "offset of " #type "." #member);
#include "layout.h"
#endif

HOLDS(sizeof(svirt_status) == 4, "svirt_status");
HOLDS(SVIRT_OK == 0 && SVIRT_INACTIVE == 1 && SVIRT_E_INVALID == -1 && SVIRT_E_RANGE == -2 &&
          SVIRT_E_NOTSUP == -3 && SVIRT_E_DENIED == -4 && SVIRT_E_SYSTEM == -5 &&
          SVIRT_E_NODATA == -6 && SVIRT_E_GONE == -7 && SVIRT_E_INTERNAL == -8,
      "status codes are frozen");
HOLDS(SVIRT_LABEL_MAX == 4096 && SVIRT_MODEL_MAX == 256 && SVIRT_DOI_MAX == 256 &&
          SVIRT_EXEC_DATA_MAX == 4096 && SVIRT_EXEC_OPS == 4,
      "limits are frozen");
HOLDS(SVIRT_RES_OTHER == 0 && SVIRT_RES_EMULATOR == 1 && SVIRT_RES_DISK == 2 &&
          SVIRT_RES_BACKING == 3 && SVIRT_RES_KERNEL == 4 && SVIRT_RES_FIRMWARE == 5 &&
          SVIRT_RES_NVRAM == 6 && SVIRT_RES_CHARDEV == 7 && SVIRT_RES_SOCKET == 8 &&
          SVIRT_RES_HOSTDEV == 9 && SVIRT_RES_TPM == 10 && SVIRT_RES_MEMORY == 11 &&
          SVIRT_RES_INPUT == 12 && SVIRT_RES_SHARE == 13 && SVIRT_RES_RNG == 14 &&
          SVIRT_RES_NET == 15 && SVIRT_RES_RUNDIR == 16 && SVIRT_RES_LOG == 17 &&
          SVIRT_RES_HELPER_STATE == 18 && SVIRT_RES_GRAPHICS == 19,
      "resource kinds are frozen");
HOLDS(SVIRT_OBJ_ANY == 0 && SVIRT_OBJ_FILE == 1 && SVIRT_OBJ_BLOCK == 2 && SVIRT_OBJ_CHAR == 3 &&
          SVIRT_OBJ_DIR == 4 && SVIRT_OBJ_SOCKET == 5 && SVIRT_OBJ_FIFO == 6,
      "object types are frozen");
HOLDS(SVIRT_ACCESS_READ == 1u && SVIRT_ACCESS_WRITE == 2u && SVIRT_ACCESS_EXEC == 4u &&
          SVIRT_ACCESS_CREATE == 8u && SVIRT_RES_SHARED == 1u && SVIRT_RES_SUBTREE == 2u,
      "access bits and resource flags are frozen");
HOLDS(SVIRT_PLAN_NONE == 0 && SVIRT_PLAN_SET == 1 && SVIRT_PLAN_GRANT == 2 &&
          SVIRT_PLAN_EXCLUSIVE == 1u && SVIRT_PLAN_KEEP == 2u,
      "plans are frozen");
HOLDS(SVIRT_LABEL_DYNAMIC == 1 && SVIRT_LABEL_STATIC == 2 && SVIRT_LABEL_NONE == 3,
      "label types are frozen");
HOLDS(SVIRT_MODEL_OBJECT == 1u && SVIRT_MODEL_PROFILE == 2u && SVIRT_MODEL_UNVERIFIABLE == 4u &&
          SVIRT_MODEL_FIXED == 8u,
      "model flags are frozen");
HOLDS(SVIRT_EXEC_PROCATTR == 1 && SVIRT_EXEC_LANDLOCK == 2 && SVIRT_EXEC_CREDENTIALS == 3 &&
          SVIRT_EXEC_NO_NEW_PRIVS == 1u,
      "operations are frozen");
HOLDS(SVIRT_THREADS_SERIAL == 0 && SVIRT_THREADS_PARALLEL == 1 && SVIRT_LOG_DEBUG == 0 &&
          SVIRT_LOG_INFO == 1 && SVIRT_LOG_WARNING == 2 && SVIRT_LOG_ERROR == 3,
      "thread models and log levels are frozen");
