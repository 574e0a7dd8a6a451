// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels each part of a PCI device, and frees the parts again.
#include "resource_label.h"

#include <svirt/sdk.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace svirt::flask {
namespace {

const char *PathOf(const svirt_resource &resource) {
  return resource.path != nullptr ? resource.path : "the device";
}

bool IsPciDevice(const svirt_resource &resource) {
  const std::string_view path = PathOf(resource);
  return resource.kind == SVIRT_RES_HOSTDEV &&
         path.substr(0, kPciDirectory.size()) == kPciDirectory &&
         ParsePciAddress(path.substr(kPciDirectory.size())).has_value();
}

struct Part {
  Hardware kind;
  HardwareRange range;
};

// All of the device that has a label of its own.
std::vector<Part> PartsOf(const PciDevice &device) {
  std::vector<Part> parts = {{Hardware::kPciDevice, {device.address, device.address}}};
  if (device.irq) {
    parts.push_back({Hardware::kIrq, {*device.irq, *device.irq}});
  }
  for (const HardwareRange &range : device.io_ports) {
    parts.push_back({Hardware::kIoPorts, range});
  }
  for (const HardwareRange &range : device.io_memory) {
    parts.push_back({Hardware::kIoMemory, range});
  }
  return parts;
}

std::string NameOf(const Part &part) {
  char text[64];
  switch (part.kind) {
    case Hardware::kPciDevice:
      return "the device";
    case Hardware::kIrq:
      return "its interrupt " + std::to_string(part.range.first);
    case Hardware::kIoPorts:
      std::snprintf(text, sizeof text, "its I/O ports 0x%llx-0x%llx",
                    static_cast<unsigned long long>(part.range.first),
                    static_cast<unsigned long long>(part.range.last));
      return text;
    case Hardware::kIoMemory:
      std::snprintf(text, sizeof text, "its memory pages 0x%llx-0x%llx",
                    static_cast<unsigned long long>(part.range.first),
                    static_cast<unsigned long long>(part.range.last));
      return text;
  }
  return "a part of it";
}

// The hypervisor lists an interrupt or a device twice if it gets the same label twice.
int Remove(XenApi *api, const Part &part) {
  constexpr int kMostCopies = 64;
  int errnum = 0;
  for (int i = 0; i < kMostCopies && errnum == 0; ++i) {
    errnum = api->RemoveHardware(part.kind, part.range.first, part.range.last);
  }
  return errnum == ENOENT ? 0 : errnum != 0 ? errnum : EBUSY;
}

svirt_status RemoveAll(XenApi *api, const svirt_resource &resource, const std::vector<Part> &parts,
                       svirt_error *error) {
  svirt_status status = SVIRT_OK;
  for (const Part &part : parts) {
    const int errnum = Remove(api, part);
    if (errnum != 0 && status == SVIRT_OK) {
      status = CallFailed(
          errnum,
          "take away the label of " + std::string(PathOf(resource)) + " (" + NameOf(part) + ")",
          error);
    }
  }
  return status;
}

svirt_status AddFailed(int errnum, const svirt_resource &resource, const Part &part,
                       const std::string &label, svirt_error *error) {
  if (errnum == EEXIST) {
    return sdk::Fail(error, SVIRT_E_DENIED, errnum,
                     "cannot label %s for the domain: %s has another label already, from the "
                     "policy or for another domain, and the hypervisor gives it no second one",
                     PathOf(resource), NameOf(part).c_str());
  }
  if (errnum == EINVAL) {
    return sdk::Fail(error, SVIRT_E_INVALID, errnum,
                     "the loaded policy has no label '%s', so %s cannot have it", label.c_str(),
                     PathOf(resource));
  }
  return CallFailed(errnum, "label " + std::string(PathOf(resource)) + " (" + NameOf(part) + ")",
                    error);
}

}  // namespace

svirt_status PlanLabel(XenApi *api, const svirt_domain &domain, const svirt_resource &resource,
                       sdk::ResourcePlan *plan, svirt_error *error) {
  const bool is_given = resource.override_label != nullptr && *resource.override_label != '\0';
  if (!IsPciDevice(resource)) {
    if (is_given) {
      return sdk::Fail(error, SVIRT_E_INVALID, 0,
                       "%s cannot have a FLASK label, which only PCI devices have: give the "
                       "label to the model of the control domain's kernel",
                       PathOf(resource));
    }
    *plan = {SVIRT_PLAN_NONE, 0, "",
             "not an object of the hypervisor; the control domain's own security module has it"};
    return SVIRT_OK;
  }
  if (is_given) {
    Context context;
    const std::string what = "the label given for " + std::string(PathOf(resource));
    const svirt_status status =
        CheckLabel(api, resource.override_label, what.c_str(), &context, error);
    if (status == SVIRT_OK) {
      *plan = {SVIRT_PLAN_SET, SVIRT_PLAN_EXCLUSIVE, resource.override_label, ""};
    }
    return status;
  }
  if (domain.label_type == SVIRT_LABEL_NONE) {
    *plan = {SVIRT_PLAN_NONE, 0, "", "the domain is not confined by FLASK"};
    return SVIRT_OK;
  }
  if (domain.image_label == nullptr || *domain.image_label == '\0') {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "%s needs a label, and the policy has no type nic_dev_t for devices of "
                     "domains: load one with Xen's module nic_dev, or name a label with <seclabel> "
                     "in the device's <source>",
                     PathOf(resource));
  }
  *plan = {SVIRT_PLAN_SET, SVIRT_PLAN_EXCLUSIVE, domain.image_label, ""};
  return SVIRT_OK;
}

svirt_status SetResourceLabel(XenApi *api, const svirt_resource &resource,
                              const std::optional<std::string> &label, svirt_error *error) {
  if (resource.fd < 0) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "%s is not open: labels are set through a descriptor only", PathOf(resource));
  }
  PciDevice device;
  const int read_errnum = api->ReadPci(resource.fd, &device);
  if (read_errnum == ENODEV) {
    return sdk::Fail(error, SVIRT_E_NOTSUP, read_errnum,
                     "%s is no PCI device, and nothing else can have a FLASK label",
                     PathOf(resource));
  }
  if (read_errnum != 0) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, read_errnum, "cannot read what belongs to %s: %s",
                     PathOf(resource), std::strerror(read_errnum));
  }
  const std::vector<Part> parts = PartsOf(device);
  if (!label) {
    return RemoveAll(api, resource, parts, error);
  }
  Context context;
  const svirt_status status = CheckLabel(api, *label, "the label", &context, error);
  if (status != SVIRT_OK) {
    return status;
  }
  for (auto part = parts.begin(); part != parts.end(); ++part) {
    const int errnum = api->AddHardware(part->kind, part->range.first, part->range.last, *label);
    if (errnum != 0) {
      for (auto done = parts.begin(); done != part; ++done) {
        api->RemoveHardware(done->kind, done->range.first, done->range.last);
      }
      return AddFailed(errnum, resource, *part, *label, error);
    }
  }
  return SVIRT_OK;
}

}  // namespace svirt::flask
