// SPDX-License-Identifier: LGPL-2.1-or-later
// Checks each operation of a recipe, and sorts them.
#include "host/launch/recipe.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <set>
#include <string_view>

namespace svirt {
namespace {

constexpr std::array<std::string_view, 5> kAttributes = {"current", "exec", "fscreate",
                                                         "sockcreate", "keycreate"};

Error Malformed(const std::string &what) {
  return Error{Errc::kInvalid, "the security driver's exec recipe " + what};
}

// NAME or MODULE/NAME, so that no other file of proc can be reached.
bool IsAttribute(std::string_view attr) {
  if (const size_t slash = attr.find('/'); slash != std::string_view::npos) {
    const std::string_view module = attr.substr(0, slash);
    if (module.empty() ||
        !std::all_of(module.begin(), module.end(), [](char c) { return c >= 'a' && c <= 'z'; })) {
      return false;
    }
    attr.remove_prefix(slash + 1);
  }
  return std::find(kAttributes.begin(), kAttributes.end(), attr) != kAttributes.end();
}

Status CheckOp(const svirt_exec_op &op) {
  const uint32_t known_flags = op.kind == SVIRT_EXEC_LANDLOCK ? SVIRT_EXEC_NO_NEW_PRIVS : 0;
  if ((op.flags & ~known_flags) != 0) {
    return Malformed("has flags that this host does not know");
  }
  switch (op.kind) {
    case SVIRT_EXEC_PROCATTR: {
      const std::string_view attr(op.attr, strnlen(op.attr, sizeof op.attr));
      if (attr.size() == sizeof op.attr || !IsAttribute(attr)) {
        return Malformed("names an attribute that is none of a process: " + std::string(attr));
      }
      // An empty write does nothing, or clears the attribute.
      if (op.data_len == 0 || op.data_len > SVIRT_EXEC_DATA_MAX) {
        return Malformed("has " + std::to_string(op.data_len) + " bytes for attribute " +
                         std::string(attr) + " instead of 1 to " +
                         std::to_string(SVIRT_EXEC_DATA_MAX));
      }
      return {};
    }
    case SVIRT_EXEC_LANDLOCK:
      if (op.fd < 0) {
        return Malformed("has no descriptor for its ruleset");
      }
      return {};
    case SVIRT_EXEC_CREDENTIALS:
      // To the kernel, all ones means "leave as it is".
      if (op.uid == UINT32_MAX || op.gid == UINT32_MAX) {
        return Malformed("has no user or group to change to");
      }
      return {};
    default:
      return Malformed("has an operation of kind " + std::to_string(op.kind) +
                       ", which this host does not know: update the host");
  }
}

}  // namespace

Result<std::vector<RecipeStep>> OrderRecipes(const std::vector<svirt_exec> &recipes) {
  std::vector<RecipeStep> steps;
  std::set<std::string> attrs;
  bool credentials = false;
  for (const svirt_exec &recipe : recipes) {
    if (recipe.struct_size < offsetof(svirt_exec, op) || recipe.op_count > SVIRT_EXEC_OPS) {
      return Malformed("has a size that is not possible");
    }
    for (uint32_t i = 0; i < recipe.op_count; ++i) {
      const svirt_exec_op &op = recipe.op[i];
      SVIRT_TRY(CheckOp(op));
      RecipeStep step{&op, ""};
      if (op.kind == SVIRT_EXEC_PROCATTR) {
        step.attr_path = "thread-self/attr/" + std::string(op.attr);
        // The second write would silently undo the first.
        if (!attrs.insert(step.attr_path).second) {
          return Malformed("sets attribute " + std::string(op.attr) + " twice");
        }
      } else if (op.kind == SVIRT_EXEC_CREDENTIALS && std::exchange(credentials, true)) {
        return Malformed("changes user and group twice");
      }
      steps.push_back(std::move(step));
    }
  }
  // The kinds are numbered in the order wanted.
  static_assert(SVIRT_EXEC_PROCATTR < SVIRT_EXEC_LANDLOCK &&
                SVIRT_EXEC_LANDLOCK < SVIRT_EXEC_CREDENTIALS);
  std::stable_sort(steps.begin(), steps.end(), [](const RecipeStep &a, const RecipeStep &b) {
    return a.op->kind < b.op->kind;
  });
  return steps;
}

bool RelabelsAtExec(const std::vector<RecipeStep> &steps) {
  return std::any_of(steps.begin(), steps.end(),
                     [](const RecipeStep &step) { return step.attr_path.ends_with("/exec"); });
}

bool WantsNoNewPrivs(const std::vector<RecipeStep> &steps) {
  return std::any_of(steps.begin(), steps.end(), [](const RecipeStep &step) {
    return (step.op->flags & SVIRT_EXEC_NO_NEW_PRIVS) != 0;
  });
}

}  // namespace svirt
