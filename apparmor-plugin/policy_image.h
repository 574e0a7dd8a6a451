// SPDX-License-Identifier: LGPL-2.1-or-later
// One compiled profile, as apparmor_parser writes it and the kernel takes it. What this file does
// not know by name it passes on as it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dfa.h"

namespace svirt::apparmor {

enum class Mode : uint32_t { kEnforce = 0, kComplain = 1 };

class PolicyImage {
 public:
  // nullopt: not the image of exactly one profile with file rules.
  static std::optional<PolicyImage> Parse(std::string_view image);

  const Dfa &files() const { return files_; }

  // The same profile under another name, with other file rules.
  std::string Make(std::string_view name, Mode mode, const Dfa &files) const;

 private:
  std::string image_;
  // Where in image_: the name's length (its text follows), the mode's value, and the blobs of
  // automata, each from its length to its end.
  struct Range {
    size_t begin = 0, end = 0;
  };
  Range name_, mode_, policy_blob_, file_blob_;
  Dfa files_;
};

}  // namespace svirt::apparmor
