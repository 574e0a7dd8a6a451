// SPDX-License-Identifier: LGPL-2.1-or-later
// Names are found without opening every definition, and the index of them is never believed.
#include "host/service/store/definition_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "host/domain/domain_xml.h"
#include "host/service/store/domain_store.h"
#include "host/util/file.h"
#include "host/util/file_lock.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr int kDomains = 50;

std::string UuidOf(int n) {
  std::string digits = std::to_string(n);
  return "11111111-1111-4111-8111-" + std::string(12 - digits.size(), '0') + digits;
}

std::string Xml(const std::string &name, const std::string &uuid) {
  return "<domain type='qemu'><name>" + name + "</name><uuid>" + uuid +
         "</uuid><memory>1024</memory><os><type>hvm</type></os></domain>";
}

// Files of a directory that anybody opens while it lives.
class OpenedFiles {
 public:
  explicit OpenedFiles(const std::string &directory) : fd_(::inotify_init1(IN_NONBLOCK)) {
    // Without what comes between, two openings of one file would be told as one.
    EXPECT_GE(::inotify_add_watch(fd_.get(), directory.c_str(), IN_OPEN | IN_CLOSE), 0);
  }
  int Count() {
    alignas(inotify_event) std::array<char, 65536> events;
    ssize_t size = 0;
    while ((size = ::read(fd_.get(), events.data(), events.size())) > 0) {
      for (ssize_t at = 0; at < size;) {
        const auto *event =
            reinterpret_cast<const inotify_event *>(&events.at(static_cast<size_t>(at)));
        count_ += (event->mask & IN_OPEN) != 0 && (event->mask & IN_ISDIR) == 0 ? 1 : 0;
        at += static_cast<ssize_t>(sizeof *event + event->len);
      }
    }
    return count_;
  }

 private:
  Fd fd_;
  int count_ = 0;
};

class DefinitionFilesTest : public testing::Test {
 protected:
  DefinitionFilesTest() {
    std::string pattern = (fs::temp_directory_path() / "svirt-definitions-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    fs::create_directory(root_ + "/domains");
  }
  ~DefinitionFilesTest() override { fs::remove_all(root_); }

  DefinitionFiles Files() const { return {root_ + "/domains", root_ + "/index", root_ + "/lock"}; }
  std::string File(int n) const { return root_ + "/domains/" + UuidOf(n) + ".xml"; }
  void Copy(int n, const std::string &name) const {
    ASSERT_TRUE(WriteFileAtomic(File(n), Xml(name, UuidOf(n)), 0600, Durability::kNone).ok());
  }
  static Domain Make(int n, const std::string &name) {
    return *ParseDomainXml(Xml(name, UuidOf(n)), "test");
  }
  // Definitions of which nobody has told the index.
  void CopyMany() const {
    for (int n = 0; n < kDomains; ++n) {
      Copy(n, "vm" + std::to_string(n));
    }
  }
  // Waits until they are old enough to be told from later ones, and in the index.
  void Settle() const {
    Settle([&] { Names(); });
  }
  void Settle(const std::function<void()> &look) const {
    for (int tries = 0; tries < 1000; ++tries) {
      OpenedFiles opened(fs::canonical(root_ + "/domains"));
      look();
      if (opened.Count() == 0) {
        return;
      }
      std::this_thread::sleep_for(10ms);
    }
    ADD_FAILURE() << "files are opened again and again";
  }
  // Name by uuid, as the files tell it.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    const auto all = Files().All();
    for (const auto &known : *all) {
      names.push_back(known.damage ? "damaged" : known.name);
    }
    return names;
  }

  std::string root_;
};

TEST_F(DefinitionFilesTest, EachIsOpenedOnceAndNeverAgainUntilItChanges) {
  CopyMany();
  OpenedFiles opened(root_ + "/domains");
  EXPECT_EQ(Names().size(), size_t{kDomains});
  EXPECT_EQ(opened.Count(), kDomains);
  Settle();
  Copy(7, "seven");
  const int before = opened.Count();  // what Settle and the writer have opened
  EXPECT_EQ(Names().front(), "seven");
  EXPECT_EQ(opened.Count(), before + 1);
  EXPECT_EQ(*Files().Guess("seven"), UuidOf(7));
  EXPECT_FALSE(Files().Guess("vm7"));
}

