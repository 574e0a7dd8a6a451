// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever the text, reading it ends in a domain or in a sentence; and what is read and written
// again means the same.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/domain/domain_xml.h"
#include "host/domain/manifest.h"

namespace {

using svirt::Domain;
using svirt::Manifest;
using svirt::Result;

void Require(bool condition, const char *what, const std::string &text) {
  if (!condition) {
    std::fprintf(stderr, "%s:\n%s\n", what, text.c_str());
    std::abort();
  }
}

void RequireSentence(const svirt::Error &error) {
  Require(!error.message.empty() && error.message.find('\n') == std::string::npos &&
              error.message.find('\0') == std::string::npos,
          "an error that is not one line", error.message);
}

// What is written anew has other lines.
std::string WithoutPlace(const svirt::Error &error) {
  const std::string place = ":" + std::to_string(error.line) + ": ";
  const size_t at = error.message.find(place);
  return error.line > 0 && at != std::string::npos ? error.message.substr(at + place.size())
                                                   : error.message;
}

bool SameManifest(const Result<Manifest> &a, const Result<Manifest> &b) {
  if (!a.ok() || !b.ok()) {
    return a.ok() == b.ok() && WithoutPlace(a.error()) == WithoutPlace(b.error());
  }
  if (a->resources.size() != b->resources.size()) {
    return false;
  }
  for (size_t i = 0; i < a->resources.size(); ++i) {
    if (a->resources[i].path != b->resources[i].path ||
        a->resources[i].access != b->resources[i].access ||
        a->resources[i].kind != b->resources[i].kind) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const Result<Domain> domain =
      svirt::ParseDomainXml(std::string_view(reinterpret_cast<const char *>(data), size), "input");
  if (!domain.ok()) {
    RequireSentence(domain.error());
    return 0;
  }
  // No device of this machine is looked at.
  const svirt::ManifestOptions options{"/nonexistent"};
  const Result<Manifest> manifest = BuildManifest(*domain, options);
  if (!manifest.ok()) {
    RequireSentence(manifest.error());
  }
  for (const bool inactive : {true, false}) {
    const std::string text = FormatDomainXml(*domain, inactive);
    const Result<Domain> again = svirt::ParseDomainXml(text, "output");
    Require(again.ok(), "what was written is refused", text);
    Require(again->name == domain->name && again->uuid == domain->uuid, "another domain", text);
    Require(again->seclabels.size() == domain->seclabels.size(), "other seclabels", text);
    Require(SameManifest(manifest, BuildManifest(*again, options)), "another manifest", text);
    Require(FormatDomainXml(*again, inactive) == text, "written again it differs", text);
  }
  return 0;
}
