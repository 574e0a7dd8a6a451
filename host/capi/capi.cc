// SPDX-License-Identifier: LGPL-2.1-or-later
// The C API over the C++ classes: copies sized structs, and lets no exception out.
#include <svirt/host.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "host/capi/arguments.h"
#include "host/output/json_output.h"
#include "host/service/host.h"
#include "host/service/models/open_config.h"

struct svirt_context {
  std::unique_ptr<svirt::Host> host;
};

namespace svirt {
namespace {

svirt_status StatusOf(Errc code) {
  switch (code) {
    case Errc::kInvalid:
      return SVIRT_E_INVALID;
    case Errc::kNotFound:
      return SVIRT_E_NOTFOUND;
    case Errc::kExists:
    case Errc::kConflict:
      return SVIRT_E_CONFLICT;
    case Errc::kRefused:
      return SVIRT_E_REFUSED;
    case Errc::kExhausted:
      return SVIRT_E_EXHAUSTED;
    case Errc::kPermission:
      return SVIRT_E_DENIED;
    case Errc::kUnsupported:
      return SVIRT_E_NOTSUP;
    case Errc::kSystem:
    case Errc::kTimeout:
      return SVIRT_E_SYSTEM;
    case Errc::kInternal:
      break;
  }
  return SVIRT_E_INTERNAL;
}

svirt_status Fail(svirt_error *out, const Error &error) {
  const svirt_status status = StatusOf(error.code);
  if (out != nullptr && out->struct_size > offsetof(svirt_error, message)) {
    out->sys_errno = error.sys_errno;
    const size_t room =
        std::min<size_t>(out->struct_size - offsetof(svirt_error, message), sizeof out->message);
    const size_t length = std::min(error.message.size(), room - 1);
    std::memcpy(out->message, error.message.data(), length);
    out->message[length] = '\0';
  }
  return status;
}

// Runs a call's body, which returns Result<svirt_status>.
template <typename Body>
svirt_status Call(svirt_error *error, Body body) noexcept {
  try {
    const Result<svirt_status> result = body();
    return result.ok() ? *result : Fail(error, result.error());
  } catch (const std::exception &e) {
    return Fail(error, Error{Errc::kInternal, std::string("defect: ") + e.what()});
  }
}

template <typename T>
T CopySized(const T *theirs) {
  T mine{};
  std::memcpy(&mine, theirs, std::min<size_t>(theirs->struct_size, sizeof mine));
  return mine;
}

template <typename T>
void StoreSized(T *theirs, T mine) {
  mine.struct_size = theirs->struct_size;
  std::memcpy(theirs, &mine, std::min<size_t>(theirs->struct_size, sizeof mine));
}

svirt_status Put(svirt_buf *buf, std::string_view text) {
  buf->used = static_cast<uint32_t>(text.size() + 1);
  if (buf->used > buf->size) {
    return SVIRT_E_RANGE;
  }
  std::memcpy(buf->data, text.data(), text.size());
  buf->data[text.size()] = '\0';
  return SVIRT_OK;
}

// Longer strings have been refused where they came from.
template <size_t N>
void Copy(char (&out)[N], const std::string &text) {
  const size_t length = std::min(text.size(), N - 1);
  std::memcpy(out, text.data(), length);
  out[length] = '\0';
}

std::string OrEmpty(const char *text) {
  return text != nullptr ? text : "";
}

Result<Domain> ParseArgument(svirt_context *context, const char *xml) {
  SVIRT_TRY(NeedArgument(context, "context"));
  SVIRT_TRY(NeedArgument(xml, "xml"));
  return context->host->definitions.Parse(xml, "domain XML");
}

LaunchSpec ToSpec(const svirt_command &command) {
  LaunchSpec spec;
  spec.program = OrEmpty(command.program);
  for (const char *const *arg = command.argv; arg != nullptr && *arg != nullptr; ++arg) {
    spec.argv.emplace_back(*arg);
  }
  for (const char *const *entry = command.envp; entry != nullptr && *entry != nullptr; ++entry) {
    spec.env.emplace_back(*entry);
  }
  if (command.cwd != nullptr) {
    spec.cwd = command.cwd;
  }
  for (uint32_t i = 0; i < command.fd_count; ++i) {
    spec.fds.push_back({command.fds[size_t{2} * i], command.fds[size_t{2} * i + 1]});
  }
  return spec;
}

}  // namespace
}  // namespace svirt

