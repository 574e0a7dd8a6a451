/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A daemon that labels a domain and puts the labels back, several times in one context.
 * Usage: label_rounds SVIRT.CONF DOMAIN.xml ROUNDS [STATE_DIR RUN_DIR]
 * Writes "labelled" and "restored" to standard output as it goes, so that whoever traces it can
 * tell the calls of one from those of the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <svirt/host.h>
#include <unistd.h>

static struct svirt_error error;

static void need(const char *what, svirt_status status) {
  if (status != SVIRT_OK) {
    fprintf(stderr, "%s: status %d: %s\n", what, status, error.message);
    exit(100);
  }
}

static void say(const char *word) {
  if (write(STDOUT_FILENO, word, strlen(word)) < 0) {
    exit(101);
  }
}

int main(int argc, char **argv) {
  if (argc != 4 && argc != 6) {
    return 102;
  }
  static char xml[1 << 16];
  FILE *file = fopen(argv[2], "r");
  if (file == NULL || fread(xml, 1, sizeof xml - 1, file) == 0) {
    perror(argv[2]);
    return 103;
  }
  fclose(file);

  error.struct_size = sizeof error;
  struct svirt_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.config_file = argv[1];
  if (argc == 6) {
    options.state_dir = argv[4];
    options.run_dir = argv[5];
  }
  struct svirt_context *host = NULL;
  need("open", svirt_open(&options, &host, &error));
  for (int left = atoi(argv[3]); left > 0; --left) {
    need("label", svirt_label(host, xml, &error));
    say("labelled\n");
    need("restore", svirt_restore(host, xml, &error));
    say("restored\n");
  }
  svirt_close(host);
  return 0;
}
