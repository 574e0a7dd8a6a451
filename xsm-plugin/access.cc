// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks FLASK for grant and event permissions in both directions.
#include "access.h"

#include <svirt/ext/draft/access.h>

#include <utility>

#include "check.h"
#include "flask_classes.h"

namespace svirt::flask {
namespace {

// One end of an event channel: from makes it for peer. The channel has a label of its own.
int MayMakeEvents(XenApi *api, const std::string &from, const std::string &peer, bool *may) {
  uint32_t source = 0, target = 0, channel_sid = 0, made = 0, bound = 0;
  std::string channel;
  int errnum = FindSid(api, from, &source);
  if (errnum == 0) {
    errnum = FindSid(api, peer, &target);
  }
  if (errnum == 0) {
    errnum = api->NewObjectSid(source, target, kClassEvent, &channel_sid);
  }
  if (errnum == 0) {
    errnum = ReadContext(api, channel_sid, &channel);
  }
  if (errnum == 0) {
    errnum = api->Access(from, channel, kClassEvent, kEventCreate, &made);
  }
  if (errnum == 0) {
    errnum = api->Access(channel, peer, kClassEvent, kEventBind, &bound);
  }
  *may = made == kEventCreate && bound == kEventBind;
  return errnum;
}

}  // namespace

int MayUseGrants(XenApi *api, const std::string &source, const std::string &target,
                 uint32_t permissions, bool *may) {
  uint32_t allowed = 0;
  const int errnum = api->Access(source, target, kClassGrant, permissions, &allowed);
  *may = errnum == 0 && (allowed & permissions) == permissions;
  return errnum;
}

int MayBindEvents(XenApi *api, const std::string &one, const std::string &other, bool *may) {
  bool there = false, back = false;
  int errnum = MayMakeEvents(api, one, other, &there);
  if (errnum == 0) {
    errnum = MayMakeEvents(api, other, one, &back);
  }
  *may = errnum == 0 && there && back;
  return errnum;
}

int AreKeptApart(XenApi *api, const std::string &one, const std::string &other, bool *apart) {
  bool may = true;
  *apart = false;
  int errnum = MayBindEvents(api, one, other, &may);
  for (const uint32_t permission : {kGrantMapRead, kGrantMapWrite, kGrantCopy}) {
    if (errnum == 0 && !may) {
      errnum = MayUseGrants(api, one, other, permission, &may);
    }
    if (errnum == 0 && !may) {
      errnum = MayUseGrants(api, other, one, permission, &may);
    }
  }
  *apart = errnum == 0 && !may;
  return errnum;
}

svirt_status AskAccess(XenApi *api, const char *source, const char *target, uint32_t *may,
                       svirt_error *error) {
  Context context;
  svirt_status status = CheckLabel(api, source, "the first label", &context, error);
  if (status == SVIRT_OK) {
    status = CheckLabel(api, target, "the second label", &context, error);
  }
  if (status != SVIRT_OK) {
    return status;
  }
  constexpr std::pair<uint32_t, uint32_t> kGrants[] = {{kGrantMapRead, SVIRT_MAY_READ_MEMORY},
                                                       {kGrantMapWrite, SVIRT_MAY_WRITE_MEMORY},
                                                       {kGrantCopy, SVIRT_MAY_COPY_MEMORY}};
  uint32_t answer = 0;
  bool allowed = false;
  int errnum = 0;
  for (const auto &[permission, bit] : kGrants) {
    if (errnum == 0) {
      errnum = MayUseGrants(api, source, target, permission, &allowed);
      answer |= allowed ? bit : 0;
    }
  }
  if (errnum == 0) {
    errnum = MayBindEvents(api, source, target, &allowed);
    answer |= allowed ? SVIRT_MAY_NOTIFY : 0;
  }
  if (errnum != 0) {
    return CallFailed(errnum, "ask the policy about two labels", error);
  }
  *may = answer;
  return SVIRT_OK;
}

}  // namespace svirt::flask
