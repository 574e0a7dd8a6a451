// SPDX-License-Identifier: LGPL-2.1-or-later
// Files, directories, sockets and ACLs that keep a domain out are named before it starts.
#include "reach.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "guard.h"
#include "plugin_fixture.h"
#include "testing/owned_file.h"

namespace svirt::dac {
namespace {

using sdk::kR;
using sdk::kRw;
using sdk::kRwc;
using sdk::MakeError;
using testing::AllOf;
using testing::HasSubstr;

class Reach : public testing::Test {
 protected:
  void SetUp() override {
    if (!Of({}).empty()) {
      GTEST_SKIP() << "needs a temporary directory that everybody may pass: " << error_.message;
    }
  }

  // Both "" or the sentence.
  std::string Of(const std::vector<svirt_resource> &resources,
                 const std::string &program = "/bin/true") {
    error_ = MakeError();
    const svirt_status status = CheckReach(who_, program, resources, &error_);
    EXPECT_EQ(status, error_.message[0] == '\0' ? SVIRT_OK : SVIRT_E_DENIED);
    return error_.message;
  }
  std::string Check(const std::string &path, uint32_t access, uint32_t object = SVIRT_OBJ_FILE,
                    uint32_t kind = SVIRT_RES_DISK) {
    const sdk::Fd fd = OpenPath(path);
    svirt_resource resource = sdk::MakeResource(path.c_str(), object, access, 0, kind);
    resource.fd = fd.get();
    return Of({resource});
  }
  std::string File(mode_t mode) {
    std::string path = dir_.File("disk");
    ::chmod(path.c_str(), mode);
    return path;
  }

  sdk::TempDir dir_;
  Identity who_ = kDomain;
  IdRange range_;
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
  EXPECT_THAT(Of({resource}), HasSubstr("may not pass the directory " + images + " "));
}

TEST_F(Reach, TakesTheHostsWordForAPathThatIsFreeOfLinks) {
  const std::string images = dir_.Dir("images");
  const sdk::Fd fd = OpenPath(File(0606));
  const std::string path = images + "/disk";
  ::chmod(images.c_str(), 0700);
  svirt_resource resource =
      sdk::MakeResource(path.c_str(), SVIRT_OBJ_FILE, kR, SVIRT_RES_REAL_PATH, SVIRT_RES_DISK);
  resource.fd = fd.get();
  EXPECT_THAT(Of({resource}), HasSubstr("may not pass the directory " + images + " "));
  resource.flags = 0;
  EXPECT_EQ(Of({resource}), "");
}

// Before anything has its label: what will be the domain's own does not keep it out.
TEST_F(Reach, IsForeseen) {
  const std::string outer = dir_.Dir("outer"), inner = dir_.Dir("outer/inner");
  const std::string path = dir_.File("outer/inner/image");
  ::chmod(outer.c_str(), 0700);
  ::chmod(inner.c_str(), 0750);
  sdk::TestDomain domain;
  domain.Add(path, SVIRT_OBJ_FILE, kR);
  const sdk::Fd fd = OpenPath(path);
  domain.resources()[0].fd = fd.get();
  const auto foreseen = [&] {
    error_ = MakeError();
    const svirt_status status = Foresee(who_, domain.get(), range_, &error_);
    EXPECT_EQ(status, error_.message[0] == '\0' ? SVIRT_OK : SVIRT_E_DENIED);
    return std::string(error_.message);
  };
  EXPECT_THAT(foreseen(), HasSubstr("may not pass the directories " + outer + " (mode 0700 of " +
                                    OwnerOf(outer) + "), " + inner + " (mode 0750"));
  EXPECT_THAT(foreseen(), HasSubstr("'chmod o+x " + outer + " " + inner + "'"));
  // As a share of its own the domain will pass it, with all that is below or alone.
  domain.Add(outer, SVIRT_OBJ_DIR, kRw, SVIRT_RES_SUBTREE, SVIRT_RES_SHARE);
  EXPECT_EQ(foreseen(), "");
  domain.resources()[1].flags = 0;
  EXPECT_THAT(foreseen(), HasSubstr("may not pass the directory " + inner + " "));
}

class Foresight : public Reach {
 protected:
  // "" or the sentence about a domain that has the resource alone.
  std::string Of(const std::string &path, uint32_t object, uint32_t access, uint32_t flags = 0) {
    sdk::TestDomain domain;
    domain.get().label = domain.get().image_label = "+2100000007:+2100000007";
    domain.get().pid = pid_;
    domain.Add(path, object, access, flags, SVIRT_RES_DISK);
    const sdk::Fd fd = OpenPath(path);
    domain.resources()[0].fd = fd.get();
    std::vector<sdk::Fd> open;
    for (const std::string &directory : own_) {
      domain.Add(directory, SVIRT_OBJ_DIR, kRwc, 0, SVIRT_RES_RUNDIR);
      open.push_back(OpenPath(directory));
      domain.resources().back().fd = open.back().get();
    }
    error_ = MakeError();
    const svirt_status status = Foresee(who_, domain.get(), range_, &error_);
    EXPECT_EQ(status, error_.message[0] == '\0' ? SVIRT_OK : SVIRT_E_DENIED);
    return error_.message;
  }

