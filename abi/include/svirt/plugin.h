/* SPDX-License-Identifier: MIT */
/*
 * svirt/plugin.h - what a security driver plugin exports, ABI 1.
 *
 * A plugin is a shared object named svirt-MODEL.so. It exports exactly one
 * symbol, the function svirt_plugin_v1(), which returns a constant table of
 * functions; and it carries an ELF note (.note.svirt) with the same identity,
 * so that the host can judge the file before any of its code runs.
 * SVIRT_PLUGIN_DEFINE at the end of this file emits both.
 *
 * The life of a plugin:
 *
 *   note read, file verified, dlopen, svirt_plugin_v1()
 *     -> probe()                       may be asked again at any time
 *     -> init()                        one instance per host object
 *          -> get_model(), domain_*(), resource_*()
 *     -> fini()                        the code stays mapped for ever
 *
 * The life of a domain (a virtual machine), all in the parent process:
 *
 *   domain_label_space() -> the host picks a free index
 *     -> domain_generate_label() -> resource_plan_label() for each resource
 *     -> resource_get_label(), resource_set_label() for those that change
 *     -> domain_set_label() -> domain_prepare_exec() -> the host forks, applies
 *        the recipe in the child and executes the emulator
 *     -> domain_get_label() tells whether it runs under the label planned
 *   ... and at the end resource_set_label() with the old labels,
 *        domain_set_label() with NULL.
 *
 * Rules that hold for everything below:
 *
 *  1. Every struct starts with struct_size, set by whoever allocates it to the
 *     sizeof its own header gave. Structs only ever grow at the end. A receiver
 *     copies min(sizes) into a zeroed struct of its own, so a member that the
 *     other side does not know reads as 0 or NULL. Reserved members and unknown
 *     flag bits must be 0; the host refuses a plugin that sets them, otherwise
 *     they could never be given a meaning.
 *  2. Nobody frees what the other side allocated. Results go into buffers of the
 *     caller. Pointers passed in are valid during the call only.
 *  3. A call that fails leaves its outputs as they were, except svirt_buf.used
 *     with SVIRT_E_RANGE, and the svirt_error.
 *  4. Strings are UTF-8 and NUL-terminated. Labels are opaque bytes without
 *     control characters; their length limits are those of the sVirt RFC
 *     ("[RFC] sVirt", James Morris on libvirt's list, libvir-list, 2008).
 *  5. A plugin never forks, exits, or changes signals, working directory, umask,
 *     locale, credentials, resource limits or environment. It executes nothing,
 *     except that domain_verify_label may run the compiler of its policy
 *     language, as a child with an environment of its own, and wait for it.
 *     Every descriptor it opens is O_CLOEXEC. No C++ exception leaves a slot.
 *  6. No plugin code ever runs between fork and exec: see svirt_exec.
 *  7. A plugin keeps nothing on disk but what it can make again, found by its
 *     content: a cache of compiled policy. Unique numbers, remembered labels and
 *     their owners belong to the host, which shares them among all processes.
 *
 * Contract tags, one per slot:
 *   [init]      serial: the host makes no other call into the plugin meanwhile
 *   [instance]  with SVIRT_THREADS_SERIAL one at a time per instance, with
 *               SVIRT_THREADS_PARALLEL from any thread at any time
 *   [pure]      any thread, no I/O, no allocation
 *   [blocking]  may read files and ask the kernel; never waits for other domains.
 *               It comes back in milliseconds, in seconds where it runs a compiler
 *               or loads policy. The host gives up on any call that takes longer
 *               than its call_timeout (60 s by default), of every slot and
 *               extension: a command ends and names it; a daemon is told while
 *               the call goes on, and calls nothing of that instance any more
 *               when it has come back, not even fini.
 *   [read-only] changes nothing outside the process, caches (rule 7) apart
 *
 * Since 1.0 unless a comment says otherwise.
 */
#ifndef SVIRT_PLUGIN_H
#define SVIRT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define SVIRT_ABI_MAJOR 1
#define SVIRT_ABI_MINOR 0

/* Longest label, model and DOI in bytes, each without its NUL (sVirt RFC:
 * VIR_SECURITY_LABEL_BUFLEN, _MODEL_BUFLEN and _DOI_BUFLEN are one more). */
#define SVIRT_LABEL_MAX 4096
#define SVIRT_MODEL_MAX 256
#define SVIRT_DOI_MAX 256

#if defined(__cplusplus) && __cplusplus >= 201103L
#define SVIRT_NOEXCEPT noexcept
#else
#define SVIRT_NOEXCEPT
#endif

