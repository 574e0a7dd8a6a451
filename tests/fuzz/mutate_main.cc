// SPDX-License-Identifier: LGPL-2.1-or-later
// Stands in for libFuzzer where there is none: feeds the target every file of a corpus, and
// mutations of them, for a bounded time. Seeds are fixed, so a failure comes back.
//
// Usage: TARGET CORPUS-DIRECTORY [SECONDS]

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace {

using Random = std::mt19937;

size_t Below(Random *random, size_t limit) {
  return std::uniform_int_distribution<size_t>(0, limit == 0 ? 0 : limit - 1)(*random);
}

// One change: a byte, a piece cut out, doubled, or taken from another input.
void Mutate(std::string *text, const std::string &other, Random *random) {
  const size_t at = Below(random, text->size());
  const size_t length = Below(random, 40);
  switch (Below(random, 6)) {
    case 0:
      if (!text->empty()) {
        (*text)[at] = static_cast<char>(Below(random, 256));
      }
      break;
    case 1:
      text->erase(at, length);
      break;
    case 2:
      text->insert(at, text->substr(at, length));
      break;
    case 3:
      text->insert(at, other.substr(Below(random, other.size()), length * 4));
      break;
    case 4:
      text->resize(at);
      break;
    default: {
      constexpr const char *kWords[] = {"<",
                                        ">",
                                        "/>",
                                        "'",
                                        "&#0;",
                                        "&lt;",
                                        "<!--",
                                        "-->",
                                        "../",
                                        "<![CDATA[",
                                        "]]>",
                                        "xmlns:a='b'",
                                        "\xff",
                                        "type=",
                                        "none",
                                        "<label>",
                                        "0x",
                                        "-1",
                                        "99999999999999999999"};
      text->insert(at, kWords[Below(random, std::size(kWords))]);
    }
  }
}

void Feed(const std::string &text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(text.data()), text.size());
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS-DIRECTORY [SECONDS]\n", argv[0]);
    return EXIT_FAILURE;
  }
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::directory_iterator(argv[1])) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const auto &file : files) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    corpus.push_back(text.str());
    Feed(corpus.back());
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "no files in %s\n", argv[1]);
    return EXIT_FAILURE;
  }
  const std::chrono::seconds limit(argc > 2 ? std::atol(argv[2]) : 5);
  const auto start = std::chrono::steady_clock::now();
  unsigned runs = 0;
  for (; std::chrono::steady_clock::now() - start < limit && runs < 50'000; ++runs) {
    Random random(runs);
    std::string text = corpus[runs % corpus.size()];
    for (size_t changes = 1 + Below(&random, 4); changes > 0; --changes) {
      Mutate(&text, corpus[Below(&random, corpus.size())], &random);
    }
    Feed(text);
  }
  std::printf("%zu files, %u mutations\n", corpus.size(), runs);
  return EXIT_SUCCESS;
}
