// SPDX-License-Identifier: LGPL-2.1-or-later
// Builds the tree from Expat's events, within limits.
#include "host/domain/xml_reader.h"

#include <expat.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <unordered_map>

namespace svirt {
namespace {

using boost::property_tree::ptree;

// Expat 2.9 has a second name for it, and warns of the first.
unsigned long LineOf(XML_Parser parser) {
#if XML_MAJOR_VERSION * 1000 + XML_MINOR_VERSION >= 2009
  return static_cast<unsigned long>(XML_GetCurrentLineNumber64(parser));
#else
  return XML_GetCurrentLineNumber(parser);
#endif
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// An element that is open.
struct Frame {
  ptree *node = nullptr;
  std::string text;    // read since the last child
  bool mixed = false;  // has text beside its children
  bool parent = false;
  // Blanks seen before it was known whether they matter, each with the child that follows it.
  std::vector<std::pair<ptree::iterator, std::string>> blanks;
};

class Reader {
 public:
  Reader(XML_Parser parser, ptree *tree, XmlSource *source) : parser_(parser), source_(source) {
    frames_.resize(1);
    frames_[0].node = tree;
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, &Reader::OnStart, &Reader::OnEnd);
    XML_SetCharacterDataHandler(parser, &Reader::OnText);
    XML_SetCommentHandler(parser, &Reader::OnComment);
    XML_SetProcessingInstructionHandler(parser, &Reader::OnInstruction);
    XML_SetStartDoctypeDeclHandler(parser, &Reader::OnDoctype);
  }

  Status Run(std::string_view text) {
    // In one piece: with several, expat before 2.6 takes quadratic time over a long token.
    const XML_Status status =
        XML_Parse(parser_, text.data(), static_cast<int>(text.size()), XML_TRUE);
    if (error_) {
      return *std::move(error_);
    }
    if (status != XML_STATUS_OK) {
      return Fail(Explain(XML_GetErrorCode(parser_)));
    }
    return {};
  }

 private:
  Error Fail(const std::string &sentence) const {
    return Error{Errc::kInvalid,
                 source_->file + ":" + std::to_string(LineOf(parser_)) + ": " + sentence};
  }

  // Expat goes on with a few events after it has been stopped: the first error counts.
  void Stop(const std::string &sentence) {
    if (!error_) {
      error_ = Fail(sentence);
      XML_StopParser(parser_, XML_FALSE);
    }
  }

  std::string Explain(XML_Error code) const {
    switch (code) {
      case XML_ERROR_NO_ELEMENTS:
        if (depth_ == 0) {
          return "this is not an XML document: it has no element";
        }
        return "the XML ends while an element is still open";
      case XML_ERROR_UNKNOWN_ENCODING:
      case XML_ERROR_INCORRECT_ENCODING:
        return "the encoding that the XML declares is not supported or not the one it is in; "
               "save the file as UTF-8";
      case XML_ERROR_INVALID_TOKEN:
        return "the XML is not well-formed: a character or byte that cannot stand here";
      default:
        return std::string("the XML is not well-formed: ") + XML_ErrorString(code);
    }
  }

  bool Count(size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kXmlMaxNodes) {
      Stop("the XML has more than " + std::to_string(kXmlMaxNodes) + " elements and attributes");
      return false;
    }
    return true;
  }

  bool NameFits(const char *name) {
    if (strlen(name) > kXmlMaxName) {
      Stop("a name is longer than " + std::to_string(kXmlMaxName) + " bytes");
      return false;
    }
    return true;
  }

  // A ptree cannot be moved and takes several allocations to make, so each key has an empty child
  // that is copied.
  ptree::iterator Add(ptree *node, ptree::iterator place, const char *key, std::string text) {
    auto [found, added] = empty_.try_emplace(key, key, ptree());
    const auto child = node->insert(place, found->second);
    child->second.data() = std::move(text);
    return child;
  }

  // Puts a child behind those that the open element has, and what text stands before it.
  ptree *Append(const char *key, std::string data) {
    Frame &frame = frames_[static_cast<size_t>(depth_)];
    const bool blank = IsBlank(frame.text);
    if (!blank) {
      frame.mixed = true;
      Add(frame.node, frame.node->end(), kXmlText, std::move(frame.text));
    }
    const auto child = Add(frame.node, frame.node->end(), key, std::move(data));
    if (blank && !frame.text.empty()) {
      frame.blanks.emplace_back(child, std::move(frame.text));
    }
    frame.text.clear();
    frame.parent = true;
    return &child->second;
  }

  void Start(const char *name, const char **attributes) {
    if (depth_ == kXmlMaxDepth) {
      Stop("elements stand inside each other more than " + std::to_string(kXmlMaxDepth) + " deep");
      return;
    }
    if (!NameFits(name) || !Count(1)) {
      return;
    }
    ptree *node = Append(name, "");
    source_->lines.push_back(LineOf(parser_));
    source_->positions[node] = static_cast<uint32_t>(source_->lines.size());
    AddAttributes(node, attributes);
    ++depth_;
    if (frames_.size() == static_cast<size_t>(depth_)) {
      frames_.emplace_back();
    }
    Frame &frame = frames_[static_cast<size_t>(depth_)];
    frame.node = node;
    frame.text.clear();
    frame.blanks.clear();
    frame.mixed = frame.parent = false;
  }