using svirt::Call;
using svirt::Result;

svirt_status svirt_open(const svirt_options *options, svirt_context **context,
                        svirt_error *error) noexcept {
  return Call(error, [&]() -> Result<svirt_status> {
    SVIRT_TRY(svirt::NeedOptions(options));
    SVIRT_TRY(svirt::NeedArgument(context, "context"));
    const svirt_options given = svirt::CopySized(options);
    svirt::MachineOptions host_options;
    host_options.paths = svirt::Paths::System();
    for (const auto &[from, to] : {std::pair{given.config_file, &host_options.paths.config_file},
                                   std::pair{given.state_dir, &host_options.paths.state_dir},
                                   std::pair{given.run_dir, &host_options.paths.run_dir}}) {
      if (from != nullptr) {
        *to = from;
      }
    }
    host_options.scanner = SVIRT_SCANNER;
    host_options.log = [log = given.log, data = given.log_data](int level,
                                                                std::string_view sentence) {
      if (log != nullptr && level >= SVIRT_LOG_WARNING) {
        log(data, level, std::string(sentence).c_str());
      }
    };
    SVIRT_ASSIGN(host_options.config, svirt::OpenConfig(host_options.paths));
    auto opened = std::make_unique<svirt_context>();
    opened->host = std::make_unique<svirt::Host>(std::move(host_options));
    SVIRT_TRY(opened->host->machine.domains().made());  // a daemon is told at once
    *context = opened.release();
    return SVIRT_OK;
  });
}

void svirt_close(svirt_context *context) noexcept {
  delete context;
}

svirt_status svirt_get_model(svirt_context *context, const char *virt_type, svirt_model *model,
                             svirt_error *error) noexcept {
  return Call(error, [&]() -> Result<svirt_status> {
    SVIRT_TRY(svirt::NeedArgument(context, "context"));
    SVIRT_TRY(svirt::NeedStruct(model, "model"));
    const std::string type = svirt::OrEmpty(virt_type);
    SVIRT_ASSIGN(const auto plugins, context->host->machine.models().For(type));
    if (plugins.empty()) {
      return SVIRT_INACTIVE;
    }
    SVIRT_ASSIGN(const svirt::ModelInfo info,
                 context->host->machine.models().Describe(plugins.front(), type));
    svirt_model mine{};
    mine.flags = (info.is_object ? SVIRT_MODEL_OBJECT : 0) |
                 (info.is_profile ? SVIRT_MODEL_PROFILE : 0) |
                 (info.is_unverifiable ? SVIRT_MODEL_UNVERIFIABLE : 0) |
                 (info.is_fixed ? SVIRT_MODEL_FIXED : 0);
    mine.enforcing = info.enforcing ? 1 : 0;
    mine.policy_version = info.policy_version;
    svirt::Copy(mine.model, info.model);
    svirt::Copy(mine.doi, info.doi);
    svirt::Copy(mine.policy_type, info.policy_type);
    svirt::Copy(mine.base_label, info.base_label);
    svirt::StoreSized(model, mine);
    return SVIRT_OK;
  });
}

svirt_status svirt_list_plugins(svirt_context *context, const char *virt_type, svirt_buf *json,
                                svirt_error *error) noexcept {
  return Call(error, [&]() -> Result<svirt_status> {
    SVIRT_TRY(svirt::NeedArgument(context, "context"));
    SVIRT_TRY(svirt::NeedBuffer(json, "json"));
    SVIRT_ASSIGN(const auto overview,
                 context->host->machine.models().Show(svirt::OrEmpty(virt_type)));
    return svirt::Put(json, svirt::JsonText(svirt::PluginsToJson(overview)));
  });
}

