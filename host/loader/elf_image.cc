// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads headers, notes, dynamic entries and symbols, each within the file's bounds.
#include "host/loader/elf_image.h"

#include <elf.h>
#include <link.h>
#include <svirt/plugin.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace svirt {
namespace {

using Ehdr = ElfW(Ehdr);
using Phdr = ElfW(Phdr);
using Dyn = ElfW(Dyn);
using Sym = ElfW(Sym);

// Far above what a real plugin has, far below what would hurt.
constexpr size_t kMaxSegments = 128;
constexpr uint64_t kMaxNoteBytes = 64 << 10;
constexpr uint64_t kMaxDynamicBytes = 64 << 10;
constexpr size_t kMaxStringBytes = 4096;
constexpr size_t kMaxListed = 1024;
constexpr uint32_t kMaxSymbols = 1u << 20;

constexpr unsigned char kClass = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr unsigned char kByteOrder =
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

Error Truncated() {
  return Refusal("it is truncated: its headers speak of bytes past its end");
}

bool Within(uint64_t offset, uint64_t size, uint64_t limit) {
  return offset <= limit && size <= limit - offset;
}

std::string Hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
  }
  return text;
}

class Reader {
 public:
  explicit Reader(const ByteSource &bytes) : bytes_(bytes) {}

  Result<ElfImage> Run();

 private:
  bool ReadAt(uint64_t offset, void *into, size_t size) const {
    return Within(offset, size, bytes_.size) && (size == 0 || bytes_.read(offset, into, size));
  }
  // Where size bytes of memory at address are in the file.
  std::optional<uint64_t> FileOffset(uint64_t address, uint64_t size) const;
  bool ReadMemory(uint64_t address, void *into, size_t size) const {
    const auto offset = FileOffset(address, size);
    return offset.has_value() && ReadAt(*offset, into, size);
  }
  Result<std::string> StringAt(uint64_t index) const;

  Status ReadHeader();
  Status ReadSegments();
  Status ReadNotes(const Phdr &segment);
  Status ReadDynamic(const Phdr &segment);
  Status ReadSymbols();
  Result<uint32_t> CountSymbols() const;
  Result<uint32_t> CountByGnuHash() const;

  const ByteSource &bytes_;
  ElfImage image_;
  Ehdr header_{};
  std::vector<Phdr> loads_;
  uint64_t strings_ = 0, strings_size_ = 0, symbols_ = 0, hash_ = 0, gnu_hash_ = 0;
};

std::optional<uint64_t> Reader::FileOffset(uint64_t address, uint64_t size) const {
  for (const Phdr &load : loads_) {
    if (address >= load.p_vaddr && Within(address - load.p_vaddr, size, load.p_filesz)) {
      return load.p_offset + (address - load.p_vaddr);
    }
  }
  return std::nullopt;
}

Result<std::string> Reader::StringAt(uint64_t index) const {
  if (index >= strings_size_) {
    return Refusal("its string table is shorter than its symbols say");
  }
  char text[kMaxStringBytes];
  const size_t room = static_cast<size_t>(std::min<uint64_t>(sizeof text, strings_size_ - index));
  if (!ReadMemory(strings_ + index, text, room)) {
    return Truncated();
  }
  const size_t length = strnlen(text, room);
  if (length == room) {
    return Refusal("its string table has a string without an end");
  }
  return std::string(text, length);
}

Status Reader::ReadHeader() {
  if (!ReadAt(0, &header_, sizeof header_)) {
    return Refusal("it is not an ELF file");
  }
  if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) {
    return Refusal("it is not an ELF file");
  }
  if (header_.e_ident[EI_CLASS] != kClass || header_.e_ident[EI_DATA] != kByteOrder) {
    return Refusal(
        "it was built for another machine: its word size or byte order is not this host's");
  }
  if (header_.e_type != ET_DYN) {
    return Refusal("it is an ELF file but not a shared object");
  }
  if (header_.e_phentsize != sizeof(Phdr) || header_.e_phnum == 0 ||
      header_.e_phnum > kMaxSegments) {
    return Refusal("its program header table is not valid");
  }
  image_.machine = header_.e_machine;
  return {};
}

