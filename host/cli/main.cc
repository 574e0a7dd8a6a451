// SPDX-License-Identifier: LGPL-2.1-or-later
// The command svirt: its global options, the list of its commands, and its exit code.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>
#include <cstdlib>
#include <exception>

#include "host/cli/cli.h"

namespace {

// A descriptor of ours that took the number of one that is closed would get what is meant for that.
void OpenStandardStreams() {
  for (int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) < 0) {
      static_cast<void>(::open("/dev/null", O_RDWR));  // the lowest number that is free
    }
  }
}

}  // namespace

int main(int argc, char **argv) {
  OpenStandardStreams();
  svirt::CliContext context;
  int exit_code = svirt::kExitOk;
  try {
    CLI::App app(
        "sVirt for every hypervisor: virtual machines confined by the security driver of "
        "this host",
        "svirt");
    app.set_version_flag("--version", "svirt " SVIRT_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--root", context.root,
                   "Keep all state below DIR instead of the system's places")
        ->type_name("DIR");
    app.add_option("--config", context.config_file, "Read this svirt.conf")->type_name("FILE");
    app.add_option("--plugin-dir", context.plugin_dirs,
                   "Look for plugins here, and nowhere else; may be repeated")
        ->type_name("DIR");
    app.add_flag("--json", context.json, "Print JSON (docs/json.md lists the members)");
    app.add_flag("-v,--verbose", context.verbose, "Also say what is tried and why");
    svirt::AddDefinitionCommands(app, context, exit_code);
    svirt::AddLifecycleCommands(app, context, exit_code);
    svirt::AddInfoCommands(app, context, exit_code);
    svirt::AddSecurityCommands(app, context, exit_code);
    svirt::AddVerifyCommand(app, context, exit_code);
    svirt::AddAccessCommand(app, context, exit_code);
    svirt::AddHandoverCommands(app, context, exit_code);
    svirt::AddRegistryCommands(app, context, exit_code);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError &e) {
      if (e.get_exit_code() == 0) {  // --help, --version
        return app.exit(e);
      }
      const bool unknown = !app.remaining().empty();
      svirt::Say("svirt: {}; 'svirt --help' shows what there is\n",
                 unknown ? "there is no command or option '" + app.remaining().front() + "'"
                         : std::string(e.what()));
      return svirt::kExitUsage;
    }
  } catch (const std::exception &e) {
    svirt::Say("svirt: defect: {}\n", e.what());
    return svirt::kExitFailure;
  }
  if (std::fflush(stdout) != 0) {
    svirt::Say("svirt: cannot write standard output\n");
    return svirt::kExitFailure;
  }
  return exit_code;
}
