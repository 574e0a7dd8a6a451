// SPDX-License-Identifier: LGPL-2.1-or-later
// Who holds labels, with a definition or without.
#include "host/service/label_owners.h"

#include "host/service/testing/service_test.h"

namespace svirt {
namespace {

using testing::HasSubstr;

class LabelOwnersTest : public ServiceTest {};

TEST_F(LabelOwnersTest, AreTheDomainsThatRunAndThoseThatWereLabelled) {
  EXPECT_TRUE(Open()->owners.All()->empty());
  Define(3);
  Start(2);
  ASSERT_TRUE(Open()->confinement.Label(Parse(Xml(1))).ok());
  const auto owners = Open()->owners.All();
  ASSERT_TRUE(owners.ok()) << owners.error().message;
  ASSERT_EQ(owners->size(), 2u);
  EXPECT_EQ(owners->at(0).owner.name, "vm1");
  EXPECT_TRUE(owners->at(0).pinned);
  EXPECT_EQ(owners->at(1).owner.name, "vm2");
  EXPECT_FALSE(owners->at(1).pinned);
  EXPECT_EQ(owners->at(1).processes.size(), 1u);
}

TEST_F(LabelOwnersTest, AreFoundByUuidBeforeTheyAreByName) {
  // Its name is the uuid of the other one.
  std::string xml = Xml(1);
  xml.replace(xml.find("vm1"), 3, UuidOf(2));
  ASSERT_TRUE(Open()->confinement.Label(Parse(xml)).ok());
  EXPECT_EQ(Open()->owners.Find(UuidOf(2))->uuid, UuidOf(1)) << "by name";
  ASSERT_TRUE(Open()->confinement.Label(Parse(Xml(2))).ok());
  EXPECT_EQ(Open()->owners.Find(UuidOf(2))->uuid, UuidOf(2));
  EXPECT_EQ(Open()->owners.Find("vm2")->uuid, UuidOf(2));
}

TEST_F(LabelOwnersTest, OneThatHoldsNoneIsNotFound) {
  Define(1);
  const auto found = Open()->owners.Find("vm1");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, Errc::kNotFound);
  EXPECT_THAT(found.error().message, HasSubstr("'svirt labels' lists those that have"));
}

}  // namespace
}  // namespace svirt
