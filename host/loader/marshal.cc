// SPDX-License-Identifier: LGPL-2.1-or-later
// Converts and checks every string, number and recipe that crosses the ABI.
#include "host/loader/marshal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "host/util/text.h"

namespace svirt {
namespace {

Error Defect(std::string sentence) {
  return Error{Errc::kInternal, std::move(sentence), 0};
}

Error Invalid(std::string sentence) {
  return Error{Errc::kInvalid, std::move(sentence), 0};
}

// A NUL inside a std::string would end the C string early: the plugin would judge another text
// than the one the host acts upon.
Status CheckString(const std::string &text, std::string_view what) {
  if (text.find('\0') != std::string::npos) {
    return Invalid("the " + std::string(what) + " of the domain contains a NUL byte");
  }
  return {};
}

// A fixed char array of a struct that came back.
Result<std::string> ReadArray(const char *data, size_t limit, std::string_view what, bool utf8) {
  const size_t length = strnlen(data, limit + 1);
  if (length > limit) {
    return Defect("the " + std::string(what) + " it gave is longer than " + std::to_string(limit) +
                  " bytes");
  }
  const std::string_view text(data, length);
  if (HasControlCharacters(text)) {
    return Defect("the " + std::string(what) + " it gave contains a control character");
  }
  if (utf8 && !IsUtf8(text)) {
    return Defect("the " + std::string(what) + " it gave is not UTF-8");
  }
  return std::string(text);
}

bool IsKnownAttr(std::string_view attr) {
  for (const std::string_view prefix : {"apparmor/", "smack/"}) {
    if (attr.substr(0, prefix.size()) == prefix) {
      attr.remove_prefix(prefix.size());
      break;
    }
  }
  constexpr std::string_view kAttrs[] = {"current", "exec", "fscreate", "sockcreate", "keycreate"};
  return std::find(std::begin(kAttrs), std::end(kAttrs), attr) != std::end(kAttrs);
}

Status CheckProcattr(const svirt_exec_op &op) {
  if (strnlen(op.attr, sizeof op.attr) == sizeof op.attr || !IsKnownAttr(op.attr)) {
    return Defect("its recipe writes to the process attribute \"" +
                  Printable(std::string_view(op.attr, strnlen(op.attr, sizeof op.attr))) +
                  "\", which is not one a plugin may set");
  }
  if (op.data_len == 0 || op.data_len > SVIRT_EXEC_DATA_MAX) {
    return Defect("its recipe writes " + std::to_string(op.data_len) +
                  " bytes to a process attribute; 1 to " + std::to_string(SVIRT_EXEC_DATA_MAX) +
                  " are possible");
  }
  return {};
}

// 0 to 2 are the standard streams: what a plugin that forgot the member would name.
bool IsHandedOver(const svirt_exec_op &op) {
  return op.kind == SVIRT_EXEC_LANDLOCK && op.fd > 2;
}

Status CheckRuleset(const svirt_exec_op &op) {
  const int flags = IsHandedOver(op) ? fcntl(op.fd, F_GETFD) : -1;
  if (flags < 0) {
    return Defect("its recipe names descriptor " + std::to_string(op.fd) +
                  " as a ruleset, which is not an open one of its own");
  }
  if ((flags & FD_CLOEXEC) == 0) {
    return Defect("descriptor " + std::to_string(op.fd) + " of its recipe is not close-on-exec");
  }
  return {};
}

Status CheckCredentials(const svirt_exec_op &op) {
  constexpr uint32_t kUnchanged = std::numeric_limits<uint32_t>::max();
  if (op.uid == kUnchanged || op.gid == kUnchanged) {
    return Defect("its recipe has -1 as a user or group, which would leave the caller's");
  }
  return {};
}

}  // namespace

Status CheckLabelInput(std::string_view label) {
  if (label.size() > SVIRT_LABEL_MAX) {
    return Invalid("the label is " + std::to_string(label.size()) + " bytes long; at most " +
                   std::to_string(SVIRT_LABEL_MAX) + " are allowed");
  }
  if (HasControlCharacters(label)) {
    return Invalid("the label \"" + Printable(label) + "\" contains a control character");
  }
  return {};
}

Result<svirt_resource> ToResource(const ResourceRef &ref, const std::string &model) {
  const Resource &resource = *ref.resource;
  SVIRT_TRY(CheckString(resource.path, "resource path"));
  const DeviceSecLabel *chosen = nullptr;
  for (const DeviceSecLabel &each : resource.overrides) {
    if (each.model == model) {
      chosen = &each;
      break;
    }
    if (each.model.empty() && chosen == nullptr) {
      chosen = &each;
    }
  }
  if (chosen != nullptr) {
    SVIRT_TRY(CheckLabelInput(chosen->label));
  }
  svirt_resource out{};
  out.struct_size = sizeof out;
  out.kind = static_cast<uint32_t>(resource.kind);
  out.object = static_cast<uint32_t>(resource.object);
  out.access = resource.access;
  out.flags = (resource.shared ? SVIRT_RES_SHARED : 0u) |
              (resource.subtree ? SVIRT_RES_SUBTREE : 0u) |
              (ref.as_it_is ? SVIRT_RES_AS_IT_IS : 0u) | (ref.is_real ? SVIRT_RES_REAL_PATH : 0u);
  out.chain_depth = resource.chain_depth;
  out.fd = ref.fd;
  out.path = resource.path.c_str();
  out.override_label = chosen != nullptr ? OrNull(chosen->label) : nullptr;
  return out;
}

Result<DomainView> DomainView::Make(const DomainRef &ref, const std::string &model) {
  SVIRT_TRY(CheckString(ref.uuid, "uuid"));
  SVIRT_TRY(CheckString(ref.name, "name"));
  SVIRT_TRY(CheckString(ref.virt_type, "type"));
  SVIRT_TRY(CheckString(ref.emulator, "emulator"));
  SVIRT_TRY(CheckLabelInput(ref.seclabel.label));
  SVIRT_TRY(CheckLabelInput(ref.seclabel.base_label));
  SVIRT_TRY(CheckLabelInput(ref.seclabel.image_label));
  DomainView view;
  svirt_domain &out = view.domain_;
  out.struct_size = sizeof out;
  switch (ref.seclabel.type) {
    case SecLabel::Type::kDynamic:
      out.label_type = SVIRT_LABEL_DYNAMIC;
      break;
    case SecLabel::Type::kStatic:
      out.label_type = SVIRT_LABEL_STATIC;
      break;
    case SecLabel::Type::kNone:
      out.label_type = SVIRT_LABEL_NONE;
      break;
    case SecLabel::Type::kDefault:
      return Defect("the type of the domain's label has not been decided");
  }
  out.pid = ref.pid;
  out.id = ref.id;
  out.uuid = OrNull(ref.uuid);
  out.name = OrNull(ref.name);
  out.virt_type = OrNull(ref.virt_type);
  out.emulator = OrNull(ref.emulator);
  out.base_label = OrNull(ref.seclabel.base_label);
  out.label = OrNull(ref.seclabel.label);
  out.image_label = OrNull(ref.seclabel.image_label);
  view.resources_.reserve(ref.resources.size());
  for (const ResourceRef &each : ref.resources) {
    SVIRT_ASSIGN(svirt_resource resource, ToResource(each, model));
    view.resources_.push_back(resource);
  }
  out.resource_count = static_cast<uint32_t>(view.resources_.size());
  out.resource_size = sizeof(svirt_resource);
  return view;
}

svirt_buf TextBuffer::Blank() {
  svirt_buf buf{};
  buf.struct_size = sizeof buf;
  buf.size = static_cast<uint32_t>(data_.size());
  buf.data = data_.data();
  return buf;
}

Result<std::string> TextBuffer::Read(const svirt_buf &answer, std::string_view what,
                                     bool optional) const {
  const auto name = [what] { return std::string(what); };
  if (answer.reserved != 0) {
    return Defect("it set a reserved member of the " + name());
  }
  if (answer.used == 0) {
    if (optional) {
      return std::string();
    }
    return Defect("it reported success but gave no " + name());
  }
  if (answer.used > data_.size()) {
    return Defect("it reported success but a " + name() + " of " + std::to_string(answer.used) +
                  " bytes, more than the buffer has");
  }
  if (strnlen(data_.data(), data_.size()) + 1 != answer.used) {
    return Defect("the length of the " + name() + " it gave does not match its text");
  }
  const std::string_view text(data_.data(), answer.used - 1);
  if (HasControlCharacters(text)) {
    return Defect("the " + name() + " it gave contains a control character");
  }
  return std::string(text);
}

Result<ModelInfo> ReadModel(const svirt_model &answer, const std::string &expected_model) {
  constexpr uint32_t kFamilies = SVIRT_MODEL_OBJECT | SVIRT_MODEL_PROFILE;
  if ((answer.flags & ~(kFamilies | SVIRT_MODEL_UNVERIFIABLE | SVIRT_MODEL_FIXED)) != 0) {
    return Defect("it set a model flag that this host does not know");
  }
  if ((answer.flags & kFamilies) == 0) {
    return Defect("it says neither that it labels objects nor that it writes profiles");
  }
  if (answer.enforcing != 0 && answer.enforcing != 1) {
    return Defect("it gave " + std::to_string(answer.enforcing) + " as enforcing state");
  }
  ModelInfo info;
  SVIRT_ASSIGN(info.model, ReadArray(answer.model, SVIRT_MODEL_MAX, "model", true));
  SVIRT_ASSIGN(info.doi, ReadArray(answer.doi, SVIRT_DOI_MAX, "DOI", true));
  SVIRT_ASSIGN(info.policy_type,
               ReadArray(answer.policy_type, SVIRT_MODEL_MAX, "policy type", true));
  SVIRT_ASSIGN(info.base_label, ReadArray(answer.base_label, SVIRT_LABEL_MAX, "base label", false));
  if (info.model != expected_model) {
    return Defect("it calls its model \"" + info.model + "\" now");
  }
  info.policy_version = answer.policy_version;
  info.enforcing = answer.enforcing == 1;
  info.is_object = (answer.flags & SVIRT_MODEL_OBJECT) != 0;
  info.is_profile = (answer.flags & SVIRT_MODEL_PROFILE) != 0;
  info.is_unverifiable = (answer.flags & SVIRT_MODEL_UNVERIFIABLE) != 0;
  info.is_fixed = (answer.flags & SVIRT_MODEL_FIXED) != 0;
  return info;
}

Result<ResourcePlan> ReadPlan(const svirt_resource_plan &answer, const TextBuffer &label,
                              const TextBuffer &note) {
  if (answer.reserved != 0 || (answer.flags & ~(SVIRT_PLAN_EXCLUSIVE | SVIRT_PLAN_KEEP)) != 0) {
    return Defect("resource_plan_label set a reserved member or a flag this host does not know");
  }
  ResourcePlan plan;
  switch (answer.action) {
    case SVIRT_PLAN_NONE:
      plan.action = ResourcePlan::Action::kNone;
      break;
    case SVIRT_PLAN_SET:
      plan.action = ResourcePlan::Action::kSet;
      break;
    case SVIRT_PLAN_GRANT:
      plan.action = ResourcePlan::Action::kGrant;
      break;
    default:
      return Defect("resource_plan_label gave the unknown action " + std::to_string(answer.action));
  }
  SVIRT_ASSIGN(plan.label, label.Read(answer.label, "label of the resource", true));
  SVIRT_ASSIGN(plan.note, note.Read(answer.note, "note on the resource", true));
  if (plan.action == ResourcePlan::Action::kSet && plan.label.empty()) {
    return Defect("resource_plan_label wants to set an empty label");
  }
  plan.exclusive = (answer.flags & SVIRT_PLAN_EXCLUSIVE) != 0;
  plan.keep = (answer.flags & SVIRT_PLAN_KEEP) != 0;
  return plan;
}

Result<std::vector<IndexRun>> ReadIndexRuns(const std::vector<svirt_index_run> &runs) {
  std::vector<IndexRun> out;
  out.reserve(runs.size());
  uint64_t next = 0;  // the least index the next run may start with
  for (const svirt_index_run &run : runs) {
    if (run.count == 0 || run.count > std::numeric_limits<uint64_t>::max() - run.first) {
      return Defect("it gave an index run that is empty or overflows");
    }
    if (run.first < next) {
      return Defect("the index runs it gave are not ascending and disjoint");
    }
    next = run.first + run.count;
    out.push_back(IndexRun{run.first, run.count});
  }
  return out;
}

Status CheckExec(const svirt_exec &exec) {
  if (exec.op_count > SVIRT_EXEC_OPS) {
    return Defect("its recipe has " + std::to_string(exec.op_count) + " operations; at most " +
                  std::to_string(SVIRT_EXEC_OPS) + " are possible");
  }
  for (uint32_t i = 0; i < exec.op_count; ++i) {
    const svirt_exec_op &op = exec.op[i];
    uint32_t known_flags = 0;
    switch (op.kind) {
      case SVIRT_EXEC_PROCATTR:
        SVIRT_TRY(CheckProcattr(op));
        break;
      case SVIRT_EXEC_LANDLOCK:
        known_flags = SVIRT_EXEC_NO_NEW_PRIVS;
        SVIRT_TRY(CheckRuleset(op));
        break;
      case SVIRT_EXEC_CREDENTIALS:
        SVIRT_TRY(CheckCredentials(op));
        break;
      default:
        return Defect("its recipe has an operation of kind " + std::to_string(op.kind) +
                      ", which this host does not know");
    }
    if ((op.flags & ~known_flags) != 0) {
      return Defect("its recipe has a flag on operation " + std::to_string(i + 1) +
                    " that this host does not know");
    }
  }
  return {};
}

void DiscardExec(svirt_exec *exec) {
  for (const svirt_exec_op &op : exec->op) {
    if (IsHandedOver(op)) {
      close(op.fd);
    }
  }
  *exec = svirt_exec{};
  exec->struct_size = sizeof *exec;
}

}  // namespace svirt
