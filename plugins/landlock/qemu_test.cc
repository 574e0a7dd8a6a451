// SPDX-License-Identifier: LGPL-2.1-or-later
// A real QEMU boots a real (if small) guest from its own disk under the plugin's ruleset, and is
// refused the disk of another.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <svirt/sdk_fd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "driver.h"
#include "label.h"
#include "testing/fixture.h"

namespace svirt::landlock {
namespace {

using testing::HasSubstr;

constexpr char kQemu[] = "/usr/bin/qemu-system-x86_64";

// A boot sector: prints its line on the first serial port, then leaves through isa-debug-exit.
std::string BootDisk() {
  const unsigned char code[] = {
      0xfa,              //    cli
      0x31, 0xc0,        //    xor ax, ax
      0x8e, 0xd8,        //    mov ds, ax
      0xfc,              //    cld
      0xbe, 0x1d, 0x7c,  //    mov si, 0x7c00 + 29
      0xba, 0xf8, 0x03,  //    mov dx, 0x3f8
      0xac,              // 1: lodsb
      0x84, 0xc0,        //    test al, al
      0x74, 0x03,        //    jz 2f
      0xee,              //    out dx, al
      0xeb, 0xf8,        //    jmp 1b
      0xba, 0xf4, 0x00,  // 2: mov dx, 0xf4
      0xb0, 0x10,        //    mov al, 16
      0xee,              //    out dx, al
      0xf4, 0xeb, 0xfd,  // 3: hlt; jmp 3b
  };
  std::string disk(reinterpret_cast<const char *>(code), sizeof code);
  disk += "guest is up\r\n";
  disk.resize(1 << 20, '\0');
  disk[510] = '\x55';
  disk[511] = '\xaa';
  return disk;
}

constexpr int kGuestLeft = 2 * 16 + 1;  // what isa-debug-exit makes of 16

class Qemu : public testing::Test {
 protected:
  void SetUp() override {
    svirt_error reason = MakeError();
    if (ProbeFeatures(RunningKernel(), &features_, &reason) != SVIRT_OK) {
      GTEST_SKIP() << "needs a kernel with Landlock: " << reason.message;
    }
    if (!std::filesystem::exists(kQemu)) {
      GTEST_SKIP() << "needs " << kQemu << " (package qemu-system-x86)";
    }
    disk_ = dir_.File("a.img", BootDisk());
    other_ = dir_.File("b.img", BootDisk());
    run_ = dir_.Dir("run");
    log_ = dir_.File("qemu.log", "");
    domain_.Add(run_, SVIRT_OBJ_DIR, kRwc, SVIRT_RES_SUBTREE, SVIRT_RES_RUNDIR);
  }

  std::vector<std::string> Guest(const std::string &disk) const {
    return {kQemu,
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
            "-machine",
            "pc,accel=tcg,memory-backend=ram",
            "-object",
            "memory-backend-memfd,id=ram,size=64M",
            "-sandbox",
            "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
            "-blockdev",
            "driver=raw,node-name=disk,file.driver=file,file.filename=" + disk,
            "-device",
            "virtio-blk-pci,drive=disk,bootindex=1",
            "-device",
            "isa-debug-exit,iobase=0xf4,iosize=1",
            "-chardev",
            "file,id=serial,path=" + run_ + "/serial.log",
            "-device",
            "isa-serial,chardev=serial",
            "-qmp",
            "unix:" + run_ + "/monitor.sock,server=on,wait=off"};
  }

  // Runs the emulator confined, its output in the log; its exit status, or what went wrong.
  std::string RunConfined(const std::vector<std::string> &args) {
    const Driver driver(RunningKernel(), features_);
    svirt_error error = MakeError();
    svirt_exec exec{};
    exec.struct_size = sizeof exec;
    const std::string label = MakeLabel(domain_.get(), features_);
    if (driver.PrepareExec(domain_.get(), label.c_str(), &exec, &error) != SVIRT_OK) {
      return error.message;
    }
    std::vector<char *> argv;
    argv.reserve(args.size() + 1);
    for (const std::string &arg : args) {
      argv.push_back(const_cast<char *>(arg.c_str()));
    }
    argv.push_back(nullptr);
    const sdk::Fd log(::open(log_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    const sdk::Fd input(::open(input_.c_str(), O_RDONLY | O_CLOEXEC));
    const sdk::Fd ruleset(exec.op[0].fd);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::alarm(60);
      ::dup2(input.get(), STDIN_FILENO);
      ::dup2(log.get(), STDOUT_FILENO);
      ::dup2(log.get(), STDERR_FILENO);
      if (ApplyRecipe(exec) == 0) {
        ::execv(kQemu, argv.data());
      }
      ::_exit(120);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? std::to_string(WEXITSTATUS(status))
                             : "signal " + std::to_string(WTERMSIG(status));
  }

  // As nobody, and as this user too if that is root.
  void ExpectRun(const std::vector<std::string> &args, int exit_status, const std::string &log) {
    const std::string expected = std::to_string(exit_status);
    EXPECT_EQ(InChildAsNobody([&] { return RunConfined(args); }), expected) << ReadText(log_);
    EXPECT_THAT(ReadText(log_), HasSubstr(log));
    if (::geteuid() == 0) {
      std::filesystem::remove(run_ + "/serial.log");
      EXPECT_EQ(InChild([&] { return RunConfined(args); }), expected) << ReadText(log_);
      EXPECT_THAT(ReadText(log_), HasSubstr(log));
    }
  }

  Features features_;
  TempDir dir_;
  TestDomain domain_{kUuidA, kQemu};
  std::string disk_, other_, run_, log_;
  std::string input_ = "/dev/null";
};

TEST_F(Qemu, BootsItsGuestFromItsOwnDisk) {
  domain_.Add(disk_, SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK);
  ExpectRun(Guest(disk_), kGuestLeft, "");
  EXPECT_THAT(ReadText(run_ + "/serial.log"), HasSubstr("guest is up"));
}

TEST_F(Qemu, IsRefusedTheDiskOfAnother) {
  domain_.Add(disk_, SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK);
  ExpectRun(Guest(other_), 1, "b.img': Permission denied");
}

TEST_F(Qemu, IsRefusedToWriteADiskThatIsReadOnly) {
  domain_.Add(disk_, SVIRT_OBJ_FILE, kR, 0, SVIRT_RES_DISK);
  ExpectRun(Guest(disk_), 1, "a.img': Permission denied");
}

TEST_F(Qemu, StartsWithoutAMachine) {
  input_ = dir_.File("qmp", "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"quit\"}\n");
  ExpectRun({kQemu, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "none",
             "-qmp", "stdio"},
            0, "SHUTDOWN");
}

}  // namespace
}  // namespace svirt::landlock
