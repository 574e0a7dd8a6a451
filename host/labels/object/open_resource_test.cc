// SPDX-License-Identifier: LGPL-2.1-or-later
// Opening resources: types, links, missing objects, and files that are created.
#include "host/labels/object/open_resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "host/labels/object/tree_walk.h"
#include "host/labels/testing/fake_model.h"

namespace svirt::fake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OpenResourceTest : public testing::Test {
 protected:
  Resource File(const std::string &name) { return MakeDisk(dir_ / name); }
  Resource Log(const std::string &name) {
    Resource log = File(name);
    log.optional = true;
    log.access = kAccessWrite | kAccessCreate;
    return log;
  }
  TempDir dir_;
};

TEST_F(OpenResourceTest, TellsBeforeWhetherAMissingFileCanBeMade) {
  EXPECT_TRUE(CheckCanBeMade(Log("new.log")).ok());
  EXPECT_EQ(::access((dir_ / "new.log").c_str(), F_OK), -1);
  const Status nowhere = CheckCanBeMade(Log("nowhere/new.log"));
  ASSERT_FALSE(nowhere.ok());
  EXPECT_THAT(nowhere.error().message,
              testing::HasSubstr("cannot be created in " + (dir_ / "nowhere")));
  Resource own = Log("nowhere/new.log");
  own.by_host = true;
  EXPECT_TRUE(CheckCanBeMade(own).ok()) << "the host makes that directory";
}

TEST_F(OpenResourceTest, ChecksTheTypeOfEachObject) {
  Touch(dir_ / "file");
  ASSERT_EQ(::mkdir((dir_ / "dir").c_str(), 0700), 0);
  ASSERT_EQ(::mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  const Fd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string socket = dir_ / "socket";
  ASSERT_LT(socket.size(), sizeof address.sun_path);
  socket.copy(address.sun_path, socket.size());
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
  const std::vector<std::pair<std::string, ObjectType>> objects = {
      {dir_ / "file", ObjectType::kFile},
      {dir_ / "dir", ObjectType::kDir},
      {dir_ / "fifo", ObjectType::kFifo},
      {dir_ / "socket", ObjectType::kSocket},
      {"/dev/null", ObjectType::kChar}};
  for (const auto &[path, type] : objects) {
    for (const auto &[ignored, declared] : objects) {
      Resource resource = MakeDisk(path);
      resource.object = declared;
      const auto object = OpenResource(resource, false);
      EXPECT_EQ(object.ok(), type == declared) << path;
      if (!object.ok()) {
        EXPECT_EQ(object.error().code, Errc::kInvalid);
        EXPECT_THAT(object.error().message, HasSubstr("declared as a"));
      } else {
        EXPECT_EQ((*object)->type, type);
      }
    }
    Resource any = MakeDisk(path);
    any.object = ObjectType::kAny;
    EXPECT_TRUE(OpenResource(any, false).ok());
  }
}

TEST_F(OpenResourceTest, FollowsLinksButNotThoseOfProc) {
  Touch(dir_ / "file");
  ASSERT_EQ(::symlink("file", (dir_ / "link").c_str()), 0);
  const auto object = OpenResource(File("link"), false);
  ASSERT_TRUE(object.ok() && object->has_value());
  EXPECT_THAT((*object)->path, HasSubstr("/file"));
  ASSERT_EQ(::symlink(("/proc/self/fd/" + std::to_string((*object)->fd.get())).c_str(),
                      (dir_ / "magic").c_str()),
            0);
  const auto magic = OpenResource(File("magic"), false);
  ASSERT_FALSE(magic.ok());
  EXPECT_THAT(magic.error().message, HasSubstr("disk vda (" + (dir_ / "magic") + ")"));
}

TEST_F(OpenResourceTest, MissingObjects) {
  const auto missing = OpenResource(File("missing"), true);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Errc::kNotFound);
  const auto planned = OpenResource(Log("log"), false);
  ASSERT_TRUE(planned.ok());
  EXPECT_FALSE(planned->has_value());
  Resource socket = Log("socket");
  socket.object = ObjectType::kSocket;
  const auto left = OpenResource(socket, true);  // the domain makes it
  ASSERT_TRUE(left.ok());
  EXPECT_FALSE(left->has_value());
}