  int pid_ = -1;
  std::vector<std::string> own_;
};

TEST_F(Foresight, IsOfTheOwnerThatTheObjectWillHave) {
  EXPECT_EQ(Of(File(0600), SVIRT_OBJ_FILE, kRw), "");
  EXPECT_THAT(Of(File(0466), SVIRT_OBJ_FILE, kRw),
              HasSubstr("may not read and write " + dir_.path("disk") +
                        " (mode 0466 of +2100000007:+2100000007)"));
}

TEST_F(Foresight, OfWhatStaysAsItIsIsThatOfTheOwnerItHas) {
  const std::string disk = File(0600);
  EXPECT_THAT(Of(disk, SVIRT_OBJ_FILE, kRw, SVIRT_RES_AS_IT_IS),
              HasSubstr("(mode 0600 of " + OwnerOf(disk) + ")"));
  EXPECT_THAT(Of(File(0600), SVIRT_OBJ_FILE, kR, SVIRT_RES_AS_IT_IS), HasSubstr("may not read "));
  EXPECT_EQ(Of(File(0606), SVIRT_OBJ_FILE, kRw, SVIRT_RES_AS_IT_IS), "");
  own_ = {dir_.Dir("run")};
  EXPECT_THAT(Of(dir_.path("new"), SVIRT_OBJ_FILE, kRwc, SVIRT_RES_AS_IT_IS),
              HasSubstr("does not exist, and would be made as a file of the host's"));
  EXPECT_EQ(Of(dir_.path("new"), SVIRT_OBJ_FILE, kRwc), "");
}

TEST_F(Foresight, OfADirectoryThatStaysAsItIsIsNoWay) {
  const std::string share = dir_.Dir("share");
  ::chmod(share.c_str(), 0700);
  EXPECT_EQ(Of(share, SVIRT_OBJ_DIR, kRw), "");
  EXPECT_NE(Of(share, SVIRT_OBJ_DIR, kRw, SVIRT_RES_AS_IT_IS), "");
}

TEST_F(Foresight, OfASocketIsThatOfItsDirectory) {
  const std::string sockets = dir_.Dir("sockets"), inner = dir_.Dir("sockets/inner");
  ::chmod(sockets.c_str(), 0755);
  own_ = {inner};
  EXPECT_THAT(Of(sockets + "/a.sock", SVIRT_OBJ_SOCKET, kRwc),
              HasSubstr("may not make a socket in " + sockets));
  own_ = {sockets};
  EXPECT_EQ(Of(sockets + "/a.sock", SVIRT_OBJ_SOCKET, kRwc), "");
}

TEST_F(Foresight, OfADomainThatRunsIsOfNewObjectsAlone) {
  pid_ = 4711;
  EXPECT_EQ(Of(File(0600), SVIRT_OBJ_FILE, kRw, SVIRT_RES_AS_IT_IS), "");
  own_ = {dir_.Dir("run")};
  EXPECT_EQ(Of(dir_.Dir("sockets") + "/a.sock", SVIRT_OBJ_SOCKET, kRwc), "");
  EXPECT_NE(Of(File(0400), SVIRT_OBJ_FILE, kRw), "");
}

TEST_F(Reach, NamesAllDirectoriesOnAllWaysInOneSentence) {
  const std::string one = dir_.Dir("one"), two = dir_.Dir("two"), inner = dir_.Dir("one/inner");
  const std::string paths[] = {dir_.File("one/inner/a"), dir_.File("two/b"), dir_.File("one/c")};
  for (const std::string &directory : {inner, one, two}) {
    ::chmod(directory.c_str(), 0700);
  }
  std::vector<sdk::Fd> fds;
  std::vector<svirt_resource> resources;
  for (const std::string &path : paths) {
    fds.push_back(OpenPath(path));
    resources.push_back(sdk::MakeResource(path.c_str(), SVIRT_OBJ_FILE, kR, 0, SVIRT_RES_DISK));
    resources.back().fd = fds.back().get();
  }
  const std::string root = OwnerOf(one);
  EXPECT_EQ(Of(resources, inner + "/emulator"),
            "the domain's user and group, +2100000007:+2100000007, may not pass the directories " +
                one + " (mode 0700 of " + root + "), " + inner + " (mode 0700 of " + root + "), " +
                two + " (mode 0700 of " + root + ") on the way to " + inner + "/emulator, " +
                paths[0] + ", " + paths[1] + ", " + paths[2] + ": 'chmod o+x " + one + " " + inner +
                " " + two +
                "' lets domains pass, not list what is there; or move the file, or leave dac out "
                "of models");
  for (const std::string &directory : {inner, one, two}) {
    ::chmod(directory.c_str(), 0701);
  }
  ::chmod(paths[0].c_str(), 0604);
  EXPECT_EQ(Of(resources), "") << "as the sentence says";
}

TEST_F(Reach, NamesAWayOutThatIsOne) {
  const std::string images = dir_.Dir("images"), disk = dir_.File("images/a.img");
  Acl acl = FromMode(0755);
  acl.users[kDomain.uid] = kRead;  // an entry of one's own goes before that of everybody
  acl.mask = 5;
  if (WriteAcl(images, acl) != 0) {
    GTEST_SKIP() << "needs a file system with ACLs: errno " << errno;
  }
  EXPECT_THAT(Check(disk, kR), HasSubstr("'setfacl -m u:2100000007:x " + images + "'"));
}

TEST_F(Reach, OfManyLongNamesIsStillASentence) {
  std::string below;
  for (int i = 0; i < 12; ++i) {
    below += (i > 0 ? "/" : "") + std::string(100, static_cast<char>('a' + i));
    ::chmod(dir_.Dir(below).c_str(), 0700);
  }
  const std::string said = Check(dir_.File(below + "/disk"), kR);
  EXPECT_THAT(said,
              AllOf(HasSubstr(" and 11 more on the way to ..."), HasSubstr("/disk: 'chmod o+x "),
                    HasSubstr("' and 11 more lets"), HasSubstr("leave dac out of models")));
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
  EXPECT_EQ(Of({}, program), "");
  ::chmod(program.c_str(), 0754);
  EXPECT_THAT(Of({}, program), HasSubstr("may not execute " + program));
}

TEST_F(Reach, IsWhatTheAclSays) {
  const std::string path = File(0600);
  EXPECT_NE(Check(path, kR), "");
  Acl acl = FromMode(0600);
  acl.users[kDomain.uid] = kRead;
  acl.mask = kRead;
  if (WriteAcl(path, acl) != 0) {
    GTEST_SKIP() << "needs a file system with ACLs: errno " << errno;
  }
  EXPECT_EQ(Check(path, kR), "");
  EXPECT_THAT(Check(path, kRw), HasSubstr("may not read and write"));
  acl.users[kDomain.uid] = kRead | kWrite;
  ASSERT_EQ(WriteAcl(path, acl), 0);
  EXPECT_THAT(Check(path, kRw), HasSubstr("may not read and write")) << "the mask counts";
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
