// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/qemu/qemu_driver.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "host/domain/document_place.h"
#include "host/hypervisor/qemu/image_header.h"
#include "host/hypervisor/qemu/log_tail.h"
#include "host/hypervisor/qemu/qemu_command.h"
#include "host/hypervisor/qemu/qemu_elements.h"
#include "host/hypervisor/qemu/qemu_memlock.h"
#include "host/hypervisor/qemu/tap.h"
#include "host/util/end_request.h"
#include "host/util/pidfd.h"

namespace svirt {
namespace {

using nlohmann::json;

constexpr auto kPollInterval = std::chrono::milliseconds(20);

std::string Emulator(const Domain &domain) {
  return domain.emulator.empty() ? QemuDriver::DefaultEmulator(domain) : domain.emulator;
}

QemuPaths PathsFor(const Domain &domain) {
  QemuPaths paths;
  paths.emulator = Emulator(domain);
  return paths;
}

// They are made from their template then.
bool LacksFirmwareVariables(const LoaderNvram &firmware) {
  std::error_code error;
  return !firmware.nvram.empty() && !firmware.nvram_template.empty() &&
         !std::filesystem::exists(std::filesystem::symlink_status(firmware.nvram, error));
}

Status CheckKvm(const std::string &device) {
  const Fd kvm(open(device.c_str(), O_RDWR | O_CLOEXEC));
  if (!kvm) {
    return SystemError(errno, "the domain is of type kvm and " + device +
                                  " cannot be opened: enable virtualisation and load the kvm "
                                  "module, or use type='qemu' for emulation");
  }
  if (ioctl(kvm.get(), KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
    return Error{Errc::kUnsupported, "the domain is of type kvm and " + device + " is not KVM"};
  }
  return {};
}

Status RunCommand(QmpClient &monitor, const char *command) {
  const Result<json> answer = monitor.Execute(command);
  return answer ? Status() : Status(answer.error());
}

Error EndedEarly(const QemuPlace &place) {
  const std::string tail = LogTail(place.log_path, place.log_start);
  return Error{Errc::kSystem,
               "QEMU ended before its monitor answered" +
                   (tail.empty() ? "; it wrote nothing to " + place.log_path : ": " + tail)};
}

Result<Fd> OpenRunDir(const std::string &run_dir) {
  Fd fd(open(run_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    return SystemError(errno, "cannot open the run directory " + run_dir);
  }
  return fd;
}

}  // namespace

std::string QemuDriver::DefaultEmulator(const Domain &domain) {
  std::string arch = domain.arch.empty() ? "x86_64" : domain.arch;
  if (arch == "i686") {
    arch = "i386";
  } else if (arch == "armv7l") {
    arch = "arm";
  } else if (arch == "ppc64le") {
    arch = "ppc64";
  }
  return "/usr/bin/qemu-system-" + arch;
}

void QemuDriver::Check(const Domain &domain, Refusals *refusals) const {
  CheckElements(domain, refusals);
  CheckQemuCommand(domain, PathsFor(domain), refusals);
  const std::string emulator = Emulator(domain);
  if (access(emulator.c_str(), X_OK) != 0) {
    refusals->AddForNow(At(domain, PositionOf(domain, "devices/emulator"),
                           SystemError(errno, "the emulator " + emulator + " cannot be executed")));
  }
  if (domain.type == "kvm") {
    refusals->AddForNow(CheckKvm(kvm_device_));
  }
  for (const Disk &disk : domain.disks) {
    refusals->AddForNow(At(domain, disk.position, CheckImageHeaders(disk)));
  }
  for (const Interface &interface : domain.interfaces) {
    if (interface.type == "bridge") {
      refusals->AddForNow(CheckBridge(interface.source));
    }
  }
  if (LacksFirmwareVariables(domain.firmware) &&
      access(domain.firmware.nvram_template.c_str(), R_OK) != 0) {
    refusals->AddForNow(At(domain, PositionOf(domain, "os/nvram"),
                           SystemError(errno, "cannot open the firmware variables' template " +
                                                  domain.firmware.nvram_template)));
  }
}

std::vector<Resource> QemuDriver::Resources(const QemuPlace &place) {
  std::vector<Resource> resources;
  Resource run_dir;
  run_dir.kind = ResourceKind::kRundir;
  run_dir.object = ObjectType::kDir;
  run_dir.access = kAccessRead | kAccessWrite | kAccessCreate;
  run_dir.subtree = true;
  run_dir.optional = true;  // the host makes it for a start
  run_dir.path = place.run_dir;
  run_dir.device = "run directory";
  resources.push_back(run_dir);
  Resource log;
  log.kind = ResourceKind::kLog;
  log.object = ObjectType::kFile;
  log.access = kAccessWrite;
  log.optional = true;
  log.path = place.log_path;
  log.device = "log";
  resources.push_back(log);
  return resources;
}

Status QemuDriver::Prepare(const Domain &domain) const {
  const LoaderNvram &firmware = domain.firmware;
  if (!LacksFirmwareVariables(firmware)) {
    return {};
  }
  const Fd from(
      open(firmware.nvram_template.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!from) {
    return SystemError(errno,
                       "cannot open the firmware variables' template " + firmware.nvram_template);
  }
  struct stat st {};
  if (fstat(from.get(), &st) != 0 || !S_ISREG(st.st_mode)) {
    return Error{Errc::kInvalid, "the firmware variables' template " + firmware.nvram_template +
                                     " is not a regular file; name one"};
  }
  // Under another name first, so that half a copy is never taken for the variables.
  const std::string partial = firmware.nvram + ".new";
  unlink(partial.c_str());
  const Fd to(open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to) {
    return SystemError(errno, "cannot make the firmware variables " + partial);
  }
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = read(from.get(), buffer.data(), buffer.size());
    if (n == 0) {
      break;
    }
    if (n < 0 || write(to.get(), buffer.data(), static_cast<size_t>(n)) != n) {
      const int err = errno;
      unlink(partial.c_str());
      return SystemError(err, "cannot copy " + firmware.nvram_template + " to " + partial);
    }
  }
  if (fsync(to.get()) != 0 || rename(partial.c_str(), firmware.nvram.c_str()) != 0) {
    const int err = errno;
    unlink(partial.c_str());
    return SystemError(err, "cannot make the firmware variables " + firmware.nvram);
  }
  return {};
}

Result<QemuLaunch> QemuDriver::Spec(const Domain &domain, const QemuPlace &place,
                                    int log_fd) const {
  SVIRT_ASSIGN(QemuCommand command, BuildQemuCommand(domain, PathsFor(domain)));
  QemuLaunch launch;
  LaunchSpec &spec = launch.spec;
  spec.program = Emulator(domain);
  spec.argv = std::move(command.argv);
  // The run directory is reached as working directory alone; its parent is closed to emulators.
  spec.env = {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=.", "TMPDIR=."};
  for (const auto &[name, value] : domain.qemu_env) {
    spec.env.push_back(std::string(name).append("=").append(value));
  }
  spec.cwd = place.run_dir;
  spec.memlock = MemlockOf(domain);
  spec.fds = {{log_fd, 1}, {log_fd, 2}};
  for (const QemuCommand::Tap &tap : command.taps) {
    const Interface &interface = domain.interfaces.at(tap.interface);
    const std::string bridge = interface.type == "bridge" ? interface.source : "";
    SVIRT_ASSIGN(Fd fd, OpenTap(interface.target, bridge));
    spec.fds.push_back({fd.get(), tap.fd});
    launch.fds.push_back(std::move(fd));
  }
  return launch;
}

Result<QmpClient> QemuDriver::WaitReady(const QemuPlace &place, const Child &child,
                                        std::chrono::milliseconds timeout) {
  const auto deadline = QmpClient::Clock::now() + timeout;
  SVIRT_ASSIGN(const Fd run_dir, OpenRunDir(place.run_dir));
  for (;;) {
    SVIRT_TRY(CheckNotAskedToEnd());
    Result<QmpClient> monitor =
        QmpClient::Connect(run_dir.get(), QemuPaths().monitor, child.pid, deadline);
    if (monitor) {
      return monitor;
    }
    // The monitor exists before QEMU has set up its machine: it may accept us and end then.
    const bool not_yet =
        monitor.error().code == Errc::kNotFound || monitor.error().code == Errc::kTimeout;
    if (PidfdEndsWithin(child.pidfd, not_yet ? kPollInterval : kQemuEndInterval)) {
      return EndedEarly(place);
    }
    if (!not_yet) {
      return monitor;
    }
    if (QmpClient::Clock::now() >= deadline) {
      return Error{Errc::kTimeout, "QEMU's monitor did not answer within " +
                                       std::to_string(timeout.count()) + " ms"};
    }
  }
}

Result<QmpClient> QemuDriver::Connect(const std::string &run_dir, pid_t pid,
                                      QmpClient::Clock::time_point deadline) {
  SVIRT_ASSIGN(const Fd dir, OpenRunDir(run_dir));
  return QmpClient::Connect(dir.get(), QemuPaths().monitor, pid, deadline);
}

Status QemuDriver::SetMemory(QmpClient &monitor, const Domain &domain) {
  if (domain.current_memory_bytes == 0 || domain.current_memory_bytes == domain.memory_bytes) {
    return {};
  }
  const Result<json> answer = monitor.Execute("balloon", {{"value", domain.current_memory_bytes}});
  return answer ? Status() : Status(answer.error());
}

Status QemuDriver::Resume(QmpClient &monitor) {
  return RunCommand(monitor, "cont");
}

Status QemuDriver::Powerdown(QmpClient &monitor) {
  return RunCommand(monitor, "system_powerdown");
}

Status QemuDriver::Quit(QmpClient &monitor) {
  return RunCommand(monitor, "quit");
}

Result<std::string> QemuDriver::QueryStatus(QmpClient &monitor, std::chrono::milliseconds timeout) {
  SVIRT_ASSIGN(const json answer, monitor.Execute("query-status", json::object(), timeout));
  const auto status = answer.is_object() ? answer.find("status") : answer.end();
  if (status == answer.end() || !status->is_string()) {
    return Error{Errc::kSystem, "QEMU's answer to query-status has no status"};
  }
  return OneLine(status->get<std::string>());
}

Result<std::map<std::string, std::string>> QemuDriver::QueryPtys(QmpClient &monitor) {
  SVIRT_ASSIGN(const json answer, monitor.Execute("query-chardev"));
  std::map<std::string, std::string> ptys;
  for (const json &device : answer.is_array() ? answer : json::array()) {
    if (!device.is_object() || !device.contains("label") || !device["label"].is_string() ||
        !device.contains("filename") || !device["filename"].is_string()) {
      continue;
    }
    const auto name = device["filename"].get<std::string>();
    const std::string prefix = "pty:/dev/pts/";
    // Only what looks like one: a name from QEMU must not lead people to another file.
    if (name.starts_with(prefix) && name.size() > prefix.size() &&
        name.find_first_not_of("0123456789", prefix.size()) == std::string::npos) {
      ptys[device["label"].get<std::string>()] = name.substr(4);
    }
  }
  return ptys;
}

}  // namespace svirt
