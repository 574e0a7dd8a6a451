// SPDX-License-Identifier: LGPL-2.1-or-later
// Set, then restore, is the identity: every domain of the test data, as it is and with its images
// shared, read-only and chained, gets its labels and gives them back, and nothing of it stays in
// the registry, the journal or on the objects.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/domain/domain_test_support.h"
#include "host/domain/manifest.h"
#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

namespace fs = std::filesystem;

// One way to use the same images.
struct Variant {
  const char *name;
  std::function<void(Resource *)> change;
};

bool IsImage(const Resource &resource) {
  return resource.kind == ResourceKind::kDisk || resource.kind == ResourceKind::kBacking;
}

const Variant kVariants[] = {
    {"as it is", [](Resource *) {}},
    {"shared",
     [](Resource *resource) { resource->shared = resource->shared || IsImage(*resource); }},
    {"read-only",
     [](Resource *resource) {
       if (IsImage(*resource)) {
         resource->access = kAccessRead;
       }
     }},
};

class RoundTripTest : public EngineTest {
 protected:
  // nullopt: its devices cannot be told without the host they are plugged into.
  std::optional<Manifest> ManifestOf(const std::string &name) {
    auto manifest = BuildManifest(MustParse(ReadTestDomain(name)), {dir_ / "nowhere"});
    return manifest.ok() ? std::optional(std::move(*manifest)) : std::nullopt;
  }

  // Makes the objects of the manifest below a directory of the test, and moves its paths there.
  void Settle(Manifest *manifest, const std::string &root) {
    for (Resource &resource : manifest->resources) {
      resource.path = root + resource.path;
      if (!fs::exists(resource.path)) {
        fs::create_directories(fs::path(resource.path).parent_path());
        MakeObject(&resource);
        mac_.SetLabelOf(resource.path, "original " + resource.path.substr(root.size()));
      }
      if (resource.subtree) {
        for (const char *below : {"/file", "/sub/file"}) {
          fs::create_directories(fs::path(resource.path + below).parent_path());
          mac_.SetLabelOf(Touch(resource.path + below), std::string("original ") + below);
        }
      }
    }
  }

  void MakeObject(Resource *resource) {
    const char *path = resource->path.c_str();
    switch (resource->object) {
      case ObjectType::kDir:
        fs::create_directory(path);
        return;
      case ObjectType::kSocket:
        MakeSocket(path);
        return;
      case ObjectType::kFifo:
        ASSERT_EQ(::mkfifo(path, 0600), 0);
        return;
      case ObjectType::kBlock:
      case ObjectType::kChar: {
        const mode_t type = resource->object == ObjectType::kBlock ? S_IFBLK : S_IFCHR;
        if (::mknod(path, type | 0600, makedev(240, 1)) != 0) {
          // Only root makes device nodes; somebody else's test labels a fifo in their place.
          ASSERT_EQ(errno, EPERM);
          ASSERT_EQ(::mkfifo(path, 0600), 0);
          resource->object = ObjectType::kAny;
        }
        return;
      }
      default:
        Touch(resource->path);
    }
  }