#if defined(__GNUC__)
#define SVIRT_EXPORT __attribute__((visibility("default")))
#else
#define SVIRT_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status ------------------------------------------------------------- */

/* 0, SVIRT_INACTIVE (from probe only), or one of the negative values below.
 * The list is frozen for ABI 1: errno differs between architectures, so it
 * travels beside the status in svirt_error.sys_errno. */
typedef int32_t svirt_status;

#define SVIRT_OK 0
#define SVIRT_INACTIVE 1      /* probe: this model is not usable on this host   */
#define SVIRT_E_INVALID (-1)  /* the label or argument is not valid             */
#define SVIRT_E_RANGE (-2)    /* a buffer is too small; used has the full size  */
#define SVIRT_E_NOTSUP (-3)   /* the model, or the object, cannot do this       */
#define SVIRT_E_DENIED (-4)   /* the kernel or the policy forbids it            */
#define SVIRT_E_SYSTEM (-5)   /* a system call failed; see sys_errno            */
#define SVIRT_E_NODATA (-6)   /* there is no label here                         */
#define SVIRT_E_GONE (-7)     /* the process or object does not exist (any more)*/
#define SVIRT_E_INTERNAL (-8) /* a defect of the plugin                         */

/* Allocated by the caller, who sets struct_size and zeroes the rest. The plugin
 * may fill it whenever it returns something else than SVIRT_OK; probe fills the
 * message always. One sentence: what, where, why, how to mend it; no newline. */
struct svirt_error {
  uint32_t struct_size;
  int32_t sys_errno; /* errno of the failed call, 0 if none */
  char message[1016];
};

/* A caller-owned place for one string. The plugin sets used to the full length
 * including the NUL. If that is more than size it writes nothing to data and
 * returns SVIRT_E_RANGE. size SVIRT_LABEL_MAX + 1 is always enough. */
struct svirt_buf {
  uint32_t struct_size;
  uint32_t size; /* bytes at data */
  uint32_t used; /* bytes written, or needed */
  uint32_t reserved;
  char *data;
};

/* ---- The host ----------------------------------------------------------- */

#define SVIRT_LOG_DEBUG 0
#define SVIRT_LOG_INFO 1
#define SVIRT_LOG_WARNING 2
#define SVIRT_LOG_ERROR 3

/* Given to probe and init. Lives as long as the instance. */
struct svirt_host {
  uint32_t struct_size;
  uint16_t abi_major, abi_minor; /* of the host                               */
  const char *name, *version;    /* of the program, for messages              */
  void *host_data;               /* belongs to the host                       */
  /* [any thread] A finished sentence, no newline. Never NULL. Not to be called
   * from constructors. */
  void (*log)(const struct svirt_host *host, int32_t level, const char *utf8) SVIRT_NOEXCEPT;
  /* [any thread] A host extension by id, or NULL. Never NULL itself. */
  const void *(*get_extension)(const struct svirt_host *host, const char *id) SVIRT_NOEXCEPT;
};

/* ---- Resources ---------------------------------------------------------- */

/* What a resource is to the domain. A plugin meets kinds that it does not know
 * (later minors add some) and decides by object and access alone then. */
#define SVIRT_RES_OTHER 0
#define SVIRT_RES_EMULATOR 1    /* the program that is executed                */
#define SVIRT_RES_DISK 2        /* top of an image chain                       */
#define SVIRT_RES_BACKING 3     /* further down an image chain                 */
#define SVIRT_RES_KERNEL 4      /* kernel, initrd, device tree, ACPI tables    */
#define SVIRT_RES_FIRMWARE 5    /* firmware code, shared among domains         */
#define SVIRT_RES_NVRAM 6       /* firmware variables of this domain           */
#define SVIRT_RES_CHARDEV 7     /* serial, console, channel, parallel          */
#define SVIRT_RES_SOCKET 8      /* a unix socket that is bound or connected to */
#define SVIRT_RES_HOSTDEV 9     /* a host device node (usb, vfio, scsi, mdev)  */
#define SVIRT_RES_TPM 10        /* a TPM device                                */
#define SVIRT_RES_MEMORY 11     /* nvdimm, pmem, hugepages, shared memory      */
#define SVIRT_RES_INPUT 12      /* evdev                                       */
#define SVIRT_RES_SHARE 13      /* a directory shared with the guest           */
#define SVIRT_RES_RNG 14        /* source of random bytes                      */
#define SVIRT_RES_NET 15        /* tap, vhost, macvtap                         */
#define SVIRT_RES_RUNDIR 16     /* the domain's own run directory              */
#define SVIRT_RES_LOG 17        /* append-only output of the emulator          */
#define SVIRT_RES_HELPER_STATE 18 /* state of a helper, such as swtpm          */
#define SVIRT_RES_GRAPHICS 19   /* render node, and the like                   */

