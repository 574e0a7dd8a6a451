// SPDX-License-Identifier: LGPL-2.1-or-later
// What the plugin asks of the system, in one place: libxenctrl in the plugin, a fake in its tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "pci_device.h"

namespace svirt::flask {

// What this kernel says of the machine, without any privilege.
struct Machine {
  bool is_xen = false;      // it runs under Xen
  bool is_control = false;  // and is a control domain (dom0, or one that builds others)
};

// Object contexts of the hypervisor: what the label of a device is made of.
enum class Hardware { kPciDevice, kIrq, kIoPorts, kIoMemory };

// Every int is 0 or an errno. A security identifier (SID) is only good until the next policy is
// loaded: it is asked for where it is used, and never kept.
class XenApi {
 public:
  virtual ~XenApi() = default;

  virtual Machine GetMachine() = 0;
  // The way to the hypervisor; the calls below open it by themselves.
  virtual int Open() = 0;
  // "4.17.5", "" if it does not say.
  virtual std::string Version() = 0;
  // The configuration the hypervisor was built with (lines CONFIG_NAME=value), and its command
  // line; nullopt if it does not say.
  virtual std::optional<std::string> BuildConfig() = 0;
  virtual std::optional<std::string> CommandLine() = 0;

  // ENOSYS: the active security module is not FLASK.
  virtual int Enforcing(bool *enforcing) = 0;
  virtual int HasMls(bool *has_mls) = 0;
  virtual int PolicyVersion(uint32_t *version) = 0;

  // The context is the size bytes at text, which need no NUL. EINVAL: the policy has none such.
  virtual int ContextToSid(const char *text, uint32_t size, uint32_t *sid) = 0;
  // Writes up to size bytes, with the NUL if the hypervisor keeps to what it promises. ERANGE: the
  // context is longer.
  virtual int SidToContext(uint32_t sid, char *text, uint32_t size) = 0;
  // Which of the permissions of the class has source on target? Bits as in flask_classes.h.
  virtual int Access(const std::string &source, const std::string &target, uint16_t security_class,
                     uint32_t permissions, uint32_t *allowed) = 0;
  // The label of a new object of the class that source makes for target.
  virtual int NewObjectSid(uint32_t source, uint32_t target, uint16_t security_class,
                           uint32_t *sid) = 0;

  // ESRCH: there is no such domain.
  virtual int DomainSid(uint32_t domid, uint32_t *sid) = 0;
  virtual int RelabelDomain(uint32_t domid, uint32_t sid) = 0;

  // Labels hardware of the kind, first to last, or takes its label away. EEXIST: it has another
  // one, or a part of the range has. ENOENT: it has none to take away.
  virtual int AddHardware(Hardware kind, uint64_t first, uint64_t last,
                          const std::string &context) = 0;
  virtual int RemoveHardware(Hardware kind, uint64_t first, uint64_t last) = 0;

  // The PCI device behind a descriptor of its directory in sysfs. ENODEV: it is none.
  virtual int ReadPci(int fd, PciDevice *device) = 0;
};

std::unique_ptr<XenApi> MakeLibxenctrlApi();

}  // namespace svirt::flask
