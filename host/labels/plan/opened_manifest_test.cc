// SPDX-License-Identifier: LGPL-2.1-or-later
// A manifest is opened once: what is judged is what gets its label, and what the host makes anew
// meanwhile is opened anew.
#include "host/labels/plan/opened_manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "host/labels/testing/fake_model.h"

namespace svirt::fake {
namespace {

using testing::HasSubstr;

class OpenedManifestTest : public testing::Test {
 protected:
  static ObjectId IdOf(const OpenedManifest &opened, size_t resource) {
    return opened.objects()[*opened.ObjectOf(resource)].opened.id;
  }
  Resource MakeRundir() {
    Resource rundir = MakeDisk(dir_ / "run");
    rundir.kind = ResourceKind::kRundir;
    rundir.object = ObjectType::kDir;
    rundir.optional = true;
    rundir.by_host = true;
    return rundir;
  }

  TempDir dir_;
};

TEST_F(OpenedManifestTest, TellsPathsThatAreFreeOfLinks) {
  const std::string disk = Touch(dir_ / "disk");
  std::filesystem::create_symlink(disk, dir_ / "link");
  const auto opened =
      OpenedManifest::Look({{MakeDisk(disk), MakeDisk(dir_ / "link")}}, nullptr).value();
  const std::vector<ResourceRef> refs = opened->Refs();
  EXPECT_TRUE(refs[0].is_real);
  EXPECT_FALSE(refs[1].is_real);
  EXPECT_EQ(IdOf(*opened, 0), IdOf(*opened, 1));
}

TEST_F(OpenedManifestTest, TellsEverythingThatCannotBeHad) {
  Resource directory = MakeDisk(Touch(dir_ / "file"));
  directory.object = ObjectType::kDir;
  directory.position = 7;
  Resource log = MakeDisk(dir_ / "nowhere/new.log");
  log.kind = ResourceKind::kLog;
  log.optional = true;
  log.access = kAccessWrite | kAccessCreate;
  const Manifest manifest{{directory, MakeDisk(dir_ / "missing"), log}};
  const auto opened = OpenedManifest::Look(manifest, nullptr).value();
  ASSERT_EQ(opened->failures().size(), 3u);
  EXPECT_EQ(opened->failures()[0].position, 7u);
  EXPECT_THAT(opened->failures()[0].error.message, HasSubstr("but declared as a"));
  EXPECT_EQ(opened->failures()[1].error.code, Errc::kNotFound);
  EXPECT_THAT(opened->failures()[2].error.message, HasSubstr("cannot be created in"));
  EXPECT_EQ(OpenedManifest::Open(manifest, nullptr).error().message,
            opened->failures()[0].error.message);
}

TEST_F(OpenedManifestTest, OpensAnewWhatTheHostHasMadeAnew) {
  std::filesystem::create_directory(dir_ / "run");
  const std::string disk = Touch(dir_ / "disk");
  const auto opened = OpenedManifest::Open({{MakeRundir(), MakeDisk(disk)}}, nullptr).value();
  const ObjectId rundir = IdOf(*opened, 0), image = IdOf(*opened, 1);
  for (const char *name : {"run", "disk"}) {
    std::filesystem::rename(dir_ / name, dir_ / (std::string("old-") + name));
  }
  std::filesystem::create_directory(dir_ / "run");
  Touch(disk);
  ASSERT_TRUE(opened->Complete(nullptr).ok());
  EXPECT_NE(IdOf(*opened, 0), rundir);
  EXPECT_EQ(opened->Find(rundir), nullptr);
  EXPECT_NE(opened->Find(IdOf(*opened, 0)), nullptr);
  // What was judged is what gets its label, whatever the path leads to by now.
  EXPECT_EQ(IdOf(*opened, 1), image);
}

TEST_F(OpenedManifestTest, MakesWhatTheDomainMayCreateAndTakesItAwayAgain) {
  Resource log = MakeDisk(dir_ / "new.log");
  log.kind = ResourceKind::kLog;
  log.optional = true;
  log.access = kAccessWrite | kAccessCreate;
  const auto opened = OpenedManifest::Open({{log}}, nullptr).value();
  EXPECT_FALSE(std::filesystem::exists(log.path));
  EXPECT_EQ(opened->Refs()[0].fd, -1);
  ASSERT_TRUE(opened->Complete(nullptr).ok());
  EXPECT_TRUE(std::filesystem::exists(log.path));
  EXPECT_GE(opened->Refs()[0].fd, 0);
  opened->RemoveCreated();
  EXPECT_FALSE(std::filesystem::exists(log.path));
}

}  // namespace
}  // namespace svirt::fake
