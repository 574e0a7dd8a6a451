/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every call of host.h with each of its arguments missing or malformed: it answers SVIRT_E_INVALID,
 * names the argument, and has done nothing. Whether there is a place for the error makes no
 * difference. Usage: arguments_test DIR, an empty directory.
 */
#include <stdio.h>
#include <string.h>
#include <svirt/host.h>
#include <unistd.h>

static int failures, checks;
static struct svirt_error error;

static void complain(const char *call, const char *what, svirt_status status) {
  fprintf(stderr, "%s: %s: status %d, '%s'\n", call, what, status, error.message);
  ++failures;
}

static struct svirt_error *place(uint32_t struct_size) {
  memset(&error, 0, sizeof error);
  error.struct_size = struct_size;
  return &error;
}

/* Makes the call, which has the place for its error as E. NAME: what the sentence has to name. */
#define INVALID(name, call)                                                                  \
  do {                                                                                       \
    struct svirt_error *E = place(sizeof error);                                             \
    svirt_status status = (call);                                                            \
    ++checks;                                                                                \
    if (status != SVIRT_E_INVALID) complain(#call, "is not refused", status);                \
    if (strstr(error.message, "'" name) == NULL) complain(#call, "names not " name, status); \
    E = NULL;                                                                                \
    status = (call);                                                                         \
    if (status != SVIRT_E_INVALID) complain(#call, "without an error", status);              \
    E = place(0);                                                                            \
    status = (call);                                                                         \
    if (status != SVIRT_E_INVALID) complain(#call, "with an error of size 0", status);       \
    if (error.message[0] != '\0') complain(#call, "writes into an error of size 0", status); \
  } while (0)

#define EXPECT(expected, call)                                              \
  do {                                                                      \
    struct svirt_error *E = place(sizeof error);                            \
    const svirt_status status = (call);                                     \
    ++checks;                                                               \
    if (status != (expected)) complain(#call, "is not " #expected, status); \
  } while (0)

/* The call with the struct's struct_size one too small, and 0. */
#define TOO_SMALL(name, object, call)           \
  do {                                          \
    const uint32_t size = (object).struct_size; \
    (object).struct_size = 0;                   \
    INVALID(name, call);                        \
    (object).struct_size = size - 1;            \
    INVALID(name, call);                        \
    (object).struct_size = size;                \
  } while (0)

static const char kXml[] =
    "<domain type='qemu'><name>a</name><memory>1024</memory><os><type>hvm</type></os></domain>";
static char config[4096], state_dir[4096], run_dir[4096];

static struct svirt_options valid_options(void) {
  struct svirt_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.config_file = config;
  options.state_dir = state_dir;
  options.run_dir = run_dir;
  return options;
}

static void check_open(void) {
  struct svirt_options options = valid_options();
  struct svirt_context *host = NULL;
  INVALID("options", svirt_open(NULL, &host, E));
  INVALID("context", svirt_open(&options, NULL, E));
  TOO_SMALL("options", options, svirt_open(&options, &host, E));
  options.flags = 1;
  INVALID("options", svirt_open(&options, &host, E));
  options.flags = 0;
  options.config_file = "";
  INVALID("options.config_file", svirt_open(&options, &host, E));
  options = valid_options();
  options.state_dir = "";
  INVALID("options.state_dir", svirt_open(&options, &host, E));
  options = valid_options();
  options.run_dir = "";
  INVALID("options.run_dir", svirt_open(&options, &host, E));
  ++checks;
  if (host != NULL || access(state_dir, F_OK) == 0) {
    complain("svirt_open", "has made something", 0);
  }
}

static void check_asking(struct svirt_context *host) {
  struct svirt_model model;
  memset(&model, 0, sizeof model);
  model.struct_size = sizeof model;
  INVALID("context", svirt_get_model(NULL, "qemu", &model, E));
  INVALID("model", svirt_get_model(host, "qemu", NULL, E));
  TOO_SMALL("model", model, svirt_get_model(host, "qemu", &model, E));
  EXPECT(SVIRT_INACTIVE, svirt_get_model(host, NULL, &model, E));

  char text[8192];
  struct svirt_buf buf;
  memset(&buf, 0, sizeof buf);
  buf.struct_size = sizeof buf;
  buf.data = text;
  buf.size = sizeof text;
  INVALID("context", svirt_list_plugins(NULL, NULL, &buf, E));
  INVALID("json", svirt_list_plugins(host, NULL, NULL, E));
  TOO_SMALL("json", buf, svirt_list_plugins(host, NULL, &buf, E));
  INVALID("context", svirt_plan(NULL, kXml, &buf, E));
  INVALID("xml", svirt_plan(host, NULL, &buf, E));
  INVALID("json", svirt_plan(host, kXml, NULL, E));
  TOO_SMALL("json", buf, svirt_plan(host, kXml, &buf, E));

  /* A place of no size asks for the size; one of some size has to be there. */
  buf.data = NULL;
  INVALID("json", svirt_list_plugins(host, NULL, &buf, E));
  INVALID("json", svirt_plan(host, kXml, &buf, E));
  buf.size = 0;
  EXPECT(SVIRT_E_RANGE, svirt_list_plugins(host, NULL, &buf, E));
  EXPECT(SVIRT_E_RANGE, svirt_plan(host, kXml, &buf, E));
  buf.data = text;
  buf.size = buf.used;
  EXPECT(SVIRT_OK, svirt_plan(host, kXml, &buf, E));

  struct svirt_label_state state;
  memset(&state, 0, sizeof state);
  state.struct_size = sizeof state;
  state.label = buf;
  const int32_t self = (int32_t)getpid();
  INVALID("context", svirt_get_label(NULL, kXml, self, &state, E));
  INVALID("xml", svirt_get_label(host, NULL, self, &state, E));
  INVALID("pid", svirt_get_label(host, kXml, 0, &state, E));
  INVALID("pid", svirt_get_label(host, kXml, -1, &state, E));
  INVALID("state", svirt_get_label(host, kXml, self, NULL, E));
  TOO_SMALL("state", state, svirt_get_label(host, kXml, self, &state, E));
  TOO_SMALL("state.label", state.label, svirt_get_label(host, kXml, self, &state, E));
  state.label.data = NULL;
  INVALID("state.label", svirt_get_label(host, kXml, self, &state, E));
}

static void check_changing(struct svirt_context *host) {
  INVALID("context", svirt_verify(NULL, kXml, E));
  INVALID("xml", svirt_verify(host, NULL, E));
  INVALID("context", svirt_label(NULL, kXml, E));
  INVALID("xml", svirt_label(host, NULL, E));
  INVALID("context", svirt_restore(NULL, kXml, E));
  INVALID("xml", svirt_restore(host, NULL, E));

  static const char *const kArgv[] = {"true", NULL};
  static const char *const kNone[] = {NULL};
  struct svirt_command command;
  memset(&command, 0, sizeof command);
  command.struct_size = sizeof command;
  command.program = "/bin/true";
  command.argv = kArgv;
  command.envp = kNone;
  int32_t pid = -5;
  INVALID("context", svirt_launch(NULL, kXml, &command, &pid, E));
  INVALID("xml", svirt_launch(host, NULL, &command, &pid, E));
  INVALID("command", svirt_launch(host, kXml, NULL, &pid, E));
  INVALID("pid", svirt_launch(host, kXml, &command, NULL, E));
  TOO_SMALL("command", command, svirt_launch(host, kXml, &command, &pid, E));
  command.program = NULL;
  INVALID("command.program", svirt_launch(host, kXml, &command, &pid, E));
  command.program = "/bin/true";
  command.argv = NULL;
  INVALID("command.argv", svirt_launch(host, kXml, &command, &pid, E));
  command.argv = kNone;
  INVALID("command.argv", svirt_launch(host, kXml, &command, &pid, E));
  command.argv = kArgv;
  command.fd_count = 1;
  INVALID("command.fds", svirt_launch(host, kXml, &command, &pid, E));
  ++checks;
  if (pid != -5) {
    complain("svirt_launch", "has written a pid", 0);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    return 2;
  }
  snprintf(config, sizeof config, "%s/svirt.conf", argv[1]);
  snprintf(state_dir, sizeof state_dir, "%s/state", argv[1]);
  snprintf(run_dir, sizeof run_dir, "%s/run", argv[1]);
  FILE *file = fopen(config, "w");
  if (file == NULL ||
      fprintf(file, "[plugins]\ndirectories = %s\n[confinement]\nmodels = none\n", argv[1]) < 0 ||
      fclose(file) != 0) {
    perror(config);
    return 1;
  }
  check_open();
  struct svirt_options options = valid_options();
  struct svirt_context *host = NULL;
  EXPECT(SVIRT_OK, svirt_open(&options, &host, E));
  if (host != NULL) {
    check_asking(host);
    check_changing(host);
    svirt_close(host);
  }
  svirt_close(NULL);
  printf("%d checks, %d failures\n", checks, failures);
  return failures != 0 || checks < 50;
}