/* What kind of object the path must be. The host has checked it. */
#define SVIRT_OBJ_ANY 0
#define SVIRT_OBJ_FILE 1
#define SVIRT_OBJ_BLOCK 2
#define SVIRT_OBJ_CHAR 3
#define SVIRT_OBJ_DIR 4
#define SVIRT_OBJ_SOCKET 5
#define SVIRT_OBJ_FIFO 6

#define SVIRT_ACCESS_READ 0x1u
#define SVIRT_ACCESS_WRITE 0x2u
#define SVIRT_ACCESS_EXEC 0x4u
#define SVIRT_ACCESS_CREATE 0x8u /* the domain makes (and removes) the path     */

/* Resource flags. */
#define SVIRT_RES_SHARED 0x1u  /* other domains use it at the same time         */
#define SVIRT_RES_SUBTREE 0x2u /* everything below the directory is meant       */
#define SVIRT_RES_AS_IT_IS 0x4u /* the domain's owner wants the host to leave its
                                  label, and entries on it, alone (relabel='no') */
#define SVIRT_RES_REAL_PATH 0x8u /* no symbolic link was in path when the host opened
                                  it: the kernel has the same path for the object */

/* One resource of a domain. Filled by the host. */
struct svirt_resource {
  uint32_t struct_size;
  uint32_t kind;        /* SVIRT_RES_*                                          */
  uint32_t object;      /* SVIRT_OBJ_*                                          */
  uint32_t access;      /* SVIRT_ACCESS_*                                       */
  uint32_t flags;       /* SVIRT_RES_SHARED, _SUBTREE, _AS_IT_IS, _REAL_PATH   */
  uint32_t chain_depth; /* 0 top of the image chain, 1 its backing image, ...   */
  int32_t fd;           /* O_PATH descriptor of the checked object, or -1. Use it
                           through /proc/self/fd; never look the path up again. */
  uint32_t reserved;
  const char *path;     /* absolute; for messages and for profile rules         */
  const char *override_label; /* label the domain's owner wants on it, or NULL  */
};

/* What resource_plan_label decided. */
#define SVIRT_PLAN_NONE 0  /* this model does nothing with this resource        */
#define SVIRT_PLAN_SET 1   /* the object gets the label: an object model        */
#define SVIRT_PLAN_GRANT 2 /* the domain's own policy names it: a profile model;
                              the label says what is granted, for people        */

/* Plan flags. */
#define SVIRT_PLAN_EXCLUSIVE 0x1u /* the label shuts other domains out          */
#define SVIRT_PLAN_KEEP 0x2u      /* not restored at the end: content that many
                                     domains read keeps its label               */

struct svirt_resource_plan {
  uint32_t struct_size;
  uint32_t action; /* SVIRT_PLAN_NONE, _SET, _GRANT */
  uint32_t flags;  /* SVIRT_PLAN_EXCLUSIVE, _KEEP   */
  uint32_t reserved;
  struct svirt_buf label; /* buffer of the host */
  struct svirt_buf note;  /* buffer of the host: a remark for people, such as a
                             right that this kernel cannot withhold; may be "" */
};

/* ---- Domains ------------------------------------------------------------ */

#define SVIRT_LABEL_DYNAMIC 1 /* the host picks an index, the plugin the label  */
#define SVIRT_LABEL_STATIC 2  /* the owner has given the label                  */
#define SVIRT_LABEL_NONE 3    /* no confinement by this model, asked for by name*/

/* A domain, as far as a plugin may know it. Filled by the host. Members that are
 * not known yet are NULL or -1. */
struct svirt_domain {
  uint32_t struct_size;
  uint32_t label_type;     /* SVIRT_LABEL_*                                     */
  int32_t pid;             /* of the emulator, or -1                            */
  int32_t id;              /* number by the hypervisor (Xen domid), or -1       */
  const char *uuid;        /* 36 characters, lower case                         */
  const char *name;        /* any UTF-8; never put it into a path or a rule raw */
  const char *virt_type;   /* "kvm", "qemu", "xen", ...                         */
  const char *emulator;    /* absolute path of the program to be executed       */
  const char *base_label;  /* <baselabel> of a dynamic label, or NULL           */
  const char *label;       /* process label: static or generated, or NULL       */
  const char *image_label; /* label for its own objects, generated, or NULL     */
  const struct svirt_resource *resources;
  uint32_t resource_count;
  uint32_t resource_size;  /* distance between two resources in bytes; walk the
                              array with it, not with sizeof                    */
};

