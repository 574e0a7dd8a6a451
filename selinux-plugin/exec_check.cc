// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the policy for each right of a start, and words the rule that is missing.
#include "exec_check.h"

#include <svirt/sdk.h>

#include <cstring>

#include "base_contexts.h"
#include "labels.h"

namespace svirt::selinux {
namespace {

// Asks for the rights of one start, in the order in which the kernel will, and remembers the first
// that is missing.
class StartCheck {
 public:
  StartCheck(SelinuxApi *api, const svirt_host *host, const svirt_domain &domain,
             const Context &own, const Context &label)
      : api_(api),
        host_(host),
        domain_(domain),
        own_(own),
        label_(label),
        own_text_(FormatContext(own)),
        label_text_(FormatContext(label)) {}

  // "" if the policy allows it all, else the sentence. A failure to learn the program's own label
  // is an error.
  svirt_status Run(std::string *missing, svirt_error *error);

 private:
  enum class Answer { kAllowed, kDenied, kUnknown };

  Answer Ask(const std::string &source, const std::string &target, const char *security_class,
             const std::vector<const char *> &permissions);
  std::string TransitionMissing();
  std::string EntrypointMissing(const Context &file);
  std::string ExecmemMissing();

  SelinuxApi *api_;
  const svirt_host *host_;
  const svirt_domain &domain_;
  const Context &own_, &label_;
  const std::string own_text_, label_text_;
};

StartCheck::Answer StartCheck::Ask(const std::string &source, const std::string &target,
                                   const char *security_class,
                                   const std::vector<const char *> &permissions) {
  AccessAnswer answer;
  const int errnum = api_->Access(source, target, security_class, permissions, &answer);
  if (errnum != 0) {
    // A process without compute_av cannot ask; a policy that lacks a class cannot answer. The
    // kernel still decides, and the host reads the label back.
    const std::string note = std::string("the policy cannot be asked about ") + security_class +
                             " " + permissions.front() + " (" + std::strerror(errnum) + ")";
    host_->log(host_, SVIRT_LOG_DEBUG, note.c_str());
    return Answer::kUnknown;
  }
  return answer.allowed || answer.permissive ? Answer::kAllowed : Answer::kDenied;
}

std::string Rule(const Context &source, const std::string &target, const char *class_and_rights) {
  return "allow " + source.type + " " + target + ":" + class_and_rights + ";";
}

std::string StartCheck::TransitionMissing() {
  if (own_.range && label_.range) {
    Context plain = label_;
    plain.range = own_.range;
    if (Ask(own_text_, FormatContext(plain), "process", {"transition"}) == Answer::kAllowed) {
      return "the policy does not let a process in the range " + FormatRange(*own_.range) +
             " start one in the range " + FormatRange(*label_.range) +
             ": run the launcher in a range that includes it, such as s0-s0:c0.c1023";
    }
  }
  return "the policy does not let " + own_.type + " start processes as " + label_.type + " (" +
         Rule(own_, label_.type, "process transition") +
         " is missing): give the program that starts domains the file label virtd_exec_t (load the "
         "policy module svirt.cil and restorecon it, or chcon -t virtd_exec_t FILE) and start it "
         "from a service or an unconfined administrator's shell";
}

std::string StartCheck::EntrypointMissing(const Context &file) {
  std::string text = std::string(domain_.emulator) + " is labelled " + file.type +
                     ", which is no entry point into " + label_.type + " (" +
                     Rule(label_, file.type, "file entrypoint") + " is missing)";
  Context known = file;
  known.type = "qemu_exec_t";
  const std::string known_text = FormatContext(known);
  if (api_->CheckContext(known_text) == 0 &&
      Ask(label_text_, known_text, "file", {"entrypoint"}) == Answer::kAllowed) {
    return text + ": if it is to be confined as a domain, chcon -t qemu_exec_t " +
           domain_.emulator + " (semanage fcontext -a to make it last)";
  }
  return text + ": give it a file label that is one";
}

std::string StartCheck::ExecmemMissing() {
  std::string text =
      "software emulation (type='qemu') makes code at run time, which the policy "
      "does not let " +
      label_.type + " do (" + Rule(label_, "self", "process execmem") + " is missing)";
  for (const char *name : {"svirt_use_tcg", "virt_use_execmem"}) {
    const auto on = api_->Boolean(name);
    if (on && !*on) {
      return text + ": setsebool -P " + name + " on";
    }
  }
  return text +
         ": set the boolean that allows it (virt_use_execmem, or svirt_use_tcg of the policy "
         "module svirt.cil), or use KVM (type='kvm')";
}

svirt_status StartCheck::Run(std::string *missing, svirt_error *error) {
  std::string file_text;
  if (const int errnum = api_->FileContext(domain_.emulator, &file_text); errnum != 0) {
    return sdk::Fail(error, errnum == ENOENT ? SVIRT_E_GONE : SVIRT_E_SYSTEM, errnum,
                     "cannot read the SELinux label of the program %s: %s", domain_.emulator,
                     std::strerror(errnum));
  }
  std::string why;
  const auto file = ParseContext(file_text, &why);
  if (!file) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "the label of the program %s, '%s', cannot be understood: %s",
                     domain_.emulator, file_text.c_str(), why.c_str());
  }
  if (Ask(own_text_, file_text, "file", {"execute", "read", "open"}) == Answer::kDenied) {
    *missing = "the policy does not let " + own_.type + " execute " + domain_.emulator + " (" +
               Rule(own_, file->type, "file { execute read open }") + " is missing)";
  } else if (Ask(own_text_, label_text_, "process", {"transition"}) == Answer::kDenied) {
    *missing = TransitionMissing();
  } else if (api_->NoNewPrivs() &&
             Ask(own_text_, label_text_, "process2", {"nnp_transition"}) == Answer::kDenied) {
    *missing = "this process has no_new_privs set, and the policy does not let " + own_.type +
               " start " + label_.type + " then (" +
               Rule(own_, label_.type, "process2 nnp_transition") +
               " is missing): load the policy module svirt.cil, or start without no_new_privs";
  } else if (Ask(label_text_, file_text, "file", {"entrypoint"}) == Answer::kDenied) {
    *missing = EntrypointMissing(*file);
  } else if (Ask(label_text_, file_text, "file", {"execute", "read", "map"}) == Answer::kDenied) {
    *missing = "the policy does not let " + label_.type + " run " + domain_.emulator + " (" +
               Rule(label_, file->type, "file { execute read map }") + " is missing)";
  } else if (domain_.virt_type != nullptr && std::strcmp(domain_.virt_type, "qemu") == 0 &&
             Ask(label_text_, label_text_, "process", {"execmem"}) == Answer::kDenied) {
    *missing = ExecmemMissing();
  }
  return SVIRT_OK;
}

}  // namespace

