// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reach.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/xattr.h>

#include <cerrno>
#include <vector>

#include "plugin_fixture.h"
#include "testing/owned_file.h"

namespace svirt::dac {
namespace {

using sdk::MakeError;
using testing::AllOf;
using testing::HasSubstr;

constexpr uint32_t kR = SVIRT_ACCESS_READ;
constexpr uint32_t kRw = SVIRT_ACCESS_READ | SVIRT_ACCESS_WRITE;
constexpr uint32_t kRwc = kRw | SVIRT_ACCESS_CREATE;

class Reach : public testing::Test {
 protected:
  void SetUp() override {
    if (CheckProgram(kDomain, dir_.path("x"), &error_) != SVIRT_OK) {
      GTEST_SKIP() << "needs a temporary directory that everybody may pass: " << error_.message;
    }
  }

  // "" or the sentence.
  std::string Check(const std::string &path, uint32_t access, uint32_t object = SVIRT_OBJ_FILE,
                    uint32_t kind = SVIRT_RES_DISK) {
    const sdk::Fd fd = OpenPath(path);
    svirt_resource resource = sdk::MakeResource(path.c_str(), object, access, 0, kind);
    resource.fd = fd.get();
    error_ = MakeError();
    const svirt_status status = CheckReach(who_, resource, &error_);
    EXPECT_EQ(status, error_.message[0] == '\0' ? SVIRT_OK : SVIRT_E_DENIED);
    return error_.message;
  }
  std::string File(mode_t mode) {
    std::string path = dir_.File("disk");
    ::chmod(path.c_str(), mode);
    return path;
  }

  sdk::TempDir dir_;
  Identity who_ = kDomain;
  svirt_error error_ = MakeError();
};

TEST_F(Reach, IsUpToTheBitsForOthers) {
  EXPECT_EQ(Check(File(0604), kR), "");
  EXPECT_EQ(Check(File(0606), kRw), "");
  EXPECT_THAT(Check(File(0660), kR),
              AllOf(HasSubstr("+2100000007:+2100000007"), HasSubstr("may not read /"),
                    HasSubstr("/disk (mode 0660 of " + OwnerOf(dir_.path("disk")) + ")"),
                    HasSubstr("chmod or setfacl")));
  EXPECT_THAT(Check(File(0664), kRw), HasSubstr("may not read and write"));
}

TEST_F(Reach, IsUpToTheBitsOfTheOwnerAndThenOfTheGroup) {
  who_ = {::geteuid(), 1};
  EXPECT_EQ(Check(File(0600), kRw), "");
  EXPECT_THAT(Check(File(0066), kR), HasSubstr("mode 0066"));
  who_ = {1, ::getegid()};
  EXPECT_EQ(Check(File(0060), kRw), "");
  EXPECT_THAT(Check(File(0606), kR), HasSubstr("mode 0606"));
}

TEST_F(Reach, NeedsEveryDirectoryOnTheWay) {
  const std::string images = dir_.Dir("images");
  const std::string disk = dir_.File("images/a.img");
  ::chmod(images.c_str(), 0711);
  EXPECT_EQ(Check(disk, kR), "");
  ::chmod(images.c_str(), 0700);
  EXPECT_THAT(Check(disk, kR), HasSubstr("may not pass the directory " + images + " (mode 0700"));
  // By the way that the kernel knows, not by the one through a link.
  const std::string link = dir_.path("link");
  ASSERT_EQ(::symlink(disk.c_str(), link.c_str()), 0);
  const sdk::Fd fd(::open(link.c_str(), O_PATH | O_CLOEXEC));
  svirt_resource resource = sdk::MakeResource(link.c_str(), SVIRT_OBJ_FILE, kR);
  resource.fd = fd.get();
  EXPECT_EQ(CheckReach(who_, resource, &error_), SVIRT_E_DENIED);
}

TEST_F(Reach, OfASocketToBeMadeIsThatOfItsDirectory) {
  const std::string sockets = dir_.Dir("sockets");
  ::chmod(sockets.c_str(), 0755);
  EXPECT_THAT(Check(sockets + "/a.sock", kRwc, SVIRT_OBJ_SOCKET),
              HasSubstr("may not make a socket in " + sockets));
  ::chmod(sockets.c_str(), 0777);
  EXPECT_EQ(Check(sockets + "/a.sock", kRwc, SVIRT_OBJ_SOCKET), "");
}

TEST_F(Reach, IsNotAskedForWhatComesOpenOrIsNotThere) {
  const std::string path = File(0600);
  EXPECT_EQ(Check(path, SVIRT_ACCESS_WRITE, SVIRT_OBJ_FILE, SVIRT_RES_LOG), "");
  EXPECT_EQ(Check(path, kRw, SVIRT_OBJ_CHAR, SVIRT_RES_NET), "");
  EXPECT_EQ(Check(path, kRw, SVIRT_OBJ_DIR, SVIRT_RES_RUNDIR), "");
  EXPECT_EQ(Check(dir_.path("missing"), kRw), "");
}

TEST_F(Reach, OfAProgramIsTheRightToExecute) {
  const std::string program = dir_.File("program");
  ::chmod(program.c_str(), 0711);
  EXPECT_EQ(CheckProgram(kDomain, program, &error_), SVIRT_OK);
  ::chmod(program.c_str(), 0754);
  EXPECT_EQ(CheckProgram(kDomain, program, &error_), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("may not execute " + program));
}

TEST_F(Reach, IsLeftToTheKernelWhereThereIsAnAcl) {
  const std::string path = File(0600);
  EXPECT_NE(Check(path, kR), "");
  // Version 2; user::rw-, user:2100000007:r--, group::---, mask::r--, other::---.
  struct Entry {
    uint16_t tag, perm;
    uint32_t id;
  };
  struct {
    uint32_t version = 2;
    Entry entries[5] = {
        {0x01, 6, ~0u}, {0x02, 4, 2'100'000'007}, {0x04, 0, ~0u}, {0x10, 4, ~0u}, {0x20, 0, ~0u}};
  } acl;
  if (::setxattr(path.c_str(), "system.posix_acl_access", &acl, sizeof acl, 0) != 0) {
    GTEST_SKIP() << "needs a file system with ACLs: errno " << errno;
  }
  EXPECT_EQ(Check(path, kR), "");
}

TEST_F(Reach, OfEverybodyIsSeen) {
  svirt_resource resource = sdk::MakeResource("/d", SVIRT_OBJ_FILE, kRw);
  for (const auto &[mode, open] : std::vector<std::pair<mode_t, bool>>{
           {0600, false}, {0660, false}, {0601, false}, {0604, true}, {0602, true}}) {
    const sdk::Fd fd = OpenPath(File(mode));
    resource.fd = fd.get();
    EXPECT_EQ(IsOpenToAll(resource), open) << mode;
  }
}

}  // namespace
}  // namespace svirt::dac
