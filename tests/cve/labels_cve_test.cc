// SPDX-License-Identifier: LGPL-2.1-or-later
// Bugs of other systems that concern labels or the resources they are for, each under its number.
// What a number is about stands above its test. Some have further tests beside the code they guard.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "host/domain/domain_test_support.h"
#include "host/domain/manifest.h"
#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class LabelsCve : public EngineTest {
 protected:
  // A qcow2 header, as a guest can write it, that names another file as its backing image.
  std::string ForgeImage(const std::string &name, const std::string &backing) {
    std::string header("QFI\xfb\0\0\0\3\0\0\0\0\0\0\0\x70", 16);
    header += std::string("\0\0\0", 3) + static_cast<char>(backing.size());
    header.resize(0x70, '\0');
    std::ofstream(dir_ / name, std::ios::binary) << header << backing;
    return dir_ / name;
  }
  static std::string Disk(const std::string &format, const std::string &path,
                          const std::string &inside = "") {
    return "<disk type='file'><driver name='qemu' type='" + format + "'/><source file='" + path +
           "'/><target dev='vda'/>" + inside + "</disk>";
  }
  // Paths of the images of a domain with these devices; the error's sentence if it is refused.
  std::vector<std::string> Images(const std::string &devices) {
    const auto manifest = BuildManifest(MustParse(DomainText(devices)), {});
    if (!manifest.ok()) {
      return {manifest.error().message};
    }
    std::vector<std::string> paths;
    for (const Resource &resource : manifest->resources) {
      if (resource.kind == ResourceKind::kDisk || resource.kind == ResourceKind::kBacking) {
        paths.push_back(fs::path(resource.path).filename());
      }
    }
    return paths;
  }
};

// The format in the configuration was ignored: a guest could write a header into its raw disk and
// have the host label, and open, the file that the header names.
TEST_F(LabelsCve, Cve_2010_2237_RawDiskWithForgedHeader) {
  const std::string raw = ForgeImage("raw.img", "/etc/shadow");
  EXPECT_THAT(Images(Disk("raw", raw)), ElementsAre("raw.img"));
}

// The same one link further down the chain.
TEST_F(LabelsCve, Cve_2010_2238_BackingImageWithForgedHeader) {
  const std::string base = ForgeImage("base.img", "/etc/shadow");
  const std::string top = ForgeImage("top.qcow2", base);
  EXPECT_THAT(Images(Disk("qcow2", top,
                          "<backingStore type='file'><format type='raw'/><source file='" + base +
                              "'/><backingStore/></backingStore>")),
              ElementsAre("top.qcow2", "base.img"));
}

// New images did not record the format of their backing image, so it was probed.
TEST_F(LabelsCve, Cve_2010_2239_BackingImageWithoutFormat) {
  const std::string base = ForgeImage("base.img", "/etc/shadow");
  const auto images =
      Images(Disk("qcow2", dir_ / "top.qcow2",
                  "<backingStore type='file'><source file='" + base + "'/></backingStore>"));
  ASSERT_EQ(images.size(), 1u);
  EXPECT_THAT(images[0], HasSubstr("format"));
}

// A block job forgot the format that the configuration gave. Here no change of a domain's resources
// looks into an image: the label of a file with a forged header changes nothing else.
TEST_F(LabelsCve, Lsn_2014_0006_ChangeOfALivingDomainDoesNotProbe) {
  const std::string secret = Image("secret");
  const std::string raw = ForgeImage("raw.img", secret);
  mac_.SetLabelOf(raw, "original");
  MustApply(1, {{MakeDisk(raw, true)}});
  MustApply(1, {{MakeDisk(raw)}});
  EXPECT_EQ(Label(secret), "original-secret");
  MustRestore(1);
  EXPECT_EQ(Label(raw), "original");
}

// A label with one category instead of two dominated by every pair that holds it. Labels are made
// from indexes, each of which is one pair; no index is ever shared.
TEST_F(LabelsCve, Cve_2021_3631_NoTwoDomainsShareAnIndex) {
  mac_.options.space = {{0, 300}};
  std::set<std::string> labels;
  for (int domain = 1; domain <= 300; ++domain) {
    labels.insert(MustApply(domain, {}).models[0].seclabel.label);
  }
  EXPECT_EQ(labels.size(), 300u);
}

// A path was looked up again after it had been checked; a link put in its place led elsewhere.
TEST_F(LabelsCve, Cve_2013_6456_PathSwappedForALinkAfterTheStart) {
  const std::string disk = Image("disk"), secret = Image("secret");
  MustApply(1, {{MakeDisk(disk)}});
  const std::string ours = Label(disk);
  ASSERT_EQ(::rename(disk.c_str(), (dir_ / "moved").c_str()), 0);
  ASSERT_EQ(::symlink(secret.c_str(), disk.c_str()), 0);
  mac_.SetLabelOf(secret, ours);  // even if it bears what the restore looks for
  std::vector<std::string> notes;
  MustRestore(1, &notes);
  EXPECT_EQ(Label(secret), ours);
  EXPECT_FALSE(notes.empty());
}

