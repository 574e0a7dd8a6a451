// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads shared directories, memory devices, shared memory, TPMs and vsock.
#include <boost/algorithm/string/trim.hpp>
#include <limits>
#include <string>
#include <utility>

#include "host/domain/device_xml.h"
#include "host/domain/number.h"
#include "host/util/text.h"

namespace svirt {
namespace {

// A size that stands as the text of an element, KiB unless it says otherwise.
Result<uint64_t> ReadSize(const XmlElement &element) {
  Result<uint64_t> bytes =
      ParseBytes(boost::algorithm::trim_copy(element.Text(), std::locale::classic()),
                 element.Attr("unit"), "KiB");
  if (!bytes) {
    return element.Fail("<" + element.name() + ">", bytes.error());
  }
  return bytes;
}

}  // namespace

Status ReadFilesystem(const XmlElement &element, Domain *domain) {
  Filesystem share;
  share.position = element.Position();
  SVIRT_ASSIGN(share.type,
               element.OneOf("type", "mount",
                             {"mount", "template", "file", "block", "ram", "bind", "volume"}));
  SVIRT_ASSIGN(share.access_mode,
               element.OneOf("accessmode", "", {"passthrough", "mapped", "squash"}));
  if (const auto driver = element.Child("driver")) {
    share.driver = driver->Attr("type");
  }
  if (const auto source = element.Child("source")) {
    SVIRT_ASSIGN(share.socket_path, source->Path("socket"));
    const bool file = share.type == "file";
    const bool block = share.type == "block";
    SVIRT_ASSIGN(share.source_dir, source->Path(file ? "file" : block ? "dev" : "dir"));
  }
  const bool local = share.type != "template" && share.type != "ram" && share.type != "volume";
  if (local && share.source_dir.empty() && share.socket_path.empty()) {
    return element.Fail("a <filesystem type='" + share.type +
                        "'> needs a <source> with the path that is shared");
  }
  if (const auto target = element.Child("target")) {
    share.target_tag = target->Attr("dir");
  }
  share.readonly = element.Child("readonly").has_value();
  domain->filesystems.push_back(std::move(share));
  return {};
}

Status ReadMemoryDevice(const XmlElement &element, Domain *domain) {
  MemoryDevice memory;
  memory.position = element.Position();
  memory.alias = ReadAlias(element);
  SVIRT_ASSIGN(
      memory.model,
      element.OneOf("model", "", {"dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc"}));
  if (memory.model.empty()) {
    return element.Fail(
        "a <memory> device needs a model: dimm, nvdimm, virtio-pmem, virtio-mem "
        "or sgx-epc");
  }
  if (const auto source = element.Child("source")) {
    if (const auto path = source->Child("path")) {
      SVIRT_ASSIGN(memory.path, path->TextPath());
    }
  }
  if (memory.path.empty() && (memory.model == "nvdimm" || memory.model == "virtio-pmem")) {
    return element.Fail("a " + memory.model + " needs <source><path>PATH</path></source>");
  }
  if (const auto target = element.Child("target")) {
    memory.readonly = target->Child("readonly").has_value();
    if (const auto size = target->Child("size")) {
      SVIRT_ASSIGN(memory.size_bytes, ReadSize(*size));
    }
    if (const auto node = target->Child("node")) {
      const Result<uint64_t> number =
          ParseUnsigned(boost::algorithm::trim_copy(node->Text(), std::locale::classic()),
                        std::numeric_limits<unsigned>::max());
      if (!number) {
        return node->Fail("<node>", number.error());
      }
      memory.node = static_cast<unsigned>(*number);
    }
  }
  domain->memory_devices.push_back(std::move(memory));
  return {};
}

Status ReadShmem(const XmlElement &element, Domain *domain) {
  Shmem shmem;
  shmem.position = element.Position();
  shmem.name = element.Attr("name");
  if (shmem.name.empty() || shmem.name == "." || shmem.name == ".." ||
      shmem.name.find('/') != std::string::npos || HasControlCharacters(shmem.name)) {
    return element.Fail(
        "the name of a <shmem> is the name of a file in /dev/shm: not empty, "
        "without '/' and control characters, not '.' or '..'");
  }
  if (const auto model = element.Child("model")) {
    SVIRT_ASSIGN(shmem.model,
                 model->OneOf("type", "", {"ivshmem", "ivshmem-plain", "ivshmem-doorbell"}));
  }
  const std::optional<XmlElement> server = element.Child("server");
  if (server) {
    SVIRT_ASSIGN(shmem.server_path, server->Path("path"));
  }
  if (shmem.server_path.empty() && (server || shmem.model == "ivshmem-doorbell")) {
    return element.Fail("the <shmem> '" + shmem.name +
                        "' is served by somebody: write <server path='SOCKET'/>");
  }
  domain->shmems.push_back(std::move(shmem));
  return {};
}

Status ReadTpm(const XmlElement &element, Domain *domain) {
  Tpm tpm;
  tpm.position = element.Position();
  tpm.model = element.Attr("model");
  const std::optional<XmlElement> backend = element.Child("backend");
  if (!backend) {
    return element.Fail("a <tpm> needs a <backend>");
  }
  SVIRT_ASSIGN(tpm.backend, backend->OneOf("type", "", {"passthrough", "emulator", "external"}));
  if (tpm.backend.empty()) {
    return backend->Fail("a TPM's <backend> needs a type: passthrough, emulator or external");
  }
  if (tpm.backend == "passthrough") {
    tpm.device_path = "/dev/tpm0";
    if (const auto device = backend->Child("device")) {
      SVIRT_ASSIGN(const std::string path, device->Path("path"));
      tpm.device_path = path.empty() ? tpm.device_path : path;
    }
  } else if (const auto source = backend->Child("source")) {
    SVIRT_ASSIGN(const std::string path, source->Path("path"));
    (tpm.backend == "external" ? tpm.socket_path : tpm.state_path) = path;
  }
  if (tpm.backend == "external" && tpm.socket_path.empty()) {
    return backend->Fail(
        "an external TPM needs <source type='unix' mode='connect' "
        "path='SOCKET'/>");
  }
  domain->tpms.push_back(std::move(tpm));
  return {};
}

Status ReadVsock(const XmlElement &element, Domain *domain) {
  domain->positions.try_emplace("vsock", element.Position());
  domain->vsock = true;
  if (const auto cid = element.Child("cid")) {
    SVIRT_ASSIGN(domain->vsock_cid,
                 cid->Unsigned("address", 0, std::numeric_limits<uint32_t>::max()));
  }
  return {};
}

}  // namespace svirt
