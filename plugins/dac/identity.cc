// SPDX-License-Identifier: LGPL-2.1-or-later
// Parses and writes ids, and looks names up in the system's user and group databases.
#include "identity.h"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

namespace svirt::dac {
namespace {

constexpr size_t kLongestName = 256;
constexpr size_t kMostNssBytes = 1 << 20;

// Calls one of the get..._r functions with as much room as it wants. 0 or errno; *name is only
// filled, and *id only set, if there is an entry.
template <typename Entry, typename Ask, typename Take>
int AskNss(Ask ask, Take take, bool *found) {
  Entry entry{};
  for (std::vector<char> room(1024);; room.resize(room.size() * 4)) {
    Entry *result = nullptr;
    const int error = ask(&entry, room.data(), room.size(), &result);
    if (error == ERANGE && room.size() < kMostNssBytes) {
      continue;
    }
    *found = result != nullptr;
    if (*found) {
      take(*result);
    }
    // How some sources say that there is no such entry.
    return *found || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM ? 0
                                                                                           : error;
  }
}

int FindId(const std::string &name, bool is_user, uint32_t *id, bool *found) {
  if (is_user) {
    return AskNss<passwd>(
        [&](passwd *entry, char *room, size_t size, passwd **result) {
          return ::getpwnam_r(name.c_str(), entry, room, size, result);
        },
        [&](const passwd &entry) { *id = entry.pw_uid; }, found);
  }
  return AskNss<group>(
      [&](group *entry, char *room, size_t size, group **result) {
        return ::getgrnam_r(name.c_str(), entry, room, size, result);
      },
      [&](const group &entry) { *id = entry.gr_gid; }, found);
}

bool IsName(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f || c == '/' || c == ',' || c == ':') {
      return false;
    }
  }
  return !text.empty() && text.size() <= kLongestName;
}

std::optional<uint32_t> ParseId(std::string_view text, bool is_user, std::string *why) {
  const std::string what = is_user ? "user" : "group";
  const std::string_view digits = text.substr(text.starts_with('+') ? 1 : 0);
  const bool is_number =
      !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  if (is_number) {
    uint32_t id = 0;
    const char *end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, id);
    if (error != std::errc() || at != end || id > kLargestId) {
      *why = std::string(text.substr(0, kLongestName)) + " is beyond the largest " + what +
             " id, " + std::to_string(kLargestId);
      return std::nullopt;
    }
    return id;
  }
  if (digits.size() != text.size() || !IsName(text)) {
    *why = "a DAC label is written +UID:+GID, such as +107:+107, or user:group";
    return std::nullopt;
  }
  const std::string name(text);
  uint32_t id = 0;
  bool found = false;
  if (const int error = FindId(name, is_user, &id, &found); error != 0) {
    *why = "the " + what + " '" + name + "' cannot be looked up: " + std::strerror(error);
    return std::nullopt;
  }
  if (!found) {
    *why = "this host has no " + what + " '" + name + "'";
    return std::nullopt;
  }
  return id;
}

}  // namespace

std::optional<Identity> ParseIdentity(std::string_view text, std::string *why) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    *why = "a DAC label is written +UID:+GID, such as +107:+107, or user:group";
    return std::nullopt;
  }
  const auto uid = ParseId(text.substr(0, colon), true, why);
  if (!uid) {
    return std::nullopt;
  }
  const auto gid = ParseId(text.substr(colon + 1), false, why);
  if (!gid) {
    return std::nullopt;
  }
  return Identity{*uid, *gid};
}

std::string FormatIdentity(const Identity &identity) {
  return "+" + std::to_string(identity.uid) + ":+" + std::to_string(identity.gid);
}

std::string OwnerOnThisHost(const Identity &identity) {
  std::string owner;
  bool found = false;
  AskNss<passwd>(
      [&](passwd *entry, char *room, size_t size, passwd **result) {
        return ::getpwuid_r(identity.uid, entry, room, size, result);
      },
      [&](const passwd &entry) { owner = std::string("user ") + entry.pw_name; }, &found);
  if (!found) {
    AskNss<group>(
        [&](group *entry, char *room, size_t size, group **result) {
          return ::getgrgid_r(identity.gid, entry, room, size, result);
        },
        [&](const group &entry) { owner = std::string("group ") + entry.gr_name; }, &found);
  }
  return owner;
}

}  // namespace svirt::dac