// A directory above the object is swapped, too.
TEST_F(LabelsCve, Cve_2013_6456_ParentSwappedForALinkAfterTheStart) {
  fs::create_directory(dir_ / "images");
  fs::create_directory(dir_ / "elsewhere");
  const std::string disk = Image("images/disk"), secret = Image("elsewhere/disk");
  MustApply(1, {{MakeDisk(disk)}});
  fs::rename(dir_ / "images", dir_ / "moved");
  fs::create_directory_symlink(dir_ / "elsewhere", dir_ / "images");
  mac_.SetLabelOf(secret, "I:0");
  MustRestore(1);
  EXPECT_EQ(Label(secret), "I:0");
}

// Creating worked, but the change of the owner failed, and the state was wrong from then on: at
// whichever object it fails, all is as before, and the next start finds nothing in its way.
TEST_F(LabelsCve, Cve_2015_5247_FailureInTheMiddleLeavesNothing) {
  Manifest manifest;
  for (const char *name : {"a", "b", "c", "d"}) {
    manifest.resources.push_back(MakeDisk(Image(name)));
  }
  Resource log = MakeDisk(dir_ / "log");
  log.optional = true;
  log.access |= kAccessCreate;
  manifest.resources.push_back(log);
  for (int at = 1; at <= 5; ++at) {
    mac_.sets = 0;
    mac_.fail_set_at = at;
    EXPECT_FALSE(MakeEngine().Apply(MakeDomain(1), manifest).ok());
    mac_.fail_set_at = 0;
    for (const char *name : {"a", "b", "c", "d"}) {
      EXPECT_EQ(Label(dir_ / name), std::string("original-") + name) << at;
    }
    EXPECT_FALSE(fs::exists(dir_ / "log")) << at;
    EXPECT_FALSE(IsKnown(1)) << at;
  }
  MustApply(1, manifest);
  MustRestore(1);
}

// Names were made into paths. Here they are only ever data, in whatever they are written; those
// with brackets and stars could not be started elsewhere (virt-manager#1046).
TEST_F(LabelsCve, Cve_2015_5313_NamesAreNoPaths_VirtManager_1046) {
  const std::string disk = Image("disk");
  for (const char *name : {"../../../etc/passwd", "a/b", "[vm]{1}*?", "vm'; DROP TABLE owner;--",
                           "m\xc3\xa4rchen \xf0\x9f\x8d\x84", "a\"b\\c"}) {
    Domain domain = MakeDomain(1);
    domain.name = name;
    Engine engine = MakeEngine();
    const auto plan = engine.Apply(domain, {{MakeDisk(disk)}});
    ASSERT_TRUE(plan.ok()) << name << ": " << plan.error().message;
    EXPECT_EQ((*store_->registry().Describe(domain.uuid))->owner.name, name);
    MustRestore(1);
    EXPECT_EQ(Label(disk), "original-disk") << name;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "state"), {}), 3);  // the database's files
}

// What a library makes for a guest was readable by everybody.
TEST_F(LabelsCve, Cve_2025_13193_CreatedFilesArePrivate) {
  const mode_t before = ::umask(0);
  Resource log = MakeDisk(dir_ / "log");
  log.optional = true;
  log.access |= kAccessCreate;
  MustApply(1, {{log}});
  ::umask(before);
  for (const char *name : {"log", "state/labels.db", "state/labels.db-wal"}) {
    EXPECT_EQ(fs::status(dir_ / name).permissions() & fs::perms::all,
              fs::perms::owner_read | fs::perms::owner_write)
        << name;
  }
}

// A helper opened device nodes that a guest had made in its share. An object must be of the type
// that its resource declares, and nodes inside a share are never labelled.
TEST_F(LabelsCve, Cve_2020_35517_SpecialFilesAreNotForTheGuest) {
  ASSERT_EQ(::mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  const auto refused = MakeEngine().Apply(MakeDomain(1), {{MakeDisk(dir_ / "fifo")}});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("is a fifo, but declared as a file"));
  const auto node = MakeEngine().Apply(MakeDomain(1), {{MakeDisk("/dev/null")}});
  ASSERT_FALSE(node.ok());
  EXPECT_THAT(node.error().message, HasSubstr("is a char"));
}

