// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/domain/resource.h"
#include "host/hypervisor/qemu/qmp_client.h"
#include "host/launch/launch.h"
#include "host/util/refusals.h"
#include "host/util/result.h"

namespace svirt {

// A QEMU that has closed its monitor is about to end: how long that may take.
inline constexpr std::chrono::milliseconds kQemuEndInterval{2000};

// Where the QEMU of one domain lives.
struct QemuPlace {
  std::string run_dir;   // the domain's own, made by the caller, 0700 or stricter to outsiders
  std::string log_path;  // its output goes here, appended
  off_t log_start = 0;   // size of the log before the start: what is older is not its word
};

// What Launch needs, and the descriptors it refers to: to be kept until Launch has returned.
struct QemuLaunch {
  LaunchSpec spec;
  std::vector<Fd> fds;
};

// Runs domains of types kvm and qemu. It has no state: what it needs to know of a running domain
// is in its run directory. Recipes are the caller's: QemuLaunch::spec.recipes is empty.
class QemuDriver {
 public:
  // kvm_device: tests give another.
  explicit QemuDriver(std::string kvm_device = "/dev/kvm") : kvm_device_(std::move(kvm_device)) {}

  // The emulator of a domain that names none, by its arch.
  static std::string DefaultEmulator(const Domain &domain);

  // Can the domain run here? Every part of its XML is understood, KVM is there if it asks for it,
  // the emulator can be executed, its qcow2 images have no backing file that is not named, the
  // template of its firmware variables can be read. Changes nothing. Adds all that stands against
  // it: Errc::kUnsupported, kInvalid, kNotFound.
  void Check(const Domain &domain, Refusals *refusals) const;

  // What QEMU itself needs besides the resources of the XML: its run directory and its log.
  static std::vector<Resource> Resources(const QemuPlace &place);

  // Makes what the domain needs and lacks: firmware variables from their template. Before its
  // resources are labelled.
  Status Prepare(const Domain &domain) const;

  // How to start it. log_fd is opened for appending by the caller. Opens tap devices.
  Result<QemuLaunch> Spec(const Domain &domain, const QemuPlace &place, int log_fd) const;

  // Waits until QEMU answers at its monitor. If it ends first: Errc::kSystem with the last lines
  // of its log. The child is not reaped here.
  static Result<QmpClient> WaitReady(const QemuPlace &place, const Child &child,
                                     std::chrono::milliseconds timeout);

  // The monitor of a domain that was started before. pid: of its QEMU, which must be the one that
  // listens.
  static Result<QmpClient> Connect(const std::string &run_dir, pid_t pid,
                                   QmpClient::Clock::time_point deadline);

  // Asks the guest for the part of its memory that <currentMemory> leaves out.
  static Status SetMemory(QmpClient &monitor, const Domain &domain);
  // Lets the guest run; it is started paused.
  static Status Resume(QmpClient &monitor);
  // Asks the guest to shut down, as the power button does.
  static Status Powerdown(QmpClient &monitor);
  // Ends QEMU at once, in an orderly way for its images.
  static Status Quit(QmpClient &monitor);
  // "prelaunch", "running", "paused", "shutdown", ...: RunState of QMP.
  static Result<std::string> QueryStatus(
      QmpClient &monitor, std::chrono::milliseconds timeout = std::chrono::seconds(10));
  // Terminals of character devices of type pty, by the id of the device: serial0 -> /dev/pts/3.
  static Result<std::map<std::string, std::string>> QueryPtys(QmpClient &monitor);

 private:
  std::string kvm_device_;
};

}  // namespace svirt
