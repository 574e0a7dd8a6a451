// SPDX-License-Identifier: LGPL-2.1-or-later
// Digests of texts, by which profiles and compiled policies are told apart.
#pragma once

#include <string>
#include <string_view>

namespace svirt::apparmor {

// SHA-256 in lower-case hexadecimal digits.
std::string Digest(std::string_view bytes);

// Of several texts, so that no two lists have the same one by the texts' touching.
class DigestOf {
 public:
  DigestOf &Add(std::string_view text);
  std::string Get() const { return Digest(all_); }

 private:
  std::string all_;
};

}  // namespace svirt::apparmor
