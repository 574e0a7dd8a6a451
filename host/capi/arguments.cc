// SPDX-License-Identifier: LGPL-2.1-or-later
// Judges what callers of the C API hand over.
#include "host/capi/arguments.h"

#include <utility>

namespace svirt {
namespace {

Error Invalid(const std::string &name, const std::string &what) {
  return Error{Errc::kInvalid, "argument '" + name + "' " + what};
}

}  // namespace

Status NeedArgument(const void *argument, const std::string &name) {
  return argument != nullptr ? Status() : Invalid(name, "is NULL");
}

Status NeedStructSize(size_t size, size_t first_size, const std::string &name) {
  if (size >= first_size) {
    return {};
  }
  return Invalid(name, "has struct_size " + std::to_string(size) +
                           "; set it to the sizeof of its struct, which is at least " +
                           std::to_string(first_size));
}

Status NeedBuffer(const svirt_buf *buf, const std::string &name) {
  SVIRT_TRY(NeedStruct(buf, name));
  if (buf->data == nullptr && buf->size > 0) {
    return Invalid(name, "has data NULL and size " + std::to_string(buf->size) +
                             "; give it as much room, or size 0 to be told how much is needed");
  }
  return {};
}

Status NeedOptions(const svirt_options *options) {
  SVIRT_TRY(NeedStruct(options, "options"));
  if (options->flags != 0) {
    return Invalid("options", "has unknown flags (" + std::to_string(options->flags) +
                                  "); this version knows none, so it must be 0");
  }
  for (const auto &[path, member] :
       {std::pair{options->config_file, "config_file"}, std::pair{options->state_dir, "state_dir"},
        std::pair{options->run_dir, "run_dir"}}) {
    if (path != nullptr && path[0] == '\0') {
      return Invalid(std::string("options.") + member,
                     "is an empty path; NULL stands for the default");
    }
  }
  return {};
}

Status NeedCommand(const svirt_command *command) {
  SVIRT_TRY(NeedStruct(command, "command"));
  SVIRT_TRY(NeedArgument(command->program, "command.program"));
  SVIRT_TRY(NeedArgument(command->argv, "command.argv"));
  if (command->argv[0] == nullptr) {
    return Invalid("command.argv", "is empty; argv[0] is the program's name");
  }
  if (command->fd_count > 0) {
    SVIRT_TRY(NeedArgument(command->fds, "command.fds"));
  }
  return {};
}

}  // namespace svirt
