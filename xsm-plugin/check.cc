// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns contexts into SIDs and back, and finds the part that the policy does not have.
#include "check.h"

#include <svirt/sdk.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "flask_classes.h"

namespace svirt::flask {
namespace {

// Which part of a context does the policy not have? Each is tried beside parts known to be good,
// those of the hypervisor itself; object_r goes with every type and user.
std::string Diagnose(XenApi *api, const Context &context) {
  std::string text, why;
  if (ReadContext(api, kFirstInitialSid, &text) != 0) {
    return "the policy does not have it";
  }
  const auto known = sdk::ParseContext(text, &why);
  if (!known) {
    return "the policy does not have it";
  }
  if (context.range && !known->range) {
    return "the loaded policy has no levels: leave away what follows the type";
  }
  if (!context.range && known->range) {
    return "the policy wants a level at its end, such as s0";
  }
  const auto valid = [&](const std::string &user, const std::string &type) {
    return CheckContext(api, {user, "object_r", type, known->range}) == 0;
  };
  if (!valid(known->user, context.type)) {
    return "the policy has no type " + context.type;
  }
  if (!valid(context.user, known->type)) {
    return "the policy has no user " + context.user;
  }
  return "the policy has no user " + context.user + " with role " + context.role + ", type " +
         context.type + (context.range ? " and level " + sdk::FormatRange(*context.range) : "");
}

// A label in a sentence, which has room for more than the label.
std::string Shown(std::string_view label) {
  constexpr size_t kMost = 256;
  return std::string(label.substr(0, kMost)) + (label.size() > kMost ? "..." : "");
}

}  // namespace

int FindSid(XenApi *api, std::string_view context, uint32_t *sid) {
  if (context.size() > SVIRT_LABEL_MAX) {
    return ENOBUFS;
  }
  uint32_t found = 0;
  const int errnum =
      api->ContextToSid(context.data(), static_cast<uint32_t>(context.size()), &found);
  if (errnum != 0) {
    return errnum;
  }
  if (found == 0) {  // to the hypervisor it means "the default label"
    return EPROTO;
  }
  *sid = found;
  return 0;
}

int ReadContext(XenApi *api, uint32_t sid, std::string *context) {
  std::vector<char> text(SVIRT_LABEL_MAX + 1);
  const int errnum = api->SidToContext(sid, text.data(), static_cast<uint32_t>(text.size()));
  if (errnum != 0) {
    return errnum == ERANGE ? ENOBUFS : errnum;
  }
  const size_t length = strnlen(text.data(), text.size());
  if (length == 0 || length == text.size()) {
    return EPROTO;
  }
  context->assign(text.data(), length);
  return 0;
}

int CheckContext(XenApi *api, const Context &context) {
  const std::string text = sdk::FormatContext(context);
  uint32_t sid = 0;
  std::string back;
  int errnum = FindSid(api, text, &sid);
  if (errnum == 0) {
    errnum = ReadContext(api, sid, &back);
  }
  return errnum != 0 ? errnum : back == text ? 0 : EINVAL;
}

svirt_status CallFailed(int errnum, const std::string &what, svirt_error *error) {
  switch (errnum) {
    case EACCES:
    case EPERM:
      return sdk::Fail(error, SVIRT_E_DENIED, errnum,
                       "the hypervisor does not let this domain %s: run as root in the control "
                       "domain, and see that the policy lets it (xl dmesg shows what FLASK denies)",
                       what.c_str());
    case ENOBUFS:
      return sdk::Fail(error, SVIRT_E_INVALID, errnum,
                       "cannot %s: a context is longer than the %d bytes of a label", what.c_str(),
                       SVIRT_LABEL_MAX);
    case EPROTO:
      return sdk::Fail(error, SVIRT_E_SYSTEM, errnum,
                       "cannot %s: the hypervisor gave an answer that means nothing", what.c_str());
    case ENOSYS:
      return sdk::Fail(error, SVIRT_E_NOTSUP, errnum,
                       "cannot %s: FLASK is not the hypervisor's active security module",
                       what.c_str());
    default:
      return sdk::Fail(error, SVIRT_E_SYSTEM, errnum, "cannot %s: %s", what.c_str(),
                       std::strerror(errnum));
  }
}

svirt_status CheckLabel(XenApi *api, std::string_view label, const char *what, Context *parsed,
                        svirt_error *error) {
  if (label.size() > SVIRT_LABEL_MAX) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0, "%s is %zu bytes long, and a label has at most %d",
                     what, label.size(), SVIRT_LABEL_MAX);
  }
  const std::string text = Shown(label);
  std::string why;
  const auto context = sdk::ParseContext(label, &why);
  if (!context) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0, "%s '%s' is not a security context: %s", what,
                     text.c_str(), why.c_str());
  }
  uint32_t sid = 0;
  const int errnum = FindSid(api, label, &sid);
  if (errnum == EINVAL) {
    return sdk::Fail(error, SVIRT_E_INVALID, errnum, "%s '%s' is not valid: %s", what, text.c_str(),
                     Diagnose(api, *context).c_str());
  }
  std::string back;
  const int read_errnum = errnum == 0 ? ReadContext(api, sid, &back) : errnum;
  if (read_errnum != 0) {
    return CallFailed(read_errnum,
                      "check whether " + std::string(what) + " '" + text + "' is valid", error);
  }
  // A label in another form would never be recognised again. Before a policy is loaded, every
  // context is taken for the hypervisor's own.
  if (back != label) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "%s '%s' is not in the form the hypervisor uses: it reads it as '%s'", what,
                     text.c_str(), Shown(back).c_str());
  }
  *parsed = *context;
  return SVIRT_OK;
}

}  // namespace svirt::flask