svirt_status svirt_verify(svirt_context *context, const char *xml, svirt_error *error) noexcept {
  return Call(error, [&]() -> Result<svirt_status> {
    SVIRT_ASSIGN(const svirt::Domain domain, svirt::ParseArgument(context, xml));
    SVIRT_TRY(context->host->planning.Verify(domain));
    return SVIRT_OK;
  });
}

svirt_status svirt_plan(svirt_context *context, const char *xml, svirt_buf *json,
                        svirt_error *error) noexcept {
  return Call(error, [&]() -> Result<svirt_status> {
    SVIRT_TRY(svirt::NeedBuffer(json, "json"));
    SVIRT_ASSIGN(const svirt::Domain domain, svirt::ParseArgument(context, xml));
    SVIRT_ASSIGN(const svirt::DomainPlan plan, context->host->planning.Make(domain));
    return svirt::Put(json, svirt::JsonText(svirt::PlanToJson(domain, plan)));
  });
}

svirt_status svirt_label(svirt_context *context, const char *xml, svirt_error *error) noexcept {
  return Call(error, [&]() -> Result<svirt_status> {
    SVIRT_ASSIGN(const svirt::Domain domain, svirt::ParseArgument(context, xml));
    SVIRT_TRY(context->host->confinement.Label(domain));
    return SVIRT_OK;
  });
}

svirt_status svirt_launch(svirt_context *context, const char *xml, const svirt_command *command,
                          int32_t *pid, svirt_error *error) noexcept {
  return Call(error, [&]() -> Result<svirt_status> {
    SVIRT_TRY(svirt::NeedCommand(command));
    SVIRT_TRY(svirt::NeedArgument(pid, "pid"));
    SVIRT_ASSIGN(const svirt::Domain domain, svirt::ParseArgument(context, xml));
    svirt::LaunchSpec spec = svirt::ToSpec(svirt::CopySized(command));
    SVIRT_ASSIGN(const svirt::Child child,
                 context->host->confinement.Launch(domain, std::move(spec)));
    *pid = child.pid;
    return SVIRT_OK;
  });
}

svirt_status svirt_get_label(svirt_context *context, const char *xml, int32_t pid,
                             svirt_label_state *state, svirt_error *error) noexcept {
  return Call(error, [&]() -> Result<svirt_status> {
    SVIRT_TRY(svirt::NeedStruct(state, "state"));
    SVIRT_TRY(svirt::NeedBuffer(&state->label, "state.label"));
    if (pid <= 0) {
      return svirt::Error{svirt::Errc::kInvalid,
                          "argument 'pid' is no process: " + std::to_string(pid)};
    }
    SVIRT_ASSIGN(const svirt::Domain domain, svirt::ParseArgument(context, xml));
    SVIRT_ASSIGN(const auto plugins, context->host->machine.models().For(domain.type));
    if (plugins.empty()) {
      return SVIRT_INACTIVE;
    }
    SVIRT_ASSIGN(const svirt::LabelState found,
                 svirt::Inspection::ProcessLabel(plugins.front(), domain, pid));
    const svirt_status put = svirt::Put(&state->label, found.label);
    if (put == SVIRT_OK) {
      state->enforcing = found.enforcing ? 1 : 0;
    }
    return put;
  });
}

svirt_status svirt_restore(svirt_context *context, const char *xml, svirt_error *error) noexcept {
  return Call(error, [&]() -> Result<svirt_status> {
    SVIRT_ASSIGN(const svirt::Domain domain, svirt::ParseArgument(context, xml));
    SVIRT_TRY(context->host->confinement.Restore(domain));
    return SVIRT_OK;
  });
}
