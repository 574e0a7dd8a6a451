// SPDX-License-Identifier: LGPL-2.1-or-later
// Plugin files are read safely however damaged they are, and only the judged file is loaded.
#include "host/loader/elf_image.h"
#include "host/loader/loadable.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <link.h>
#include <svirt/plugin.h>

#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <random>

#include "host/loader/dl_open.h"
#include "host/loader/note.h"
#include "tests/bad-plugins/plugin_box.h"

namespace svirt {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string BytesOf(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ByteSource Source(const std::string &bytes) {
  return {bytes.size(), [&bytes](uint64_t offset, void *into, size_t size) {
            EXPECT_LE(offset, bytes.size());
            EXPECT_LE(size, bytes.size() - offset);
            std::memcpy(into, bytes.data() + offset, size);
            return true;
          }};
}

std::string OutcomeOf(const std::string &bytes) {
  const auto image = ReadElf(Source(bytes));
  return image.ok() ? "good" : image.error().message;
}

ElfW(Ehdr) * Header(std::string *bytes) {
  return reinterpret_cast<ElfW(Ehdr) *>(bytes->data());
}

ElfW(Phdr) * Segment(std::string *bytes, ElfW(Word) type) {
  auto *segments = reinterpret_cast<ElfW(Phdr) *>(bytes->data() + Header(bytes)->e_phoff);
  for (int i = 0; i < Header(bytes)->e_phnum; ++i) {
    if (segments[i].p_type == type) {
      return &segments[i];
    }
  }
  ADD_FAILURE() << "no segment of type " << type;
  return segments;
}

TEST(ElfImage, ReadsAPlugin) {
  const std::string bytes = BytesOf(ZooFile("good"));
  const auto image = ReadElf(Source(bytes));
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_THAT(image->exports, ElementsAre(SVIRT_PLUGIN_ENTRY));
  EXPECT_THAT(image->needed, Contains("libc.so.6"));
  EXPECT_TRUE(image->library_paths.empty());
  ASSERT_EQ(image->notes.size(), 1u);
  EXPECT_EQ(image->notes[0], SVIRT_NOTE_TEXT("good", "1", 0, 100));
  EXPECT_THAT(image->build_id, MatchesRegex("[0-9a-f]{32,}"));
  EXPECT_TRUE(image->no_delete);
  EXPECT_FALSE(image->executable_stack);
  EXPECT_FALSE(image->text_relocations);
  EXPECT_FALSE(image->position_independent_executable);
  EXPECT_TRUE(CheckLoadable(*image).ok());
}

TEST(ElfImage, AProgramIsNoSharedObject) {
  const std::string bytes = BytesOf("/bin/true");
  const auto image = ReadElf(Source(bytes));
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(CheckLoadable(*image).error().message, "it is a program, not a shared object");
}

TEST(ElfImage, HeadersThatLieAreRefused) {
  const std::string good = BytesOf(ZooFile("good"));
  const auto with = [&](const std::function<void(std::string *)> &change) {
    std::string bytes = good;
    change(&bytes);
    return OutcomeOf(bytes);
  };
  EXPECT_EQ(with([](std::string *b) { (*b)[0] = 'x'; }), "it is not an ELF file");
  EXPECT_THAT(with([](std::string *b) { Header(b)->e_ident[EI_DATA] = ELFDATA2MSB; }),
              HasSubstr("byte order"));
  EXPECT_THAT(with([](std::string *b) { Header(b)->e_type = ET_REL; }),
              HasSubstr("not a shared object"));
  EXPECT_THAT(with([](std::string *b) { Header(b)->e_phnum = 0; }), HasSubstr("header table"));
  EXPECT_THAT(with([](std::string *b) { Header(b)->e_phnum = 0xffff; }), HasSubstr("header table"));
  EXPECT_THAT(with([](std::string *b) { Header(b)->e_phentsize = 1; }), HasSubstr("header table"));
  EXPECT_THAT(with([](std::string *b) { Header(b)->e_phoff = ~ElfW(Off){0} - 8; }),
              HasSubstr("truncated"));
  EXPECT_THAT(with([](std::string *b) { Segment(b, PT_LOAD)->p_filesz = ~ElfW(Off){0}; }),
              HasSubstr("truncated"));
  EXPECT_THAT(with([](std::string *b) { Segment(b, PT_LOAD)->p_offset = ~ElfW(Off){0}; }),
              HasSubstr("truncated"));
  EXPECT_THAT(with([](std::string *b) { Segment(b, PT_LOAD)->p_memsz = 0; }),
              HasSubstr("segments is not valid"));
  EXPECT_THAT(with([](std::string *b) { Segment(b, PT_LOAD)->p_vaddr = ~ElfW(Addr){0}; }),
              HasSubstr("segments is not valid"));
  EXPECT_THAT(with([](std::string *b) { Segment(b, PT_NOTE)->p_filesz = 1 << 20; }),
              HasSubstr("64 KiB of notes"));
  EXPECT_THAT(with([](std::string *b) { Segment(b, PT_DYNAMIC)->p_filesz = 1 << 20; }),
              HasSubstr("larger than 64 KiB"));
  EXPECT_THAT(with([](std::string *b) { b->resize(2000); }), HasSubstr("truncated"));
}

TEST(ElfImage, EveryTruncationIsSurvived) {
  const std::string good = BytesOf(ZooFile("good"));
  for (size_t size = 0; size < good.size(); size += size < 4096 ? 1 : 61) {
    OutcomeOf(good.substr(0, size));
  }
}

TEST(ElfImage, RandomDamageIsSurvived) {
  const std::string good = BytesOf(ZooFile("good"));
  std::mt19937 random(20240229);  // fixed: a failure can be repeated
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 8; ++i) {
      // Mostly where the headers, the dynamic section and the hash table are.
      bytes[random() % (i < 6 ? std::min<size_t>(bytes.size(), 2048) : bytes.size())] =
          static_cast<char>(random());
    }
    const auto image = ReadElf(Source(bytes));
    if (image.ok()) {
      static_cast<void>(CheckLoadable(*image).ok());
      static_cast<void>(NoteOf(*image).ok());
    }
  }
}

