/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hypervisor daemon in small: what host.h says twenty lines of C do, with all answers looked at.
 * Usage: daemon DIR DOMAIN.xml PROGRAM ARGS...   with svirt.conf, state and run in DIR
 * Starts the program as the domain, says on standard error under which label, waits for it, puts
 * every label back, and exits as the program did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <svirt/host.h>
#include <sys/wait.h>
#include <unistd.h>

static struct svirt_error error;

static int failed(const char *what, svirt_status status) {
  fprintf(stderr, "%s: status %d: %s\n", what, status, error.message);
  return 100;
}

static char *read_file(const char *path) {
  FILE *file = fopen(path, "r");
  char *text = calloc(1, 1 << 16);
  if (file == NULL || text == NULL || fread(text, 1, (1 << 16) - 1, file) == 0) {
    perror(path);
    exit(101);
  }
  fclose(file);
  return text;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    return 102;
  }
  char config[4096], state_dir[4096], run_dir[4096], label[SVIRT_LABEL_MAX + 1];
  snprintf(config, sizeof config, "%s/svirt.conf", argv[1]);
  snprintf(state_dir, sizeof state_dir, "%s/state", argv[1]);
  snprintf(run_dir, sizeof run_dir, "%s/run", argv[1]);
  char *xml = read_file(argv[2]);

  error.struct_size = sizeof error;
  struct svirt_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.config_file = config;
  options.state_dir = state_dir;
  options.run_dir = run_dir;
  struct svirt_context *host = NULL;
  svirt_status status = svirt_open(&options, &host, &error);
  if (status != SVIRT_OK) {
    return failed("open", status);
  }
  struct svirt_model model;
  memset(&model, 0, sizeof model);
  model.struct_size = sizeof model;
  status = svirt_get_model(host, "qemu", &model, &error);
  if (status != SVIRT_OK) {
    return failed("get_model", status);
  }
  status = svirt_verify(host, xml, &error);
  if (status != SVIRT_OK) {
    return failed("verify", status);
  }

  static const char *const kNoEnvironment[] = {NULL};
  static const int32_t kStandard[] = {0, 0, 1, 1, 2, 2};
  struct svirt_command command;
  memset(&command, 0, sizeof command);
  command.struct_size = sizeof command;
  command.program = argv[3];
  command.argv = (const char *const *)(argv + 3);
  command.envp = kNoEnvironment;
  command.fd_count = 3;
  command.fds = kStandard;
  int32_t pid = -1;
  status = svirt_launch(host, xml, &command, &pid, &error);
  if (status != SVIRT_OK) {
    return failed("launch", status);
  }
  struct svirt_label_state state;
  memset(&state, 0, sizeof state);
  state.struct_size = sizeof state;
  state.label.struct_size = sizeof state.label;
  state.label.data = label;
  state.label.size = sizeof label;
  status = svirt_get_label(host, xml, pid, &state, &error);
  if (status == SVIRT_OK) {
    fprintf(stderr, "model %s, label %s%s\n", model.model, label,
            state.enforcing ? " (enforcing)" : "");
  } else if (status == SVIRT_E_NOTSUP && (model.flags & SVIRT_MODEL_UNVERIFIABLE) != 0) {
    fprintf(stderr, "model %s, which cannot be asked\n", model.model);
  } else if (status != SVIRT_E_GONE) { /* it may have ended already */
    return failed("get_label", status);
  }

  int ended = 0;
  if (waitpid(pid, &ended, 0) != pid) {
    perror("waitpid");
    return 103;
  }
  status = svirt_restore(host, xml, &error);
  if (status != SVIRT_OK) {
    return failed("restore", status);
  }
  svirt_close(host);
  free(xml);
  return WIFEXITED(ended) ? WEXITSTATUS(ended) : 104;
}
