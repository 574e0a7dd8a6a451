// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads character devices: consoles, ports and channels, redirected USB, smartcards, random
// sources.
#include <limits>
#include <string>
#include <utility>

#include "host/domain/device_xml.h"
#include "host/domain/seclabel_xml.h"

namespace svirt {
namespace {

using CharType = CharSource::Type;

Result<CharType> ReadCharType(const XmlElement &element) {
  SVIRT_ASSIGN(const std::string name,
               element.OneOf("type", "pty",
                             {"null", "vc", "pty", "dev", "file", "pipe", "stdio", "unix", "tcp",
                              "udp", "spicevmc", "spiceport", "nmdm", "qemu-vdagent", "dbus"}));
  constexpr std::pair<std::string_view, CharType> kTypes[] = {
      {"null", CharType::kNull},         {"vc", CharType::kVc},
      {"pty", CharType::kPty},           {"dev", CharType::kDev},
      {"file", CharType::kFile},         {"pipe", CharType::kPipe},
      {"unix", CharType::kUnix},         {"tcp", CharType::kTcp},
      {"stdio", CharType::kStdio},       {"udp", CharType::kUdp},
      {"spicevmc", CharType::kSpicevmc},
  };
  for (const auto &[known, type] : kTypes) {
    if (known == name) {
      return type;
    }
  }
  return CharType::kOther;
}

// The path of a pty, and of a socket to listen on, may be missing: the host makes one up.
bool NeedsPath(const CharSource &source) {
  return source.type == CharType::kDev || source.type == CharType::kFile ||
         source.type == CharType::kPipe || (source.type == CharType::kUnix && !source.listen);
}

bool HasPath(CharType type) {
  return type == CharType::kDev || type == CharType::kFile || type == CharType::kPipe ||
         type == CharType::kUnix;
}

Status ReadSource(const XmlElement &device, const Domain &domain, CharSource *out) {
  SVIRT_ASSIGN(out->type, ReadCharType(device));
  out->listen = out->type == CharType::kUnix;  // unless the source says more
  bool read[2] = {};
  // udp has two: one to bind to, one to connect to. The latter is what host and service mean.
  for (const XmlElement &source : device.Children("source")) {
    SVIRT_ASSIGN(const std::string mode,
                 source.OneOf("mode", "connect", {"bind", "connect", "client", "server"}));
    const bool bind = mode == "bind" || mode == "server";
    if (out->type == CharType::kUdp && std::exchange(read[bind ? 1 : 0], true)) {
      return source.Fail("a udp <" + device.name() +
                         "> has one <source mode='connect'> and one <source mode='bind'> at most");
    }
    if (out->type == CharType::kUdp && bind) {
      out->bind_host = source.Attr("host");
      out->bind_service = source.Attr("service");
      continue;
    }
    if (source.FindAttr("mode") != nullptr || source.FindAttr("path") != nullptr) {
      out->listen = bind;
    }
    if (HasPath(out->type)) {
      SVIRT_ASSIGN(out->path, source.Path("path"));
    }
    SVIRT_ASSIGN(out->append, source.Switch("append", false));
    out->host = source.Attr("host");
    out->service = source.Attr("service");
    SVIRT_ASSIGN(out->seclabels, ReadDeviceSecLabels(source, domain.seclabels));
  }
  if (out->path.empty() && NeedsPath(*out)) {
    return device.Fail(
        "Missing source path attribute for char device: write <source path='PATH'/> "
        "inside <" +
        device.name() + " type='" + device.Attr("type") + "'>");
  }
  if (const auto log = device.Child("log")) {
    SVIRT_ASSIGN(out->log_path, log->Path("file"));
    SVIRT_ASSIGN(out->log_append, log->Switch("append", true));
  }
  return {};
}

}  // namespace

Status ReadChardev(const XmlElement &element, Domain *domain) {
  Chardev chardev;
  chardev.position = element.Position();
  chardev.alias = ReadAlias(element);
  chardev.kind = element.name();
  SVIRT_TRY(ReadSource(element, *domain, &chardev.source));
  if (const auto target = element.Child("target")) {
    chardev.target_type = target->Attr("type");
    chardev.target_name = target->Attr("name");
    SVIRT_ASSIGN(chardev.port, target->Unsigned("port", 0, std::numeric_limits<unsigned>::max()));
  }
  domain->chardevs.push_back(std::move(chardev));
  return {};
}

Status ReadRedirdev(const XmlElement &element, Domain *domain) {
  Chardev redirdev;
  redirdev.position = element.Position();
  redirdev.kind = element.name();
  SVIRT_TRY(ReadSource(element, *domain, &redirdev.source));
  domain->redirections.push_back(std::move(redirdev));
  return {};
}

Status ReadSmartcard(const XmlElement &element, Domain *domain) {
  SVIRT_ASSIGN(const std::string mode,
               element.OneOf("mode", "", {"host", "host-certificates", "passthrough"}));
  if (mode == "passthrough") {
    return ReadRedirdev(element, domain);
  }
  if (mode == "host-certificates") {
    std::string path = "/etc/pki/nssdb";
    if (const auto database = element.Child("database")) {
      SVIRT_ASSIGN(path, database->TextPath());
    }
    if (domain->smartcard_databases.empty()) {
      domain->positions["smartcard"] = element.Position();
    }
    domain->smartcard_databases.push_back(std::move(path));
  }
  return {};
}

Status ReadRng(const XmlElement &element, Domain *domain) {
  Rng rng;
  rng.position = element.Position();
  const std::optional<XmlElement> backend = element.Child("backend");
  if (!backend) {
    return element.Fail("<rng> needs a <backend>");
  }
  SVIRT_ASSIGN(rng.backend, backend->OneOf("model", "", {"random", "egd", "builtin"}));
  if (rng.backend.empty()) {
    return backend->Fail(
        "missing RNG device backend model; write model='random', 'egd' or "
        "'builtin'");
  }
  if (rng.backend == "random") {
    SVIRT_ASSIGN(rng.path, backend->TextPath());
    if (rng.path.empty()) {
      rng.path = "/dev/urandom";
    }
  } else if (rng.backend == "egd") {
    SVIRT_TRY(ReadSource(*backend, *domain, &rng.egd));
  }
  domain->rngs.push_back(std::move(rng));
  return {};
}

}  // namespace svirt
