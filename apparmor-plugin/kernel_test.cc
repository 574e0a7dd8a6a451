// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver on a kernel with AppArmor: what a running process may do while its profile changes.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "driver.h"
#include "testing/fixture.h"

namespace svirt::apparmor {
namespace {

using testing::HasSubstr;

// What a confined process is asked to do; the answer is 0 or an errno.
enum class Command : char { kOpenRead, kOpenWrite, kKeep, kWriteKept };

struct Request {
  Command command{};
  std::array<char, 200> path{};
};

int Do(const Request &request, int *kept) {
  const char byte = 0;
  switch (request.command) {
    case Command::kOpenRead:
    case Command::kOpenWrite: {
      const int flags = request.command == Command::kOpenRead ? O_RDONLY : O_RDWR;
      const int fd = ::open(request.path.data(), flags | O_CLOEXEC);
      const int error = fd < 0 ? errno : 0;
      ::close(fd);
      return error;
    }
    case Command::kKeep:
      *kept = ::open(request.path.data(), O_RDWR | O_CLOEXEC);
      return *kept < 0 ? errno : 0;
    case Command::kWriteKept:
      return ::pwrite(*kept, &byte, 1, 0) == 1 ? 0 : errno;
  }
  return EINVAL;
}

// A process that enters a profile and then does as it is told.
class Confined {
 public:
  explicit Confined(const std::string &profile) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      ADD_FAILURE() << "no socket pair";
      return;
    }
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      ::_exit(Serve(ends[1], "changeprofile " + profile));
    }
    ::close(ends[1]);
    socket_ = ends[0];
    // Whether it is in there.
    int entered = EIO;
    EXPECT_EQ(::read(socket_, &entered, sizeof entered), ssize_t{sizeof entered});
    EXPECT_EQ(entered, 0) << profile;
  }
  ~Confined() {
    ::close(socket_);
    ::waitpid(pid_, nullptr, 0);
  }
  Confined(const Confined &) = delete;
  Confined &operator=(const Confined &) = delete;

  pid_t pid() const { return pid_; }

  int operator()(Command command, const std::string &path = "") const {
    Request request{command, {}};
    path.copy(request.path.data(), request.path.size() - 1);
    int answer = -1;
    if (::write(socket_, &request, sizeof request) != ssize_t{sizeof request} ||
        ::read(socket_, &answer, sizeof answer) != ssize_t{sizeof answer}) {
      return -1;
    }
    return answer;
  }

 private:
  static int Serve(int socket, const std::string &command) {
    const int attribute = ::open("/proc/thread-self/attr/apparmor/current", O_WRONLY | O_CLOEXEC);
    int answer = ::write(attribute, command.data(), command.size()) < 0 ? errno : 0;
    ::close(attribute);
    int kept = -1;
    for (Request request; ::write(socket, &answer, sizeof answer) > 0;) {
      if (::read(socket, &request, sizeof request) != ssize_t{sizeof request}) {
        break;
      }
      answer = Do(request, &kept);
    }
    return 0;
  }

  pid_t pid_ = -1;
  int socket_ = -1;
};

class OnTheKernel : public testing::Test {
 protected:
  void SetUp() override {
    svirt_error reason = MakeError();
    if (ProbeDriver(MakeKernelApi().get(), settings_, nullptr, &reason) != SVIRT_OK) {
      GTEST_SKIP() << "needs a kernel with AppArmor, and root: " << reason.message;
    }
    own_ = dir_.File("own.img");
    base_ = dir_.File("base.img");
    other_ = dir_.File("other.img");
    domain_.Add(own_, SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK);
    domain_.Add(base_, SVIRT_OBJ_FILE, kR, 0, SVIRT_RES_BACKING);
    sdk::DomainLabels labels;
    ASSERT_EQ(driver_.GenerateLabel(domain_.get(), 0, &labels, &error_), SVIRT_OK);
    name_ = labels.process;
  }
  void TearDown() override {
    if (!name_.empty()) {
      domain_.get().label = name_.c_str();
      EXPECT_EQ(driver_.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK) << error_.message;
      EXPECT_EQ(Profiles(), 0);
    }
  }

  void Load() {
    ASSERT_EQ(driver_.SetLabel(domain_.get(), name_.c_str(), &error_), SVIRT_OK) << error_.message;
  }

  long Profiles() const {
    std::vector<LoadedProfile> profiles;
    EXPECT_EQ(MakeKernelApi()->Profiles(&profiles), 0);
    return std::count_if(profiles.begin(), profiles.end(), [this](const LoadedProfile &profile) {
      return profile.name.starts_with(name_);
    });
  }

  // The kernel's own digest of the profile that is loaded now.
  std::string LoadedDigest() const {
    const std::filesystem::path all = "/sys/kernel/security/apparmor/policy/profiles";
    for (const auto &entry : std::filesystem::directory_iterator(all)) {
      if (ReadText(entry.path() / "name") == name_ + "\n") {
        return ReadText(entry.path() / "sha1");
      }
    }
    return "";
  }

  TempDir dir_;
  Settings settings_{
      .local_directory = dir_.path("local"), .cache_directory = dir_.path("cache"), .parser = ""};
  Driver driver_{MakeKernelApi(), settings_};
  TestDomain domain_;
  svirt_error error_ = MakeError();
  std::string own_, base_, other_, name_;
};