  // Socket addresses are short: it is bound by a path relative to its directory.
  static void MakeSocket(const fs::path &path) {
    const fs::path before = fs::current_path();
    fs::current_path(path.parent_path());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.filename().c_str(), sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr *>(&address), sizeof address), 0);
    ::close(fd);
    fs::current_path(before);
  }

  // Labels of all objects below the directory.
  std::map<std::string, std::string> LabelsBelow(const std::string &root) {
    std::map<std::string, std::string> labels;
    for (const auto &entry : fs::recursive_directory_iterator(root)) {
      labels[entry.path()] = mac_.LabelOf(entry.path());
    }
    return labels;
  }

  int64_t CountRows() {
    auto database = Database::Open(dir_ / "state/labels.db", {});
    EXPECT_TRUE(database.ok());
    return (*database)
        ->AskInt(
            "SELECT (SELECT count(*) FROM owner)+(SELECT count(*) FROM holder)+(SELECT "
            "count(*) FROM label)+(SELECT count(*) FROM taken)+"
            "(SELECT count(*) FROM use)")
        ->value_or(-1);
  }

  void GoAndReturn(const std::string &what, const Manifest &manifest, const std::string &root) {
    const auto before = LabelsBelow(root);
    Engine engine = MakeEngine({mac_.plugin(), profile_.plugin()});
    const auto plan = engine.Apply(MakeDomain(1), manifest);
    ASSERT_TRUE(plan.ok()) << what << ": " << plan.error().message;
    const auto during = LabelsBelow(root);
    for (const PlanItem &item : plan->items) {
      const std::string &path = manifest.resources[item.resource].path;
      if (item.model == "fakemac" && item.action == ResourcePlan::Action::kSet) {
        EXPECT_EQ(during.at(path), item.label) << what << ": " << path;
      }
      kinds_.insert(manifest.resources[item.resource].kind);
      types_.insert(manifest.resources[item.resource].object);
    }
    EXPECT_NE(before, during) << what;
    const Status status = engine.Restore(MakeDomain(1).uuid);
    ASSERT_TRUE(status.ok()) << what << ": " << status.error().message;
    EXPECT_EQ(before, LabelsBelow(root)) << what;
    ASSERT_TRUE(engine.Settle().ok());
    EXPECT_EQ(CountRows(), 0) << what;
  }

  std::set<ResourceKind> kinds_;
  std::set<ObjectType> types_;
};

TEST_F(RoundTripTest, SetThenRestoreIsTheIdentity) {
  int trips = 0;
  std::vector<std::string> without;
  for (const std::string &name : TestDomainNames()) {
    for (const Variant &variant : kVariants) {
      auto manifest = ManifestOf(name);
      if (!manifest) {
        without.push_back(name);
        break;
      }
      const std::string root = dir_ / (name + "-" + variant.name);
      fs::create_directory(root);
      Settle(&*manifest, root);
      for (Resource &resource : manifest->resources) {
        variant.change(&resource);
      }
      if (manifest->resources.empty()) {
        break;
      }
      GoAndReturn(name + ", " + variant.name, *manifest, root);
      ++trips;
    }
  }
  RecordProperty("trips", trips);
  EXPECT_GE(trips, 52);
  EXPECT_GE(kinds_.size(), 16u);
  EXPECT_EQ(types_.size(), 7u);  // every type of object, and any
  // These name devices by what the host's /sys says of them, or a volume without its path.
  EXPECT_THAT(without, testing::UnorderedElementsAre("disk-nvme-lun", "disk-volume", "hostdevs"));
}

// The images of one domain, used by a second one as it may: what both share goes back when the last
// one ends, in whichever order they end.
TEST_F(RoundTripTest, TwoDomainsShareAChain) {
  const std::string root = dir_ / "images";
  fs::create_directory(root);
  Resource base = MakeDisk(root + "/base", true), middle = MakeDisk(root + "/middle", true);
  base.kind = middle.kind = ResourceKind::kBacking;
  base.chain_depth = 2;
  middle.chain_depth = 1;
  for (const char *name : {"/base", "/middle", "/one", "/two"}) {
    mac_.SetLabelOf(Touch(root + name), std::string("original ") + name);
  }
  const auto before = LabelsBelow(root);
  for (const int first : {1, 2}) {
    MustApply(1, {{MakeDisk(root + "/one"), middle, base}});
    MustApply(2, {{MakeDisk(root + "/two"), middle, base}});
    MustRestore(first);
    EXPECT_EQ(Label(root + "/base"), "content");
    MustRestore(3 - first);
    EXPECT_EQ(before, LabelsBelow(root));
    ASSERT_TRUE(MakeEngine().Settle().ok());
    EXPECT_EQ(CountRows(), 0);
  }
}

}  // namespace
}  // namespace svirt::fake
