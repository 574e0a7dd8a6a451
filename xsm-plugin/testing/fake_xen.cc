// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers the calls of XenApi from a small policy in memory.
#include "testing/fake_xen.h"

#include <cerrno>
#include <cstring>

#include "flask_classes.h"

namespace svirt::flask {
namespace {

Context Parse(const std::string &text) {
  std::string why;
  return sdk::ParseContext(text, &why).value_or(Context{});
}

constexpr uint32_t kPageSize = 4096;

}  // namespace

int FakeXen::Enter(const char *name) {
  if (before) {
    before(name);
  }
  ++calls;
  if (calls_to_failure >= 0 && calls_to_failure-- == 0) {
    has_failed = true;
    return failure;
  }
  const auto named = errnos.find(name);
  return named != errnos.end() ? named->second : 0;
}

bool FakeXen::Has(const std::string &text) const {
  std::string why;
  const auto context = sdk::ParseContext(text, &why);
  if (!context || users.count(context->user) == 0 || types.count(context->type) == 0 ||
      context->range.has_value() != has_mls) {
    return false;
  }
  const bool is_vm = context->user != "system_u";
  if (context->role != "object_r" && context->role != (is_vm ? "vm_r" : "system_r")) {
    return false;
  }
  for (unsigned category = categories; category < sdk::kCategories; ++category) {
    if (context->high().categories.test(category)) {
      return false;
    }
  }
  return true;
}

void FakeXen::Reload() {
  sids_.clear();
  texts_.clear();
  next_sid_ += 1000;
}

uint32_t FakeXen::SidOf(const std::string &context) {
  const auto [entry, is_new] = sids_.try_emplace(context, next_sid_);
  if (is_new) {
    texts_[next_sid_++] = context;
  }
  return entry->second;
}

std::string FakeXen::TextOf(uint32_t sid) const {
  if (sid == kFirstInitialSid) {
    return !has_policy ? "xenboot"
                       : std::string("system_u:system_r:xen_t") + (has_mls ? ":s0" : "");
  }
  const auto entry = texts_.find(sid);
  return entry != texts_.end() ? entry->second : "";
}

int FakeXen::Open() {
  const int errnum = Enter("Open");
  return errnum != 0 ? errnum : open_errno;
}

int FakeXen::Enforcing(bool *is_enforcing) {
  const int errnum = Enter("Enforcing");
  *is_enforcing = enforcing;
  return errnum != 0 ? errnum : is_active ? 0 : ENOSYS;
}

int FakeXen::HasMls(bool *mls) {
  *mls = has_mls;
  return Enter("HasMls");
}

int FakeXen::PolicyVersion(uint32_t *version) {
  *version = 30;
  return Enter("PolicyVersion");
}

int FakeXen::ContextToSid(const char *text, uint32_t size, uint32_t *sid) {
  if (const int errnum = Enter("ContextToSid"); errnum != 0) {
    return errnum;
  }
  if (size > kPageSize) {
    return ENOBUFS;
  }
  if (!has_policy) {  // as FLASK has it
    *sid = kFirstInitialSid;
    return 0;
  }
  const std::string context(text, size);
  if (!Has(context)) {
    return EINVAL;
  }
  *sid = SidOf(sdk::FormatContext(Parse(context)));
  return 0;
}

int FakeXen::SidToContext(uint32_t sid, char *text, uint32_t size) {
  if (const int errnum = Enter("SidToContext"); errnum != 0) {
    return errnum;
  }
  if (raw_context) {
    return raw_context(text, size);
  }
  const std::string context = TextOf(sid);
  if (context.empty()) {
    return EINVAL;
  }
  if (context.size() + 1 > size) {
    return ERANGE;
  }
  std::memcpy(text, context.c_str(), context.size() + 1);
  return 0;
}

int FakeXen::Access(const std::string &source, const std::string &target, uint16_t security_class,
                    uint32_t permissions, uint32_t *allowed) {
  if (const int errnum = Enter("Access"); errnum != 0) {
    return errnum;
  }
  const Context a = Parse(source), b = Parse(target);
  bool may = denied.count({security_class, permissions}) == 0;
  const bool is_privileged = a.type == "dom0_t" || b.type == "dom0_t";
  const bool is_shared =
      security_class == kClassGrant || (security_class == kClassEvent && permissions == kEventBind);
  if (is_shared && !is_privileged) {
    const bool same_user = a.user == "system_u" || b.user == "system_u" || a.user == b.user;
    may = may && (!users_matter || same_user);
    may = may && (!categories_matter || a.high().categories == b.high().categories);
  }
  *allowed = may ? permissions : 0;
  return 0;
}

int FakeXen::NewObjectSid(uint32_t source, uint32_t, uint16_t, uint32_t *sid) {
  if (const int errnum = Enter("NewObjectSid"); errnum != 0) {
    return errnum;
  }
  Context context = Parse(TextOf(source));
  context.role = "object_r";
  context.type = "domU_t_channel";
  *sid = SidOf(sdk::FormatContext(context));
  return 0;
}

int FakeXen::DomainSid(uint32_t domid, uint32_t *sid) {
  if (const int errnum = Enter("DomainSid"); errnum != 0) {
    return errnum;
  }
  const auto domain = domains.find(domid);
  if (domain == domains.end()) {
    return ESRCH;
  }
  *sid = SidOf(domain->second);
  return 0;
}

int FakeXen::RelabelDomain(uint32_t domid, uint32_t sid) {
  if (const int errnum = Enter("RelabelDomain"); errnum != 0) {
    return errnum;
  }
  if (relabel) {
    relabel(domid);
    return 0;
  }
  // A SID of an earlier policy is another label, or none.
  const std::string text = TextOf(sid);
  domains[domid] = text.empty() ? "system_u:system_r:unlabeled_t" : text;
  return 0;
}

int FakeXen::AddHardware(Hardware kind, uint64_t first, uint64_t last, const std::string &context) {
  if (const int errnum = Enter("AddHardware"); errnum != 0) {
    return errnum;
  }
  if (!Has(context)) {
    return EINVAL;
  }
  for (const Labelled &each : hardware) {
    if (each.kind == kind && each.first <= last && first <= each.last) {
      if (each.context != context) {
        return EEXIST;
      }
      if (kind == Hardware::kIoPorts || kind == Hardware::kIoMemory) {
        return each.first == first && each.last == last ? 0 : EEXIST;
      }
    }
  }
  hardware.push_back({kind, first, last, context});
  return 0;
}

int FakeXen::RemoveHardware(Hardware kind, uint64_t first, uint64_t last) {
  if (const int errnum = Enter("RemoveHardware"); errnum != 0) {
    return errnum;
  }
  for (auto each = hardware.begin(); each != hardware.end(); ++each) {
    if (each->kind == kind && each->first == first && each->last == last) {
      hardware.erase(each);
      return 0;
    }
  }
  return ENOENT;
}

int FakeXen::ReadPci(int, PciDevice *device) {
  if (const int errnum = Enter("ReadPci"); errnum != 0) {
    return errnum;
  }
  *device = pci;
  return pci_errno;
}

svirt_domain MakeDomain(uint32_t label_type) {
  svirt_domain domain{};
  domain.struct_size = sizeof domain;
  domain.label_type = label_type;
  domain.pid = domain.id = -1;
  domain.uuid = "5f3c1d2e-0000-4000-8000-00000000b22c";
  domain.name = "vm";
  domain.virt_type = "xen";
  return domain;
}

}  // namespace svirt::flask
