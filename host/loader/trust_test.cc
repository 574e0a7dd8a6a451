// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may have written a plugin, a directory or the quarantine, and what follows.
#include "host/loader/trust.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "host/loader/quarantine.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TrustTest : public ::testing::Test {
 protected:
  TrustTest() {
    std::string name = (fs::temp_directory_path() / "svirt-trust-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) {
      root_ = name;
    }
  }
  ~TrustTest() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  std::string MakeDir(const std::string &path, mode_t mode) {
    fs::create_directories(root_ / path);
    chmod((root_ / path).c_str(), mode);
    return root_ / path;
  }
  std::string MakeFile(const std::string &path, mode_t mode, const std::string &text = "x") {
    std::ofstream(root_ / path) << text;
    chmod((root_ / path).c_str(), mode);
    return root_ / path;
  }
  std::string VerdictOf(const std::string &path) {
    const Opened opened = OpenTrustedDirectory(path, root_);
    return opened.verdict.ok() ? "good" : opened.verdict.error().message;
  }

  fs::path root_;
};

TEST_F(TrustTest, EveryDirectoryOfTheChainIsJudged) {
  const std::string deep = MakeDir("a/b/c", 0755);
  EXPECT_EQ(VerdictOf(deep), "good");
  EXPECT_TRUE(OpenTrustedDirectory(deep, root_).fd);
  EXPECT_EQ(VerdictOf(deep + "//./"), "good");
  const std::string middle = MakeDir("a/b", 0775);
  EXPECT_EQ(VerdictOf(deep),
            "directory " + middle + " is group-writable (mode 0775); run chmod g-w " + middle);
  // Refused, but open: its files have to be named.
  EXPECT_TRUE(OpenTrustedDirectory(deep, root_).fd);
  MakeDir("a/b", 0755);
  chmod(root_.c_str(), 0702);
  EXPECT_THAT(VerdictOf(deep), HasSubstr("is world-writable (mode 0702)"));
}

TEST_F(TrustTest, FromTheRootOfTheHost) {
  const std::string deep = MakeDir("a", 0755);
  // Temporary directories are for everybody to write, so nothing below them is trusted.
  const Opened opened = OpenTrustedDirectory(deep, "/");
  struct stat status {};
  ASSERT_EQ(stat(root_.parent_path().c_str(), &status), 0);
  if ((status.st_mode & 022) == 0) {
    GTEST_SKIP() << "needs a temporary directory that others may write to";
  }
  EXPECT_THAT(opened.verdict.error().message, HasSubstr("writable (mode 1777)"));
  // A path outside the trusted root gets no discount.
  EXPECT_FALSE(OpenTrustedDirectory(deep, root_ / "other").verdict.ok());
  EXPECT_FALSE(OpenTrustedDirectory(deep + "x", root_ / "a").fd);
  EXPECT_TRUE(OpenTrustedDirectory("/usr", "/").fd);
}

TEST_F(TrustTest, WhatIsNotThereHoldsNothing) {
  const Opened opened = OpenTrustedDirectory(root_ / "no/such/directory", root_);
  EXPECT_TRUE(opened.verdict.ok());
  EXPECT_FALSE(opened.fd);
}

TEST_F(TrustTest, LinksAndFilesAreNoDirectories) {
  MakeDir("real", 0755);
  fs::create_directory_symlink(root_ / "real", root_ / "link");
  MakeDir("real/inner", 0755);
  EXPECT_THAT(VerdictOf(root_ / "link/inner"), HasSubstr("is a symbolic link"));
  const std::string file = MakeFile("file", 0644);
  EXPECT_THAT(VerdictOf(file), HasSubstr("cannot open directory " + file));
}