TEST_F(DefinitionFilesTest, AnEditInPlaceIsSeenWhateverItsTimes) {
  CopyMany();
  Settle();
  EXPECT_EQ(Names().front(), "vm0");
  struct stat before {};
  ASSERT_EQ(::stat(File(0).c_str(), &before), 0);
  const Fd fd(::open(File(0).c_str(), O_WRONLY));
  const std::string text = Xml("VM0", UuidOf(0));
  ASSERT_EQ(::pwrite(fd.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  const std::array times = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::futimens(fd.get(), times.data()), 0);
  EXPECT_EQ(Names().front(), "VM0") << "size, inode and time of change are those of before";
}

TEST_F(DefinitionFilesTest, AMarkIsOfOneState) {
  struct stat file {};
  file.st_mode = S_IFREG;
  const auto mark = FileMark::Of(file);
  ASSERT_TRUE(mark);
  for (const auto &change : std::vector<std::function<void(struct stat *)>>{
           [](auto *other) { other->st_ino = 1; }, [](auto *other) { other->st_size = 1; },
           [](auto *other) { other->st_mtim.tv_nsec = 1; },
           [](auto *other) { other->st_ctim.tv_nsec = 1; }}) {
    struct stat other = file;
    change(&other);
    ASSERT_TRUE(FileMark::Of(other));
    EXPECT_NE(FileMark::Of(other), mark);
  }
  file.st_mode = S_IFLNK;
  EXPECT_FALSE(FileMark::Of(file)) << "what it leads to may change without it";
}

// Within the steps of its file system's clock a file changes without a trace.
TEST_F(DefinitionFilesTest, AYoungDefinitionIsReadAgain) {
  Copy(0, "a");
  OpenedFiles opened(root_ + "/domains");
  EXPECT_EQ(Names().front(), "a");
  EXPECT_EQ(Names().front(), "a");
  EXPECT_EQ(opened.Count(), 2);
}

TEST_F(DefinitionFilesTest, ADamagedIndexIsNoIndex) {
  CopyMany();
  Settle();
  const std::string whole = *ReadFile(root_ + "/index", 1 << 20);
  std::string other = whole;
  other.replace(other.find("vm1\n"), 3, "VM1");
  for (const std::string &text :
       {std::string(), whole.substr(0, whole.size() / 2), other, whole + "x",
        std::string("svirt definitions 2\n"), std::string("\0\0\0\0", 4)}) {
    ASSERT_TRUE(WriteFileAtomic(root_ + "/index", text, 0600).ok());
    EXPECT_FALSE(Files().Guess("VM1"));
    EXPECT_THAT(Names(), testing::Contains("vm1"));
    EXPECT_EQ(Names().size(), size_t{kDomains});
    EXPECT_EQ(*ReadFile(root_ + "/index", 1 << 20), whole) << "it is mended";
  }
  fs::remove(root_ + "/index");
  ASSERT_TRUE(fs::create_directory(root_ + "/index"));
  EXPECT_EQ(Names().size(), size_t{kDomains}) << "nothing depends on it";
}

TEST_F(DefinitionFilesTest, WhoeverWritesTheIndexKeepsNobodyWaiting) {
  CopyMany();
  Settle();
  fs::remove(root_ + "/index");
  const auto lock = LockFile(root_ + "/lock", 0ms);
  ASSERT_TRUE(lock.ok());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Names().size(), size_t{kDomains});
  ASSERT_TRUE(Files().Write(Make(99, "new")).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_FALSE(fs::exists(root_ + "/index"));
  EXPECT_THAT(Names(), testing::Contains("new"));
}

// The store on top of it.
class NamesTest : public DefinitionFilesTest {
 protected:
  NamesTest() {
    fs::create_directories(root_ + "/state");
    fs::rename(root_ + "/domains", root_ + "/state/domains");
    fs::create_directory_symlink("state/domains", root_ + "/domains");
  }
  DomainStore Open() const { return DomainStore(Paths::Below(root_)); }
};

TEST_F(NamesTest, ADomainIsFoundByWhatIsOfItAlone) {
  DomainStore store = Open();
  CopyMany();
  Settle([&] { EXPECT_TRUE(store.List().ok()); });
  OpenedFiles opened(root_ + "/state/domains");
  EXPECT_EQ(store.Find("vm7")->domain.uuid, UuidOf(7));
  EXPECT_EQ(opened.Count(), 1);
  EXPECT_EQ(store.Find(UuidOf(8))->domain.name, "vm8");
  EXPECT_EQ(opened.Count(), 2);
  EXPECT_EQ(store.Find("none").error().code, Errc::kNotFound);
  EXPECT_EQ(store.Find("11111111-1111-4111-8111-111111111111").error().code, Errc::kNotFound);
  EXPECT_EQ(opened.Count(), 2) << "to find nothing, nothing is opened";
  EXPECT_EQ(store.Define(Make(99, "vm7")).error().code, Errc::kExists);
  EXPECT_EQ(opened.Count(), 2) << "nor to find a name taken";
  ASSERT_TRUE(store.Define(Make(99, "new")).ok());
  EXPECT_EQ(opened.Count(), 3) << "the new one, which is written";
  EXPECT_EQ(store.Find("new")->domain.uuid, UuidOf(99));
  EXPECT_EQ(opened.Count(), 4);
}

TEST_F(NamesTest, ACrashBetweenDefinitionAndIndexIsNoMatter) {
  DomainStore store = Open();
  CopyMany();
  Settle([&] { EXPECT_TRUE(store.List().ok()); });
  const std::string before = *ReadFile(root_ + "/state/domains.index", 1 << 20);
  ASSERT_TRUE(store.Define(Make(99, "new")).ok());
  ASSERT_TRUE(store.Define(Make(7, "vm7")).ok());
  ASSERT_TRUE(store.Undefine(UuidOf(8)).ok());
  ASSERT_TRUE(store.Define(Make(98, "vm8")).ok());
  ASSERT_TRUE(WriteFileAtomic(root_ + "/state/domains.index", before, 0600).ok());
  EXPECT_EQ(store.Find("new")->domain.uuid, UuidOf(99));
  EXPECT_EQ(store.Find("vm8")->domain.uuid, UuidOf(98));
  EXPECT_EQ(store.Define(Make(97, "new")).error().code, Errc::kExists);
  EXPECT_EQ(store.Define(Make(97, "vm8")).error().code, Errc::kExists);
}

TEST_F(NamesTest, DefinitionsAreCopiedByHand) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make(1, "a")).ok());
  ASSERT_TRUE(store.Define(Make(2, "b")).ok());
  // Another name, and a name that another one has.
  Copy(1, "c");
  EXPECT_EQ(store.Find("a").error().code, Errc::kNotFound);
  EXPECT_EQ(store.Find("c")->domain.uuid, UuidOf(1));
  Copy(3, "b");
  ASSERT_EQ(store.List()->size(), 3u);
  const auto both = store.Find("b");
  ASSERT_FALSE(both.ok());
  EXPECT_EQ(both.error().code, Errc::kConflict);
  EXPECT_THAT(both.error().message, HasSubstr(UuidOf(2)));
  EXPECT_THAT(both.error().message, HasSubstr(UuidOf(3)));
  EXPECT_TRUE(store.Find(UuidOf(3)).ok());
  EXPECT_TRUE(store.Undefine(UuidOf(3)).ok());
  EXPECT_EQ(store.Find("b")->domain.uuid, UuidOf(2));
  // Under a name that is no uuid.
  fs::copy_file(File(2), root_ + "/domains/b.xml");
  fs::copy_file(File(2), root_ + "/domains/copy.xml");
  EXPECT_EQ(store.Find("b")->domain.uuid, UuidOf(2)) << "a name comes first";
  EXPECT_THAT(store.Find("copy").error().message, HasSubstr("copy.xml is of a domain with"));
  EXPECT_EQ(store.FindEvenDamaged("copy")->domain.uuid, "copy");
  EXPECT_TRUE(store.Undefine("copy").ok());
}

