// SPDX-License-Identifier: LGPL-2.1-or-later
// What the plugin asks of the system, in one place: the kernel through libapparmor in the plugin, a
// fake in its tests.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace svirt::apparmor {

struct LoadedProfile {
  std::string name;
  std::string mode;  // "enforce", "complain", "kill", "unconfined", ...
};

// Every int is 0 or an errno. Thread-safe.
class AppArmorApi {
 public:
  virtual ~AppArmorApi() = default;

  // ENOSYS: not built into the kernel; ECANCELED: disabled at boot; ENOENT: its interface is not
  // mounted; EACCES: not for this process to see; EBUSY: not for this container.
  virtual int Enabled() = 0;
  // Replaces the profile if one of its name is loaded.
  virtual int Load(std::string_view image) = 0;
  virtual int Remove(const std::string &name) = 0;
  virtual int Profiles(std::vector<LoadedProfile> *profiles) = 0;
  // mode is "" for a process that is unconfined by name.
  virtual int ProcessLabel(pid_t pid, std::string *label, std::string *mode) = 0;
  // Processes whose label is name, or has it as a part: a stack, a child profile.
  virtual int ProcessesUnder(const std::string &name, std::vector<pid_t> *pids) = 0;
  // The kernel has /proc/PID/attr/apparmor, which other security modules do not share.
  virtual bool HasOwnAttributes() = 0;
};

std::unique_ptr<AppArmorApi> MakeKernelApi();

// The profiles that a label is made of: more than one if it is a stack.
std::vector<std::string> LabelParts(std::string_view label);

// Is name, or a child profile of it, among the label's parts?
bool LabelHas(std::string_view label, std::string_view name);

}  // namespace svirt::apparmor
