// SPDX-License-Identifier: LGPL-2.1-or-later
// verify
#include <fmt/core.h>

#include <memory>
#include <string>
#include <vector>

#include "host/cli/cli.h"

namespace svirt {
namespace {

using nlohmann::ordered_json;

ordered_json OrNull(const std::string &text) {
  return text.empty() ? ordered_json() : ordered_json(text);
}

ordered_json ToJson(const Mismatch &mismatch) {
  return {{"what", MismatchName(mismatch.kind)},
          {"where", mismatch.where},
          {"model", OrNull(mismatch.model)},
          {"planned", OrNull(mismatch.planned)},
          {"found", OrNull(mismatch.found)},
          {"message", mismatch.message},
          {"mend", mismatch.mend}};
}

Result<int> Verify(Host &host, const std::string &name, bool json) {
  SVIRT_ASSIGN(const std::vector<Mismatch> mismatches, host.verification.Verify(name));
  if (json) {
    ordered_json list = ordered_json::array();
    for (const Mismatch &mismatch : mismatches) {
      list.push_back(ToJson(mismatch));
    }
    CliContext::PrintJson({{"domain", name}, {"mismatches", list}});
  } else {
    for (const Mismatch &mismatch : mismatches) {
      fmt::print("{}: {}\n", MismatchName(mismatch.kind), mismatch.Sentence());
    }
    if (mismatches.empty()) {
      fmt::print("Domain '{}' is as it was planned\n", name);
    }
  }
  return mismatches.empty() ? kExitOk : kExitProblems;
}

}  // namespace

void AddVerifyCommand(CLI::App &app, CliContext &context, int &exit_code) {
  auto name = std::make_shared<std::string>();
  CLI::App *verify = app.add_subcommand(
      "verify", "Compare a running domain, its labels and its objects with what was planned");
  verify->add_option("DOMAIN", *name, "Name or uuid")->required();
  OnRun(verify, context, exit_code,
        [name, &context](Host &host) { return Verify(host, *name, context.json); });
}

}  // namespace svirt
