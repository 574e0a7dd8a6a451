// SPDX-License-Identifier: LGPL-2.1-or-later
// <seclabel>: what is accepted, what is refused on which line, and what is written back.
#include "host/domain/seclabel_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/domain/domain_test_support.h"
#include "host/domain/domain_xml.h"

namespace svirt {
namespace {

using testing::HasSubstr;
using testing::Not;
using Type = SecLabel::Type;

// With seclabels of the domain from line 6 on.
std::string WithLabels(const std::string &seclabels) {
  return DomainText("", seclabels);
}

// With a disk whose <seclabel> elements start on line 6, in a domain with these labels.
std::string WithDiskLabels(const std::string &disk_labels, const std::string &domain_labels = "") {
  return DomainText("<disk><driver type='raw'/><source file='/a'>\n" + disk_labels +
                        "</source><target dev='vda'/></disk>\n",
                    domain_labels);
}

TEST(SecLabel, AcceptsLibvirtsGrammar) {
  struct Case {
    const char *xml;
    SecLabel label;
  };
  const Case cases[] = {
      {"<seclabel/>", {Type::kDefault, "", true, "", "", ""}},
      {"<seclabel model='m'/>", {Type::kDefault, "m", true, "", "", ""}},
      {"<seclabel type='dynamic'/>", {Type::kDynamic, "", true, "", "", ""}},
      {"<seclabel type='dynamic' model='m' relabel='yes'/>",
       {Type::kDynamic, "m", true, "", "", ""}},
      {"<seclabel type='dynamic' model='m'><baselabel>b</baselabel></seclabel>",
       {Type::kDynamic, "m", true, "", "", "b"}},
      {"<seclabel model='m'><baselabel>b</baselabel></seclabel>",
       {Type::kDefault, "m", true, "", "", "b"}},
      // What a running domain shows is dropped on the way in.
      {"<seclabel type='dynamic' model='m'><label>l</label><imagelabel>i</imagelabel></seclabel>",
       {Type::kDynamic, "m", true, "", "", ""}},
      {"<seclabel type='static' model='m'><label>l</label></seclabel>",
       {Type::kStatic, "m", false, "l", "", ""}},
      {"<seclabel type='static' model='m' relabel='yes'><label>l</label>"
       "<imagelabel>i</imagelabel></seclabel>",
       {Type::kStatic, "m", true, "l", "", ""}},
      {"<seclabel type='static' model='m' relabel='no'><label>l</label></seclabel>",
       {Type::kStatic, "m", false, "l", "", ""}},
      {"<seclabel type='none'/>", {Type::kNone, "", false, "", "", ""}},
      {"<seclabel type='none' model='m' relabel='no'/>", {Type::kNone, "m", false, "", "", ""}},
      {"<seclabel type='none' model='m'><label>l</label></seclabel>",
       {Type::kNone, "m", false, "", "", ""}},
      {"<seclabel type='dynamic' model='none'/>", {Type::kNone, "none", false, "", "", ""}},
  };
  for (const Case &c : cases) {
    const Domain domain = MustParse(WithLabels(c.xml));
    ASSERT_EQ(domain.seclabels.size(), 1U) << c.xml;
    const SecLabel &label = domain.seclabels[0];
    EXPECT_EQ(label.type, c.label.type) << c.xml;
    EXPECT_EQ(label.model, c.label.model) << c.xml;
    EXPECT_EQ(label.relabel, c.label.relabel) << c.xml;
    EXPECT_EQ(label.label, c.label.label) << c.xml;
    EXPECT_EQ(label.image_label, "") << c.xml;
    EXPECT_EQ(label.base_label, c.label.base_label) << c.xml;
    EXPECT_FALSE(label.implicit);
  }
  EXPECT_TRUE(MustParse(WithLabels("")).seclabels.empty());
}

TEST(SecLabel, RefusesWithLibvirtsSentencesAndTheLine) {
  const std::pair<const char *, const char *> cases[] = {
      {"<seclabel type='dynamic' relabel='no'/>",
       "f.xml:6: dynamic label type must use resource relabeling"},
      {"\n\n<seclabel relabel='no'/>", "f.xml:8: dynamic label type must use resource relabeling"},
      {"<seclabel type='none' relabel='yes'/>",
       "f.xml:6: resource relabeling is not compatible with 'none' label type"},
      {"<seclabel type='static' model='m'/>", "f.xml:6: security label is missing"},
      {"<seclabel type='static' model='m'><label/></seclabel>", "security label is missing"},
      {"<seclabel type='static' model='m'><imagelabel>i</imagelabel></seclabel>",
       "security label is missing"},
      {"<seclabel type='static'><label>l</label></seclabel>",
       "f.xml:6: missing security model in domain seclabel"},
      {"<seclabel><baselabel>b</baselabel></seclabel>",
       "f.xml:6: missing security model in domain seclabel"},
      {"<seclabel model='m'/>\n<seclabel/>",
       "f.xml:7: missing security model when using multiple labels"},
      {"<seclabel/>\n<seclabel/>", "missing security model when using multiple labels"},
      {"<seclabel model='m'/>\n<seclabel type='none' model='m'/>",
       "f.xml:7: seclabel for model m is already provided"},
      {"<seclabel type='strict'/>",
       "f.xml:6: Invalid value for attribute 'type' in element 'seclabel': 'strict'; legal are "
       "dynamic, static, none"},
      {"<seclabel type=''/>", "Invalid value for attribute 'type'"},
      {"<seclabel relabel='maybe'/>", "f.xml:6: invalid security relabel value 'maybe'"},
      {"<seclabel type='static' model='m'>\n<label>a\nb</label></seclabel>",
       "f.xml:7: the security label in <label> contains a control character"},
  };
  for (const auto &[xml, message] : cases) {
    EXPECT_THAT(MustFail(WithLabels(xml)), HasSubstr(message)) << xml;
  }
}

TEST(SecLabel, LabelsOf4096BytesAreTheLongest) {
  for (const char *element : {"label", "baselabel"}) {
    const auto text = [&](size_t length) {
      const std::string type = element == std::string("label") ? "static" : "dynamic";
      return WithLabels("<seclabel type='" + type + "' model='m'><" + element + ">" +
                        std::string(length, 'x') + "</" + element + "></seclabel>");
    };
    const SecLabel label = MustParse(text(4096)).seclabels.at(0);
    EXPECT_EQ(label.label.size() + label.base_label.size(), 4096U);
    EXPECT_THAT(MustFail(text(4097)),
                HasSubstr("f.xml:6: the security label in <" + std::string(element) +
                          "> has 4097 bytes; the most is 4096"));
  }
  const auto device = [](size_t length) {
    return WithDiskLabels("<seclabel><label>" + std::string(length, 'x') + "</label></seclabel>");
  };
  EXPECT_EQ(MustParse(device(4096)).disks.at(0).chain.at(0).seclabels.at(0).label.size(), 4096U);
  EXPECT_THAT(MustFail(device(4097)), HasSubstr("has 4097 bytes"));
  EXPECT_THAT(MustFail(WithLabels("<seclabel model='" + std::string(257, 'm') + "'/>")),
              HasSubstr("security model"));
}

TEST(SecLabel, SeveralModels) {
  const Domain domain = MustParse(ReadTestDomain("seclabel-several"));
  ASSERT_EQ(domain.seclabels.size(), 3U);
  EXPECT_EQ(domain.seclabels[0].model, "selinux");
  EXPECT_EQ(domain.seclabels[1].label, "+107:+107");
  EXPECT_EQ(domain.seclabels[2].type, Type::kNone);
  const auto &disk = domain.disks.at(0).chain.at(0).seclabels;
  ASSERT_EQ(disk.size(), 2U);
  EXPECT_EQ(disk[0].model, "selinux");
  EXPECT_FALSE(disk[0].relabel);
  EXPECT_EQ(disk[1].label, "+107:+107");
  EXPECT_EQ(domain.chardevs.at(0).source.seclabels.at(0).label,
            "system_u:object_r:svirt_log_t:s0:c1,c2");
}

TEST(DeviceSecLabel, AcceptsExceptions) {
  const auto labels = [](const Domain &domain) { return domain.disks.at(0).chain.at(0).seclabels; };
  EXPECT_FALSE(labels(MustParse(WithDiskLabels("<seclabel relabel='no'/>"))).at(0).relabel);
  EXPECT_EQ(labels(MustParse(WithDiskLabels("<seclabel relabel='yes'><label>l</label></seclabel>")))
                .at(0)
                .label,
            "l");
  EXPECT_EQ(labels(MustParse(WithDiskLabels("<seclabel model='m'><label>l</label></seclabel>",
                                            "<seclabel type='dynamic' model='m'/>")))
                .at(0)
                .model,
            "m");
  // No label of the domain is meant, so there is nothing that could be off.
  EXPECT_EQ(labels(MustParse(WithDiskLabels("<seclabel model='n' relabel='no'/>",
                                            "<seclabel type='none' model='m'/>")))
                .size(),
            1U);
  // One of the two relabels.
  EXPECT_EQ(labels(MustParse(WithDiskLabels(
                       "<seclabel relabel='no'/>",
                       "<seclabel type='none' model='m'/><seclabel type='dynamic' model='n'/>")))
                .size(),
            1U);
}

TEST(DeviceSecLabel, DropsLabelskip) {
  const Domain domain = MustParse(
      WithDiskLabels("<seclabel model='m' labelskip='yes'/>\n<seclabel model='n' relabel='no'/>"));
  ASSERT_EQ(domain.disks.at(0).chain.at(0).seclabels.size(), 1U);
  EXPECT_EQ(domain.disks[0].chain[0].seclabels[0].model, "n");
  const std::string text = FormatDomainXml(domain, true);
  EXPECT_THAT(text, Not(HasSubstr("labelskip")));
  EXPECT_THAT(text, HasSubstr("<seclabel model='n' relabel='no'/>"));
}

TEST(DeviceSecLabel, RefusesWithTheLine) {
  const char *off = "label overrides require relabeling to be enabled at the domain level";
  struct Case {
    const char *disk, *domain, *message;
  };
  const Case cases[] = {
      {"<seclabel relabel='no'><label>l</label></seclabel>", "",
       "f.xml:6: Cannot specify a label if relabelling is turned off. model="},
      {"<seclabel model='m' relabel='yes'/>", "", "f.xml:6: security label is missing"},
      {"<seclabel model='m'/>", "", "security label is missing"},
      {"<seclabel><label/></seclabel>", "", "security label is missing"},
      {"<seclabel relabel='perhaps'/>", "", "invalid security relabel value 'perhaps'"},
      {"<seclabel model='m' relabel='no'/>\n<seclabel model='m' relabel='no'/>", "",
       "f.xml:7: seclabel for model m is already provided"},
      {"<seclabel model='m'><label>l</label></seclabel>", "<seclabel type='none' model='m'/>", off},
      {"<seclabel model='m'><label>l</label></seclabel>",
       "<seclabel type='static' model='m'><label>s</label></seclabel>", off},
      {"<seclabel><label>l</label></seclabel>", "<seclabel type='none'/>", off},
      {"<seclabel><label>l</label></seclabel>", "<seclabel type='none' model='m'/>", off},
  };
  for (const Case &c : cases) {
    EXPECT_THAT(MustFail(WithDiskLabels(c.disk, c.domain)), HasSubstr(c.message)) << c.disk;
  }
}

TEST(DeviceSecLabel, ReachesEveryDeviceThatHasASource) {
  const std::string seclabel = "<seclabel model='m' relabel='no'/>";
  const Domain domain = MustParse(
      DomainText("<disk><driver type='qcow2'/><source file='/a'/><backingStore type='file'>"
                 "<format type='raw'/><source file='/b'>" +
                 seclabel +
                 "</source></backingStore></disk>"
                 "<channel type='unix'><source mode='bind' path='/s'>" +
                 seclabel +
                 "</source></channel>"
                 "<hostdev type='usb'><source><address bus='1' device='2'/>" +
                 seclabel +
                 "</source></hostdev>"
                 "<rng><backend model='egd' type='unix'><source path='/e'>" +
                 seclabel + "</source></backend></rng>"));
  EXPECT_TRUE(domain.disks.at(0).chain.at(0).seclabels.empty());
  EXPECT_EQ(domain.disks.at(0).chain.at(1).seclabels.size(), 1U);
  EXPECT_EQ(domain.chardevs.at(0).source.seclabels.size(), 1U);
  EXPECT_EQ(domain.hostdevs.at(0).seclabels.size(), 1U);
  EXPECT_EQ(domain.rngs.at(0).egd.seclabels.size(), 1U);
}

TEST(SecLabelOutput, LiveShowsWhatTheDomainWasGiven) {
  Domain domain = MustParse(WithLabels("<seclabel type='dynamic' model='m'/>\n"));
  domain.seclabels[0].label = "l";
  domain.seclabels[0].image_label = "i";
  EXPECT_THAT(FormatDomainXml(domain, false),
              HasSubstr("  <seclabel type='dynamic' model='m' relabel='yes'>\n"
                        "    <label>l</label>\n"
                        "    <imagelabel>i</imagelabel>\n"
                        "  </seclabel>\n"));
  EXPECT_THAT(FormatDomainXml(domain, true), HasSubstr("  <seclabel type='dynamic' model='m'/>\n"));
  domain.seclabels[0].base_label = "b";
  EXPECT_THAT(FormatDomainXml(domain, false),
              HasSubstr("    <imagelabel>i</imagelabel>\n    <baselabel>b</baselabel>\n"));
  EXPECT_THAT(FormatDomainXml(domain, true),
              HasSubstr("  <seclabel type='dynamic' model='m' relabel='yes'>\n"
                        "    <baselabel>b</baselabel>\n  </seclabel>\n"));
}

// A running domain's XML may be defined again: its labels were given for that run alone.
TEST(SecLabelOutput, LiveLabelsAreNotDefined) {
  const Domain domain =
      MustParse(WithLabels("<seclabel type='dynamic' model='m'>\n<label>l</label>\n"
                           "<imagelabel>i</imagelabel></seclabel>\n"
                           "<seclabel type='static' model='n'><label>s</label>"
                           "<imagelabel>i</imagelabel></seclabel>\n"));
  EXPECT_THAT(FormatDomainXml(domain, true),
              HasSubstr("  <seclabel type='dynamic' model='m'/>\n"
                        "  <seclabel type='static' model='n'>\n    <label>s</label>\n"
                        "  </seclabel>\n"));
}

TEST(SecLabelOutput, StaticAndNone) {
  Domain domain =
      MustParse(WithLabels("<seclabel type='static' model='m'><label>l</label></seclabel>\n"
                           "<seclabel type='none' model='n' relabel='no'/>\n"));
  domain.seclabels[0].image_label = "i";
  const std::string live = FormatDomainXml(domain, false);
  EXPECT_THAT(live, HasSubstr("  <seclabel type='static' model='m' relabel='no'>\n"
                              "    <label>l</label>\n  </seclabel>\n"
                              "  <seclabel type='none' model='n'/>\n"));
  domain.seclabels[0].relabel = true;
  EXPECT_THAT(FormatDomainXml(domain, false), HasSubstr("<imagelabel>i</imagelabel>"));
  EXPECT_THAT(FormatDomainXml(domain, true), Not(HasSubstr("imagelabel")));
}

TEST(SecLabelOutput, LabelsTheHostAddedAreNotPartOfTheDefinition) {
  Domain domain = MustParse(DomainText("", "<after/>\n"));
  SecLabel added;
  added.type = Type::kDynamic;
  added.model = "m";
  added.label = "l";
  added.implicit = true;
  domain.seclabels.push_back(added);
  EXPECT_THAT(FormatDomainXml(domain, true), Not(HasSubstr("seclabel")));
  EXPECT_THAT(FormatDomainXml(domain, false),
              HasSubstr("  <seclabel type='dynamic' model='m' relabel='yes'>\n"
                        "    <label>l</label>\n  </seclabel>\n  <after/>\n"));
}

TEST(SecLabelOutput, KeepsWhatItDoesNotKnowAndRemovesWhatIsGone) {
  Domain domain = MustParse(
      WithLabels("<seclabel model='m' vendor='x' type='dynamic'><!--why--><extra/></seclabel>\n"
                 "<seclabel model='n'/>\n"));
  EXPECT_THAT(FormatDomainXml(domain, true),
              HasSubstr("  <seclabel model='m' vendor='x' type='dynamic'>\n    <!--why-->\n"
                        "    <extra/>\n  </seclabel>\n  <seclabel model='n'/>\n"));
  domain.seclabels[0].label = "l";
  domain.seclabels.pop_back();
  const std::string live = FormatDomainXml(domain, false);
  EXPECT_THAT(live, HasSubstr("  <seclabel type='dynamic' model='m' relabel='yes' vendor='x'>\n"
                              "    <label>l</label>\n    <!--why-->\n    <extra/>\n"));
  EXPECT_THAT(live, Not(HasSubstr("model='n'")));
}

TEST(SecLabelOutput, LabelsAreEscaped) {
  Domain domain = MustParse(WithLabels("<seclabel type='dynamic' model='m'/>"));
  domain.seclabels[0].label = "<a>&'b'";
  EXPECT_THAT(FormatDomainXml(domain, false), HasSubstr("<label>&lt;a&gt;&amp;'b'</label>"));
}

}  // namespace
}  // namespace svirt
