/* SPDX-License-Identifier: MIT */
/*
 * svirt/host.h - what a hypervisor daemon links: the C API of libsvirt.
 *
 * A daemon opens the host, and for each virtual machine hands over its domain XML (libvirt's) and
 * the program that runs it. The program is started confined by whichever security driver is active
 * on this host; the daemon never learns which. About twenty lines of C do it:
 *
 *   struct svirt_error error = {.struct_size = sizeof error};
 *   struct svirt_options options = {.struct_size = sizeof options};
 *   struct svirt_context *host;
 *   struct svirt_command command = {.struct_size = sizeof command,
 *                                   .program = "/usr/bin/qemu-system-x86_64", .argv = argv,
 *                                   .envp = envp, .fd_count = 0};
 *   int32_t pid;
 *   if (svirt_open(&options, &host, &error) != SVIRT_OK ||
 *       svirt_launch(host, xml, &command, &pid, &error) != SVIRT_OK) {
 *     fprintf(stderr, "%s\n", error.message);
 *     ...
 *   }
 *   ... waitpid(pid, ...) ...
 *   svirt_restore(host, xml, &error);
 *   svirt_close(host);
 *
 * Rules: as in svirt/plugin.h, structs start with struct_size and only grow at their end; results
 * go into buffers of the caller; a call that fails leaves its outputs alone and fills in the error
 * (which may be NULL). An argument that is NULL where nothing says that it may be, or a struct whose
 * struct_size is smaller than its first version, is SVIRT_E_INVALID, and the error names it. A
 * svirt_buf with size 0 and data NULL asks for the size: SVIRT_E_RANGE, with used filled in. A
 * context is for one thread at a time; several contexts, also in several processes, may work on the
 * same state. No call reads the environment. A call that starts or labels something fails and is
 * undone if the calling thread has blocked SIGINT, SIGTERM or SIGHUP and one of them is pending.
 *
 * The xml argument is the text of a <domain>. If it has no <uuid>, the name decides which domain
 * is meant, and is always the same one.
 *
 * Since 1.0 unless a comment says otherwise.
 */
#ifndef SVIRT_HOST_H
#define SVIRT_HOST_H

#include <svirt/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a host call may answer beside the codes of svirt/plugin.h. */
#define SVIRT_E_REFUSED (-32)   /* would mean less confinement than asked         */
#define SVIRT_E_CONFLICT (-33)  /* another domain holds it, or it runs already    */
#define SVIRT_E_EXHAUSTED (-34) /* no free label is left                          */
#define SVIRT_E_NOTFOUND (-35)  /* no such domain, file or plugin                 */

/* Allocated and zeroed by the caller; members that are NULL have the default. */
struct svirt_options {
  uint32_t struct_size;
  uint32_t flags;          /* 0 */
  const char *config_file; /* default /etc/svirt/svirt.conf; need not exist       */
  const char *state_dir;   /* default /var/lib/svirt                              */
  const char *run_dir;     /* default /run/svirt                                  */
  /* Where warnings go, level SVIRT_LOG_WARNING and above; default nowhere. [the calling thread],
   * and a thread of the context's own while a call of a plugin does not come back: one of
   * SVIRT_LOG_ERROR for each such call. */
  void (*log)(void *log_data, int32_t level, const char *utf8) SVIRT_NOEXCEPT;
  void *log_data;
};

struct svirt_context;

/* A program to be started. Pointers are read during the call only. */
struct svirt_command {
  uint32_t struct_size;
  uint32_t fd_count;
  const char *program;      /* absolute path                                      */
  const char *const *argv;  /* with argv[0], ended by NULL                        */
  const char *const *envp;  /* the complete environment, ended by NULL; NULL: none */
  const char *cwd;          /* default "/"                                        */
  /* fd_count pairs: descriptor of this process, its number in the child. All
   * others are closed; 0, 1 and 2 that are not listed are /dev/null. */
  const int32_t *fds;
};

/* Opens the configuration, the state and the plugins. The context is the caller's, to be closed. */
SVIRT_EXPORT svirt_status svirt_open(const struct svirt_options *options, struct svirt_context **context, struct svirt_error *error) SVIRT_NOEXCEPT;
/* NULL is allowed. */
SVIRT_EXPORT void svirt_close(struct svirt_context *context) SVIRT_NOEXCEPT;

/* Model, DOI, policy and base label of the primary driver for domains of virt_type (NULL: any).
 * SVIRT_INACTIVE: no driver, and the configuration allows that; model is not touched.
 * SVIRT_E_REFUSED: none is active, and it does not. */
SVIRT_EXPORT svirt_status svirt_get_model(struct svirt_context *context, const char *virt_type, struct svirt_model *model, struct svirt_error *error) SVIRT_NOEXCEPT;

/* Every plugin found, with its state and reason, as JSON (docs/json.md). */
SVIRT_EXPORT svirt_status svirt_list_plugins(struct svirt_context *context, const char *virt_type, struct svirt_buf *json, struct svirt_error *error) SVIRT_NOEXCEPT;

/* Are the XML and its labels valid here? */
SVIRT_EXPORT svirt_status svirt_verify(struct svirt_context *context, const char *xml, struct svirt_error *error) SVIRT_NOEXCEPT;

/* What starting the domain would do to labels, as JSON (docs/json.md). Changes nothing. */
SVIRT_EXPORT svirt_status svirt_plan(struct svirt_context *context, const char *xml, struct svirt_buf *json, struct svirt_error *error) SVIRT_NOEXCEPT;

/* Labels the domain's resources, all or none; they stay until svirt_restore. */
SVIRT_EXPORT svirt_status svirt_label(struct svirt_context *context, const char *xml, struct svirt_error *error) SVIRT_NOEXCEPT;

/* Labels the domain's resources and starts the program under the domain's label; returns when it
 * runs and its label is known to be right. *pid is a child of the caller, who waits for it and
 * calls svirt_restore then. On failure nothing runs, nothing is changed and nothing is held: the
 * caller need not restore, and others may have the resources. */
SVIRT_EXPORT svirt_status svirt_launch(struct svirt_context *context, const char *xml, const struct svirt_command *command, int32_t *pid, struct svirt_error *error) SVIRT_NOEXCEPT;

/* The label process pid runs under and whether that is enforced, from the kernel.
 * SVIRT_E_NOTSUP if the kernel cannot be asked, SVIRT_INACTIVE if there is no driver. */
SVIRT_EXPORT svirt_status svirt_get_label(struct svirt_context *context, const char *xml, int32_t pid, struct svirt_label_state *state, struct svirt_error *error) SVIRT_NOEXCEPT;

/* Puts every label back that was changed for the domain. Idempotent. SVIRT_E_CONFLICT while a
 * process of the domain still runs: any of its threads, also if the first one has ended. */
SVIRT_EXPORT svirt_status svirt_restore(struct svirt_context *context, const char *xml, struct svirt_error *error) SVIRT_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* SVIRT_HOST_H */
