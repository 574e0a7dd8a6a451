// SPDX-License-Identifier: LGPL-2.1-or-later
// The fake model as a plugin in a file of its own: what its section of svirt.conf says is what it
// does.
#include <svirt/ext/config.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "host/labels/testing/fake_table.h"

namespace {

using svirt::fake::ModelTable;

// "" if the section does not have the key.
std::string Setting(const svirt_host *host, const char *key) {
  const auto *config =
      static_cast<const svirt_config *>(host->get_extension(host, SVIRT_EXT_CONFIG));
  const char *value = config->get(host, key);
  return value == nullptr ? "" : value;
}

svirt_status Probe(const svirt_host *host, const char *, svirt_error *reason) noexcept {
  const bool is_inactive = Setting(host, "inactive") == "yes";
  std::snprintf(reason->message, sizeof reason->message, "made for tests");
  return is_inactive ? SVIRT_INACTIVE : SVIRT_OK;
}

svirt_status Init(const svirt_host *host, svirt_instance **instance, svirt_error *) noexcept {
  ModelTable::Options options;
  options.name = FAKE_MODEL;
  options.can_ask_processes = Setting(host, "unverifiable") != "yes";
  options.enforcing = Setting(host, "permissive") != "yes";
  options.permissive_domains = Setting(host, "permissive_domains") == "yes";
  options.fixed = Setting(host, "fixed") == "yes";
  options.empty_recipe = true;
  auto model = std::make_unique<ModelTable>(Setting(host, "directory"), options);
  model->fail_set_at = std::atoi(Setting(host, "fail_set_at").c_str());
  model->fail_set_label = Setting(host, "fail_set_label") == "yes";
  *instance = reinterpret_cast<svirt_instance *>(model.release());
  return SVIRT_OK;
}

void Fini(svirt_instance *instance) noexcept {
  delete reinterpret_cast<ModelTable *>(instance);
}

svirt_plugin MakeTable() {
  static const ModelTable model("", {.name = FAKE_MODEL});
  svirt_plugin table = model.table();
  table.probe = Probe;
  table.init = Init;
  table.fini = Fini;
  return table;
}

const svirt_plugin kTable = MakeTable();

}  // namespace

SVIRT_PLUGIN_DEFINE(kTable, FAKE_MODEL, "1", 0, FAKE_PRIORITY);