TEST_F(NamesTest, OddNamesLeadNowhere) {
  DomainStore store = Open();
  ASSERT_TRUE(store.Define(Make(1, "a")).ok());
  ASSERT_TRUE(WriteFileAtomic(root_ + "/state/x.xml", Xml("x", "x"), 0600).ok());
  for (const std::string &name :
       {std::string(), std::string("."), std::string(".."), std::string("../x"),
        std::string("domains/../../x"), std::string("a\nb"), std::string("a\0b", 3),
        std::string("a "), std::string(5000, 'n'), root_ + "/state/x", std::string("*")}) {
    const auto found = store.Find(name);
    ASSERT_FALSE(found.ok()) << name;
    EXPECT_EQ(found.error().code, Errc::kNotFound) << name;
  }
  EXPECT_EQ(store.Lock("../x").error().code, Errc::kInvalid);
  for (const std::string &name : {std::string("a b"), std::string(255, 'n'), std::string("-"),
                                  std::string("\xc3\xa4"), std::string("..."), std::string("*")}) {
    ASSERT_TRUE(store.Define(Make(2, name)).ok()) << name;
    EXPECT_EQ(store.Find(name)->domain.uuid, UuidOf(2)) << name;
    ASSERT_TRUE(store.Undefine(UuidOf(2)).ok());
    EXPECT_EQ(store.Find(name).error().code, Errc::kNotFound) << name;
  }
}

TEST_F(NamesTest, ManyAtOnceAgreeOnWhoHasAName) {
  std::vector<std::thread> threads;
  std::array<std::atomic<int>, 5> won{};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      DomainStore store = Open();
      for (int n = 0; n < 5; ++n) {
        won.at(static_cast<size_t>(n)) +=
            store.Define(Make(10 * i + n, "vm" + std::to_string(n))).ok() ? 1 : 0;
        EXPECT_TRUE(store.List().ok());
        EXPECT_TRUE(store.Find("vm" + std::to_string(n)).ok());
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (const auto &count : won) EXPECT_EQ(count, 1);
  EXPECT_EQ(Open().List()->size(), won.size());
}

TEST_F(NamesTest, AUuidIsFoundHoweverItIsWritten) {
  DomainStore store = Open();
  ASSERT_TRUE(
      store.Define(*ParseDomainXml(Xml("a", "abcdefab-1111-4111-8111-111111111111"), "t")).ok());
  EXPECT_TRUE(store.Find("ABCDEFAB-1111-4111-8111-111111111111").ok());
  EXPECT_TRUE(store.Find("abcdefab111141118111111111111111").ok());
}

}  // namespace
}  // namespace svirt
