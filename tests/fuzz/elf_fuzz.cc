// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever the bytes, reading them as a plugin ends in an answer or in a sentence, and never looks
// past their end.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "host/loader/elf_image.h"
#include "host/loader/loadable.h"
#include "host/loader/note.h"
#include "host/util/text.h"

namespace {

using svirt::Error;
using svirt::Status;

void Require(bool condition, const char *what) {
  if (!condition) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
  }
}

void RequireSentence(const Error &error) {
  Require(!error.message.empty() && !svirt::HasControlCharacters(error.message) &&
              svirt::IsUtf8(error.message),
          "an error that is not one line of UTF-8");
}

void RequireSentence(const Status &status) {
  if (!status.ok()) {
    RequireSentence(status.error());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const svirt::ByteSource bytes{size, [=](uint64_t offset, void *into, size_t count) {
                                  Require(offset <= size && count <= size - offset,
                                          "it reads past the end");
                                  std::memcpy(into, data + offset, count);
                                  return true;
                                }};
  const auto image = svirt::ReadElf(bytes);
  if (image.ok()) {
    RequireSentence(svirt::CheckLoadable(*image));
    const auto note = svirt::NoteOf(*image);
    if (note.ok()) {
      Require(svirt::IsModelName(note->model), "a model that is none");
      RequireSentence(svirt::CheckNoteAbi(*note));
    } else {
      RequireSentence(note.error());
    }
  } else {
    RequireSentence(image.error());
  }
  const auto note = svirt::ParseNote({reinterpret_cast<const char *>(data), size});
  if (!note.ok()) {
    RequireSentence(note.error());
  }
  return 0;
}
