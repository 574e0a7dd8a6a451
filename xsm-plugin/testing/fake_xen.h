// SPDX-License-Identifier: LGPL-2.1-or-later
// A hypervisor with FLASK and a policy like Xen's own example, of as many words as a test needs.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "check.h"
#include "xen_api.h"

namespace svirt::flask {

class FakeXen : public XenApi {
 public:
  struct Labelled {
    Hardware kind;
    uint64_t first, last;
    std::string context;
  };

  Machine machine{true, true};
  int open_errno = 0;
  std::optional<std::string> config = "CONFIG_XSM=y\nCONFIG_XSM_FLASK=y\n";
  std::optional<std::string> command_line = "console=com1";
  bool is_active = true, has_policy = true, enforcing = true, has_mls = false;
  unsigned categories = 256;
  // Rules of the policy about what keeps domains apart.
  bool users_matter = true, categories_matter = false;
  std::set<std::string> users = {"system_u", "user_1", "user_2", "user_3"};
  std::set<std::string> types = {"xen_t",
                                 "dom0_t",
                                 "domU_t",
                                 "domU_t_channel",
                                 "dm_dom_t",
                                 "nomigrate_t",
                                 "nomigrate_t_building",
                                 "nic_dev_t"};
  // Access that the policy does not give, as "class permission".
  std::set<std::pair<uint16_t, uint32_t>> denied;
  std::map<uint32_t, std::string> domains = {{0, "system_u:system_r:dom0_t"}};
  std::vector<Labelled> hardware;
  int pci_errno = 0;
  PciDevice pci{0x0300, 17, {{0xc000, 0xc01f}}, {{0xfebc0, 0xfebdf}, {0xfebe0, 0xfebe0}}};

  // Fails one call of those that return an errno: the one so many calls from now, or all of a name.
  int calls_to_failure = -1, failure = 0;
  std::map<std::string, int> errnos;
  int calls = 0;
  bool has_failed = false;
  // Runs before each call, with its name.
  std::function<void(const std::string &)> before;
  // Stands in for SidToContext.
  std::function<int(char *, uint32_t)> raw_context;
  std::function<void(uint32_t)> relabel;  // stands in for what RelabelDomain does to a domain

  // As a new policy does it: every label gets another SID.
  void Reload();
  bool Has(const std::string &context) const;

  Machine GetMachine() override { return machine; }
  int Open() override;
  std::string Version() override { return "4.17.7"; }
  std::optional<std::string> BuildConfig() override { return config; }
  std::optional<std::string> CommandLine() override { return command_line; }
  int Enforcing(bool *is_enforcing) override;
  int HasMls(bool *mls) override;
  int PolicyVersion(uint32_t *version) override;
  int ContextToSid(const char *text, uint32_t size, uint32_t *sid) override;
  int SidToContext(uint32_t sid, char *text, uint32_t size) override;
  int Access(const std::string &source, const std::string &target, uint16_t security_class,
             uint32_t permissions, uint32_t *allowed) override;
  int NewObjectSid(uint32_t source, uint32_t target, uint16_t security_class,
                   uint32_t *sid) override;
  int DomainSid(uint32_t domid, uint32_t *sid) override;
  int RelabelDomain(uint32_t domid, uint32_t sid) override;
  int AddHardware(Hardware kind, uint64_t first, uint64_t last,
                  const std::string &context) override;
  int RemoveHardware(Hardware kind, uint64_t first, uint64_t last) override;
  int ReadPci(int fd, PciDevice *device) override;

 private:
  int Enter(const char *name);
  uint32_t SidOf(const std::string &context);
  std::string TextOf(uint32_t sid) const;

  std::map<std::string, uint32_t> sids_;
  std::map<uint32_t, std::string> texts_;
  uint32_t next_sid_ = 100;
};

// A domain as the host hands it over.
svirt_domain MakeDomain(uint32_t label_type = SVIRT_LABEL_DYNAMIC);

// An error with room for its message.
struct Error : svirt_error {
  Error() : svirt_error{} { struct_size = sizeof(svirt_error); }
  std::string text() const { return message; }
};

}  // namespace svirt::flask