TEST_F(LabelsCve, Cve_2020_35517_DeviceNodesInAShareKeepTheirLabel) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root, to make a device node";
  }
  fs::create_directory(dir_ / "share");
  ASSERT_EQ(::mknod((dir_ / "share/null").c_str(), S_IFCHR | 0600, 0x103), 0);
  const std::string file = Image("share/file");
  Resource share = MakeDisk(dir_ / "share");
  share.kind = ResourceKind::kShare;
  share.object = ObjectType::kDir;
  share.subtree = true;
  MustApply(1, {{share}});
  EXPECT_NE(Label(file), "original-share/file");
  EXPECT_EQ(Label(dir_ / "share/null"), "");
}

// A second reservation of a label by its own holder became an error in four runtimes, and labels
// without categories were reserved.
TEST_F(LabelsCve, Selinux_272_CriO_9936_WhatReservingMeans) {
  const auto with = [](const std::string &label) {
    return LabelRequest{.model = "fakemac",
                        .doi = "tests.example",
                        .type = SecLabel::Type::kStatic,
                        .label = label,
                        .runs = label == "S:shared" ? IndexRuns{} : IndexRuns{{5, 1}}};
  };
  const LabelOwner one{MakeDomain(1).uuid, "one", "kvm"}, two{MakeDomain(2).uuid, "two", "kvm"};
  EXPECT_TRUE(store_->registry().Acquire(one, with("S:5-5")).ok());
  EXPECT_TRUE(store_->registry().Acquire(one, with("S:5-5")).ok());
  EXPECT_EQ(store_->registry().Acquire(two, with("S:5-5")).error().code, Errc::kConflict);
  EXPECT_TRUE(store_->registry().Acquire(two, with("S:shared")).ok());
  const LabelOwner three{MakeDomain(3).uuid, "three", "kvm"};
  EXPECT_TRUE(store_->registry().Acquire(three, with("S:shared")).ok());
}

// Labels leaked until the search for a free one went on for ever; and without confinement none is
// taken.
TEST_F(LabelsCve, Rhbz_1944806_NothingLeaksAndFullIsAnError) {
  const std::string disk = Image("disk");
  for (int start = 0; start < 100; ++start) {  // of 28 labels
    MustApply(1 + start, {{MakeDisk(disk)}});
    MustRestore(1 + start);
  }
  for (int domain = 201; domain <= 228; ++domain) {
    MustApply(domain, {});
  }
  EXPECT_EQ(MakeEngine().Apply(MakeDomain(229), {}).error().code, Errc::kExhausted);
  Domain unconfined = MakeDomain(230);
  unconfined.seclabels.push_back(MakeSecLabel(SecLabel::Type::kNone, "fakemac"));
  EXPECT_TRUE(MakeEngine().Apply(unconfined, {}).ok());
}

// Labels of domains that were running when the daemon started were given out again.
TEST_F(LabelsCve, Rkt_1575_LabelsOutliveTheDaemon) {
  mac_.options.space = {{0, 2}};
  const std::string label = MustApply(1, {}).models[0].seclabel.label;
  store_.reset();
  store_ = *LabelStore::Open({.directory = dir_ / "state"});
  EXPECT_NE(MustApply(2, {}).models[0].seclabel.label, label);
  EXPECT_EQ(MakeEngine().Apply(MakeDomain(3), {}).error().code, Errc::kExhausted);
}

// A second user of a volume relabelled it, and the first one's machine stopped.
TEST_F(LabelsCve, Kubevirt_10687_NoRelabellingUnderARunningDomain) {
  const std::string disk = Image("disk");
  MustApply(1, {{MakeDisk(disk)}});
  const std::string label = Label(disk);
  EXPECT_EQ(MakeEngine().Apply(MakeDomain(2), {{MakeDisk(disk)}}).error().code, Errc::kConflict);
  EXPECT_EQ(MakeEngine().Apply(MakeDomain(2), {{MakeDisk(disk, true)}}).error().code,
            Errc::kConflict);
  EXPECT_EQ(Label(disk), label);
}

// One bad reading of a label took the place of the good one that was remembered.
TEST_F(LabelsCve, Kubevirt_18486_TheFirstOriginalIsKept) {
  const std::string disk = Image("disk");
  MustApply(1, {{MakeDisk(disk)}});
  mac_.SetLabelOf(disk, "s0");  // somebody else's, or half of one
  MustApply(1, {{MakeDisk(disk)}});
  MustRestore(1);
  EXPECT_EQ(Label(disk), "original-disk");
}

// "Setting different label which is already in use" after an unclean shutdown, which only removing
// the attributes by hand could mend.
TEST_F(LabelsCve, VirtManager_333_AStaleHolderBlocksNobody) {
  const std::string disk = Image("disk");
  MustApply(1, {{MakeDisk(disk)}});
  Die(1);
  MustApply(2, {{MakeDisk(disk)}});
  MustRestore(2);
  EXPECT_TRUE(MakeEngine().Recover().ok());
  EXPECT_EQ(Label(disk), "original-disk");
}

}  // namespace
}  // namespace svirt::fake
