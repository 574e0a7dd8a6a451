// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and writes the items of a compiled profile, byte by byte.
#include "policy_image.h"

#include <vector>

namespace svirt::apparmor {

namespace {

// What an item of an image begins with (the kernel's aa_code).
enum Code : uint8_t {
  kU8,
  kU16,
  kU32,
  kU64,
  kName,  // of the item that follows
  kString,
  kBlob,
  kStruct,
  kStructEnd,
  kList,
  kListEnd,
  kArray,
  kArrayEnd,
};

uint32_t ReadLittle(std::string_view from, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = size; i > 0; --i) {
    value = value << 8 | static_cast<uint8_t>(from[at + i - 1]);
  }
  return value;
}

void WriteLittle(std::string *to, uint32_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    *to += static_cast<char>(value >> (8 * i) & 0xff);
  }
}

// One item: data of it without the code and, for texts and blobs, without their length.
struct Item {
  Code code{};
  size_t begin = 0;  // of data
  size_t end = 0;
  std::string_view name;                 // what a kName before it said
  std::vector<std::string_view> inside;  // names of the structs it is in, "" for one without
};

// Goes through an image item by item.
class Reader {
 public:
  explicit Reader(std::string_view image) : image_(image) {}

  bool AtEnd() const { return at_ == image_.size(); }
  bool IsClosed() const { return inside_.empty(); }

  // False at anything that is no sound item.
  bool Read(Item *item) {
    item->name = {};
    if (!ReadOne(item)) {
      return false;
    }
    if (item->code == kName) {
      const std::string_view name = Text(*item);
      if (!ReadOne(item) || item->code == kName) {
        return false;
      }
      item->name = name;
    }
    item->inside = inside_;
    if (item->code == kStruct || item->code == kList || item->code == kArray) {
      inside_.push_back(item->name);
    } else if (item->code == kStructEnd || item->code == kListEnd || item->code == kArrayEnd) {
      if (inside_.empty()) {
        return false;
      }
      inside_.pop_back();
    }
    return true;
  }

  // Without the NUL.
  std::string_view Text(const Item &item) const {
    const std::string_view text = image_.substr(item.begin, item.end - item.begin);
    return text.substr(0, text.find('\0'));
  }

 private:
  bool ReadOne(Item *item) {
    if (at_ >= image_.size()) {
      return false;
    }
    item->code = static_cast<Code>(image_[at_++]);
    size_t size = 0;
    switch (item->code) {
      case kU8:
        size = 1;
        break;
      case kU16:
      case kArray:
        size = 2;
        break;
      case kU32:
        size = 4;
        break;
      case kU64:
        size = 8;
        break;
      case kName:
      case kString:
        return ReadSized(item, 2);
      case kBlob:
        return ReadSized(item, 4);
      case kStruct:
      case kStructEnd:
      case kList:
      case kListEnd:
      case kArrayEnd:
        break;
      default:
        return false;
    }
    return Take(item, size);
  }

  bool ReadSized(Item *item, size_t width) {
    if (image_.size() - at_ < width) {
      return false;
    }
    const size_t size = ReadLittle(image_, at_, width);
    at_ += width;
    return Take(item, size);
  }

  bool Take(Item *item, size_t size) {
    if (image_.size() - at_ < size) {
      return false;
    }
    item->begin = at_;
    at_ += size;
    item->end = at_;
    return true;
  }

  std::string_view image_;
  size_t at_ = 0;
  std::vector<std::string_view> inside_;
};

// The automaton within a blob: it begins at a multiple of 8 bytes from the start of what is loaded.
std::string_view Automaton(std::string_view image, size_t begin, size_t end) {
  const size_t aligned = (begin + 7) & ~size_t{7};
  return aligned < end ? image.substr(aligned, end - aligned) : std::string_view();
}

// The blob with its length, to stand at the end of image.
void AppendBlob(std::string *image, std::string_view automaton) {
  const size_t begin = image->size() + 4;
  const size_t padding = ((begin + 7) & ~size_t{7}) - begin;
  WriteLittle(image, static_cast<uint32_t>(padding + automaton.size()), 4);
  image->append(padding, '\0');
  *image += automaton;
}

}  // namespace

std::optional<PolicyImage> PolicyImage::Parse(std::string_view image) {
  PolicyImage policy;
  policy.image_ = image;
  Reader reader(image);
  int profiles = 0, flags = 0;
  for (Item item; !reader.AtEnd();) {
    if (!reader.Read(&item)) {
      return std::nullopt;
    }
    const size_t depth = item.inside.size();
    if (item.code == kStruct && item.name == "profile") {
      ++profiles;
    } else if (item.code == kString && depth == 1 && policy.name_.end == 0) {
      policy.name_ = {item.begin - 2, item.end};
    } else if (item.code == kU32 && depth == 2 && item.inside[1] == "flags" && flags++ == 1) {
      // The first number says whether it is a hat, the second is the mode.
      policy.mode_ = {item.begin, item.end};
    } else if (item.code == kBlob && item.name == "aadfa" && depth == 2 &&
               item.inside[1] == "policydb") {
      policy.policy_blob_ = {item.begin - 4, item.end};
    } else if (item.code == kBlob && item.name == "aadfa" && depth == 1) {
      policy.file_blob_ = {item.begin - 4, item.end};
    }
  }
  const bool complete = policy.name_.end != 0 && policy.name_.end <= policy.mode_.begin &&
                        policy.mode_.end <= policy.policy_blob_.begin &&
                        policy.policy_blob_.end <= policy.file_blob_.begin;
  if (profiles != 1 || !complete || !reader.IsClosed()) {
    return std::nullopt;
  }
  auto files = UnpackDfa(Automaton(image, policy.file_blob_.begin + 4, policy.file_blob_.end));
  if (!files) {
    return std::nullopt;
  }
  policy.files_ = std::move(*files);
  return policy;
}

std::string PolicyImage::Make(std::string_view name, Mode mode, const Dfa &files) const {
  const std::string_view image = image_;
  const auto between = [image](size_t begin, size_t end) {
    return image.substr(begin, end - begin);
  };
  std::string made(between(0, name_.begin));
  WriteLittle(&made, static_cast<uint32_t>(name.size() + 1), 2);
  made += name;
  made += '\0';
  made += between(name_.end, mode_.begin);
  WriteLittle(&made, static_cast<uint32_t>(mode), 4);
  made += between(mode_.end, policy_blob_.begin);
  AppendBlob(&made, Automaton(image, policy_blob_.begin + 4, policy_blob_.end));
  made += between(policy_blob_.end, file_blob_.begin);
  AppendBlob(&made, PackDfa(files));
  made += between(file_blob_.end, image.size());
  return made;
}

}  // namespace svirt::apparmor