  void AddAttributes(ptree *node, const char **attributes) {
    if (*attributes == nullptr) {
      return;
    }
    ptree &list = Add(node, node->end(), kXmlAttributes, "")->second;
    int count = 0;
    for (; *attributes != nullptr; attributes += 2) {
      if (!NameFits(attributes[0]) || !Count(1)) {
        return;
      }
      if (strlen(attributes[1]) > kXmlMaxValue) {
        Stop("the value of attribute '" + std::string(attributes[0]) + "' is longer than " +
             std::to_string(kXmlMaxValue) + " bytes");
        return;
      }
      if (++count > kXmlMaxAttributes) {
        Stop("an element has more than " + std::to_string(kXmlMaxAttributes) + " attributes");
        return;
      }
      Add(&list, list.end(), attributes[0], attributes[1]);
    }
  }

  void End() {
    Frame &frame = frames_[static_cast<size_t>(depth_)];
    --depth_;
    if (!frame.parent) {
      frame.node->data() = std::move(frame.text);
      return;
    }
    if (!IsBlank(frame.text)) {
      frame.mixed = true;
    }
    if (!frame.mixed) {
      return;
    }
    if (!frame.text.empty()) {
      Add(frame.node, frame.node->end(), kXmlText, std::move(frame.text));
    }
    for (auto &[child, blank] : frame.blanks) {
      Add(frame.node, child, kXmlText, std::move(blank));
    }
  }

  static Reader *Self(void *self) { return static_cast<Reader *>(self); }

  // Expat is C: nothing may be thrown through it. What could be is std::bad_alloc alone, and the
  // limits above keep a document far from that.
  static void XMLCALL OnStart(void *self, const char *name, const char **attributes) noexcept {
    Reader *reader = Self(self);
    if (!reader->error_) {
      reader->Start(name, attributes);
    }
  }
  static void XMLCALL OnEnd(void *self, const char * /*name*/) noexcept {
    if (!Self(self)->error_) {
      Self(self)->End();
    }
  }
  static void XMLCALL OnText(void *self, const char *text, int length) noexcept {
    Reader *reader = Self(self);
    reader->frames_[static_cast<size_t>(reader->depth_)].text.append(text,
                                                                     static_cast<size_t>(length));
  }
  static void XMLCALL OnComment(void *self, const char *text) noexcept {
    Reader *reader = Self(self);
    if (!reader->error_ && reader->Count(1)) {
      reader->Append(kXmlComment, text);
    }
  }
  static void XMLCALL OnInstruction(void *self, const char *target, const char *data) noexcept {
    Reader *reader = Self(self);
    if (!reader->error_ && reader->Count(1)) {
      reader->Append(kXmlInstruction,
                     *data == '\0' ? std::string(target) : std::string(target) + " " + data);
    }
  }
  static void XMLCALL OnDoctype(void *self, const char * /*name*/, const char * /*system_id*/,
                                const char * /*public_id*/, int /*has_internal*/) noexcept {
    Self(self)->Stop("a DOCTYPE is not allowed: domain XML has none, and entities are refused");
  }

  XML_Parser parser_;
  XmlSource *source_;
  std::vector<Frame> frames_;  // frames_[depth_] is the open element, [0] the document
  int depth_ = 0;
  size_t nodes_ = 0;
  std::optional<Error> error_;
  std::unordered_map<std::string, ptree::value_type> empty_;
};

}  // namespace

uint32_t XmlSource::PositionOf(const ptree *element) const {
  const auto found = positions.find(element);
  return found == positions.end() ? 0 : found->second;
}

unsigned long XmlSource::LineOf(const ptree *element) const {
  const uint32_t position = PositionOf(element);
  return position == 0 ? 1 : lines[position - 1];
}

Status ReadXml(std::string_view text, std::string_view file, ptree *tree, XmlSource *source) {
  source->file = file;
  source->lines.clear();
  source->positions.clear();
  if (text.size() > kXmlMaxText) {
    return Error{Errc::kInvalid, source->file + ":1: the XML has " + std::to_string(text.size()) +
                                     " bytes, more than the " + std::to_string(kXmlMaxText) +
                                     " that are allowed"};
  }
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)> parser(
      XML_ParserCreate(nullptr), &XML_ParserFree);
  if (!parser) {
    return Error{Errc::kSystem, source->file + ": no memory for the XML parser"};
  }
  return Reader(parser.get(), tree, source).Run(text);
}

std::string XmlText(const ptree &element) {
  std::string text = element.data();
  for (const auto &[key, child] : element) {
    if (key == kXmlText) {
      text += child.data();
    }
  }
  return text;
}

}  // namespace svirt
