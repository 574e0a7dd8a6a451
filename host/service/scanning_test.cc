// SPDX-License-Identifier: LGPL-2.1-or-later
// A scan uses every model that is active here, and takes nothing from what runs.
#include "host/service/scanning.h"

#include <filesystem>

#include "host/service/testing/service_test.h"

namespace svirt {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ScanningTest : public ServiceTest {
 protected:
  std::vector<FoundLabel> Scan(const std::string &path, bool dry_run = false) {
    std::vector<FoundLabel> all;
    std::vector<std::string> notes;
    int64_t objects = 0;
    status_ = Open()->scanning.Scan(
        {path}, dry_run, [&all](const FoundLabel &found) { all.push_back(found); }, &notes,
        &objects);
    EXPECT_THAT(notes, IsEmpty());
    return all;
  }
  std::string Directory() const { return std::filesystem::path(Image("a.img")).parent_path(); }

  Status status_;
};

TEST_F(ScanningTest, WithTheModelThatDomainsGetAndWithOthers) {
  mac_.SetLabelOf(Image("a.img"), "I:5");
  other_.SetLabelOf(Image("b.img"), "I:5");
  for (const bool dry_run : {true, false}) {
    const auto found = Scan(Directory(), dry_run);
    EXPECT_TRUE(status_.ok()) << status_.error().message;
    ASSERT_THAT(found, SizeIs(2)) << dry_run;
    EXPECT_NE(found[0].model, found[1].model);
    EXPECT_EQ(found[0].outcome, FoundLabel::Outcome::kLeft);
  }
}

TEST_F(ScanningTest, WhatRunsIsLeftAlone) {
  Start(1);
  const std::string label = LabelOf(Image("vm1.img"));
  EXPECT_THAT(Scan(Directory()), IsEmpty());
  EXPECT_TRUE(status_.ok()) << status_.error().message;
  EXPECT_EQ(LabelOf(Image("vm1.img")), label);
}

TEST_F(ScanningTest, AlsoIfTheLabelDatabaseIsLost) {
  Start(1);
  const std::string label = LabelOf(Image("vm1.img"));
  for (const auto &entry : std::filesystem::directory_iterator(paths_.state_dir)) {
    if (entry.path().filename().string().starts_with("labels.db")) {
      std::filesystem::remove(entry.path());
    }
  }
  EXPECT_THAT(Scan(Directory(), true), IsEmpty());
  ASSERT_FALSE(status_.ok());
  EXPECT_EQ(status_.error().code, Errc::kRefused);
  EXPECT_EQ(LabelOf(Image("vm1.img")), label);
}

TEST_F(ScanningTest, APathThroughALinkIsRefused) {
  std::filesystem::create_directory_symlink(Directory(), dir_ / "link");
  EXPECT_THAT(Scan(dir_ / "link"), IsEmpty());
  ASSERT_FALSE(status_.ok());
  EXPECT_THAT(status_.error().message, HasSubstr("scan " + Directory()));
  Scan(dir_ / "nowhere");
  ASSERT_FALSE(status_.ok());
  EXPECT_EQ(status_.error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace svirt
