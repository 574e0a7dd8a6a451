// SPDX-License-Identifier: MIT
// SVP-1 to SVP-9: what the file and its table say.
#include <ctime>
#include <filesystem>

#include "host/loader/loadable.h"
#include "host/util/text.h"
#include "plugins/sdk/tools/validate_case.h"

namespace svirt::validate {
namespace {

Verdict Loadable(const Subject &subject) {
  const auto image = subject.Image();
  SVP_REQUIRE(image.ok(), image.error().message);
  const Status status = CheckLoadable(*image);
  SVP_REQUIRE(status.ok(), status.error().message);
  SVP_REQUIRE(image->bind_now, "it is not linked with -z now");
  SVP_REQUIRE(image->no_delete, "it is not linked with -z nodelete");
  return Pass();
}

Verdict SoundNote(const Subject &subject) {
  const auto image = subject.Image();
  SVP_REQUIRE(image.ok(), image.error().message);
  const auto note = NoteOf(*image);
  SVP_REQUIRE(note.ok(), note.error().message);
  const Status status = CheckNoteAbi(*note);
  SVP_REQUIRE(status.ok(), status.error().message);
  return Pass();
}

Verdict FileName(const Subject &subject) {
  const auto image = subject.Image();
  SVP_REQUIRE(image.ok(), image.error().message);
  const auto note = NoteOf(*image);
  SVP_REQUIRE(note.ok(), note.error().message);
  const std::string expected = "svirt-" + note->model + ".so";
  const std::string name = std::filesystem::path(subject.path).filename();
  SVP_REQUIRE(name == expected, "it is called " + Printable(name) + ", not " + expected);
  return Pass();
}

Verdict OneSymbol(const Subject &subject) {
  const auto image = subject.Image();
  SVP_REQUIRE(image.ok(), image.error().message);
  for (const std::string &name : image->exports) {
    SVP_REQUIRE(name == SVIRT_PLUGIN_ENTRY, "it exports " + Printable(name) +
                                                "; link it with svirt-plugin.map and "
                                                "-fvisibility=hidden");
  }
  SVP_REQUIRE(image->exports.size() == 1, "it does not export " SVIRT_PLUGIN_ENTRY);
  return Pass();
}

Verdict Loads(const Subject &subject) {
  const auto table = subject.Load();
  SVP_REQUIRE(table.ok(), table.error().message);
  return Pass();
}

Verdict TableStays(const Subject &subject) {
  const auto first = subject.Load();
  SVP_REQUIRE(first.ok(), first.error().message);
  const svirt_plugin before = **first;
  svirt_error error = NoError();
  (*first)->probe(TestHost(), nullptr, &error);
  const auto second = subject.Load();
  SVP_REQUIRE(second.ok() && *second == *first, "the entry point gave another table");
  SVP_REQUIRE(before.struct_size == (*first)->struct_size && before.flags == (*first)->flags &&
                  before.model == (*first)->model && before.probe == (*first)->probe &&
                  before.get_extension == (*first)->get_extension,
              "the table changed while the plugin was in use");
  return Pass();
}

Verdict UnknownExtension(const Subject &subject) {
  const auto table = subject.Load();
  SVP_REQUIRE(table.ok(), table.error().message);
  for (const char *id :
       {"com.example.svirt-validate.no-such-extension/1", "svirt./0", "svirt", ""}) {
    SVP_REQUIRE((*table)->get_extension(id) == nullptr,
                std::string("get_extension(\"") + id + "\") is not NULL");
  }
  return Pass();
}

double ProcessorMilliseconds() {
  struct timespec now {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

Verdict ScanTime(const Subject &subject) {
  // Processor time: a busy machine is not the plugin's fault.
  const double start = ProcessorMilliseconds();
  const auto table = subject.Load();
  SVP_REQUIRE(table.ok(), table.error().message);
  svirt_error error = NoError();
  (*table)->probe(TestHost(), nullptr, &error);
  const double took = ProcessorMilliseconds() - start;
  SVP_REQUIRE(took < 100, "it took " + std::to_string(took) + " ms");
  return Pass();
}

}  // namespace

std::vector<Case> FileCases() {
  return {
      {1, "loadable", "is a shared object that can be loaded, with -z now and -z nodelete",
       Loadable},
      {2, "note", "has one identity note for an ABI this host provides", SoundNote},
      {3, "file-name", "is called svirt-MODEL.so", FileName},
      {4, "one-symbol", "exports svirt_plugin_v1 and nothing else", OneSymbol},
      {5, "load", "loads with all symbols bound; its table is whole and agrees with the note",
       Loads},
      {6, "table", "returns the same, unchanging table each time", TableStays},
      {7, "unknown-extension", "answers NULL for an extension it does not have", UnknownExtension},
      {8, "scan-time", "is loaded and probed within 100 ms of processor time", ScanTime, 5},
  };
}

}  // namespace svirt::validate