TEST(ElfImage, ReadErrorsAreTruncations) {
  const std::string good = BytesOf(ZooFile("good"));
  ByteSource source{good.size(), [](uint64_t, void *, size_t) { return false; }};
  EXPECT_FALSE(ReadElf(source).ok());
}

// ---- Loading ----

Opened OpenZoo(const char *name) {
  return JudgeFile(Fd(open(ZooFile(name).c_str(), O_RDONLY | O_CLOEXEC)), name, 64 << 20);
}

// Mapped objects must outlive the process.
const MappedObject *Keep(MappedObject mapped) {
  static auto *const kept = new std::deque<MappedObject>;
  return &kept->emplace_back(std::move(mapped));
}

TEST(DlOpen, AnEntryThatADependencyHasIsNotItsOwn) {
  // The dependency lies where the linker does not look; once loaded it is found by its soname.
  const std::string library = ZooFile("x").parent_path() / "libraries" / "libzoo_entry.so";
  ASSERT_NE(dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL), nullptr) << dlerror();
  const Opened plugin = OpenZoo("dependency_entry");
  auto mapped = MapObject(plugin.fd.get(), IdentityOf(plugin.status), 1000, ElfImage{});
  ASSERT_TRUE(mapped.ok()) << mapped.error().message;
  const MappedObject *const kept = Keep(std::move(mapped).value());
  EXPECT_EQ(kept->table, nullptr);
  ASSERT_FALSE(kept->verdict.ok());
  EXPECT_THAT(kept->verdict.error().message, HasSubstr("itself; a library it needs does"));
}

TEST(DlOpen, TheSerialKeepsAReusedDescriptorApart) {
  Opened first = OpenZoo("twin");
  const int number = first.fd.get();
  auto one = MapObject(number, IdentityOf(first.status), 1001, ElfImage{});
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_STREQ(Keep(std::move(one).value())->table->model, "twin");
  first.fd.Reset();
  Fd second(open(ZooFile("inactive").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(second.get(), number);
  Opened opened = JudgeFile(std::move(second), "", 64 << 20);
  auto two = MapObject(opened.fd.get(), IdentityOf(opened.status), 1002, ElfImage{});
  ASSERT_TRUE(two.ok()) << two.error().message;
  EXPECT_STREQ(Keep(std::move(two).value())->table->model, "inactive");
}

TEST(DlOpen, AFileThatIsNotTheJudgedOneIsNotLoaded) {
  const Opened plugin = OpenZoo("good");
  for (const auto member : {&FileIdentity::device, &FileIdentity::inode, &FileIdentity::size}) {
    FileIdentity other = IdentityOf(plugin.status);
    other.*member ^= 1;
    EXPECT_EQ(MapObject(plugin.fd.get(), other, 1003, ElfImage{}).error().message,
              "it changed while it was being loaded");
  }
  FileIdentity written = IdentityOf(plugin.status);
  written.modified_ns ^= 1;
  EXPECT_FALSE(MapObject(plugin.fd.get(), written, 1003, ElfImage{}).ok());
}

// As every upgrade does to the file that it replaces.
TEST(DlOpen, AFileThatLosesItsNameMeanwhileIsLoaded) {
  const Opened plugin = OpenZoo("good");
  FileIdentity before = IdentityOf(plugin.status);
  before.changed_ns ^= 1;
  auto mapped = MapObject(plugin.fd.get(), before, 1004, ElfImage{});
  ASSERT_TRUE(mapped.ok()) << mapped.error().message;
  EXPECT_STREQ(Keep(std::move(mapped).value())->table->model, "good");
}

}  // namespace
}  // namespace svirt
