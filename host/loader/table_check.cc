// SPDX-License-Identifier: LGPL-2.1-or-later
// Checks sizes, versions, flags, texts and function pointers of a table.
#include "host/loader/table_check.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "host/util/text.h"

namespace svirt {
namespace {

// What ABI 1.0 has, and every plugin must: later minors only append.
constexpr size_t kFloor =
    offsetof(svirt_plugin, get_extension) + sizeof(svirt_plugin::get_extension);

Status CheckText(const char *text, std::string_view what) {
  if (text == nullptr) {
    return Refusal("its table has no " + std::string(what));
  }
  const std::string_view view(text, strnlen(text, SVIRT_MODEL_MAX + 1));
  if (view.size() > SVIRT_MODEL_MAX || HasControlCharacters(view) || !IsUtf8(view)) {
    return Refusal("the " + std::string(what) + " in its table is not a line of UTF-8 of at most " +
                   std::to_string(SVIRT_MODEL_MAX) + " bytes");
  }
  return {};
}

Status CheckSlots(const svirt_plugin &table) {
  const struct {
    bool present;
    const char *name;
  } slots[] = {
      {table.probe != nullptr, "probe"},
      {table.init != nullptr, "init"},
      {table.fini != nullptr, "fini"},
      {table.get_model != nullptr, "get_model"},
      {table.domain_label_space != nullptr, "domain_label_space"},
      {table.domain_generate_label != nullptr, "domain_generate_label"},
      {table.domain_verify_label != nullptr, "domain_verify_label"},
      {table.domain_get_label != nullptr, "domain_get_label"},
      {table.domain_set_label != nullptr, "domain_set_label"},
      {table.domain_prepare_exec != nullptr, "domain_prepare_exec"},
      {table.resource_plan_label != nullptr, "resource_plan_label"},
      {table.resource_get_label != nullptr, "resource_get_label"},
      {table.resource_set_label != nullptr, "resource_set_label"},
      {table.get_extension != nullptr, "get_extension"},
  };
  for (const auto &slot : slots) {
    if (!slot.present) {
      return Refusal("its table lacks the mandatory function " + std::string(slot.name));
    }
  }
  return {};
}

}  // namespace

Result<svirt_plugin> CopyTable(const svirt_plugin *theirs) {
  if (theirs == nullptr) {
    return Refusal(std::string(SVIRT_PLUGIN_ENTRY) + "() returned NULL");
  }
  if (theirs->struct_size < kFloor) {
    return Refusal("its table has " + std::to_string(theirs->struct_size) +
                   " bytes, ABI 1.0 needs " + std::to_string(kFloor));
  }
  svirt_plugin table{};
  std::memcpy(&table, theirs, std::min<size_t>(theirs->struct_size, sizeof table));
  table.struct_size = sizeof table;
  if (table.abi_major != SVIRT_ABI_MAJOR) {
    return Refusal("its table is of ABI " + std::to_string(table.abi_major) + "." +
                   std::to_string(table.abi_minor) + ", this host provides " +
                   SVIRT_STR(SVIRT_ABI_MAJOR) "." SVIRT_STR(SVIRT_ABI_MINOR));
  }
  if (table.min_host_minor > SVIRT_ABI_MINOR) {
    return Refusal("it needs host ABI " SVIRT_STR(SVIRT_ABI_MAJOR) "." +
                   std::to_string(table.min_host_minor) + ", this host provides " +
                   SVIRT_STR(SVIRT_ABI_MAJOR) "." SVIRT_STR(SVIRT_ABI_MINOR));
  }
  if (table.threads != SVIRT_THREADS_SERIAL && table.threads != SVIRT_THREADS_PARALLEL) {
    return Refusal("its table declares the unknown thread model " + std::to_string(table.threads));
  }
  // The low half are hints, free to be ignored; the high half must be understood.
  if ((table.flags & 0xffff0000u) != 0) {
    return Refusal("its table sets a must-understand flag that this host does not know");
  }
  SVIRT_TRY(CheckText(table.model, "model"));
  SVIRT_TRY(CheckText(table.version, "version"));
  SVIRT_TRY(CheckText(table.vendor, "vendor"));
  if (!IsModelName(table.model)) {
    return Refusal("its model \"" + std::string(table.model) +
                   "\" does not match [a-z][a-z0-9-]{0,31}");
  }
  SVIRT_TRY(CheckSlots(table));
  return table;
}

}  // namespace svirt