TEST_F(OnTheKernel, GrantsTheManifestAndNoMore) {
  Load();
  const Confined guest(name_);
  EXPECT_EQ(guest(Command::kOpenWrite, own_), 0);
  EXPECT_EQ(guest(Command::kOpenRead, base_), 0);
  EXPECT_EQ(guest(Command::kOpenWrite, base_), EACCES);
  EXPECT_EQ(guest(Command::kOpenRead, other_), EACCES);
  EXPECT_EQ(guest(Command::kOpenRead, "/etc/shadow"), EACCES);
  EXPECT_EQ(guest(Command::kOpenRead, "/proc/1/environ"), EACCES);
  EXPECT_EQ(guest(Command::kOpenRead, "/dev/null"), 0);
}

// need 2: base read-only, overlay read-write; commit; pivot; base read-only again.
TEST_F(OnTheKernel, ABlockCommitMakesTheBaseWritableForAsLongAsItLasts) {
  Load();
  const std::string before = LoadedDigest();
  ASSERT_NE(before, "");
  const Confined guest(name_);
  domain_.resources()[1].access = kRw;
  Load();
  EXPECT_EQ(guest(Command::kOpenWrite, base_), 0);
  EXPECT_NE(LoadedDigest(), before);
  domain_.resources()[1].access = kR;
  Load();
  EXPECT_EQ(guest(Command::kOpenWrite, base_), EACCES);
  EXPECT_EQ(guest(Command::kOpenRead, base_), 0);
  EXPECT_EQ(LoadedDigest(), before);
}

TEST_F(OnTheKernel, OpenFilesFollowTheProfile) {
  Load();
  const Confined guest(name_);
  ASSERT_EQ(guest(Command::kKeep, own_), 0);
  Load();
  EXPECT_EQ(guest(Command::kWriteKept), 0) << "an open file keeps working";
  domain_.Add(other_, SVIRT_OBJ_FILE, kRw);
  Load();
  EXPECT_EQ(guest(Command::kWriteKept), 0) << "while others are plugged in";
  EXPECT_EQ(guest(Command::kOpenWrite, other_), 0);
  domain_.resources().erase(domain_.resources().begin());
  Load();
  EXPECT_EQ(guest(Command::kOpenRead, own_), EACCES) << "what is unplugged cannot be opened again";
}

TEST_F(OnTheKernel, AThousandCyclesLeaveNothing) {
  Load();
  const std::string before = LoadedDigest();
  const Confined guest(name_);
  ASSERT_EQ(guest(Command::kKeep, own_), 0);
  const std::vector<svirt_resource> resources = domain_.resources();
  for (int round = 0; round < 1000; ++round) {
    domain_.Add(dir_.path("plugged-" + std::to_string(round % 7)), SVIRT_OBJ_FILE, kRw);
    Load();
    domain_.resources() = resources;
    Load();
  }
  EXPECT_EQ(LoadedDigest(), before);
  EXPECT_EQ(Profiles(), 1);
  EXPECT_EQ(guest(Command::kWriteKept), 0);
  EXPECT_EQ(guest(Command::kOpenRead, other_), EACCES);
}

TEST_F(OnTheKernel, AProfileInUseIsNotRemoved) {
  Load();
  domain_.get().label = name_.c_str();
  {
    const Confined guest(name_);
    EXPECT_EQ(driver_.SetLabel(domain_.get(), nullptr, &error_), SVIRT_E_DENIED);
    EXPECT_THAT(error_.message, HasSubstr(std::to_string(guest.pid())));
    EXPECT_EQ(guest(Command::kOpenRead, other_), EACCES);
    domain_.get().pid = guest.pid();
    sdk::LabelState state;
    ASSERT_EQ(driver_.GetLabel(domain_.get(), &state, &error_), SVIRT_OK);
    EXPECT_EQ(state.label, name_);
    EXPECT_TRUE(state.enforcing);
  }
  EXPECT_EQ(driver_.SetLabel(domain_.get(), nullptr, &error_), SVIRT_OK) << error_.message;
}

TEST_F(OnTheKernel, TakesAThousandDisks) {
  for (int i = 0; i < 1000; ++i) {
    domain_.Add("/srv/images/" + std::to_string(i * 7919) + "/disk.qcow2", SVIRT_OBJ_FILE, kRw);
  }
  Load();
  const Confined guest(name_);
  EXPECT_EQ(guest(Command::kOpenWrite, own_), 0);
  EXPECT_EQ(guest(Command::kOpenRead, "/srv/images/7919/disk.qcow2"), ENOENT);
  EXPECT_EQ(guest(Command::kOpenRead, other_), EACCES);
}

TEST_F(OnTheKernel, EveryByteOfAPathMeansItself) {
  std::vector<std::string> names;
  for (int byte = 1; byte < 256; ++byte) {
    if (byte != '/' && byte != '.') {
      names.push_back(std::string("byte-") + static_cast<char>(byte));
      domain_.Add(dir_.File(names.back()), SVIRT_OBJ_FILE, kR);
    }
  }
  Load();
  const Confined guest(name_);
  for (const std::string &name : names) {
    EXPECT_EQ(guest(Command::kOpenRead, dir_.path(name)), 0) << static_cast<int>(name.back());
    EXPECT_EQ(guest(Command::kOpenRead, dir_.File(name + "x")), EACCES);
  }
}

}  // namespace
}  // namespace svirt::apparmor
