// SPDX-License-Identifier: LGPL-2.1-or-later
// handover begin-out, prepare-in, commit, cancel
#include <fmt/core.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/cli/cli.h"
#include "host/cli/input.h"
#include "host/domain/uuid.h"
#include "host/output/json_output.h"
#include "host/util/text.h"

namespace svirt {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json ToJson(const Handover &handover) {
  ordered_json labels = ordered_json::array(), objects = ordered_json::array();
  for (const HeldLabel &held : handover.labels) {
    labels.push_back({{"model", held.model},
                      {"doi", held.doi},
                      {"type", held.type == SecLabel::Type::kStatic ? "static" : "dynamic"},
                      {"label", held.label},
                      {"image_label", held.image_label}});
  }
  for (const Handover::Object &object : handover.objects) {
    ordered_json old = nullptr;
    if (object.old.state == OldLabel::State::kPresent) {
      old = object.old.label;
    }
    objects.push_back({{"model", object.model},
                       {"path", object.path},
                       {"label", object.label},
                       {"old_label", old},
                       {"exclusive", object.exclusive},
                       {"keep", object.keep},
                       {"entry", object.is_entry}});
  }
  return {{"name", handover.owner.name},
          {"uuid", handover.owner.uuid},
          {"type", handover.owner.virt_type},
          {"labels", labels},
          {"objects", objects}};
}

// What stands in a handover file ends up in sentences, names and the database.
Result<std::string> ReadText(const json &object, const char *key) {
  std::string text = object.at(key).get<std::string>();
  if (HasControlCharacters(text)) {
    return Error{Errc::kInvalid, std::string("\"") + key + "\" has control characters in it"};
  }
  return text;
}

Result<HeldLabel> ReadHeld(const json &label) {
  HeldLabel held;
  SVIRT_ASSIGN(held.model, ReadText(label, "model"));
  SVIRT_ASSIGN(held.doi, ReadText(label, "doi"));
  SVIRT_ASSIGN(held.label, ReadText(label, "label"));
  SVIRT_ASSIGN(held.image_label, ReadText(label, "image_label"));
  SVIRT_ASSIGN(const std::string type, ReadText(label, "type"));
  if (type != "static" && type != "dynamic") {
    return Error{Errc::kInvalid, "\"type\" is '" + type + "', not static or dynamic"};
  }
  held.type = type == "static" ? SecLabel::Type::kStatic : SecLabel::Type::kDynamic;
  return held;
}

Result<Handover::Object> ReadObject(const json &value) {
  Handover::Object object;
  SVIRT_ASSIGN(object.model, ReadText(value, "model"));
  SVIRT_ASSIGN(object.path, ReadText(value, "path"));
  SVIRT_ASSIGN(object.label, ReadText(value, "label"));
  object.old.state = OldLabel::State::kAbsent;
  if (!value.at("old_label").is_null()) {
    object.old.state = OldLabel::State::kPresent;
    SVIRT_ASSIGN(object.old.label, ReadText(value, "old_label"));
  }
  object.exclusive = value.at("exclusive").get<bool>();
  object.keep = value.at("keep").get<bool>();
  object.is_entry = value.value("entry", false);
  if (object.path.empty() || object.path.front() != '/') {
    return Error{Errc::kInvalid, "\"path\" is '" + object.path + "', which is not absolute"};
  }
  return object;
}

Result<Handover> ReadHandover(const json &document) {
  Handover handover;
  if (const int version = document.at("version").get<int>(); version != kJsonVersion) {
    return Error{Errc::kInvalid, "\"version\" is " + std::to_string(version) +
                                     ", and this svirt reads version " +
                                     std::to_string(kJsonVersion)};
  }
  SVIRT_ASSIGN(handover.owner.name, ReadText(document, "name"));
  SVIRT_ASSIGN(const std::string uuid, ReadText(document, "uuid"));
  SVIRT_ASSIGN(handover.owner.uuid, ParseUuid(uuid));
  SVIRT_ASSIGN(handover.owner.virt_type, ReadText(document, "type"));
  for (const json &label : document.at("labels")) {
    SVIRT_ASSIGN(HeldLabel held, ReadHeld(label));
    handover.labels.push_back(std::move(held));
  }
  for (const json &value : document.at("objects")) {
    SVIRT_ASSIGN(Handover::Object object, ReadObject(value));
    handover.objects.push_back(std::move(object));
  }
  return handover;
}

Result<Handover> ParseHandover(const std::string &text, const std::string &file) {
  const auto parse = [&text]() -> Result<Handover> {
    try {
      return ReadHandover(json::parse(text));
    } catch (const json::exception &e) {
      return Error{Errc::kInvalid, e.what()};
    }
  };
  auto handover = parse();
  if (!handover.ok()) {
    return Error{Errc::kInvalid, file + " is not what 'svirt handover begin-out' prints: " +
                                     handover.error().message};
  }
  return handover;
}

Result<int> PrepareIn(Host &host, const std::string &file) {
  SVIRT_ASSIGN(const std::string text, ReadInput(file));
  SVIRT_ASSIGN(const Handover handover, ParseHandover(text, file));
  std::vector<std::string> notes;
  SVIRT_TRY(host.handovers.Prepare(handover, &notes));
  for (const std::string &note : notes) {
    fmt::print("{}\n", note);
  }
  return kExitOk;
}

}  // namespace

void AddHandoverCommands(CLI::App &app, CliContext &context, int &exit_code) {
  CLI::App *handover = app.add_subcommand(
      "handover", "Hand a domain's labels to another host on the same storage (migration)");
  handover->require_subcommand(1);

  auto out = std::make_shared<std::string>();
  CLI::App *begin_out = handover->add_subcommand(
      "begin-out",
      "Here: print what the other host must know; the end of the domain restores "
      "nothing from now on");
  begin_out->add_option("DOMAIN", *out, "Its name or uuid")->required();
  OnRun(begin_out, context, exit_code, [out](Host &host) -> Result<int> {
    SVIRT_ASSIGN(const Handover begun, host.handovers.Begin(*out));
    CliContext::PrintJson(ToJson(begun));
    return kExitOk;
  });

  auto file = std::make_shared<std::string>();
  CLI::App *prepare_in = handover->add_subcommand(
      "prepare-in", "There: reserve the labels, so that the domain can be started under them");
  prepare_in->add_option("FILE", *file, "What begin-out has printed, or - for standard input")
      ->required();
  OnRun(prepare_in, context, exit_code, [file](Host &host) { return PrepareIn(host, *file); });

  const auto add_end = [&](const char *name, const char *help, bool commit) {
    auto domain = std::make_shared<std::string>();
    CLI::App *command = handover->add_subcommand(name, help);
    command->add_option("DOMAIN", *domain, "Its name or uuid")->required();
    OnRun(command, context, exit_code, [domain, commit](Host &host) -> Result<int> {
      SVIRT_TRY(host.handovers.End(*domain, commit));
      return kExitOk;
    });
  };
  add_end("commit", "On both: the domain has moved; only the new host restores labels", true);
  add_end("cancel", "On both: it stays where it was, and so does what restores its labels", false);
}

}  // namespace svirt
