// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes a profile as text, with paths quoted for the parser.
#include "profile_text.h"

#include "manifest_rules.h"

namespace svirt::apparmor {

namespace {

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("/-_.:+=%~").find(c) != std::string_view::npos;
}

void AppendOctal(std::string *to, char c) {
  const auto byte = static_cast<unsigned char>(c);
  *to += '\\';
  *to += static_cast<char>('0' + (byte >> 6));
  *to += static_cast<char>('0' + (byte >> 3 & 7));
  *to += static_cast<char>('0' + (byte & 7));
}

std::string Indented(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    if (end > 0) {
      out += "  ";
      out += lines.substr(0, end);
    }
    out += '\n';
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out;
}

}  // namespace

std::string QuotePath(std::string_view path) {
  std::string quoted = "\"";
  for (const char c : path) {
    if (IsPlain(c)) {
      quoted += c;
    } else {
      AppendOctal(&quoted, c);
    }
  }
  return quoted + '"';
}

std::string CommentText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c < ' ' || c > '~' || c == '\\') {
      AppendOctal(&out, c);
    } else {
      out += c;
    }
  }
  return out;
}

std::string FormatProfile(const ProfileText &profile) {
  std::string text;
  if (!profile.comment.empty()) {
    text += "# " + CommentText(profile.comment) + "\n";
  }
  text += "profile " + QuotePath(profile.name);
  text += profile.mode == Mode::kComplain ? " flags=(complain) {\n" : " {\n";
  text += Indented(profile.shared);
  for (const FileRule &rule : profile.rules) {
    std::string path = QuotePath(rule.path);
    if (rule.below) {
      path.insert(path.size() - 1, "**");
    }
    text += "  " + path + " " + PermissionLetters(rule.permissions) + ",\n";
  }
  if (!profile.local.empty()) {
    text += Indented(profile.local);
  }
  return text + "}\n";
}

}  // namespace svirt::apparmor
