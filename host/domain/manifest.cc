// SPDX-License-Identifier: LGPL-2.1-or-later
// Adds the emulator, boot files, firmware, memory and TPMs, and puts all resources in document
// order.
#include "host/domain/manifest.h"

#include <algorithm>
#include <filesystem>

#include "host/domain/document_place.h"
#include "host/domain/manifest_builder.h"
#include "host/domain/path.h"
#include "host/util/refusals.h"
#include "host/util/text.h"

namespace svirt {

Resource SharedNode(ResourceKind kind, std::string path, std::string device) {
  return {.kind = kind,
          .object = ObjectType::kChar,
          .access = kAccessReadWrite,
          .shared = true,
          .path = std::move(path),
          .device = std::move(device),
          .overrides = {}};
}

Resource File(ResourceKind kind, uint32_t access, std::string path, std::string device) {
  return {.kind = kind,
          .object = ObjectType::kFile,
          .access = access,
          .path = std::move(path),
          .device = std::move(device),
          .overrides = {}};
}

Resource Socket(std::string path, std::string device, bool created) {
  return {.kind = ResourceKind::kSocket,
          .object = ObjectType::kSocket,
          .access = created ? kAccessReadWrite | kAccessCreate : kAccessReadWrite,
          .optional = created,
          .path = std::move(path),
          .device = std::move(device),
          .overrides = {}};
}

Manifest BuildManifest(const Domain &domain, const ManifestOptions &options,
                       std::vector<Error> *errors) {
  return ManifestBuilder(domain, options, errors).Build();
}

Result<Manifest> BuildManifest(const Domain &domain, const ManifestOptions &options) {
  std::vector<Error> errors;
  Manifest manifest = BuildManifest(domain, options, &errors);
  SVIRT_TRY(Refusals::Join(errors));
  return manifest;
}

Manifest ManifestBuilder::Build() {
  AddDomain();
  AddFirmware();
  AddDisks();
  AddChardevs();
  AddHostDevices();
  AddInterfaces();
  AddDisplays();
  AddShares();
  AddMemory();
  AddTpms();
  std::stable_sort(resources_.begin(), resources_.end(),
                   [](const auto &a, const auto &b) { return a.first < b.first; });
  Manifest manifest;
  for (auto &[position, resource] : resources_) {
    resource.position = position;
    manifest.resources.push_back(std::move(resource));
  }
  return manifest;
}

void ManifestBuilder::Add(uint32_t position, Resource resource) {
  Result<std::string> path = NormalPath(resource.path);
  if (!path) {
    Refuse(position, Error{Errc::kInvalid, resource.device + ": " + path.error().message});
    return;
  }
  resource.path = *std::move(path);
  resources_.emplace_back(position, std::move(resource));
}

void ManifestBuilder::Refuse(uint32_t position, Error error) {
  error.message = Printable(error.message);  // it quotes names from the XML
  errors_->push_back(At(domain_, position, std::move(error)));
}

std::string ManifestBuilder::Below(const std::string &path) const {
  return options_.root == "/" ? path : options_.root + path;
}

uint32_t ManifestBuilder::PositionOf(std::string_view element) const {
  const auto found = domain_.positions.find(element);
  return found == domain_.positions.end() ? 0 : found->second;
}

void ManifestBuilder::AddDomain() {
  if (domain_.type == "kvm") {
    Add(0, SharedNode(ResourceKind::kOther, "/dev/kvm", "kvm"));
  }
  if (!domain_.emulator.empty()) {
    Resource emulator =
        File(ResourceKind::kEmulator, kAccessRead | kAccessExec, domain_.emulator, "emulator");
    emulator.shared = true;
    Add(PositionOf("emulator"), std::move(emulator));
  }
  for (const auto &[name, path] :
       {std::pair("kernel", &domain_.kernel), {"initrd", &domain_.initrd}, {"dtb", &domain_.dtb}}) {
    if (!path->empty()) {
      Add(PositionOf(name), File(ResourceKind::kKernel, kAccessRead, *path, name));
    }
  }
  for (const std::string &table : domain_.acpi_tables) {
    Add(PositionOf("acpi"), File(ResourceKind::kKernel, kAccessRead, table, "acpi"));
  }
  for (const auto &[name, file] : domain_.fw_cfg) {
    Add(PositionOf("sysinfo"), File(ResourceKind::kKernel, kAccessRead, file, "fw_cfg"));
  }
  for (const std::string &database : domain_.smartcard_databases) {
    Add(PositionOf("smartcard"), {.kind = ResourceKind::kOther,
                                  .object = ObjectType::kDir,
                                  .shared = true,
                                  .subtree = true,
                                  .path = database,
                                  .device = "smartcard",
                                  .overrides = {}});
  }
  if (domain_.launch_security == "sev" || domain_.launch_security == "sev-snp") {
    Add(PositionOf("launchSecurity"),
        SharedNode(ResourceKind::kOther, "/dev/sev", "launchSecurity"));
  }
  if (domain_.vsock) {
    Add(PositionOf("vsock"), SharedNode(ResourceKind::kNet, "/dev/vhost-vsock", "vsock"));
  }
}

void ManifestBuilder::AddFirmware() {
  const LoaderNvram &firmware = domain_.firmware;
  if (!firmware.loader.empty()) {
    const bool readonly = firmware.loader_readonly;
    Resource loader = File(ResourceKind::kFirmware, readonly ? kAccessRead : kAccessReadWrite,
                           firmware.loader, "loader");
    loader.shared = readonly;
    Add(PositionOf("loader"), std::move(loader));
  }
  if (!firmware.nvram.empty()) {
    Resource nvram = File(ResourceKind::kNvram, kAccessReadWrite, firmware.nvram, "nvram");
    nvram.object = firmware.nvram_is_block ? ObjectType::kBlock : ObjectType::kFile;
    nvram.overrides = firmware.nvram_seclabels;
    nvram.optional = !firmware.nvram_template.empty();  // made from it for the first start
    Add(PositionOf("nvram"), std::move(nvram));
  }
}

void ManifestBuilder::AddMemory() {
  if (domain_.hugepages && domain_.memory_source != "memfd") {
    Add(PositionOf("memoryBacking"), {.kind = ResourceKind::kMemory,
                                      .object = ObjectType::kDir,
                                      .access = kAccessReadWrite | kAccessCreate,
                                      .shared = true,
                                      .subtree = true,
                                      .path = "/dev/hugepages",
                                      .device = "hugepages",
                                      .overrides = {}});
  }
  size_t number = 0;
  for (const MemoryDevice &memory : domain_.memory_devices) {
    const std::string device = "memory" + std::to_string(number++);
    if (memory.model == "sgx-epc") {
      Add(memory.position, SharedNode(ResourceKind::kMemory, "/dev/sgx_vepc", device));
      Resource provision = SharedNode(ResourceKind::kMemory, "/dev/sgx_provision", device);
      provision.access = kAccessRead;
      Add(memory.position, std::move(provision));
    } else if (!memory.path.empty()) {
      Add(memory.position, {.kind = ResourceKind::kMemory,
                            .object = ObjectType::kAny,
                            .access = memory.readonly ? kAccessRead : kAccessReadWrite,
                            .path = memory.path,
                            .device = device,
                            .overrides = {}});
    }
  }
  for (const Shmem &shmem : domain_.shmems) {
    if (!shmem.server_path.empty()) {
      Add(shmem.position, Socket(shmem.server_path, shmem.name, false));
    } else {
      Resource memory = File(ResourceKind::kMemory, kAccessReadWrite | kAccessCreate,
                             "/dev/shm/" + shmem.name, shmem.name);
      memory.shared = true;
      memory.optional = true;
      Add(shmem.position, std::move(memory));
    }
  }
}

void ManifestBuilder::AddTpms() {
  size_t number = 0;
  for (const Tpm &tpm : domain_.tpms) {
    const std::string device = "tpm" + std::to_string(number++);
    if (tpm.backend == "external") {
      Add(tpm.position, Socket(tpm.socket_path, device, false));
    }
    if (tpm.backend != "passthrough") {
      continue;  // the state of an emulator is its helper's
    }
    Add(tpm.position, {.kind = ResourceKind::kTpm,
                       .object = ObjectType::kChar,
                       .access = kAccessReadWrite,
                       .path = tpm.device_path,
                       .device = device,
                       .overrides = {}});
    // Without a file to cancel commands with, the emulator does without.
    const std::string name = std::filesystem::path(tpm.device_path).filename();
    std::string cancel = tpm.cancel_path;
    for (const char *directory : {"/sys/class/tpm/", "/sys/class/misc/"}) {
      const std::string file = directory + name + "/device/cancel";
      std::error_code error;
      if (cancel.empty() && std::filesystem::exists(Below(file), error)) {
        cancel = file;
      }
    }
    if (!cancel.empty()) {
      Add(tpm.position, File(ResourceKind::kTpm, kAccessWrite, cancel, device));
    }
  }
}

}  // namespace svirt