TEST_F(OpenResourceTest, CreatesPrivateFilesOnly) {
  const mode_t before = ::umask(0);
  const auto created = OpenResource(Log("log"), true);
  ::umask(before);
  ASSERT_TRUE(created.ok() && created->has_value()) << created.error().message;
  EXPECT_TRUE((*created)->created);
  struct stat st {};
  ASSERT_EQ(::stat((dir_ / "log").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
  EXPECT_EQ(st.st_ino, (*created)->id.ino);
  EXPECT_FALSE((*OpenResource(Log("log"), true))->created);
  // A link that leads nowhere is not followed to a file that somebody wants made.
  ASSERT_EQ(::symlink((dir_ / "trap").c_str(), (dir_ / "dangling").c_str()), 0);
  const auto dangling = OpenResource(Log("dangling"), true);
  EXPECT_TRUE(!dangling.ok() || !dangling->has_value());
  EXPECT_NE(::access((dir_ / "trap").c_str(), F_OK), 0);
}

TEST_F(OpenResourceTest, RemovesOnlyWhatItCreatedAndNobodyWrote) {
  const auto empty = OpenResource(Log("empty"), true);
  RemoveCreated(**empty);
  EXPECT_NE(::access((dir_ / "empty").c_str(), F_OK), 0);
  const auto written = OpenResource(Log("written"), true);
  std::ofstream(dir_ / "written") << "x";
  RemoveCreated(**written);
  EXPECT_EQ(::access((dir_ / "written").c_str(), F_OK), 0);
  const auto replaced = OpenResource(Log("replaced"), true);
  ASSERT_EQ(::rename((dir_ / "replaced").c_str(), (dir_ / "kept").c_str()), 0);
  Touch(dir_ / "replaced");
  RemoveCreated(**replaced);
  EXPECT_EQ(::access((dir_ / "replaced").c_str(), F_OK), 0);
}

TEST_F(OpenResourceTest, TheIdentityTellsObjectsApart) {
  Touch(dir_ / "a");
  Touch(dir_ / "b");
  ASSERT_EQ(::link((dir_ / "a").c_str(), (dir_ / "c").c_str()), 0);
  const ObjectId a = (*OpenResource(File("a"), false))->id;
  EXPECT_NE(a, (*OpenResource(File("b"), false))->id);
  EXPECT_EQ(a, (*OpenResource(File("c"), false))->id);
}

TEST_F(OpenResourceTest, ExactlyMeansNoLinkAnywhere) {
  ASSERT_EQ(::mkdir((dir_ / "real").c_str(), 0700), 0);
  Touch(dir_ / "real/file");
  ASSERT_EQ(::symlink("real", (dir_ / "way").c_str()), 0);
  ASSERT_EQ(::symlink("file", (dir_ / "real/last").c_str()), 0);
  EXPECT_TRUE(OpenExactly(-1, dir_ / "real/file").ok());
  EXPECT_EQ(OpenExactly(-1, dir_ / "way/file").error().code, Errc::kNotFound);
  EXPECT_EQ(OpenExactly(-1, dir_ / "real/last").error().code, Errc::kNotFound);
  const auto real = OpenExactly(-1, dir_ / "real");
  EXPECT_TRUE(OpenExactly(real->fd.get(), "file").ok());
  EXPECT_FALSE(OpenExactly(real->fd.get(), "../real/file").ok());
}

TEST_F(OpenResourceTest, ATreeIsWalkedWithoutLeavingIt) {
  ASSERT_EQ(::mkdir((dir_ / "outside").c_str(), 0700), 0);
  Touch(dir_ / "outside/secret");
  ASSERT_EQ(::mkdir((dir_ / "tree").c_str(), 0700), 0);
  ASSERT_EQ(::mkdir((dir_ / "tree/sub").c_str(), 0700), 0);
  ASSERT_EQ(::mkdir((dir_ / "tree/closed").c_str(), 0700), 0);
  Touch(dir_ / "tree/sub/file");
  Touch(dir_ / "tree/closed/file");
  ASSERT_EQ(::mkfifo((dir_ / "tree/fifo").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("../outside", (dir_ / "tree/out").c_str()), 0);
  ASSERT_EQ(::symlink("fifo", (dir_ / "tree/link").c_str()), 0);
  const auto tree = OpenExactly(-1, dir_ / "tree");
  ASSERT_TRUE(tree.ok());
  std::vector<std::string> seen;
  const auto status =
      WalkTree(tree->fd.get(), [&seen](const OpenObject &object, size_t) -> Result<bool> {
        seen.push_back(object.path);
        return object.path != "closed";
      });
  ASSERT_TRUE(status.ok()) << status.error().message;
  std::sort(seen.begin(), seen.end());
  EXPECT_THAT(seen, ElementsAre("closed", "fifo", "sub", "sub/file"));
  const auto stopped = WalkTree(tree->fd.get(), [](const OpenObject &, size_t) -> Result<bool> {
    return Error{Errc::kInternal, "enough"};
  });
  EXPECT_EQ(stopped.error().message, "enough");
}

}  // namespace
}  // namespace svirt::fake
