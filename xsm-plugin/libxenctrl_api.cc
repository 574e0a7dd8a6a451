// SPDX-License-Identifier: LGPL-2.1-or-later
// Implements XenApi on libxenctrl.

// The headers leave it to C++ to say that they are C; what they include themselves comes first.
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
extern "C" {
#include <xenctrl.h>
#include <xenhypfs.h>
#include <xentoollog.h>
}

#include <cstring>
#include <fstream>

#include "xen_api.h"

namespace svirt::flask {
namespace {

// Without one of its own the library writes its complaints to the daemon's standard error.
struct QuietLogger : xentoollog_logger {
  QuietLogger() : xentoollog_logger{} {
    vmessage = [](xentoollog_logger *, xentoollog_level, int, const char *, const char *, va_list) {
    };
    destroy = [](xentoollog_logger *) {};
  }
};

struct CloseInterface {
  void operator()(xc_interface *handle) const { xc_interface_close(handle); }
};
struct CloseHypfs {
  void operator()(xenhypfs_handle *handle) const { xenhypfs_close(handle); }
};
struct FreeText {
  void operator()(char *text) const { std::free(text); }
};

// Some calls of the library fail without saying why.
int Errno() {
  return errno != 0 ? errno : EIO;
}

constexpr unsigned kFeatureDom0 = 11;  // XENFEAT_dom0

class LibxenctrlApi final : public XenApi {
 public:
  Machine GetMachine() override {
    Machine machine;
    std::string word;
    std::ifstream("/sys/hypervisor/type") >> word;
    machine.is_xen = word == "xen";
    unsigned long features = 0;
    std::ifstream("/sys/hypervisor/properties/features") >> std::hex >> features;
    std::string capabilities;
    std::ifstream("/proc/xen/capabilities") >> capabilities;
    machine.is_control = machine.is_xen && (((features >> kFeatureDom0) & 1) != 0 ||
                                            capabilities.find("control_d") != std::string::npos);
    return machine;
  }

  int Open() override {
    if (handle_ == nullptr) {
      errno = 0;
      handle_.reset(xc_interface_open(&logger_, &logger_, 0));
    }
    return handle_ != nullptr ? 0 : Errno();
  }

  std::string Version() override {
    if (Open() != 0) {
      return "";
    }
    const int version = xc_version(handle_.get(), XENVER_version, nullptr);
    xen_extraversion_t extra{};
    if (version < 0 || xc_version(handle_.get(), XENVER_extraversion, &extra) < 0) {
      return "";
    }
    return std::to_string(version >> 16) + "." + std::to_string(version & 0xffff) +
           std::string(extra, strnlen(extra, sizeof extra));
  }

  std::optional<std::string> BuildConfig() override {
    const std::unique_ptr<xenhypfs_handle, CloseHypfs> handle(xenhypfs_open(&logger_, 0));
    if (handle == nullptr) {
      return std::nullopt;
    }
    const std::unique_ptr<char, FreeText> text(xenhypfs_read(handle.get(), "/buildinfo/config"));
    return text != nullptr ? std::optional<std::string>(text.get()) : std::nullopt;
  }

  std::optional<std::string> CommandLine() override {
    xen_commandline_t line{};
    if (Open() != 0 || xc_version(handle_.get(), XENVER_commandline, line) < 0) {
      return std::nullopt;
    }
    return std::string(line, strnlen(line, sizeof line));
  }

  int Enforcing(bool *enforcing) override {
    return Call([&](xc_interface *handle) {
      const int state = xc_flask_getenforce(handle);
      *enforcing = state > 0;
      return state;
    });
  }

  int HasMls(bool *has_mls) override {
    return Call([&](xc_interface *handle) {
      xen_flask_op_t op{};
      op.cmd = FLASK_MLS;
      const int state = xc_flask_op(handle, &op);
      *has_mls = state > 0;
      return state;
    });
  }

  int PolicyVersion(uint32_t *version) override {
    return Call([&](xc_interface *handle) {
      const int number = xc_flask_policyvers(handle);
      *version = number > 0 ? static_cast<uint32_t>(number) : 0;
      return number;
    });
  }

