// SPDX-License-Identifier: LGPL-2.1-or-later
// Domain XML to manifest, per file, beside libxml2's bare parse of the same text: what any
// libvirt-like reader pays before it has looked at a single element.

#include <benchmark/benchmark.h>
#include <libxml/parser.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "host/domain/domain_xml.h"
#include "host/domain/manifest.h"

namespace {

std::string ReadFile(const std::filesystem::path &file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

void ToManifest(benchmark::State &state, const std::string &text) {
  // Host devices are not looked up: that would measure the machine.
  const svirt::ManifestOptions options{"/nonexistent"};
  while (state.KeepRunning()) {
    const svirt::Result<svirt::Domain> domain = svirt::ParseDomainXml(text, "bench");
    if (!domain.ok()) {
      state.SkipWithError(domain.error().message.c_str());
      return;
    }
    benchmark::DoNotOptimize(BuildManifest(*domain, options));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

void Libxml2(benchmark::State &state, const std::string &text) {
  while (state.KeepRunning()) {
    xmlDocPtr document = xmlReadMemory(text.data(), static_cast<int>(text.size()), "bench", nullptr,
                                       XML_PARSE_NONET);
    if (document == nullptr) {
      state.SkipWithError("libxml2 refuses the text");
      return;
    }
    xmlFreeDoc(document);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

}  // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::directory_iterator(SVIRT_TESTDATA)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto &file : files) {
    const std::string text = ReadFile(file);
    const std::string name = file.stem().string();
    benchmark::RegisterBenchmark(("svirt/" + name).c_str(),
                                 [text](benchmark::State &state) { ToManifest(state, text); });
    benchmark::RegisterBenchmark(("libxml2/" + name).c_str(),
                                 [text](benchmark::State &state) { Libxml2(state, text); });
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  xmlCleanupParser();
  return 0;
}
