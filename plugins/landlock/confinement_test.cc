// SPDX-License-Identifier: LGPL-2.1-or-later
// What the running kernel really allows and denies under the plugin's recipe.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/random.h>
#include <signal.h>
#include <svirt/sdk_fd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "driver.h"
#include "label.h"
#include "testing/fixture.h"

namespace svirt::landlock {
namespace {

int TryBind(const std::string &path) {
  const sdk::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return ::bind(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0 ? 0 : errno;
}

// A name starting with '@' is abstract.
socklen_t AbstractAddress(const std::string &name, sockaddr_un *address) {
  *address = {};
  address->sun_family = AF_UNIX;
  name.copy(address->sun_path + 1, sizeof address->sun_path - 2);
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
}

// Exit status of a program, or -1 if it could not be executed.
int TryExec(const char *program) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl(program, program, static_cast<char *>(nullptr));
    ::_exit(99);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class Confinement : public testing::Test {
 protected:
  void SetUp() override {
    svirt_error reason = MakeError();
    if (ProbeFeatures(RunningKernel(), &features_, &reason) != SVIRT_OK) {
      GTEST_SKIP() << "needs a kernel with Landlock: " << reason.message;
    }
    disk_ = dir_.File("a.img", "own disk");
    base_ = dir_.File("base.img", "base");
    other_ = dir_.File("b.img", "other's disk");
    run_ = dir_.Dir("run");
    sockets_ = dir_.Dir("sockets");
    domain_.Add(disk_, SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK)
        .Add(base_, SVIRT_OBJ_FILE, kR, 0, SVIRT_RES_BACKING)
        .Add(run_, SVIRT_OBJ_DIR, kRwc, SVIRT_RES_SUBTREE, SVIRT_RES_RUNDIR)
        .Add(sockets_ + "/serial", SVIRT_OBJ_SOCKET, kRwc, 0, SVIRT_RES_CHARDEV);
  }

  // Confines the calling process; "" or what went wrong.
  std::string Confine() {
    const Driver driver(RunningKernel(), features_);
    svirt_error error = MakeError();
    svirt_exec exec{};
    exec.struct_size = sizeof exec;
    const std::string label = MakeLabel(domain_.get(), features_);
    if (driver.PrepareExec(domain_.get(), label.c_str(), &exec, &error) != SVIRT_OK) {
      return error.message;
    }
    const int err = ApplyRecipe(exec);
    return err == 0 ? "" : std::string("restricting failed: ") + std::strerror(err);
  }

  // The answers of body, run confined as this user and as nobody, have to be these.
  void ExpectConfined(const std::function<std::string()> &body, const std::string &expected) {
    const auto confined = [&] {
      const std::string failure = Confine();
      return failure.empty() ? body() : failure;
    };
    EXPECT_EQ(InChildAsNobody(confined), expected) << "as nobody";
    if (::geteuid() == 0) {
      ::unlink((sockets_ + "/serial").c_str());  // which the domain cannot
      EXPECT_EQ(InChild(confined), expected) << "as root";
    }
  }

  bool Has(uint64_t right) const { return (features_.rights & right) != 0; }

  Features features_;
  TempDir dir_;
  TestDomain domain_;
  std::string disk_, base_, other_, run_, sockets_;
};

std::string Errnos(std::initializer_list<int> values) {
  std::ostringstream text;
  for (const int value : values) {
    text << (value == 0 ? "ok" : ::strerrorname_np(value)) << ' ';
  }
  return text.str();
}

TEST_F(Confinement, OpensOwnFilesWithTheAccessGranted) {
  ExpectConfined(
      [&] {
        return Errnos({TryOpen(disk_, O_RDWR), TryOpen(disk_, O_WRONLY | O_TRUNC),
                       TryOpen(base_, O_RDONLY), TryOpen(base_, O_WRONLY), TryOpen(base_, O_RDWR)});
      },
      "ok ok ok EACCES EACCES ");
}

TEST_F(Confinement, DeniesEverythingElse) {
  const std::string memory = "/proc/" + std::to_string(::getpid()) + "/mem";
  ExpectConfined(
      [&] {
        return Errnos({TryOpen(other_, O_RDONLY), TryOpen(other_, O_WRONLY),
                       TryOpen("/etc/passwd", O_RDONLY), TryOpen("/etc", O_RDONLY | O_DIRECTORY),
                       TryOpen("/var/log", O_RDONLY | O_DIRECTORY), TryOpen("/proc", O_RDONLY),
                       TryOpen(memory, O_RDWR), TryOpen(dir_.path(), O_RDONLY | O_DIRECTORY),
                       TryOpen(dir_.path("new"), O_WRONLY | O_CREAT)});
      },
      "EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES ");
}

TEST_F(Confinement, AllowsWhatEveryEmulatorNeeds) {
  ExpectConfined(
      [&] {
        return Errnos({TryOpen("/dev/null", O_RDWR), TryOpen("/dev/urandom", O_RDONLY),
                       TryOpen("/usr/lib", O_RDONLY | O_DIRECTORY)});
      },
      "ok ok ok ");
}

TEST_F(Confinement, DeniesTruncatingWhatMayOnlyBeRead) {
  if (!Has(kTruncate)) {
    GTEST_SKIP() << "needs Landlock ABI 3 (truncate)";
  }
  ExpectConfined(
      [&] {
        return Errnos({::truncate(base_.c_str(), 0) == 0 ? 0 : errno,
                       ::truncate(other_.c_str(), 0) == 0 ? 0 : errno,
                       ::truncate(disk_.c_str(), 4) == 0 ? 0 : errno});
      },
      "EACCES EACCES ok ");
  EXPECT_EQ(ReadText(base_), "base");
}

TEST_F(Confinement, ExecutesTheEmulatorOnly) {
  ExpectConfined(
      [&] {
        return std::to_string(TryExec("/usr/bin/true")) + " " +
               std::to_string(TryExec("/usr/bin/false")) + " " + std::to_string(TryExec("/bin/sh"));
      },
      "0 99 99");
}

// A guest that reboots may have its emulator make its sockets and files anew.
TEST_F(Confinement, MakesAndRemovesInItsRunDirectory) {
  ExpectConfined(
      [&] {
        const std::string socket = run_ + "/monitor";
        const std::string file = run_ + "/pid";
        const std::string moved = run_ + "/pid.old";
        std::string text = Errnos({TryBind(socket), ::unlink(socket.c_str()), TryBind(socket),
                                   TryOpen(file, O_RDWR | O_CREAT | O_EXCL),
                                   ::rename(file.c_str(), moved.c_str()) == 0 ? 0 : errno});
        ::unlink(socket.c_str());
        ::unlink(moved.c_str());
        return text;
      },
      "ok ok ok ok ok ");
}

TEST_F(Confinement, MakesNoDeviceNodes) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root, whom nothing else keeps from making device nodes";
  }
  const std::string node = run_ + "/null";
  EXPECT_EQ(
      InChild([&] {
        const std::string failure = Confine();
        return failure +
               Errnos({::mknod(node.c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0 ? 0 : errno});
      }),
      "EACCES ");
}

TEST_F(Confinement, MakesASocketElsewhereButRemovesNothingThere) {
  const std::string neighbour = dir_.File("sockets/neighbour");
  ExpectConfined(
      [&] {
        const std::string socket = sockets_ + "/serial";
        return Errnos({TryBind(socket), ::unlink(socket.c_str()) == 0 ? 0 : errno,
                       ::unlink(neighbour.c_str()) == 0 ? 0 : errno, TryOpen(neighbour, O_RDONLY),
                       TryOpen(sockets_ + "/f", O_WRONLY | O_CREAT)});
      },
      "ok EACCES EACCES EACCES EACCES ");
}

TEST_F(Confinement, DeniesIoctlsOfDevicesThatWereNotGranted) {
  if (!Has(kIoctlDev)) {
    GTEST_SKIP() << "needs Landlock ABI 5 (ioctl)";
  }
  const auto ask = [] {
    int entropy = 0;
    const sdk::Fd fd(::open("/dev/urandom", O_RDONLY | O_CLOEXEC));
    return Errnos({::ioctl(fd.get(), RNDGETENTCNT, &entropy) == 0 ? 0 : errno});
  };
  ExpectConfined(ask, "EACCES ");
  domain_.Add("/dev/urandom", SVIRT_OBJ_CHAR, kR, 0, SVIRT_RES_RNG);
  ExpectConfined(ask, "ok ");
}

TEST_F(Confinement, KeepsSignalsInside) {
  if ((features_.scopes & kScopeSignal) == 0) {
    GTEST_SKIP() << "needs Landlock ABI 6 (signals)";
  }
  // As nobody the other user's process is out of reach anyway; a child of the same user is not.
  ExpectConfined(
      [&] {
        return Errnos(
            {::kill(::getpid(), 0) == 0 ? 0 : errno, ::kill(::getppid(), 0) == 0 ? 0 : errno});
      },
      "ok EPERM ");
}

TEST_F(Confinement, DoesNotReachAbstractSocketsOutside) {
  if ((features_.scopes & kScopeAbstractUnix) == 0) {
    GTEST_SKIP() << "needs Landlock ABI 6 (abstract unix sockets)";
  }
  sockaddr_un address;
  const socklen_t size =
      AbstractAddress("svirt-landlock-test-" + std::to_string(::getpid()), &address);
  const sdk::Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr *>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  const auto connect = [&] {
    const sdk::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return Errnos(
        {::connect(fd.get(), reinterpret_cast<sockaddr *>(&address), size) == 0 ? 0 : errno});
  };
  EXPECT_EQ(InChild(connect), "ok ");
  ExpectConfined(connect, "EPERM ");
}

TEST_F(Confinement, CannotBeWidenedByASecondRuleset) {
  ExpectConfined(
      [&] {
        domain_.Add(other_, SVIRT_OBJ_FILE, kRw);
        const std::string failure = Confine();
        return failure + Errnos({TryOpen(other_, O_RDONLY), TryOpen(disk_, O_RDONLY)});
      },
      "EACCES ok ");
}

}  // namespace
}  // namespace svirt::landlock
