// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds out which resources a domain's XML names.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/domain/resource.h"
#include "host/util/result.h"

namespace svirt {

// Where the host's /dev and /sys are looked up (vfio groups, usb nodes); tests give another root.
struct ManifestOptions {
  std::string root = "/";
  // PCI devices are handed over by a hypervisor, so that its resource is the device itself, as its
  // directory in sysfs; not by VFIO, as the node of its IOMMU group.
  bool pci_by_sysfs = false;
};

// Every resource of the domain that its XML names, in document order. One that cannot be told for
// sure (an image without a format, a usb device given by ids that two devices have, a pool volume
// without a path) is missing in it, and adds an error.
Manifest BuildManifest(const Domain &domain, const ManifestOptions &options,
                       std::vector<Error> *errors);
// All of them, or an error with all sentences.
Result<Manifest> BuildManifest(const Domain &domain, const ManifestOptions &options);

// How an image without a format is refused; depth: its place in the chain of the disk.
Error NoImageFormat(const std::string &what, const std::string &path, size_t depth);

// Writes down which USB devices the domain means that it names by their place alone: another one
// may be plugged in there later, and is refused then. One that is not there stays as it is.
void PinUsbDevices(Domain *domain, const ManifestOptions &options);

// Are the devices of the host the same that they were when the manifest was made? A number in a
// path may have become that of another device; one that comes after this is another object, which
// has no label. Errc::kRefused or kNotFound if not.
Status CheckHostDevices(const Domain &domain, const ManifestOptions &options,
                        const Manifest &manifest);

}  // namespace svirt
