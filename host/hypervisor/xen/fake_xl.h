// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests: a hypervisor and its xl, in this process.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/hypervisor/xen/xl.h"

namespace svirt {

// What the fake does wrong, and what it has. Outlives the XlRunner that works on it.
struct FakeXen {
  struct Guest {
    std::string name, uuid, seclabel;
    bool paused = true, shut_down = false, dying = false;
  };
  std::map<int, Guest> guests;
  int next_id = 5;
  std::vector<std::string> calls;  // the words of each, without list
  std::string config;              // of the last create

  bool missing = false;       // there is no xl
  bool fail_list = false;     // the hypervisor cannot be asked
  bool fail_create = false;   // nothing is made
  bool fail_halfway = false;  // create fails and leaves something
  bool lose_guest = false;    // create succeeds and there is nothing
  bool start_at_once = false;
  bool fail_unpause = false;
  bool fail_destroy = false;
  bool never_gone = false;     // destroyed domains stay, dying
  int fail_list_at = 0;        // the k-th list from now on
  std::string wrong_seclabel;  // given to a domain instead of the one asked for

  // Gives a domain its label.
  std::function<void(int id, const std::string &seclabel)> label;

  Guest *Find(const std::string &uuid) {
    for (auto &[id, guest] : guests) {
      if (guest.uuid == uuid) {
        return &guest;
      }
    }
    return nullptr;
  }
};

class FakeXl : public XlRunner {
 public:
  explicit FakeXl(FakeXen *xen) : xen_(xen) {}
  Status Find() const override;
  Result<ToolAnswer> Run(const std::vector<std::string> &args, const std::string &cwd) override;

 private:
  ToolAnswer List();
  ToolAnswer Create(const std::string &file);
  ToolAnswer Destroy(int id);
  FakeXen *xen_;
};

}  // namespace svirt
