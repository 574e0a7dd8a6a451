// SPDX-License-Identifier: LGPL-2.1-or-later
// Which directories on the way to an object a domain cannot pass, in one sentence.
#include "way.h"

#include <svirt/sdk.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace svirt::dac {
namespace {

// A sentence has to end: beyond this many bytes a list is cut.
constexpr size_t kListRoom = 250;
constexpr size_t kPathRoom = 120;  // of an object; directories are whole, for commands

// The words with the separator between them, as many as there is room for, within the quotes; and
// how many there are besides.
std::string Listed(const std::vector<std::string> &words, const char *separator,
                   const std::string &before = "", const std::string &behind = "") {
  std::string list = before;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0 && list.size() + words[i].size() > kListRoom) {
      return list + behind + " and " + std::to_string(words.size() - i) + " more";
    }
    list += (i > 0 ? separator : "") + words[i];
  }
  return list + behind;
}

// The end of a long path, which tells more than its beginning.
std::string Shortened(const std::string &path) {
  return path.size() <= kPathRoom ? path : "..." + path.substr(path.size() - kPathRoom);
}

std::string ModeOf(const Guard &guard) {
  std::array<char, 16> octal{};
  std::snprintf(octal.data(), octal.size(), "%04o",
                static_cast<unsigned>(guard.status.st_mode & 07777));
  return std::string("mode ") + octal.data() + " of " + FormatIdentity(guard.owner());
}

}  // namespace

void Way::Expect(const svirt_domain &domain) {
  for (const svirt_resource &resource : sdk::Resources(domain)) {
    struct stat status {};
    const bool may_be_directory =
        resource.object == SVIRT_OBJ_DIR || resource.object == SVIRT_OBJ_ANY;
    if (may_be_directory && (resource.flags & SVIRT_RES_AS_IT_IS) == 0 &&
        resource.path != nullptr && ::stat(resource.path, &status) == 0 &&
        S_ISDIR(status.st_mode)) {
      expected_[{status.st_dev, status.st_ino}] |= (resource.flags & SVIRT_RES_SUBTREE) != 0;
    }
  }
}

Way::Passage Way::Look(const std::string &directory) {
  Guard guard;
  if (ReadGuard(directory, &guard) != 0) {
    return Passage::kFree;  // not shut by its mode
  }
  const auto own = expected_.find({guard.status.st_dev, guard.status.st_ino});
  if (own != expected_.end()) {
    return own->second ? Passage::kOwnTree : Passage::kFree;
  }
  if (!guard.Shuts(who_, kPass)) {
    return Passage::kFree;
  }
  Guard opened = guard;
  opened.acl.other |= kPass;
  shut_.push_back({directory, ModeOf(guard), !opened.Shuts(who_, kPass)});
  return Passage::kShut;
}

void Way::LeadTo(const std::string &path) {
  bool is_free = true;
  for (size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
    auto known = known_.find(directory);
    if (known == known_.end()) {
      known = known_.emplace(directory, Look(directory)).first;
    }
    if (known->second == Passage::kOwnTree) {
      break;
    }
    is_free = is_free && known->second == Passage::kFree;
  }
  if (!is_free && std::find(targets_.begin(), targets_.end(), path) == targets_.end()) {
    targets_.push_back(path);
  }
}

svirt_status Way::Check(svirt_error *error) const {
  if (shut_.empty()) {
    return SVIRT_OK;
  }
  std::vector<std::string> named, by_mode, by_acl, commands;
  for (const Shut &shut : shut_) {
    named.push_back(shut.path + " (" + shut.mode + ")");
    (shut.opens_to_all ? by_mode : by_acl).push_back(shut.path);
  }
  std::vector<std::string> targets;
  for (const std::string &target : targets_) {
    targets.push_back(Shortened(target));
  }
  if (!by_mode.empty()) {
    commands.push_back(Listed(by_mode, " ", "'chmod o+x ", "'"));
  }
  if (!by_acl.empty()) {
    commands.push_back(
        Listed(by_acl, " ", "'setfacl -m u:" + std::to_string(who_.uid) + ":x ", "'"));
  }
  const bool one = shut_.size() == 1;
  return sdk::Fail(
      error, SVIRT_E_DENIED, EACCES,
      "the domain's user and group, %s, may not pass the %s %s on the way to %s: %s lets domains "
      "pass, not list what is there; or move the file, or leave dac out of models",
      FormatIdentity(who_).c_str(), one ? "directory" : "directories", Listed(named, ", ").c_str(),
      Listed(targets, ", ").c_str(), Listed(commands, " and ").c_str());
}

}  // namespace svirt::dac
