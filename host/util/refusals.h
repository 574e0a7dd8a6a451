// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything that stands against one undertaking, collected so that people are told all at once.
#pragma once

#include <vector>

#include "host/util/result.h"

namespace svirt {

class Refusals {
 public:
  // A success adds nothing, and no sentence stands twice. They are kept in the order of the lines
  // that they are about; what is about none comes last.
  void Add(const Status &status) { Put(status, &lasting_); }
  void Add(const Refusals &others);
  // What only this machine lacks now, and may have another time.
  void AddForNow(const Status &status) { Put(status, &for_now_); }

  // Takes out every sentence that stands in the other, too.
  void Drop(const Refusals &known);

  bool empty() const { return lasting_.empty() && for_now_.empty(); }
  const std::vector<Error> &lasting() const { return lasting_; }
  const std::vector<Error> &for_now() const { return for_now_; }
  std::vector<Error> all() const;

  // Success if there is none; else an error with all sentences, each in a line of its own, and the
  // code of the first one, or kRefused if that is among them.
  Status ToStatus() const { return Join(all()); }
  static Status Join(const std::vector<Error> &errors);

 private:
  void Put(const Status &status, std::vector<Error> *list);

  std::vector<Error> lasting_, for_now_;
};

}  // namespace svirt
