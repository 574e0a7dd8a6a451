// SPDX-License-Identifier: LGPL-2.1-or-later
// access
#include <fmt/core.h>

#include <memory>
#include <string>

#include "host/cli/cli.h"

namespace svirt {
namespace {

struct Right {
  const char *key, *words;
  bool AccessAnswer::*member;
};

constexpr Right kRights[] = {
    {"read_memory", "map memory the other shares, to read", &AccessAnswer::read_memory},
    {"write_memory", "map memory the other shares, to write", &AccessAnswer::write_memory},
    {"copy_memory", "copy memory the other shares", &AccessAnswer::copy_memory},
    {"notify", "bind event channels with the other", &AccessAnswer::notify},
};

Result<int> PrintAccess(Host &host, const std::string &source, const std::string &target,
                        bool json) {
  SVIRT_ASSIGN(const AccessAnswer answer, host.access.Ask(source, target));
  if (json) {
    nlohmann::ordered_json rights;
    for (const Right &right : kRights) {
      rights[right.key] = answer.*right.member;
    }
    CliContext::PrintJson({{"model", answer.model},
                           {"source", {{"name", source}, {"label", answer.source_label}}},
                           {"target", {{"name", target}, {"label", answer.target_label}}},
                           {"rights", rights}});
    return kExitOk;
  }
  fmt::print("{} ({}) with {} ({}), model {}\n", source, answer.source_label, target,
             answer.target_label, answer.model);
  for (const Right &right : kRights) {
    fmt::print("  {:<38} {}\n", right.words, answer.*right.member ? "yes" : "no");
  }
  return kExitOk;
}

}  // namespace

void AddAccessCommand(CLI::App &app, CliContext &context, int &exit_code) {
  auto source = std::make_shared<std::string>();
  auto target = std::make_shared<std::string>();
  CLI::App *access = app.add_subcommand(
      "access", "Show what the policy lets a domain do with another one's memory and events");
  access->add_option("DOMAIN", *source, "A domain that runs, or a label")->required();
  access->add_option("OTHER", *target, "Another one")->required();
  OnRun(access, context, exit_code, [source, target, &context](Host &host) {
    return PrintAccess(host, *source, *target, context.json);
  });
}

}  // namespace svirt
