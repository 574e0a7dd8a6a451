// SPDX-License-Identifier: LGPL-2.1-or-later
// The state of a command line in the making, and the functions that add to it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/hypervisor/qemu/qemu_args.h"
#include "host/hypervisor/qemu/qemu_command.h"
#include "host/util/refusals.h"

namespace svirt {

// What the parts of BuildQemuCommand share. Each part adds its options to args, in an order in
// which QEMU finds what they refer to.
class QemuBuilder {
 public:
  QemuBuilder(const Domain &domain, const QemuPaths &paths);

  const Domain &domain;
  const QemuPaths &paths;
  QemuArgs args;
  QemuCommand command;
  Refusals refusals;  // of parts that were passed over, so that all are told at once

  // Adds to the refusals what a part answers, with the line of the device or element it is about.
  void Check(uint32_t position, const Status &status);
  void Check(std::string_view path, const Status &status);

  // Families of machines that differ in their buses.
  bool is_x86() const;
  bool is_pc() const;   // i440fx: built-in IDE and floppy
  bool is_q35() const;  // built-in AHCI
  bool is_microvm() const { return machine_ == "microvm"; }
  const std::string &machine() const { return machine_; }

  // "virtio-blk" -> "virtio-blk-pci", or what the machine's bus wants.
  std::string Virtio(std::string_view device) const;

  // A PCI device that a running domain may be given or lose; that decides where it is put.
  void AddPluggable(const nlohmann::json &device);

  // Controllers that devices need; the first call adds them. IsController knows their ids.
  void NeedScsi();
  void NeedAhci();
  void NeedUsb();
  void NeedVirtioSerial();

  // The bootindex of a device: its own <boot order=> if it has one, or the place of its group (hd,
  // cdrom, fd, network) in the domain's boot order if it is the first of the group.
  std::optional<unsigned> TakeBootIndex(std::string_view group, unsigned own_order);

  // Guest memory that other processes map: vhost-user and virtiofs need it.
  bool has_shared_memory() const;

  // An element or attribute of the XML that has no member in Domain, path without "domain.":
  // Xml("clock.<xmlattr>.offset"). "" if it is not there.
  std::string Xml(const std::string &path) const;
  const boost::property_tree::ptree *XmlNode(const std::string &path) const;
  // All devices by that name, in document order.
  std::vector<const boost::property_tree::ptree *> XmlDevices(std::string_view element) const;

 private:
  std::string machine_;
  bool scsi_ = false, ahci_ = false, usb_ = false, virtio_serial_ = false;
  std::vector<std::string> taken_boot_;
};

bool IsController(std::string_view id);

// "disk vda: sentence".
Error Unsupported(std::string_view what, std::string_view sentence);
// Refuses a socket path that the kernel would cut short.
Status CheckSocketPath(std::string_view what, const std::string &path);

// What they cannot add is among the builder's refusals.
void AddMachine(QemuBuilder &builder);  // name, machine, accelerator, cpu, memory
void AddBoot(QemuBuilder &builder);     // firmware, kernel, boot and lifecycle options
void AddDisks(QemuBuilder &builder);
void AddChardevs(QemuBuilder &builder);  // serial, parallel, console, channel
void AddInterfaces(QemuBuilder &builder);
void AddDisplay(QemuBuilder &builder);      // graphics, video, input
void AddHostDevices(QemuBuilder &builder);  // hostdev, tpm
void AddDevices(QemuBuilder &builder);      // memory, filesystems, rng, vsock, shmem, the rest

// An object of size bytes of guest memory, as <memoryBacking> wants it.
nlohmann::json MemoryBackend(const QemuBuilder &builder, const std::string &id, uint64_t size);

// -chardev for source under the given id.
Status AddChardev(QemuBuilder &builder, const std::string &what, const std::string &id,
                  const CharSource &source);

}  // namespace svirt