Status Reader::ReadSegments() {
  std::vector<Phdr> all(header_.e_phnum);
  if (!ReadAt(header_.e_phoff, all.data(), all.size() * sizeof(Phdr))) {
    return Truncated();
  }
  bool stack_named = false;
  for (const Phdr &each : all) {
    if (each.p_type == PT_LOAD) {
      if (!Within(each.p_offset, each.p_filesz, bytes_.size)) {
        return Truncated();
      }
      if (each.p_memsz < each.p_filesz ||
          each.p_vaddr > std::numeric_limits<ElfW(Addr)>::max() - each.p_memsz) {
        return Refusal("one of its segments is not valid");
      }
      loads_.push_back(each);
    } else if (each.p_type == PT_GNU_STACK) {
      stack_named = true;
      image_.executable_stack = (each.p_flags & PF_X) != 0;
    }
  }
  // Without the header the kernel's default for the machine applies, which may be executable.
  image_.executable_stack = image_.executable_stack || !stack_named;
  for (const Phdr &each : all) {
    if (each.p_type == PT_NOTE) {
      SVIRT_TRY(ReadNotes(each));
    } else if (each.p_type == PT_DYNAMIC) {
      SVIRT_TRY(ReadDynamic(each));
    }
  }
  return {};
}

Status Reader::ReadNotes(const Phdr &segment) {
  if (segment.p_filesz > kMaxNoteBytes) {
    return Refusal("it has more than 64 KiB of notes");
  }
  std::vector<char> data(static_cast<size_t>(segment.p_filesz));
  if (!ReadAt(segment.p_offset, data.data(), data.size())) {
    return Truncated();
  }
  const uint64_t align = segment.p_align == 8 ? 8 : 4;
  const auto padded = [align](uint64_t size) { return (size + align - 1) & ~(align - 1); };
  constexpr std::string_view kOwner(SVIRT_NOTE_OWNER, sizeof SVIRT_NOTE_OWNER);
  constexpr std::string_view kGnu(ELF_NOTE_GNU, sizeof ELF_NOTE_GNU);
  for (uint64_t at = 0; Within(at, sizeof(ElfW(Nhdr)), data.size());) {
    ElfW(Nhdr) note;
    std::memcpy(&note, &data[at], sizeof note);
    const uint64_t owner = at + sizeof note;
    const uint64_t text = at + padded(sizeof note + uint64_t{note.n_namesz});
    if (!Within(owner, note.n_namesz, data.size()) || !Within(text, note.n_descsz, data.size())) {
      return Refusal("one of its notes is not valid");
    }
    if (note.n_type == SVIRT_NOTE_TYPE &&
        std::string_view(data.data() + owner, note.n_namesz) == kOwner) {
      const std::string_view body(data.data() + text, note.n_descsz);
      image_.notes.emplace_back(body.substr(0, body.find('\0')));
    }
    if (note.n_type == NT_GNU_BUILD_ID &&
        std::string_view(data.data() + owner, note.n_namesz) == kGnu) {
      image_.build_id = Hexadecimal(std::string_view(data.data() + text, note.n_descsz));
    }
    at += padded(text - at + note.n_descsz);
  }
  return {};
}

