// SPDX-License-Identifier: LGPL-2.1-or-later
// When the memory of sound plugins is believed, and when it is not.
#include "host/loader/scan_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

namespace svirt {
namespace {

namespace fs = std::filesystem;

class ScanCacheTest : public ::testing::Test {
 protected:
  ScanCacheTest() {
    std::string name = (fs::temp_directory_path() / "svirt-scans-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    for (const fs::path &path : {scanner_ = dir_ / "scanner", library_ = dir_ / "library"}) {
      std::ofstream(path) << "content";
    }
    file_ = dir_ / "scans";
    Remember();
  }
  ~ScanCacheTest() override { fs::remove_all(dir_); }

  std::vector<UsedFile> Used() const { return {{library_, IdentityAt(library_)}}; }
  // As if all had been there for long.
  static int64_t Later() { return FileClockNow() + 2 * kFileClockTicks; }
  void Remember() {
    ScanCache cache(file_, scanner_);
    cache.Add(subject_, Used(), Later());
    const Status status = cache.Save();
    EXPECT_TRUE(status.ok()) << status.error().message;
    EXPECT_TRUE(Knows());
  }
  bool Knows(const ScanCache::Subject &subject) const {
    return ScanCache(file_, scanner_).Knows(subject);
  }
  bool Knows() const { return Knows(subject_); }
  std::string Text() const {
    std::ifstream file(file_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Write(const std::string &text) const { std::ofstream(file_) << text; }

  fs::path dir_, scanner_, library_, file_;
  const ScanCache::Subject subject_{{1, 2, 3, 4, 5}, "abc", "kvm"};
};

TEST_F(ScanCacheTest, HoldsForOneContentAndOneQuestion) {
  const std::function<void(ScanCache::Subject *)> others[] = {
      [](auto *other) { other->plugin.device = 9; },
      [](auto *other) { other->plugin.inode = 9; },
      [](auto *other) { other->plugin.size = 9; },
      [](auto *other) { other->plugin.modified_ns = 9; },
      [](auto *other) { other->plugin.changed_ns = 9; },
      [](auto *other) { other->build_id = "abd"; },
      [](auto *other) { other->build_id = ""; },
      [](auto *other) { other->virt_type = "qemu"; },
      [](auto *other) { other->virt_type = ""; },
  };
  for (const auto &change : others) {
    ScanCache::Subject other = subject_;
    change(&other);
    EXPECT_FALSE(Knows(other));
  }
}

TEST_F(ScanCacheTest, HoldsAsLongAsWhatWasMappedIsTheSame) {
  chmod(library_.c_str(), 0600);  // a new ctime
  EXPECT_FALSE(Knows());
  Remember();
  fs::rename(library_, dir_ / "other");
  EXPECT_FALSE(Knows());
  fs::create_symlink("other", library_);
  EXPECT_FALSE(Knows()) << "a rename is a change, too";
  Remember();
  EXPECT_TRUE(Knows());
  std::ofstream(dir_ / "other") << "overwritten";
  EXPECT_FALSE(Knows());
}

TEST_F(ScanCacheTest, HoldsForOneScanner) {
  std::ofstream(scanner_) << "another";
  EXPECT_FALSE(Knows());
  fs::remove(scanner_);
  EXPECT_FALSE(Knows());
}

TEST_F(ScanCacheTest, WhatHasJustChangedIsNotRemembered) {
  const ScanCache::Subject other{{1, 7, 3, 4, 5}, "abc", "kvm"};
  ScanCache cache(file_, scanner_);
  cache.Add(other, Used(), FileClockNow());
  EXPECT_TRUE(cache.Save().ok());
  EXPECT_FALSE(Knows(other));
  ScanCache::Subject fresh = other;
  fresh.plugin.changed_ns = FileClockNow();
  cache.Add(fresh, Used(), FileClockNow());
  EXPECT_TRUE(cache.Save().ok());
  EXPECT_FALSE(Knows(fresh));
}

TEST_F(ScanCacheTest, WhatDependsOnNothingKnownIsNotRemembered) {
  const ScanCache::Subject other{{1, 7, 3, 4, 5}, "abc", "kvm"};
  ScanCache cache(file_, scanner_);
  cache.Add(other, {}, Later());
  cache.Add({other.plugin, "a b", "kvm"}, Used(), Later());
  cache.Add({other.plugin, "abc", "k\nvm"}, Used(), Later());
  EXPECT_TRUE(cache.Save().ok());
  EXPECT_FALSE(Knows(other));
  EXPECT_TRUE(Knows());
}

TEST_F(ScanCacheTest, OnlyAWholeFileIsBelieved) {
  const std::string whole = Text();
  for (size_t length = 0; length < whole.size(); ++length) {
    Write(whole.substr(0, length));
    EXPECT_FALSE(Knows()) << whole.substr(0, length);
  }
  for (const char *more : {"x", "\n", "end=1\n"}) {
    Write(whole + more);
    EXPECT_FALSE(Knows()) << more;
  }
  // One wrong line, whichever it is.
  const size_t first = whole.find('\n') + 1;
  for (const std::string line : {"", "x", "plugin=", "plugin=1 2 3 4 5 abc", "file=1 2 3 4 5 x",
                                 "plugin=1 2 3 4 x abc kvm", "plugin=1 2 3 4 5 a/b kvm"}) {
    Write(whole.substr(0, first) + line + "\n" + whole.substr(first));
    EXPECT_FALSE(Knows()) << line;
  }
  Write(whole);
  EXPECT_TRUE(Knows());
}

TEST_F(ScanCacheTest, HoldsForOneVersionUserAndBoot) {
  const std::string whole = Text();
  const size_t end = whole.find('\n');
  const std::string header = whole.substr(0, end);
  size_t words = 0;
  for (size_t at = 0; at < header.size(); at = header.find(' ', at) + 1) {
    std::string other = header;
    other[at] = other[at] == '9' ? '8' : '9';
    Write(other + whole.substr(end));
    EXPECT_FALSE(Knows()) << other;
    ++words;
    if (header.find(' ', at) == std::string::npos) {
      break;
    }
  }
  EXPECT_EQ(words, 10u) << header;
}

TEST_F(ScanCacheTest, AFileThatOthersCouldHaveWrittenOrMayReadIsNotBelieved) {
  for (const mode_t mode : {0620u, 0602u, 0640u, 0604u, 0700u, 0400u}) {
    chmod(file_.c_str(), mode);
    EXPECT_FALSE(Knows()) << mode;
  }
  chmod(file_.c_str(), 0600);
  EXPECT_TRUE(Knows());
  fs::create_hard_link(file_, dir_ / "second name");
  EXPECT_FALSE(Knows());
  fs::rename(dir_ / "second name", file_);  // the same file: nothing happens
  fs::remove(dir_ / "second name");
  EXPECT_TRUE(Knows());
  fs::rename(file_, dir_ / "elsewhere");
  fs::create_symlink("elsewhere", file_);
  EXPECT_FALSE(Knows());
  if (geteuid() == 0) {
    fs::rename(dir_ / "elsewhere", file_);
    EXPECT_TRUE(Knows());
    ASSERT_EQ(chown(file_.c_str(), 1, 1), 0);
    EXPECT_FALSE(Knows());
  }
}

TEST_F(ScanCacheTest, IsWrittenForItsOwnerOnlyAndKeepsWhatOthersAdded) {
  ScanCache one(file_, scanner_), two(file_, scanner_);
  const ScanCache::Subject first{{1, 7, 3, 4, 5}, "", ""}, second{{1, 8, 3, 4, 5}, "", ""};
  EXPECT_FALSE(one.Knows(first));
  EXPECT_FALSE(two.Knows(second));
  one.Add(first, Used(), Later());
  two.Add(second, Used(), Later());
  ASSERT_TRUE(one.Save().ok());
  ASSERT_TRUE(two.Save().ok());
  for (const ScanCache::Subject &each : {first, second, subject_}) {
    EXPECT_TRUE(Knows(each));
  }
  struct stat status {};
  ASSERT_EQ(stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  // A new content takes the place of the old one.
  ScanCache::Subject next = subject_;
  next.plugin.size = 99;
  two.Add(next, Used(), Later());
  ASSERT_TRUE(two.Save().ok());
  EXPECT_TRUE(Knows(next));
  EXPECT_FALSE(Knows());
}

TEST_F(ScanCacheTest, WithoutAFileNothingIsRemembered) {
  ScanCache cache("", scanner_);
  cache.Add(subject_, Used(), Later());
  EXPECT_TRUE(cache.Save().ok());
  EXPECT_FALSE(cache.Knows(subject_));
}

TEST(UsedFiles, AreTheLibrariesAndWhatDecidedWhichTheyAre) {
  ElfImage image;
  image.library_paths = {"/", "/nonexistent"};
  const auto files = FilesInUse(image);
  ASSERT_TRUE(files.has_value());
  const auto has = [&](std::string_view part) {
    return std::ranges::any_of(
        *files, [&](const UsedFile &file) { return file.path.find(part) != std::string::npos; });
  };
  EXPECT_TRUE(has("/libc.so") || has("/libc-")) << files->size();
  EXPECT_TRUE(has("libstdc++"));
  EXPECT_EQ((*files)[0], (UsedFile{"/", IdentityAt("/")}));
  EXPECT_EQ((*files)[1], (UsedFile{"/nonexistent", {}}));
  EXPECT_EQ((*files)[2].path, "/etc/ld.so.cache");
  for (const UsedFile &file : *files) {
    EXPECT_EQ(ParseUsedFile(FormatUsedFile(file)), file);
    EXPECT_EQ(file.identity, IdentityAt(file.path));
  }
  image.library_paths = {"relative"};
  EXPECT_FALSE(FilesInUse(image).has_value());
}

TEST(UsedFiles, OnlyAWholeLineIsOne) {
  EXPECT_TRUE(ParseUsedFile("1 2 3 -4 5 /a b").has_value());
  for (const char *bad :
       {"", "1 2 3 4 5 a", "1 2 3 4 /a", "1 2 3 4 5", "1 2 3 4 5 ", "1 2 3 4 x /a", "-1 2 3 4 5 /a",
        "1 2 3 4 5 /a/../b", " 1 2 3 4 5 /a", "1 2 3 4 5 /a\n"}) {
    EXPECT_FALSE(ParseUsedFile(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace svirt
