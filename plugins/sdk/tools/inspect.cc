// SPDX-License-Identifier: MIT
// svirt-inspect: what a plugin file says about itself, without running any of its code. The lines
// of key=value, and the members of --json, are stable; new ones may be added.
#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "host/loader/elf_image.h"
#include "host/loader/loadable.h"
#include "host/loader/note.h"
#include "host/loader/trust.h"
#include "host/util/text.h"

namespace svirt {
namespace {

using Json = nlohmann::ordered_json;

Json Printables(const std::vector<std::string> &texts) {
  Json list = Json::array();
  for (const std::string &text : texts) {
    list.push_back(Printable(text));
  }
  return list;
}

// The first reason for which a loader would refuse the file's content. Owner and mode are not
// looked at: they belong to the place where the file is installed, not to the file.
Status Judge(const std::string &path, Json *out) {
  Fd file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    return SystemError(errno, "cannot open " + path);
  }
  const Opened opened = JudgeFile(std::move(file), path, 64 << 20);
  if (!opened.fd) {
    return opened.verdict;
  }
  SVIRT_ASSIGN(const ElfImage image,
               ReadElf(FileBytes(opened.fd.get(), IdentityOf(opened.status).size)));
  (*out)["machine"] = image.machine;
  (*out)["needed"] = Printables(image.needed);
  (*out)["library_paths"] = Printables(image.library_paths);
  (*out)["exports"] = Printables(image.exports);
  (*out)["bind_now"] = image.bind_now;
  (*out)["no_delete"] = image.no_delete;
  SVIRT_ASSIGN(const Note note, NoteOf(image));
  (*out)["model"] = note.model;
  (*out)["version"] = note.version;
  (*out)["abi"] = note.abi();
  (*out)["min_host"] = std::to_string(note.abi_major) + "." + std::to_string(note.min_host_minor);
  (*out)["priority"] = note.priority;
  SVIRT_TRY(CheckLoadable(image));
  return CheckNoteAbi(note);
}

std::string AsText(const Json &value) {
  if (value.is_array()) {
    std::string text;
    for (const Json &each : value) {
      text += (text.empty() ? "" : " ") + each.get<std::string>();
    }
    return text;
  }
  return value.is_string() ? value.get<std::string>() : value.dump();
}

int Main(int argc, char **argv) {
  CLI::App app("Shows what a svirt plugin says about itself. Runs none of its code.");
  std::string path;
  bool json = false;
  app.add_option("FILE", path, "The plugin")->required();
  app.add_flag("--json", json, "Print one JSON object");
  CLI11_PARSE(app, argc, argv);

  Json out;
  out["path"] = Printable(path);
  const Status verdict = Judge(path, &out);
  out["ok"] = verdict.ok();
  out["reason"] = verdict.ok() ? "" : Printable(verdict.error().message);
  if (json) {
    std::cout << out.dump(2) << '\n';
  } else {
    for (const auto &[key, value] : out.items()) {
      std::cout << key << '=' << AsText(value) << '\n';
    }
  }
  return verdict.ok() ? 0 : 1;
}

}  // namespace
}  // namespace svirt

int main(int argc, char **argv) {
  return svirt::Main(argc, argv);
}