Status Reader::ReadDynamic(const Phdr &segment) {
  if (segment.p_filesz > kMaxDynamicBytes) {
    return Refusal("its dynamic section is larger than 64 KiB");
  }
  std::vector<Dyn> entries(static_cast<size_t>(segment.p_filesz / sizeof(Dyn)));
  if (!ReadAt(segment.p_offset, entries.data(), entries.size() * sizeof(Dyn))) {
    return Truncated();
  }
  const auto end = std::find_if(entries.begin(), entries.end(),
                                [](const Dyn &entry) { return entry.d_tag == DT_NULL; });
  entries.erase(end, entries.end());
  for (const Dyn &entry : entries) {
    switch (entry.d_tag) {
      case DT_STRTAB:
        strings_ = entry.d_un.d_ptr;
        break;
      case DT_STRSZ:
        strings_size_ = entry.d_un.d_val;
        break;
      case DT_SYMTAB:
        symbols_ = entry.d_un.d_ptr;
        break;
      case DT_HASH:
        hash_ = entry.d_un.d_ptr;
        break;
      case DT_GNU_HASH:
        gnu_hash_ = entry.d_un.d_ptr;
        break;
      case DT_TEXTREL:
        image_.text_relocations = true;
        break;
      case DT_BIND_NOW:
        image_.bind_now = true;
        break;
      case DT_FLAGS:
        image_.text_relocations |= (entry.d_un.d_val & DF_TEXTREL) != 0;
        image_.bind_now |= (entry.d_un.d_val & DF_BIND_NOW) != 0;
        break;
      case DT_FLAGS_1:
        image_.position_independent_executable = (entry.d_un.d_val & DF_1_PIE) != 0;
        image_.no_delete = (entry.d_un.d_val & DF_1_NODELETE) != 0;
        image_.bind_now |= (entry.d_un.d_val & DF_1_NOW) != 0;
        break;
      default:
        break;
    }
  }
  if (!Within(strings_, strings_size_, std::numeric_limits<uint64_t>::max())) {
    return Refusal("its string table is not valid");
  }
  for (const Dyn &entry : entries) {
    if (entry.d_tag == DT_NEEDED) {
      SVIRT_ASSIGN(std::string name, StringAt(entry.d_un.d_val));
      image_.needed.push_back(std::move(name));
    } else if (entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH) {
      SVIRT_ASSIGN(std::string list, StringAt(entry.d_un.d_val));
      for (size_t from = 0; from <= list.size();) {
        const size_t colon = std::min(list.find(':', from), list.size());
        image_.library_paths.push_back(list.substr(from, colon - from));
        from = colon + 1;
      }
    }
    if (image_.needed.size() > kMaxListed || image_.library_paths.size() > kMaxListed) {
      return Refusal("its dynamic section lists too many libraries");
    }
  }
  return {};
}

// The GNU hash table does not say how many symbols there are: the last one is the end of the chain
// that starts last.
Result<uint32_t> Reader::CountByGnuHash() const {
  uint32_t head[4];  // buckets, first hashed symbol, Bloom words, Bloom shift
  if (!ReadMemory(gnu_hash_, head, sizeof head)) {
    return Truncated();
  }
  const uint64_t bucket_count = head[0], first = head[1], bloom_words = head[2];
  if (bucket_count > kMaxSymbols || first > kMaxSymbols || bloom_words > kMaxSymbols) {
    return Refusal("its symbol hash table is not valid");
  }
  const uint64_t buckets_at = gnu_hash_ + sizeof head + bloom_words * sizeof(ElfW(Addr));
  std::vector<uint32_t> buckets(static_cast<size_t>(bucket_count));
  if (!ReadMemory(buckets_at, buckets.data(), buckets.size() * sizeof(uint32_t))) {
    return Truncated();
  }
  uint32_t last = buckets.empty() ? 0 : *std::max_element(buckets.begin(), buckets.end());
  if (last < first) {
    return static_cast<uint32_t>(first);
  }
  const uint64_t chains_at = buckets_at + bucket_count * sizeof(uint32_t);
  for (; last < kMaxSymbols; ++last) {
    uint32_t hash = 0;
    if (!ReadMemory(chains_at + (last - first) * sizeof(uint32_t), &hash, sizeof hash)) {
      return Truncated();
    }
    if ((hash & 1u) != 0) {
      return last + 1;
    }
  }
  return Refusal("its symbol hash table is not valid");
}