/* A run of indexes: first, first + 1, ... first + count - 1. */
struct svirt_index_run {
  uint64_t first, count;
};

/* A set of indexes in the model's own numbering. The numbering must not depend
 * on the process that asks: it is the key under which all processes of a host
 * reserve labels. */
struct svirt_index_set {
  uint32_t struct_size;
  uint32_t run_capacity;        /* of runs, in elements                         */
  uint32_t run_count;           /* written; more than capacity: SVIRT_E_RANGE   */
  uint32_t reserved;
  struct svirt_index_run *runs; /* array of the host, ascending, disjoint       */
};

/* Model flags. */
#define SVIRT_MODEL_OBJECT 0x1u  /* labels objects (SELinux, FLASK devices)     */
#define SVIRT_MODEL_PROFILE 0x2u /* puts resources into a policy (AppArmor)     */
#define SVIRT_MODEL_UNVERIFIABLE 0x4u /* the kernel cannot be asked for the label
                                         of a running process (Landlock)        */
#define SVIRT_MODEL_FIXED 0x8u   /* what a process may use is settled when it
                                    starts: a domain that runs gets no devices
                                    and loses none (Landlock)                   */

/* What the RFC's getModel and getDOI answer, and what its review asked for. */
struct svirt_model {
  uint32_t struct_size;
  uint32_t flags;                     /* SVIRT_MODEL_*                          */
  int32_t enforcing;                  /* 1 enforcing, 0 permissive              */
  uint32_t policy_version;            /* 0 if the model has none                */
  char model[SVIRT_MODEL_MAX + 8];    /* as in the plugin's table               */
  char doi[SVIRT_DOI_MAX + 8];        /* whose policy gives labels their meaning;
                                         "" if the system does not say          */
  char policy_type[SVIRT_MODEL_MAX + 8]; /* "targeted", "default", ...; ""       */
  char base_label[SVIRT_LABEL_MAX + 8];  /* for the virt type asked; ""         */
};

/* State of a running domain's label. */
struct svirt_label_state {
  uint32_t struct_size;
  int32_t enforcing;      /* for this very process: 1, 0                        */
  struct svirt_buf label; /* buffer of the host                                 */
};

/* ---- Exec recipe -------------------------------------------------------- */

/* domain_prepare_exec runs in the parent and returns data. The host performs
 * the operations in the child with async-signal-safe calls only, in the order
 * of the list, and gives up before exec if one of them fails. It refuses a
 * recipe with a kind it does not know. */
#define SVIRT_EXEC_PROCATTR 1 /* write data to /proc/thread-self/attr/ATTR.
                                 ATTR: current, exec, fscreate, sockcreate or
                                 keycreate, or one of these after "apparmor/"
                                 or "smack/" (proc(5), LSM documentation)       */
#define SVIRT_EXEC_LANDLOCK 2 /* landlock_restrict_self(fd, 0); fd is a ruleset,
                                 owned by the host from here on (landlock(7))   */
#define SVIRT_EXEC_CREDENTIALS 3 /* setgroups(0), setresgid(gid), setresuid(uid)*/

/* For SVIRT_EXEC_LANDLOCK: set no_new_privs first. Without CAP_SYS_ADMIN the
 * kernel demands it; with it a later label transition may be refused. */
#define SVIRT_EXEC_NO_NEW_PRIVS 0x1u

#define SVIRT_EXEC_DATA_MAX 4096 /* the kernel takes one page per write         */

/* One operation. Of fixed size for all of ABI 1: new kinds reuse the members. */
struct svirt_exec_op {
  uint32_t kind;
  uint32_t flags;
  int32_t fd;
  uint32_t uid, gid;
  uint32_t data_len; /* bytes at data to be written */
  char attr[40];
  char data[SVIRT_EXEC_DATA_MAX + 8];
};

#define SVIRT_EXEC_OPS 4

struct svirt_exec {
  uint32_t struct_size;
  uint32_t op_count;
  struct svirt_exec_op op[SVIRT_EXEC_OPS];
};

/* ---- The table ---------------------------------------------------------- */

/* Defined by the plugin, opaque to the host. */
struct svirt_instance;