svirt_status PrepareExec(SelinuxApi *api, const svirt_host *host, const svirt_domain &domain,
                         const std::string &label, svirt_exec *exec, svirt_error *error) {
  if (label.empty()) {
    if (domain.label_type != SVIRT_LABEL_NONE) {
      return sdk::Fail(error, SVIRT_E_INVALID, 0,
                       "a confined domain cannot be started without an SELinux label");
    }
    return SVIRT_OK;
  }
  Context context, own;
  svirt_status status = CheckLabel(api, label, "the label", &context, error);
  if (status == SVIRT_OK) {
    status = LoadOwnContext(api, &own, error);
  }
  if (status != SVIRT_OK) {
    return status;
  }
  svirt_exec_op &op = exec->op[0];
  if (label.size() + 1 > SVIRT_EXEC_DATA_MAX) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "the label is %zu bytes long, and the kernel takes no more than %d",
                     label.size(), SVIRT_EXEC_DATA_MAX - 1);
  }
  if (domain.emulator == nullptr) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0, "the domain names no program to execute");
  }
  bool enforcing = false;
  if (const int errnum = api->Enforcing(&enforcing); errnum != 0) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, errnum, "SELinux does not say whether it enforces: %s",
                     std::strerror(errnum));
  }
  std::string missing;
  status = StartCheck(api, host, domain, own, context).Run(&missing, error);
  if (status != SVIRT_OK) {
    return status;
  }
  if (!missing.empty()) {
    if (enforcing) {
      return sdk::Fail(error, SVIRT_E_DENIED, EACCES, "%s", missing.c_str());
    }
    host->log(host, SVIRT_LOG_WARNING,
              ("SELinux is permissive; enforcing, this start would fail: " + missing).c_str());
  }
  op.kind = SVIRT_EXEC_PROCATTR;
  op.fd = -1;
  std::memcpy(op.attr, "exec", sizeof "exec");
  std::memcpy(op.data, label.c_str(), label.size() + 1);
  op.data_len = static_cast<uint32_t>(label.size() + 1);
  exec->op_count = 1;
  return SVIRT_OK;
}

svirt_status GetProcessLabel(SelinuxApi *api, const svirt_domain &domain, std::string *label,
                             bool *enforcing, svirt_error *error) {
  if (domain.pid <= 0) {
    return sdk::Fail(error, SVIRT_E_NOTSUP, 0,
                     "SELinux labels processes, and none is given for this domain");
  }
  std::string text;
  if (const int errnum = api->ProcessContext(domain.pid, &text); errnum != 0) {
    const bool gone = errnum == ENOENT || errnum == ESRCH;
    return sdk::Fail(error, gone ? SVIRT_E_GONE : SVIRT_E_SYSTEM, errnum,
                     gone ? "process %d does not run (any more): %s"
                          : "cannot read the SELinux label of process %d: %s",
                     domain.pid, std::strerror(errnum));
  }
  std::string why;
  const auto context = ParseContext(text, &why);
  Context own;
  const svirt_status status = LoadOwnContext(api, &own, error);
  if (status != SVIRT_OK) {
    return status;
  }
  if (!context || (own.range && !context->range)) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, 0,
                     "the kernel gave '%s' as the label of process %d, which is not a whole "
                     "context: %s",
                     text.c_str(), domain.pid, context ? "it has no level" : why.c_str());
  }
  bool global = false;
  if (const int errnum = api->Enforcing(&global); errnum != 0) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, errnum, "SELinux does not say whether it enforces: %s",
                     std::strerror(errnum));
  }
  AccessAnswer answer;
  const bool permissive_type =
      api->Access(text, text, "process", {"fork"}, &answer) == 0 && answer.permissive;
  *label = text;
  *enforcing = global && !permissive_type;
  return SVIRT_OK;
}

}  // namespace svirt::selinux
