// SPDX-License-Identifier: LGPL-2.1-or-later
// The directories that lead to what a domain needs: which of them keep it out?
#pragma once

#include <svirt/plugin.h>
#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "guard.h"

namespace svirt::dac {

class Way {
 public:
  explicit Way(const Identity &who) : who_(who) {}

  // What the domain will be let into when its labels and entries are set is no hindrance.
  void Expect(const svirt_domain &domain);
  // Looks at each directory on the way to the object.
  void LeadTo(const std::string &path);
  // SVIRT_E_DENIED with a sentence that names them all and says what to do.
  svirt_status Check(svirt_error *error) const;

 private:
  // Of the domain: what its way through a directory is like.
  enum class Passage { kFree, kShut, kOwnTree };
  Passage Look(const std::string &directory);

  struct Shut {
    std::string path, mode;
    bool opens_to_all;  // would the right to pass for everybody let the domain in?
  };

  Identity who_;
  std::map<std::pair<dev_t, ino_t>, bool> expected_;  // with all below?
  std::map<std::string, Passage> known_;              // objects commonly lie beside each other
  std::vector<Shut> shut_;
  std::vector<std::string> targets_;  // that they keep the domain from
};

}  // namespace svirt::dac
