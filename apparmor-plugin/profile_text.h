// SPDX-License-Identifier: LGPL-2.1-or-later
// A domain's profile in the language of apparmor.d(5): for people to read, and for the parser where
// an administrator's own rules have to be compiled with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "file_rules.h"
#include "policy_image.h"

namespace svirt::apparmor {

// A path as a rule has it: quoted, every byte meaning itself.
std::string QuotePath(std::string_view path);

// Any text, on one line of ASCII, for a comment.
std::string CommentText(std::string_view text);

struct ProfileText {
  std::string name;     // of the profile
  std::string comment;  // any bytes; "" for none
  Mode mode = Mode::kEnforce;
  std::string shared;  // lines that all domains have: an include, or the rules themselves
  std::vector<FileRule> rules;
  std::string local;  // the administrator's rules for this domain, "" for none
};

std::string FormatProfile(const ProfileText &profile);

}  // namespace svirt::apparmor
