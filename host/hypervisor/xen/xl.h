// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything that is asked of Xen, by its command xl.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/launch/tool.h"
#include "host/util/result.h"

namespace svirt {

// Runs xl, Xen's toolstack command. Tests give another.
class XlRunner {
 public:
  virtual ~XlRunner() = default;
  // Is it there? Errc::kUnsupported with a sentence if not.
  virtual Status Find() const = 0;
  // args: without the program's name. cwd: its working directory.
  virtual Result<ToolAnswer> Run(const std::vector<std::string> &args, const std::string &cwd) = 0;
};

// The xl of this host: /usr/sbin/xl, or the newest below /usr/lib.
class SystemXl : public XlRunner {
 public:
  // root: where the places are looked up; tests give another.
  explicit SystemXl(std::string root = "") : root_(std::move(root)) {}
  Status Find() const override;
  Result<ToolAnswer> Run(const std::vector<std::string> &args, const std::string &cwd) override;

 private:
  Result<std::string> FindProgram() const;
  std::string root_;
};

// A domain that the hypervisor has.
struct XenDomain {
  int id = -1;
  std::string name, uuid;
  bool is_paused = false;
  bool is_shut_down = false;  // powered off, crashed or about to reboot; still there
  bool is_dying = false;      // destroyed, and not gone yet
};

// What `xl list --verbose` prints. Errc::kSystem names the line that is not understood: nothing may
// be concluded from a list that lacks one.
Result<std::vector<XenDomain>> ParseXlList(std::string_view text);

// What is asked of the hypervisor, by xl.
class Xl {
 public:
  explicit Xl(XlRunner *runner) : runner_(runner) {}

  // nullopt: there is none with that uuid.
  Result<std::optional<XenDomain>> FindDomain(const std::string &uuid) const;
  // Creates the domain of the file config in directory, paused, and leaves no process behind.
  Status Create(const std::string &directory, const std::string &config) const;
  Status Unpause(int id) const;
  Status Destroy(int id) const;

 private:
  Result<std::string> Ask(const std::vector<std::string> &args, const std::string &cwd = "/") const;

  XlRunner *runner_;
};

}  // namespace svirt