Result<uint32_t> Reader::CountSymbols() const {
  if (gnu_hash_ != 0) {
    return CountByGnuHash();
  }
  uint32_t head[2] = {};  // buckets, chain entries; the latter is the number of symbols
  if (hash_ != 0 && !ReadMemory(hash_, head, sizeof head)) {
    return Truncated();
  }
  return head[1] <= kMaxSymbols ? Result<uint32_t>(head[1])
                                : Refusal("its symbol hash table is not valid");
}

Status Reader::ReadSymbols() {
  SVIRT_ASSIGN(const uint32_t count, CountSymbols());
  for (uint32_t i = 1; i < count && symbols_ != 0; ++i) {
    Sym symbol;
    if (!ReadMemory(symbols_ + uint64_t{i} * sizeof symbol, &symbol, sizeof symbol)) {
      return Truncated();
    }
    const auto binding = ELF64_ST_BIND(symbol.st_info);
    const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
    if (symbol.st_shndx == SHN_UNDEF || binding == STB_LOCAL ||
        (visibility != STV_DEFAULT && visibility != STV_PROTECTED)) {
      continue;
    }
    SVIRT_ASSIGN(std::string name, StringAt(symbol.st_name));
    image_.exports.push_back(std::move(name));
    if (image_.exports.size() > kMaxListed) {
      return Refusal("it exports more than " + std::to_string(kMaxListed) + " symbols");
    }
  }
  return {};
}

Result<ElfImage> Reader::Run() {
  SVIRT_TRY(ReadHeader());
  SVIRT_TRY(ReadSegments());
  SVIRT_TRY(ReadSymbols());
  return std::move(image_);
}

bool ReadAll(int fd, uint64_t offset, char *into, size_t count) {
  while (count > 0) {
    const ssize_t got = pread(fd, into, count, static_cast<off_t>(offset));
    if (got <= 0 && !(got < 0 && errno == EINTR)) {
      return false;
    }
    if (got > 0) {
      into += got;
      offset += static_cast<uint64_t>(got);
      count -= static_cast<size_t>(got);
    }
  }
  return true;
}

// A file of which each block that is looked into is read once: what headers tell is many small
// things in few places.
class BlockFile {
 public:
  BlockFile(int fd, uint64_t size) : fd_(fd), size_(size) {}

  bool Read(uint64_t offset, char *into, size_t count) {
    while (count > 0) {
      const uint64_t block = offset / kBlock, within = offset % kBlock;
      const std::string *bytes = Block(block);
      if (bytes == nullptr || within >= bytes->size()) {
        return false;
      }
      const size_t part = std::min<size_t>(count, bytes->size() - within);
      std::copy_n(bytes->data() + within, part, into);
      into += part;
      offset += part;
      count -= part;
    }
    return true;
  }

 private:
  static constexpr uint64_t kBlock = 32 << 10;
  static constexpr size_t kMostBlocks = 64;

  const std::string *Block(uint64_t block) {
    if (const auto found = blocks_.find(block); found != blocks_.end()) {
      return &found->second;
    }
    const uint64_t start = block * kBlock;
    if (start >= size_) {
      return nullptr;
    }
    std::string bytes(static_cast<size_t>(std::min(kBlock, size_ - start)), '\0');
    if (!ReadAll(fd_, start, bytes.data(), bytes.size())) {
      return nullptr;
    }
    if (blocks_.size() >= kMostBlocks) {
      blocks_.clear();
    }
    return &blocks_.emplace(block, std::move(bytes)).first->second;
  }

  int fd_;
  uint64_t size_;
  std::map<uint64_t, std::string> blocks_;
};

}  // namespace

ByteSource FileBytes(int fd, uint64_t size) {
  return ByteSource{
      size, [file = BlockFile(fd, size)](uint64_t offset, void *into, size_t count) mutable {
        return file.Read(offset, static_cast<char *>(into), count);
      }};
}

Result<ElfImage> ReadElf(const ByteSource &bytes) {
  return Reader(bytes).Run();
}

}  // namespace svirt
