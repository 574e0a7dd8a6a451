// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes a machine for a test of services, and takes it away.
#include "host/service/testing/service_test.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "host/domain/domain_xml.h"
#include "host/launch/end_process.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;

// Where the build has put the plugins need not be trusted: below /tmp, or another user's. A process
// maps a file once, so all tests share these.
class Plugins {
 public:
  static const std::string &Directory() {
    static const Plugins plugins;
    return plugins.dir_.path();
  }

 private:
  Plugins() {
    for (const auto &entry : fs::directory_iterator(FAKE_PLUGINS)) {
      const std::string copy = dir_ / entry.path().filename();
      fs::copy_file(entry.path(), copy);
      ::chmod(copy.c_str(), 0755);
    }
  }

  fake::TempDir dir_;
};

constexpr std::chrono::milliseconds kNoPatience{200};

// Nothing of a test is to survive a power failure, and where memory keeps files nobody waits for
// them to be synced. "": there is no such place.
std::string QuickDirectory() {
  const char *const memory = "/dev/shm";
  return ::access(memory, W_OK | X_OK) == 0 ? memory : "";
}

}  // namespace

ServiceTest::ServiceTest()
    : dir_(QuickDirectory()),
      paths_(Paths::Below(dir_ / "root")),
      mac_(dir_ / "kernel", {.name = "fakemac"}),
      other_(dir_ / "kernel", {.name = "othermac"}) {
  for (const char *directory : {"root", "kernel", "images"}) {
    fs::create_directory(dir_ / directory);
  }
  config_.choice = DriverChoice::kList;
  config_.models = {"fakemac"};
  config_.scan_in_helper = false;
  config_.plugin_directories = {Plugins::Directory()};
  for (const char *model : {"fakemac", "othermac"}) {
    config_.model_settings[model]["directory"] = {dir_ / "kernel"};
  }
  vmm_.label = [this](pid_t pid, const Plan &plan) {
    for (const ModelLabels &labels : plan.models) {
      const fake::ModelTable &model = labels.model == "fakemac" ? mac_ : other_;
      model.SetProcessLabel(pid, labels.seclabel.label);
    }
  };
}

// What a test has left runs no longer than it does.
ServiceTest::~ServiceTest() {
  vmm_.fails.clear();
  vmm_.at_step = nullptr;
  const auto owners = Open()->owners.All();
  for (const OwnerState &owner : owners.ok() ? *owners : std::vector<OwnerState>{}) {
    for (const ProcessId &process : owner.processes) {
      EXPECT_TRUE(EndProcess(process).ok());
    }
  }
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

std::unique_ptr<Host> ServiceTest::Open() {
  MachineOptions options;
  options.config = config_;
  options.paths = paths_;
  options.trusted_root = Plugins::Directory();
  options.hypervisors.push_back(std::make_unique<FakeHypervisor>(&vmm_));
  options.log = [this](int level, std::string_view sentence) {
    if (level >= SVIRT_LOG_WARNING) {
      warnings_ += std::string(sentence) + "\n";
    }
  };
  return std::make_unique<Host>(std::move(options));
}

std::string ServiceTest::Image(const std::string &name) const {
  const std::string path = dir_ / ("images/" + name);
  return fs::exists(path) ? path : fake::Touch(path);
}

std::string ServiceTest::UuidOf(int number) {
  std::string uuid = "11111111-1111-4111-8111-111111111111";
  std::ranges::replace(uuid, '1', static_cast<char>('0' + number));
  return uuid;
}

std::string ServiceTest::DiskXml(const std::string &path, const std::string &target) {
  return "<disk type='file'><driver type='raw'/><source file='" + path + "'/><target dev='" +
         target + "' bus='virtio'/></disk>";
}

std::string ServiceTest::Xml(int number, const std::string &more, const std::string &type) const {
  return "<domain type='" + type + "'><name>" + NameOf(number) + "</name><uuid>" + UuidOf(number) +
         "</uuid><memory unit='MiB'>64</memory><os><type>hvm</type></os><devices>" +
         DiskXml(Image(NameOf(number) + ".img")) + "</devices>" + more + "</domain>";
}

Domain ServiceTest::Parse(const std::string &xml) {
  auto domain = Open()->definitions.Parse(xml, "vm.xml");
  EXPECT_TRUE(domain.ok()) << domain.error().message;
  return std::move(*domain);
}

void ServiceTest::Define(int number, const std::string &more) {
  const auto defined = Open()->definitions.Define(Xml(number, more), "vm.xml");
  ASSERT_TRUE(defined.ok()) << defined.error().message;
}

RunningDomain ServiceTest::Start(int number, const std::string &more) {
  Define(number, more);
  auto running = Open()->lifecycle.Start(NameOf(number), "");
  EXPECT_TRUE(running.ok()) << running.error().message;
  vmm_.Steps();
  return running.ok() ? std::move(*running) : RunningDomain();
}

std::string ServiceTest::StatusFile(int number) const {
  return paths_.run_dir + "/domains/" + UuidOf(number) + ".json";
}

std::string ServiceTest::DefinitionFile(int number) const {
  return paths_.state_dir + "/domains/" + UuidOf(number) + ".xml";
}

void ServiceTest::ExpectNothingLeft(int number) {
  const auto host = Open();
  const auto owner = host->machine.OwnerOf(UuidOf(number));
  ASSERT_TRUE(owner.ok()) << owner.error().message;
  EXPECT_FALSE(*owner) << "it holds labels";
  EXPECT_EQ(LabelOf(Image(NameOf(number) + ".img")), "");
  EXPECT_FALSE(fs::exists(StatusFile(number)));
  EXPECT_FALSE(fs::exists(host->machine.domains().RunDirectory(UuidOf(number))));
  EXPECT_TRUE(host->machine.domains().Lock(UuidOf(number), kNoPatience).ok()) << "it is locked";
}

int ServiceTest::InAnotherProcess(const std::function<int(Host &)> &work) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int code = work(*Open());
    ::_exit(code);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace svirt
