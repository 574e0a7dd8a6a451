// SPDX-License-Identifier: LGPL-2.1-or-later
// Refusals: each once, what lasts first, and the code of all.
#include "host/util/refusals.h"

#include <gtest/gtest.h>

namespace svirt {
namespace {

Error Of(Errc code, const std::string &sentence) {
  return Error{code, sentence};
}

TEST(Refusals, NothingStandsAgainstIt) {
  Refusals refusals;
  refusals.Add(Status());
  refusals.AddForNow(Status());
  EXPECT_TRUE(refusals.empty());
  EXPECT_TRUE(refusals.ToStatus().ok());
}

TEST(Refusals, AllAreToldEachOnceWhatLastsFirst) {
  Refusals refusals;
  refusals.AddForNow(Of(Errc::kNotFound, "no disk"));
  refusals.Add(Of(Errc::kUnsupported, "no sound"));
  refusals.Add(Of(Errc::kUnsupported, "no sound"));
  refusals.Add(Of(Errc::kNotFound, "no disk"));
  EXPECT_EQ(refusals.lasting().size(), 1u);
  EXPECT_EQ(refusals.for_now().size(), 1u);
  const Status status = refusals.ToStatus();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Errc::kUnsupported);
  EXPECT_EQ(status.error().message, "no sound\nno disk");
}

TEST(Refusals, TheyStandInTheOrderOfTheDocument) {
  Refusals refusals;
  refusals.Add(Of(Errc::kUnsupported, "no model"));
  refusals.Add(Error{Errc::kUnsupported, "a.xml:9: no sound", 0, 9});
  refusals.AddForNow(Error{Errc::kNotFound, "a.xml:4: no disk", 0, 4});
  refusals.Add(Of(Errc::kNotFound, "no disk"));  // the same without its line
  EXPECT_EQ(refusals.ToStatus().error().message, "a.xml:4: no disk\na.xml:9: no sound\nno model");
}

TEST(Refusals, ThoseOfOthersStayWhatTheyAre) {
  Refusals refusals, others;
  refusals.Add(Of(Errc::kUnsupported, "no sound"));
  others.AddForNow(Of(Errc::kNotFound, "no disk"));
  others.Add(Of(Errc::kUnsupported, "no sound"));
  others.Add(Of(Errc::kUnsupported, "no TPM"));
  refusals.Add(others);
  EXPECT_EQ(refusals.lasting().size(), 2u);
  EXPECT_EQ(refusals.for_now().size(), 1u);
}

TEST(Refusals, WhatIsKnownIsDropped) {
  Refusals known, refusals;
  known.Add(Of(Errc::kUnsupported, "no sound"));
  known.AddForNow(Of(Errc::kNotFound, "no bridge"));
  refusals.AddForNow(Of(Errc::kNotFound, "no bridge"));
  refusals.Add(Of(Errc::kUnsupported, "no sound"));
  refusals.Add(Of(Errc::kUnsupported, "no such bus"));
  refusals.Drop(known);
  EXPECT_EQ(refusals.ToStatus().error().message, "no such bus");
}

TEST(Refusals, LessConfinementThanAskedIsTheirCode) {
  Refusals refusals;
  refusals.Add(Of(Errc::kInvalid, "a"));
  refusals.AddForNow(Of(Errc::kRefused, "b"));
  EXPECT_EQ(refusals.ToStatus().error().code, Errc::kRefused);
}

}  // namespace
}  // namespace svirt
