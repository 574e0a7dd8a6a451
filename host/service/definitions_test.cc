// SPDX-License-Identifier: LGPL-2.1-or-later
// What is kept of a domain, found and forgotten.
#include "host/service/definitions.h"

#include <filesystem>

#include "host/launch/end_process.h"
#include "host/service/testing/service_test.h"
#include "host/util/file.h"

namespace svirt {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class DefinitionsTest : public ServiceTest {
 protected:
  Error DefineFails(const std::string &xml) {
    const auto defined = Open()->definitions.Define(xml, "vm.xml");
    EXPECT_FALSE(defined.ok());
    return defined.ok() ? Error() : defined.error();
  }
  Error UndefineFails(int number) {
    const Status undefined = Open()->definitions.Undefine(NameOf(number));
    EXPECT_FALSE(undefined.ok());
    EXPECT_TRUE(Open()->definitions.IsDefined(UuidOf(number)));
    return undefined.ok() ? Error() : undefined.error();
  }
};

const std::string kNoUuid = "<domain type='fake'><name>vm1</name><memory>65536</memory></domain>";

// ---- Which domain an XML means

TEST_F(DefinitionsTest, TheUuidIsThatOfTheXml) {
  EXPECT_EQ(Parse(Xml(1)).uuid, UuidOf(1));
}

TEST_F(DefinitionsTest, WithoutOneItIsThatOfTheDefinedDomainOfTheName) {
  Define(1);
  EXPECT_EQ(Parse(kNoUuid).uuid, UuidOf(1));
}

TEST_F(DefinitionsTest, WithoutThatTheSameNameIsTheSameDomain) {
  const std::string first = Parse(kNoUuid).uuid;
  EXPECT_NE(first, UuidOf(1));
  EXPECT_EQ(Parse(kNoUuid).uuid, first);
}

// ---- What is kept

TEST_F(DefinitionsTest, WhatOnlyThisMachineLacksNowIsKeptAndTold) {
  vmm_.lacks = {{Errc::kNotFound, "there is no /dev/kvm"}};
  const std::string xml = Xml(1);
  std::filesystem::remove(Image("vm1.img"));
  ASSERT_TRUE(Open()->definitions.Define(xml, "vm.xml").ok());
  EXPECT_TRUE(IsDefined(UuidOf(1)));
  EXPECT_THAT(Warnings(), HasSubstr("domain 'vm1' could not start now: there is no /dev/kvm\n"));
  EXPECT_THAT(Warnings(), HasSubstr("vm1.img"));
}

TEST_F(DefinitionsTest, WhatCouldNeverStartIsNotKeptAndAllOfItTold) {
  vmm_.refuses = {{Errc::kUnsupported, "no such sound card"}, {Errc::kUnsupported, "no such TPM"}};
  vmm_.lacks = {{Errc::kNotFound, "there is no /dev/kvm"}};
  const Error error =
      DefineFails(Xml(1, "<seclabel type='static' model='fakemac'><label>odd</label></seclabel>"));
  EXPECT_THAT(error.message, AllOf(HasSubstr("no such sound card"), HasSubstr("no such TPM"),
                                   HasSubstr("the label odd is not valid")));
  EXPECT_THAT(error.message, Not(HasSubstr("/dev/kvm")));
  EXPECT_FALSE(IsDefined(UuidOf(1)));
}

TEST_F(DefinitionsTest, WhatIsNobodysResourceIsNotKept) {
  const Error error = DefineFails(
      "<domain type='fake'><name>vm1</name><memory>65536</memory>"
      "<devices>" +
      DiskXml(paths_.state_dir + "/labels.db") + "</devices></domain>");
  EXPECT_EQ(error.code, Errc::kRefused);
  EXPECT_THAT(error.message, HasSubstr("labels.db"));
}

TEST_F(DefinitionsTest, DefiningTouchesNoLabel) {
  Define(1);
  EXPECT_EQ(LabelOf(Image("vm1.img")), "");
  EXPECT_TRUE(Open()->owners.All()->empty());
}

// ---- What is forgotten

TEST_F(DefinitionsTest, ADomainThatRunsIsNotForgotten) {
  Start(1);
  const Error error = UndefineFails(1);
  EXPECT_EQ(error.code, Errc::kConflict);
  EXPECT_THAT(error.message, HasSubstr("'svirt destroy' ends it first"));
}

TEST_F(DefinitionsTest, NorOneThatOnlyTheRegistryKnowsToRun) {
  const RunningDomain running = Start(1);
  std::filesystem::remove_all(paths_.run_dir);
  const Error error = UndefineFails(1);
  EXPECT_EQ(error.code, Errc::kConflict);
  EXPECT_THAT(error.message, HasSubstr("process " + std::to_string(running.process.pid)));
}

TEST_F(DefinitionsTest, WhatEndedByItselfIsCleanedUpAndForgotten) {
  const RunningDomain running = Start(1);
  ASSERT_TRUE(EndProcess(running.process).ok());
  ASSERT_TRUE(Open()->definitions.Undefine("vm1").ok());
  EXPECT_FALSE(IsDefined(UuidOf(1)));
  ExpectNothingLeft(1);
}

TEST_F(DefinitionsTest, TreesThatStayedLabelledForTheNextStartGoBack) {
  config_.keep_trees = true;
  std::filesystem::create_directory(dir_ / "images/share");
  const std::string file = Image("share/file");
  Start(1, "");
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  const auto defined = Open()->definitions.Define(
      "<domain type='fake'><name>vm1</name><uuid>" + UuidOf(1) +
          "</uuid><memory>65536</memory><devices><filesystem type='mount'><source dir='" +
          (dir_ / "images/share") + "'/><target dir='share'/></filesystem></devices></domain>",
      "vm.xml");
  ASSERT_TRUE(defined.ok()) << defined.error().message;
  ASSERT_TRUE(Open()->lifecycle.Start("vm1", "").ok());
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_NE(LabelOf(file), "") << "for the next start";
  ASSERT_TRUE(Open()->definitions.Undefine("vm1").ok());
  EXPECT_EQ(LabelOf(file), "");
  ExpectNothingLeft(1);
}

// ---- What is found

TEST_F(DefinitionsTest, WhatEndedByItselfIsFoundShutOffAndClean) {
  const RunningDomain running = Start(1);
  ASSERT_TRUE(EndProcess(running.process).ok());
  const auto found = Open()->definitions.Find("vm1");
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_FALSE(found->running);
  ExpectNothingLeft(1);
}

TEST_F(DefinitionsTest, NothingIsConcludedWhereTheHypervisorCannotBeAsked) {
  Start(1);
  vmm_.fails = {"alive"};
  EXPECT_FALSE(Open()->definitions.Find("vm1").ok());
  EXPECT_NE(LabelOf(Image("vm1.img")), "");
}

TEST_F(DefinitionsTest, ADamagedDefinitionCountsAsDefined) {
  Define(1);
  ASSERT_TRUE(WriteFileAtomic(DefinitionFile(1), "<domain", 0600).ok());
  EXPECT_TRUE(IsDefined(UuidOf(1)));
  EXPECT_FALSE(IsDefined(UuidOf(2)));
}

}  // namespace
}  // namespace svirt