TEST_F(TrustTest, FilesAreReadOnlyByRule) {
  const Opened directory = OpenTrustedDirectory(root_, root_);
  const auto verdict = [&](const std::string &name, uint64_t limit = 100) {
    const Opened opened = OpenTrustedFile(directory.fd.get(), name, "/shown/" + name, limit);
    return opened.verdict.ok() ? "good" : opened.verdict.error().message;
  };
  MakeFile("good", 0644);
  MakeFile("group", 0664);
  MakeFile("both", 0666);
  EXPECT_EQ(verdict("good"), "good");
  EXPECT_EQ(verdict("group"), "the file is group-writable (mode 0664); run chmod g-w /shown/group");
  EXPECT_EQ(verdict("both"),
            "the file is group- and world-writable (mode 0666); run chmod go-w /shown/both");
  EXPECT_THAT(verdict("good", 0), HasSubstr("more than the 0 MiB"));
  EXPECT_THAT(verdict("missing"), HasSubstr("No such file"));
  const Opened opened = OpenTrustedFile(directory.fd.get(), "good", "", 100);
  EXPECT_EQ(fcntl(opened.fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(TrustTest, Names) {
  for (const char *good : {"svirt-a.so", "svirt-selinux-2.so", "svirt--.so"}) {
    EXPECT_TRUE(IsPluginFileName(good)) << good;
  }
  for (const char *bad :
       {"svirt-.so", "svirt-a.so.1", "svirt-A.so", "svirt-a_b.so", "libsvirt-a.so", "svirt-a.so~",
        ".svirt-a.so", "svirt-a/b.so", "svirt.so", ""}) {
    EXPECT_FALSE(IsPluginFileName(bad)) << bad;
  }
  for (const char *name : {"svirt-b.so", "svirt-a.so", "README", "libx.so", "svirt-c.so.rpmsave"}) {
    MakeFile(name, 0644);
  }
  const Opened directory = OpenTrustedDirectory(root_, root_);
  EXPECT_THAT(*ListPluginNames(directory.fd.get(), 2), ElementsAre("svirt-a.so", "svirt-b.so"));
  EXPECT_THAT(ListPluginNames(directory.fd.get(), 1).error().message,
              HasSubstr("more than 1 plugins"));
}

TEST_F(TrustTest, WantedNamesAreListedOnlyIfTheyAreThere) {
  MakeFile("svirt-a.so", 0644);
  const Opened directory = OpenTrustedDirectory(root_, root_);
  EXPECT_THAT(*ListPluginNames(directory.fd.get(), 2, {"svirt-a.so", "svirt-b.so"}),
              ElementsAre("svirt-a.so"));
}

// A directory that is read while a file in it is renamed may show it nowhere: on a tmpfs, if it is
// too large to be read at once. One reading alone misses it once in a few hundred times.
TEST_F(TrustTest, NoNameIsMissedWhileAFileIsRenamedToIt) {
  std::string name = "/dev/shm/svirt-trust-XXXXXX";
  const fs::path before = root_;
  if (mkdtemp(name.data()) != nullptr) {
    root_ = name;
  }
  MakeFile("svirt-a.so", 0644);
  for (int i = 0; i < 3000; ++i) {
    MakeFile("other" + std::to_string(i), 0644, "");
  }
  const Opened directory = OpenTrustedDirectory(root_, root_);
  std::atomic<bool> over = false;
  std::thread renames([&] {
    while (!over) {
      MakeFile(".next", 0644);
      fs::rename(root_ / ".next", root_ / "svirt-a.so");
    }
  });
  int missed = 0;
  for (int i = 0; i < 400; ++i) {
    missed += ListPluginNames(directory.fd.get(), 2)->size() == 1 ? 0 : 1;
  }
  over = true;
  renames.join();
  EXPECT_EQ(missed, 0);
  if (root_ != before) {
    fs::remove_all(root_);
    root_ = before;
  }
}

TEST_F(TrustTest, PlainAbsolutePaths) {
  for (const char *good : {"/", "/a", "/a/./b//c/", "/..a/b.."}) {
    EXPECT_TRUE(IsPlainAbsolutePath(good)) << good;
  }
  for (const char *bad : {"", "a", "./a", "/a/../b", "/..", "../a", "$ORIGIN"}) {
    EXPECT_FALSE(IsPlainAbsolutePath(bad)) << bad;
  }
  EXPECT_FALSE(IsPlainAbsolutePath(std::string_view("/a\0b", 4)));
}

// ---- Quarantine ----

FileIdentity Identity(uint64_t inode) {
  FileIdentity id;
  id.device = 1;
  id.inode = inode;
  id.size = 3;
  id.modified_ns = -4;
  id.changed_ns = 5;
  return id;
}

TEST_F(TrustTest, QuarantineOutlivesTheProcessAndEndsWithTheContent) {
  const std::string file = root_ / "quarantine";
  Quarantine writer(file);
  ASSERT_TRUE(writer.Load().ok());
  ASSERT_TRUE(writer.Add(Identity(7), "it\nhung").ok());
  ASSERT_TRUE(writer.Add(Identity(8), "it crashed").ok());
  Quarantine reader(file);
  ASSERT_TRUE(reader.Load().ok());
  EXPECT_EQ(reader.Find(Identity(7)),
            "it?hung; it is in quarantine until it is replaced or " + file + " is deleted");
  EXPECT_TRUE(reader.Find(Identity(8)).has_value());
  EXPECT_FALSE(reader.Find(Identity(9)).has_value());
  FileIdentity replaced = Identity(7);
  replaced.changed_ns = 6;
  EXPECT_FALSE(reader.Find(replaced).has_value());
  fs::remove(file);
  ASSERT_TRUE(reader.Load().ok());
  EXPECT_FALSE(reader.Find(Identity(7)).has_value());
}

TEST_F(TrustTest, AQuarantineThatOthersMayWriteIsNotBelieved) {
  const std::string file = MakeFile("quarantine", 0666, "1 7 3 -4 5 planted\n");
  Quarantine quarantine(file);
  EXPECT_THAT(quarantine.Load().error().message, HasSubstr("is ignored: the file is group"));
  EXPECT_FALSE(quarantine.Find(Identity(7)).has_value());
  chmod(file.c_str(), 0644);
  EXPECT_TRUE(quarantine.Load().ok());
  EXPECT_TRUE(quarantine.Find(Identity(7)).has_value());
  const std::string link = root_ / "link";
  fs::create_symlink(file, link);
  EXPECT_FALSE(Quarantine(link).Load().ok());
}

TEST_F(TrustTest, QuarantineSkipsLinesThatAreNone) {
  const std::string file =
      MakeFile("quarantine", 0644, "garbage\n\n1 2\n-\xff\n1 7 3 -4 5 it hung\n1 8 3 -4");
  Quarantine quarantine(file);
  EXPECT_TRUE(quarantine.Load().ok());
  EXPECT_TRUE(quarantine.Find(Identity(7)).has_value());
  EXPECT_FALSE(quarantine.Find(Identity(8)).has_value());
}

TEST_F(TrustTest, NoQuarantineFileMeansNone) {
  Quarantine quarantine("");
  EXPECT_TRUE(quarantine.Load().ok());
  EXPECT_TRUE(quarantine.Add(Identity(1), "x").ok());
  EXPECT_FALSE(Quarantine(root_ / "no/such/dir/q").Add(Identity(1), "x").ok());
}

}  // namespace
}  // namespace svirt