  int ContextToSid(const char *text, uint32_t size, uint32_t *sid) override {
    return Call([&](xc_interface *handle) {
      return xc_flask_context_to_sid(handle, const_cast<char *>(text), size, sid);
    });
  }

  int SidToContext(uint32_t sid, char *text, uint32_t size) override {
    return Call([&](xc_interface *handle) {
      return xc_flask_sid_to_context(handle, static_cast<int>(sid), text, size);
    });
  }

  int Access(const std::string &source, const std::string &target, uint16_t security_class,
             uint32_t permissions, uint32_t *allowed) override {
    if (const int errnum = Open(); errnum != 0) {
      return errnum;
    }
    // "No" is -EPERM, which is the same number as the -1 of a failed call; but only an answer
    // writes the permissions, and one that says "no" has not all of them.
    uint32_t answer = permissions;
    errno = 0;
    const int result =
        xc_flask_access(handle_.get(), source.c_str(), target.c_str(), security_class, permissions,
                        &answer, nullptr, nullptr, nullptr, nullptr);
    if (result != 0 && (answer & permissions) == permissions) {
      return Errno();
    }
    *allowed = answer & permissions;
    return 0;
  }

  int NewObjectSid(uint32_t source, uint32_t target, uint16_t security_class,
                   uint32_t *sid) override {
    return Call([&](xc_interface *handle) {
      xen_flask_op_t op{};
      op.cmd = FLASK_CREATE;
      op.u.transition.ssid = source;
      op.u.transition.tsid = target;
      op.u.transition.tclass = security_class;
      const int result = xc_flask_op(handle, &op);
      *sid = op.u.transition.newsid;
      return result;
    });
  }

  int DomainSid(uint32_t domid, uint32_t *sid) override {
    xc_domaininfo_t info{};
    int found = 0;
    const int errnum = Call([&](xc_interface *handle) {
      found = xc_domain_getinfolist(handle, domid, 1, &info);
      return found;
    });
    // Asked for a domain that is gone, the library tells of the next one.
    if (errnum != 0 || found != 1 || info.domain != domid) {
      return errnum != 0 ? errnum : ESRCH;
    }
    *sid = info.ssidref;
    return 0;
  }

  int RelabelDomain(uint32_t domid, uint32_t sid) override {
    return Call([&](xc_interface *handle) { return xc_flask_relabel_domain(handle, domid, sid); });
  }

  int AddHardware(Hardware kind, uint64_t first, uint64_t last,
                  const std::string &context) override {
    return Call([&](xc_interface *handle) {
      std::string text = context;
      switch (kind) {
        case Hardware::kPciDevice:
          return xc_flask_add_device(handle, first, text.data());
        case Hardware::kIrq:
          return xc_flask_add_pirq(handle, static_cast<unsigned>(first), text.data());
        case Hardware::kIoPorts:
          return xc_flask_add_ioport(handle, first, last, text.data());
        case Hardware::kIoMemory:
          return xc_flask_add_iomem(handle, first, last, text.data());
      }
      return -1;
    });
  }

  int RemoveHardware(Hardware kind, uint64_t first, uint64_t last) override {
    return Call([&](xc_interface *handle) {
      switch (kind) {
        case Hardware::kPciDevice:
          return xc_flask_del_device(handle, first);
        case Hardware::kIrq:
          return xc_flask_del_pirq(handle, static_cast<unsigned>(first));
        case Hardware::kIoPorts:
          return xc_flask_del_ioport(handle, first, last);
        case Hardware::kIoMemory:
          return xc_flask_del_iomem(handle, first, last);
      }
      return -1;
    });
  }

  int ReadPci(int fd, PciDevice *device) override { return ReadPciDevice(fd, device); }

 private:
  // Runs a call of the library that says -1 with errno if it fails.
  template <typename Body>
  int Call(Body body) {
    if (const int errnum = Open(); errnum != 0) {
      return errnum;
    }
    errno = 0;
    return body(handle_.get()) < 0 ? Errno() : 0;
  }

  QuietLogger logger_;
  std::unique_ptr<xc_interface, CloseInterface> handle_;
};

}  // namespace

std::unique_ptr<XenApi> MakeLibxenctrlApi() {
  return std::make_unique<LibxenctrlApi>();
}

}  // namespace svirt::flask