#define SVIRT_THREADS_SERIAL 0
#define SVIRT_THREADS_PARALLEL 1

/* All slots up to get_extension are mandatory in ABI 1.0; what later minors
 * append is optional. */
struct svirt_plugin {
  uint32_t struct_size;
  uint16_t abi_major, abi_minor; /* of the header it was compiled with          */
  uint16_t min_host_minor;       /* oldest host minor it can live with          */
  uint16_t threads;              /* SVIRT_THREADS_*                             */
  uint32_t flags;                /* 0. Low 16 bits: hints, ignored if unknown.
                                    High 16 bits: must be understood.           */
  const char *model;             /* [a-z][a-z0-9-]{0,31}; same as in the note   */
  const char *version, *vendor;

  /* [init] [blocking] [read-only] idempotent, under 100 ms. Is this model usable
   * for domains of virt_type (NULL: any), here and now? "Enabled" is not usable:
   * active means that a real operation of the model has worked.
   * SVIRT_OK active, SVIRT_INACTIVE not usable and nothing wrong, anything else
   * is an error, at which the host stops rather than choose a weaker model.
   * reason->message is filled in every case, for a person to act on. */
  svirt_status (*probe)(const struct svirt_host *host, const char *virt_type, struct svirt_error *reason) SVIRT_NOEXCEPT;

