// SPDX-License-Identifier: LGPL-2.1-or-later
// The builder of manifests, to which each manifest_*.cc file adds the resources of some devices.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "host/domain/domain.h"
#include "host/domain/manifest.h"
#include "host/util/result.h"

namespace svirt {

// Collects a domain's resources, each with the place in the document that it comes from.
class ManifestBuilder {
 public:
  ManifestBuilder(const Domain &domain, const ManifestOptions &options, std::vector<Error> *errors)
      : domain_(domain), options_(options), errors_(errors) {}

  Manifest Build();

 private:
  // The path is checked; an error names the device.
  void Add(uint32_t position, Resource resource);
  // What cannot be told about the element there.
  void Refuse(uint32_t position, Error error);

  void AddDomain();
  void AddFirmware();
  void AddMemory();
  void AddTpms();

  // manifest_chardev.cc
  void AddChardevs();
  void AddCharSource(uint32_t position, const std::string &device, const CharSource &source);
  void AddPipe(uint32_t position, const std::string &device, const CharSource &source);

  // manifest_device.cc
  void AddInterfaces();
  void AddDisplays();
  void AddShares();

  // manifest_disk.cc
  void AddDisks();
  void AddImage(const Disk &disk, const std::string &device, uint32_t depth);

  // manifest_hostdev.cc
  void AddHostDevices();
  void AddPci(uint32_t position, const std::string &device, const PciAddress &address,
              const std::vector<DeviceSecLabel> &overrides);
  void AddVfio(uint32_t position, const std::string &device, const std::string &sysfs,
               const std::vector<DeviceSecLabel> &overrides);
  void AddUsb(const HostDevice &hostdev, const std::string &device);
  void AddScsi(const HostDevice &hostdev, const std::string &device);

  // Where an absolute path of the host is looked up.
  std::string Below(const std::string &path) const;

  uint32_t PositionOf(std::string_view element) const;

  const Domain &domain_;
  const ManifestOptions &options_;
  std::vector<Error> *errors_;
  std::vector<std::pair<uint32_t, Resource>> resources_;
  bool vfio_ = false;  // the node that all VFIO devices need is in
};

inline constexpr uint32_t kAccessReadWrite = kAccessRead | kAccessWrite;

// A node in /dev that the domain finds there and others use too.
Resource SharedNode(ResourceKind kind, std::string path, std::string device);

Resource File(ResourceKind kind, uint32_t access, std::string path, std::string device);

// A unix socket that the domain binds (created) or connects to.
Resource Socket(std::string path, std::string device, bool created);

}  // namespace svirt
