// SPDX-License-Identifier: LGPL-2.1-or-later
// XML keeps its shape through reading and writing, and limits hold against hostile documents.
#include "host/domain/xml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "host/domain/xml_writer.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;
using testing::HasSubstr;
using testing::StartsWith;

ptree Read(std::string_view text) {
  ptree tree;
  XmlSource source;
  const Status status = ReadXml(text, "f.xml", &tree, &source);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return tree;
}

std::string Refusal(std::string_view text) {
  ptree tree;
  XmlSource source;
  const Status status = ReadXml(text, "f.xml", &tree, &source);
  EXPECT_FALSE(status.ok());
  return status.ok() ? "" : status.error().message;
}

std::string Repeat(const std::string &text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

TEST(XmlReader, HasTheShapeOfPropertyTree) {
  const ptree tree = Read("<!--c--><a x='1' y='2'>\n  <b>text</b>\n  <!--in--><b/>\n</a>");
  EXPECT_EQ(tree.get<std::string>("<xmlcomment>"), "c");
  EXPECT_EQ(tree.get<std::string>("a.<xmlattr>.x"), "1");
  EXPECT_EQ(tree.get<std::string>("a.<xmlattr>.y"), "2");
  EXPECT_EQ(tree.get<std::string>("a.b"), "text");
  EXPECT_EQ(tree.get<std::string>("a.<xmlcomment>"), "in");
  EXPECT_EQ(tree.get_child("a").count("b"), 2U);
  EXPECT_EQ(tree.get_child("a").count(kXmlText), 0U);
  EXPECT_EQ(tree.get_child("a").data(), "");
}

TEST(XmlReader, KeepsTextBesideElementsInItsPlace) {
  const ptree a = Read("<a> <b/> one<b/>two <b/> </a>").get_child("a");
  std::vector<std::string> keys;
  std::string text;
  for (const auto &[key, child] : a) {
    keys.push_back(key);
    text += child.data() + "|";
  }
  EXPECT_THAT(keys, testing::ElementsAre(kXmlText, "b", kXmlText, "b", kXmlText, "b", kXmlText));
  EXPECT_EQ(text, " || one||two || |");
  EXPECT_EQ(XmlText(a), "  onetwo  ");
}

TEST(XmlReader, RoundTripsWhatIsHardToWrite) {
  const std::string texts[] = {
      "<a/>",
      "<a b='&#10;&#9;&#13; &lt;&amp;&gt;&apos;&quot;' c=\"it's\"/>",
      "<a>&#13;\n\ttext ]]&gt; &amp; </a>",
      "<a>  </a>",
      "<a><![CDATA[<not> an &element;]]></a>",
      "<p:a xmlns:p='urn:p' p:x='1'><p:b/></p:a>",
      "<a>x<b> <c/> </b> <d>y</d><!-- z --></a>",
      "<a> <b/> <?pi with data?> <?empty?> </a>",
      "<!--1--><?two?><a/><!--3-->",
      "<a><b> <!--only a comment--> </b></a>",
      "<a>\xC3\x9C\xF0\x9F\x98\x80</a>",
  };
  for (const std::string &text : texts) {
    const ptree once = Read(text);
    const std::string written = WriteXml(once);
    EXPECT_EQ(Read(written), once) << text << "\n" << written;
    EXPECT_EQ(WriteXml(Read(written)), written) << text;
  }
}

TEST(XmlWriter, IndentsByTwo) {
  EXPECT_EQ(WriteXml(Read("<a x=\"1\"><b><c>t</c></b><d/></a>")),
            "<a x='1'>\n  <b>\n    <c>t</c>\n  </b>\n  <d/>\n</a>\n");
}

TEST(XmlReader, ReadsTheEncodingsOfXml) {
  EXPECT_EQ(Read("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xFC</a>").get<std::string>("a"),
            "\xC3\xBC");
  const std::string utf16("\xFF\xFE<\0a\0>\0\xFC\0<\0/\0a\0>\0", 18);
  EXPECT_EQ(Read(utf16).get<std::string>("a"), "\xC3\xBC");
}

TEST(XmlReader, RefusesWithFileAndLine) {
  const std::pair<std::string, std::string> refusals[] = {
      {"", "f.xml:1: this is not an XML document: it has no element"},
      {"\n\n<a>\n<b>\n</a>", "f.xml:5: the XML is not well-formed: mismatched tag"},
      {"<a>\n<b>", "f.xml:2: the XML ends while an element is still open"},
      {"<a>\n\xFF</a>", "f.xml:2: the XML is not well-formed: a character or byte"},
      {"<a x='1'\nx='2'/>", "f.xml:2: the XML is not well-formed: duplicate attribute"},
      {"<a>&unknown;</a>", "f.xml:1: the XML is not well-formed: undefined entity"},
      {"<a/>\n<b/>", "f.xml:2: the XML is not well-formed: junk after document element"},
      {"<?xml version='1.0' encoding='KOI8-R'?>\n<a/>", "the encoding that the XML declares"},
      {"<?xml version='1.0' encoding='UTF-16'?>\n<a/>", "the encoding that the XML declares"},
      {std::string("<a>\n\0</a>", 9), "f.xml:2: the XML is not well-formed: a character"},
      {"<a>&#0;</a>", "f.xml:1: the XML is not well-formed"},
      {"<a>&#xD800;</a>", "f.xml:1: the XML is not well-formed"},
  };
  for (const auto &[text, message] : refusals) {
    EXPECT_THAT(Refusal(text), HasSubstr(message)) << text;
  }
}

TEST(XmlReader, RefusesDoctypesBeforeAnyEntityGrows) {
  std::string laughs = "<?xml version='1.0'?>\n<!DOCTYPE lolz [\n<!ENTITY lol0 'lol'>\n";
  for (int i = 1; i < 30; ++i) {
    const std::string below = "&lol" + std::to_string(i - 1) + ";";
    laughs += "<!ENTITY lol" + std::to_string(i) + " '" + Repeat(below, 10) + "'>\n";
  }
  laughs += "]>\n<a>&lol29;</a>";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(Refusal(laughs), StartsWith("f.xml:2: a DOCTYPE is not allowed"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_THAT(Refusal("<!DOCTYPE a SYSTEM 'file:///etc/passwd'>\n<a/>"), HasSubstr("DOCTYPE"));
  EXPECT_THAT(Refusal("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>\n<a>&x;</a>"),
              HasSubstr("DOCTYPE"));
}

TEST(XmlReader, LimitsDepth) {
  const auto nested = [](size_t depth) { return Repeat("<a>\n", depth) + Repeat("</a>", depth); };
  EXPECT_EQ(WriteXml(Read(nested(kXmlMaxDepth))).substr(0, 3), "<a>");
  EXPECT_THAT(Refusal(nested(kXmlMaxDepth + 1)),
              StartsWith("f.xml:129: elements stand inside each other more than 128 deep"));
  EXPECT_THAT(Refusal(Repeat("<a>", 300)), HasSubstr("128 deep"));
  EXPECT_THAT(Refusal(Repeat("<a>", 1'000'000)), HasSubstr("128 deep"));
}

TEST(XmlReader, LimitsSizes) {
  EXPECT_THAT(Refusal("<a>" + std::string(size_t{9} << 20, 'x') + "</a>"),
              StartsWith("f.xml:1: the XML has 9437191 bytes, more than the 8388608"));
  EXPECT_THAT(Refusal("<" + std::string(257, 'n') + "/>"), HasSubstr("a name is longer than 256"));
  EXPECT_THAT(Refusal("<a " + std::string(257, 'n') + "='1'/>"), HasSubstr("a name is longer"));
  EXPECT_THAT(Refusal("<a b='" + std::string(kXmlMaxValue + 1, 'x') + "'/>"),
              HasSubstr("the value of attribute 'b' is longer than 65536 bytes"));
  Read("<a b='" + std::string(kXmlMaxValue, 'x') + "'/>");
  std::string many = "<a";
  for (int i = 0; i <= kXmlMaxAttributes; ++i) {
    many += " a" + std::to_string(i) + "=''";
  }
  EXPECT_THAT(Refusal(many + "/>"), HasSubstr("more than 256 attributes"));
  EXPECT_THAT(Refusal("<a>" + Repeat("<b/>", kXmlMaxNodes) + "</a>"),
              HasSubstr("more than 100000 elements and attributes"));
  EXPECT_THAT(Refusal("<a>" + Repeat("<!---->", kXmlMaxNodes) + "</a>"), HasSubstr("100000"));
}

// A long text stays linear: expat gets the document in one piece.
TEST(XmlReader, TakesALongTextInBoundedTime) {
  const auto start = std::chrono::steady_clock::now();
  const ptree tree = Read("<a><!--" + std::string(size_t{7} << 20, 'x') + "--></a>");
  EXPECT_EQ(tree.get<std::string>("a.<xmlcomment>").size(), size_t{7} << 20);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace svirt
