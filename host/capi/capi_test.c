/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The C API from C, through the shared library alone, on a host without any plugin: what a daemon
 * sees of refusals, sized structs and buffers. tests/e2e has it with a driver.
 * Usage: capi_test DIR, an empty directory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <svirt/host.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;

#define CHECK(condition)                                                                  \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, error.message); \
      ++failures;                                                                         \
    }                                                                                     \
  } while (0)

static struct svirt_error error;

static int warnings;
static void count_warning(void *data, int32_t level, const char *utf8) {
  (void)data;
  (void)utf8;
  warnings += level >= SVIRT_LOG_WARNING;
}

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
    perror(path);
    exit(1);
  }
}

/* A directory of the machine's that only root writes to, without plugins: one of our own would be
 * refused where the build lies below /tmp. */
static const char kWithoutPlugins[] = "[plugins]\ndirectories = /usr/share\n";

static const char kXml[] =
    "<domain type='qemu'><name>a</name><memory>1024</memory><os><type>hvm</type></os></domain>";

int main(int argc, char **argv) {
  char config[4096], state[4096], run[4096], text[8192];
  if (argc != 2) {
    return 2;
  }
  snprintf(config, sizeof config, "%s/svirt.conf", argv[1]);
  snprintf(state, sizeof state, "%s/state", argv[1]);
  snprintf(run, sizeof run, "%s/run", argv[1]);
  write_file(config, kWithoutPlugins);

  error.struct_size = sizeof error;
  struct svirt_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.config_file = config;
  options.state_dir = state;
  options.run_dir = run;
  options.log = count_warning;
  struct svirt_context *host = NULL;
  CHECK(svirt_open(NULL, &host, &error) == SVIRT_E_INVALID);
  CHECK(host == NULL);
  CHECK(svirt_open(&options, &host, &error) == SVIRT_OK);
  if (host == NULL) {
    return 1;
  }

  /* No driver, and none is not allowed. */
  struct svirt_model model;
  memset(&model, 0, sizeof model);
  model.struct_size = sizeof model;
  CHECK(svirt_get_model(host, NULL, &model, &error) == SVIRT_E_REFUSED);
  CHECK(strstr(error.message, "no security driver is active") != NULL);
  CHECK(svirt_verify(host, kXml, &error) == SVIRT_E_REFUSED);
  CHECK(svirt_verify(host, "<domain>", &error) == SVIRT_E_INVALID);
  CHECK(svirt_verify(host, NULL, NULL) == SVIRT_E_INVALID); /* an error is not required */

  /* An error struct of an older, shorter header is not overrun. */
  struct {
    struct svirt_error error;
    char canary[8];
  } guarded;
  memset(&guarded, 'x', sizeof guarded);
  guarded.error.struct_size = offsetof(struct svirt_error, message) + 16;
  CHECK(svirt_verify(host, "<domain>", &guarded.error) == SVIRT_E_INVALID);
  CHECK(strlen(guarded.error.message) == 15);
  CHECK(guarded.error.message[16] == 'x');

  /* Buffers: too small says how much, and writes nothing. */
  char small[4] = "abc";
  struct svirt_buf buf;
  memset(&buf, 0, sizeof buf);
  buf.struct_size = sizeof buf;
  buf.data = small;
  buf.size = sizeof small;
  CHECK(svirt_list_plugins(host, NULL, &buf, &error) == SVIRT_E_RANGE);
  CHECK(buf.used > sizeof small && strcmp(small, "abc") == 0);
  buf.data = text;
  buf.size = sizeof text;
  CHECK(svirt_list_plugins(host, NULL, &buf, &error) == SVIRT_OK);
  CHECK(strstr(text, "\"plugins\"") != NULL);
  CHECK(buf.used == strlen(text) + 1);
  svirt_close(host);

  /* Without a driver by configuration: launching works, and the child is the caller's. */
  snprintf(text, sizeof text, "%s[confinement]\nmodels = none\n", kWithoutPlugins);
  write_file(config, text);
  CHECK(svirt_open(&options, &host, &error) == SVIRT_OK);
  CHECK(svirt_get_model(host, NULL, &model, &error) == SVIRT_INACTIVE);
  CHECK(svirt_plan(host, kXml, &buf, &error) == SVIRT_OK);
  const char *child_argv[] = {"sh", "-c", "exit 7", NULL};
  const char *child_envp[] = {NULL};
  struct svirt_command command;
  memset(&command, 0, sizeof command);
  command.struct_size = sizeof command;
  command.program = "/bin/sh";
  command.argv = child_argv;
  command.envp = child_envp;
  int32_t pid = -1;
  CHECK(svirt_launch(host, kXml, &command, &pid, &error) == SVIRT_OK);
  int status = 0;
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
  CHECK(svirt_restore(host, kXml, &error) == SVIRT_OK);
  command.program = "/nonexistent";
  CHECK(svirt_launch(host, kXml, &command, &pid, &error) == SVIRT_E_NOTFOUND);
  svirt_close(host);
  svirt_close(NULL);
  CHECK(warnings == 0);
  if (failures == 0) {
    puts("all checks passed");
  }
  return failures != 0;
}
