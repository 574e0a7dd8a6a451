// SPDX-License-Identifier: LGPL-2.1-or-later
// Which model each type of domain was given last, kept in the state directory: what was chosen once
// is missed when it is gone.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/loader/loader.h"
#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

class ChosenModels {
 public:
  explicit ChosenModels(const std::string &state_dir) : file_(state_dir + "/chosen-models") {}

  using Models = std::map<std::string, ExpectedModel>;

  // A type of domain as Read gives it.
  static std::string KeyOf(const std::string &virt_type);

  // By type of domain. A file that cannot be understood is an error: it is not known then what is
  // missing.
  Result<Models> Read() const;

  // Writes only if that is another model than before.
  Status Remember(const std::string &virt_type, const ExpectedModel &chosen);

  // For every type. False: it was not remembered.
  Result<bool> Forget(const std::string &model);

 private:
  Status Write(const Models &models) const;
  Result<Fd> Lock() const;

  std::string file_;
};

}  // namespace svirt
