// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns the recipes of several models into one sequence of steps.
#pragma once

#include <svirt/plugin.h>

#include <string>
#include <vector>

#include "host/util/result.h"

namespace svirt {

// One operation, ready to be performed in the child.
struct RecipeStep {
  const svirt_exec_op *op = nullptr;  // lives in the recipes it was made from
  std::string attr_path;              // SVIRT_EXEC_PROCATTR: below the root of proc
};

// Checks the recipes and brings their operations into the order in which they work together:
// attributes (a ruleset would forbid opening them), rulesets (without no_new_privs they need a
// privilege that credentials take away), credentials. Anything that is not understood in full is
// refused, since leaving it out would confine less than the plugin meant.
Result<std::vector<RecipeStep>> OrderRecipes(const std::vector<svirt_exec> &recipes);

// Is the label to change at the execution? Behind no_new_privs a security module allows that only
// if its policy does.
bool RelabelsAtExec(const std::vector<RecipeStep> &steps);

// Does a recipe ask for no_new_privs?
bool WantsNoNewPrivs(const std::vector<RecipeStep> &steps);

}  // namespace svirt