  /* [init] [blocking] host stays valid until fini. Init after fini works. */
  svirt_status (*init)(const struct svirt_host *host, struct svirt_instance **instance, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [init] Gives back all that init took. Every thread it made has ended. */
  void (*fini)(struct svirt_instance *instance) SVIRT_NOEXCEPT;

  /* [instance] [blocking] [read-only] Model, DOI, policy, and the base label for
   * virt_type (NULL: none asked). Asked again whenever it matters: policy and
   * enforcing state may change under a running host. */
  svirt_status (*get_model)(struct svirt_instance *instance, const char *virt_type, struct svirt_model *model, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [blocking] [read-only] With label NULL: which indexes the host may
   * choose from for this domain; none at all (run_count 0) means that labels of
   * this model are told apart by the domain's uuid. With a label: which indexes
   * it takes from all other domains while it is in use; none means that the
   * label may be shared. */
  svirt_status (*domain_label_space)(struct svirt_instance *instance, const struct svirt_domain *domain, const char *label, struct svirt_index_set *set, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [blocking] [read-only] The process label and the label of the
   * domain's own objects. Dynamic: from index and base_label. Static: from
   * domain->label. None: label "", and the object label an unconfined domain
   * should have, or "". The same input gives the same labels. */
  svirt_status (*domain_generate_label)(struct svirt_instance *instance, const struct svirt_domain *domain, uint64_t index, struct svirt_buf *label, struct svirt_buf *image_label, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [blocking] [read-only] Are the labels in domain (label,
   * base_label) and the override labels of its resources valid under the loaded
   * policy? Asked when a domain is defined and again when it starts.
   * SVIRT_E_INVALID with a sentence if not. */
  svirt_status (*domain_verify_label)(struct svirt_instance *instance, const struct svirt_domain *domain, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [blocking] [read-only] The label domain->pid (or ->id) runs under,
   * asked from the kernel. SVIRT_E_NOTSUP if the kernel cannot be asked,
   * SVIRT_E_GONE if it does not run. */
  svirt_status (*domain_get_label)(struct svirt_instance *instance, const struct svirt_domain *domain, struct svirt_label_state *state, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [blocking] Makes the label known to the system before the domain
   * starts, and again when its resources change: a profile model loads the
   * policy, an object model has nothing to do. label NULL withdraws it, after
   * the last process is gone. Idempotent. */
  svirt_status (*domain_set_label)(struct svirt_instance *instance, const struct svirt_domain *domain, const char *label, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [blocking] What the child has to do to be confined. Fails with
   * SVIRT_E_DENIED, and the missing rule or boolean by name, if the policy will
   * not let domain->emulator run under the label. */
  svirt_status (*domain_prepare_exec)(struct svirt_instance *instance, const struct svirt_domain *domain, const char *label, struct svirt_exec *exec, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [read-only] Which label the resource should have. Decides from
   * the resource and the domain alone; does not look at the object. */
  svirt_status (*resource_plan_label)(struct svirt_instance *instance, const struct svirt_domain *domain, const struct svirt_resource *resource, struct svirt_resource_plan *plan, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [blocking] [read-only] The object's present label.
   * SVIRT_E_NODATA: it has none. SVIRT_E_NOTSUP: it cannot have one. */
  svirt_status (*resource_get_label)(struct svirt_instance *instance, const struct svirt_resource *resource, struct svirt_buf *label, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [instance] [blocking] Sets the label of the object behind resource->fd.
   * label NULL: as if it never had one. SVIRT_E_NOTSUP: the file system cannot
   * store it. */
  svirt_status (*resource_set_label)(struct svirt_instance *instance, const struct svirt_resource *resource, const char *label, struct svirt_error *error) SVIRT_NOEXCEPT;

  /* [pure] An extension of the plugin, or NULL. Ids: "svirt.NAME/REV" for ours,
   * "com.vendor.NAME/REV" for a vendor's; an id keeps its meaning for ever. What
   * is returned starts with struct_size and lives as long as the process. */
  const void *(*get_extension)(const char *id) SVIRT_NOEXCEPT;
};

/* The one exported symbol. [pure] Always the same pointer. The major is part of
 * the name: a plugin may serve two majors side by side. */
#define SVIRT_PLUGIN_ENTRY "svirt_plugin_v1"
SVIRT_EXPORT const struct svirt_plugin *svirt_plugin_v1(void) SVIRT_NOEXCEPT;
typedef const struct svirt_plugin *(*svirt_plugin_entry)(void);

/* ---- Identity note and definition ---------------------------------------- */

/* ELF note: section .note.svirt, owner "SVIRT", type 1. Its text is lines of
 * key=value: abi, model, version, min-host, priority (0..999, the higher is
 * tried first where the configuration gives no order; 0: never chosen by
 * itself, only where the configuration names it, for a model that stands
 * beside another). Unknown keys are ignored. The table must agree with it. */
#define SVIRT_NOTE_SECTION ".note.svirt"
#define SVIRT_NOTE_OWNER "SVIRT"
#define SVIRT_NOTE_TYPE 1

#define SVIRT_STR_(x) #x
#define SVIRT_STR(x) SVIRT_STR_(x)
#define SVIRT_NOTE_TEXT(model, version, min_host_minor, priority)                    \
  "abi=" SVIRT_STR(SVIRT_ABI_MAJOR) "." SVIRT_STR(SVIRT_ABI_MINOR) "\n"              \
  "model=" model "\nversion=" version "\n"                                           \
  "min-host=" SVIRT_STR(SVIRT_ABI_MAJOR) "." SVIRT_STR(min_host_minor) "\n"          \
  "priority=" SVIRT_STR(priority) "\n"

/* Emits the note and the entry point, once per plugin, at file scope.
 * model, version: string literals, equal to those in the table.
 * min_host_minor, priority: plain decimal literals.
 * "retain" keeps the note through --gc-sections, "used" through the compiler. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define SVIRT_NOTE_ATTRIBUTES __attribute__((section(SVIRT_NOTE_SECTION), used, retain, aligned(4)))
#elif defined(__clang__) /* whose AddressSanitizer pads variables, and so would damage a note */
#define SVIRT_NOTE_ATTRIBUTES \
  __attribute__((section(SVIRT_NOTE_SECTION), used, no_sanitize("address"), aligned(4)))
#else
#define SVIRT_NOTE_ATTRIBUTES __attribute__((section(SVIRT_NOTE_SECTION), used, aligned(4)))
#endif

#define SVIRT_PLUGIN_DEFINE(table, model, version, min_host_minor, priority)         \
  static const struct {                                                              \
    uint32_t owner_size, text_size, type;                                            \
    char owner[8];                                                                   \
    char text[sizeof(SVIRT_NOTE_TEXT(model, version, min_host_minor, priority))];    \
  } svirt_plugin_note SVIRT_NOTE_ATTRIBUTES = {                                      \
      sizeof(SVIRT_NOTE_OWNER),                                                      \
      sizeof(SVIRT_NOTE_TEXT(model, version, min_host_minor, priority)),             \
      SVIRT_NOTE_TYPE,                                                               \
      SVIRT_NOTE_OWNER,                                                              \
      SVIRT_NOTE_TEXT(model, version, min_host_minor, priority)};                    \
  SVIRT_EXPORT const struct svirt_plugin *svirt_plugin_v1(void) SVIRT_NOEXCEPT { return &(table); } \
  SVIRT_EXPORT const struct svirt_plugin *svirt_plugin_v1(void) SVIRT_NOEXCEPT

#ifdef __cplusplus
}
#endif

#endif /* SVIRT_PLUGIN_H */
