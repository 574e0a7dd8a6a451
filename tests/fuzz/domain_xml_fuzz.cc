// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever the text, reading it ends in a domain or in a sentence; and what is read and written
// again means the same.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "host/domain/domain_xml.h"
#include "host/domain/manifest.h"

namespace {

using svirt::Domain;
using svirt::Manifest;
using svirt::Resource;
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

// What can be told of a domain's manifest, and what is said of the rest.
struct Told {
  explicit Told(const Domain &domain)
      // No device of this machine is looked at.
      : manifest(BuildManifest(domain, {"/nonexistent"}, &errors)) {}

  bool operator==(const Told &other) const {
    const auto same_resource = [](const Resource &a, const Resource &b) {
      return a.path == b.path && a.access == b.access && a.kind == b.kind;
    };
    const auto same_error = [](const svirt::Error &a, const svirt::Error &b) {
      return WithoutPlace(a) == WithoutPlace(b);
    };
    return std::ranges::equal(manifest.resources, other.manifest.resources, same_resource) &&
           std::ranges::equal(errors, other.errors, same_error);
  }

  std::vector<svirt::Error> errors;
  Manifest manifest;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const Result<Domain> domain =
      svirt::ParseDomainXml(std::string_view(reinterpret_cast<const char *>(data), size), "input");
  if (!domain.ok()) {
    RequireSentence(domain.error());
    return 0;
  }
  const Told told(*domain);
  for (const svirt::Error &error : told.errors) {
    RequireSentence(error);
  }
  for (const bool inactive : {true, false}) {
    const std::string text = FormatDomainXml(*domain, inactive);
    const Result<Domain> again = svirt::ParseDomainXml(text, "output");
    Require(again.ok(), "what was written is refused", text);
    Require(again->name == domain->name && again->uuid == domain->uuid, "another domain", text);
    Require(again->seclabels.size() == domain->seclabels.size(), "other seclabels", text);
    Require(told == Told(*again), "another manifest", text);
    Require(FormatDomainXml(*again, inactive) == text, "written again it differs", text);
  }
  return 0;
}
