/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hypervisor daemon that lives on whatever fails, driven by lines on standard input:
 *
 *   launch XML CWD PROGRAM [ARG]   starts the program as the domain, with nothing on 0 to 2
 *   restore XML                    puts its labels back
 *   wait                           for what was started last
 *   quit                           ends
 *   log                            how many log lines were no warnings
 *   label XML                      labels what it uses
 *
 * Answers each with one line: "ok" and the pid, "status N: " and the sentence, or what wait(2)
 * says. Usage: living_daemon DIR   with svirt.conf, state and run in DIR
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <svirt/host.h>
#include <sys/wait.h>

static struct svirt_error error;
static int32_t pid = -1;
static int small_talk; /* log lines that are no warnings */

static void take_log(void *data, int32_t level, const char *utf8) {
  (void)data;
  small_talk += level < SVIRT_LOG_WARNING;
  fprintf(stderr, "%s\n", utf8); /* in one call: another thread may log, too */
}

static char *read_file(const char *path) {
  static char text[1 << 16];
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    perror(path);
    exit(101);
  }
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  return text;
}

static void answer(svirt_status status) {
  if (status == SVIRT_OK) {
    printf("ok %d\n", (int)pid);
  } else {
    printf("status %d: %s\n", status, error.message);
  }
}

static svirt_status launch(struct svirt_context *host, char **word) {
  static const char *const kNoEnvironment[] = {NULL};
  const char *argv[] = {word[3], word[4], NULL};
  struct svirt_command command;
  memset(&command, 0, sizeof command);
  command.struct_size = sizeof command;
  command.cwd = word[2];
  command.program = word[3];
  command.argv = argv;
  command.envp = kNoEnvironment;
  return svirt_launch(host, read_file(word[1]), &command, &pid, &error);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    return 102;
  }
  char config[4096], state_dir[4096], run_dir[4096], line[4096];
  snprintf(config, sizeof config, "%s/svirt.conf", argv[1]);
  snprintf(state_dir, sizeof state_dir, "%s/state", argv[1]);
  snprintf(run_dir, sizeof run_dir, "%s/run", argv[1]);
  error.struct_size = sizeof error;
  struct svirt_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.config_file = config;
  options.state_dir = state_dir;
  options.run_dir = run_dir;
  options.log = take_log;
  struct svirt_context *host = NULL;
  if (svirt_open(&options, &host, &error) != SVIRT_OK) {
    fprintf(stderr, "open: %s\n", error.message);
    return 100;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin) != NULL) {
    char *word[6] = {NULL};
    size_t count = 0;
    for (char *at = strtok(line, " \n"); at != NULL && count < 5; at = strtok(NULL, " \n")) {
      word[count++] = at;
    }
    if (count >= 4 && strcmp(word[0], "launch") == 0) {
      answer(launch(host, word));
    } else if (count == 2 && strcmp(word[0], "restore") == 0) {
      answer(svirt_restore(host, read_file(word[1]), &error));
    } else if (count == 2 && strcmp(word[0], "label") == 0) {
      answer(svirt_label(host, read_file(word[1]), &error));
    } else if (count == 1 && strcmp(word[0], "wait") == 0) {
      int status = 0;
      const int is_child = waitpid(pid, &status, 0) == pid;
      printf("%s %d\n", is_child ? "ended" : "no child", status);
    } else if (count == 1 && strcmp(word[0], "log") == 0) {
      printf("%d lines that are no warnings\n", small_talk);
    } else if (count == 1 && strcmp(word[0], "quit") == 0) {
      break;
    } else {
      printf("what?\n");
    }
  }
  svirt_close(host);
  return 0;
}
