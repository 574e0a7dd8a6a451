// SPDX-License-Identifier: LGPL-2.1-or-later
// Collects the rules of a domain in one order, and digests them or writes them as text.
#include "label.h"

#include <sha2.h>
#include <svirt/sdk.h>

#include <algorithm>
#include <array>
#include <map>

#include "baseline.h"
#include "rights.h"

namespace svirt::landlock {

namespace {

constexpr std::string_view kPrefix = "landlock:";
constexpr size_t kDigestBytes = 8;

// On the object of a path and on the directory that holds it: all that any use of it grants.
struct Rights {
  uint64_t object = 0, parent = 0;
};

std::map<std::string, Rights> RulesOf(const svirt_domain &domain, const Features &features) {
  std::map<std::string, Rights> rules;
  const std::vector<svirt_resource> resources = sdk::Resources(domain);
  for (const svirt_resource &resource : resources) {
    Rights &rights = rules[resource.path];
    if (NeedsParent(resource, resources)) {
      rights.parent |= kParentRights;
    } else {
      rights.object |= ObjectRights(resource, DeclaredShape(resource), features);
    }
  }
  return rules;
}

// The rules in one canonical text. Strings end with NUL, which none of them contains.
std::string Canonical(const svirt_domain &domain, const Features &features) {
  std::string text = "1";  // of this form
  const auto add = [&text](std::string_view part) {
    text += part;
    text += '\0';
  };
  add(domain.emulator != nullptr ? domain.emulator : "");
  add(std::to_string(features.rights));
  add(std::to_string(features.scopes));
  for (const auto &[path, rights] : RulesOf(domain, features)) {
    add(path);
    add(std::to_string(rights.object));
    add(std::to_string(rights.parent));
  }
  return text;
}

}  // namespace

std::string MakeLabel(const svirt_domain &domain, const Features &features) {
  const std::string text = Canonical(domain, features);
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA2_CTX context;
  SHA256Init(&context);
  SHA256Update(&context, reinterpret_cast<const uint8_t *>(text.data()), text.size());
  SHA256Final(digest.data(), &context);

  std::string label(kPrefix);
  label += domain.uuid;
  label += ':';
  for (size_t i = 0; i < kDigestBytes; ++i) {
    constexpr char kHex[] = "0123456789abcdef";
    label += kHex[digest[i] >> 4];
    label += kHex[digest[i] & 0xf];
  }
  return label;
}

std::string DescribeRules(const svirt_domain &domain, const Features &features) {
  std::string text =
      "# " + MakeLabel(domain, features) + ", Landlock ABI " + std::to_string(features.abi) + "\n";
  const auto add = [&](const std::string &path, uint64_t rights) {
    if (const std::string words = RightWords(rights & features.rights); !words.empty()) {
      text += path + "  " + words + "\n";
    }
  };
  for (const auto &[path, rights] : RulesOf(domain, features)) {
    add(path, rights.object);
    add(ParentOf(path), rights.parent);
  }
  text += "# what every emulator may use\n";
  for (const BaselineEntry &entry : Baseline()) {
    add(entry.path, entry.rights);
  }
  return text;
}

bool IsLabelOf(std::string_view label, std::string_view uuid) {
  const size_t digest_at = kPrefix.size() + uuid.size() + 1;
  return label.size() == digest_at + 2 * kDigestBytes && label.starts_with(kPrefix) &&
         label.substr(kPrefix.size(), uuid.size()) == uuid && label[digest_at - 1] == ':' &&
         std::all_of(label.begin() + static_cast<std::ptrdiff_t>(digest_at), label.end(),
                     sdk::IsLowerHex);
}

}  // namespace svirt::landlock
