// SPDX-License-Identifier: LGPL-2.1-or-later
// svirt-scan: loads and probes one plugin in a process of its own, so that a plugin that crashes,
// hangs or meddles with the process is found out before a daemon loads it. Started by the loader;
// see scan_report.h for its arguments and descriptors. This contains accidents, not attacks: a
// plugin that gets here has been verified as far as it can be.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "host/loader/elf_image.h"
#include "host/loader/loadable.h"
#include "host/loader/loaded_plugins.h"
#include "host/loader/note.h"
#include "host/loader/plugin.h"
#include "host/loader/process_state.h"
#include "host/loader/scan_report.h"
#include "host/loader/trust.h"
#include "host/loader/used_files.h"

namespace svirt {
namespace {

// Until the loader has a pidfd of this process: in a program that ignores SIGCHLD one that ended
// earlier would be gone, and its number perhaps another's.
void WaitForStart() {
  char nothing = 0;
  while (read(STDIN_FILENO, &nothing, 1) < 0 && errno == EINTR) {
  }
}

void Confine(rlim_t cpu_seconds) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const struct rlimit no_core { 0, 0 };
  setrlimit(RLIMIT_CORE, &no_core);
  // Both limits are the same: SIGKILL at once, not SIGXCPU, which a plugin may have blocked.
  const struct rlimit cpu { cpu_seconds, cpu_seconds };
  setrlimit(RLIMIT_CPU, &cpu);
}

// What a sound plugin depends on.
Result<std::vector<UsedFile>> Try(const std::string &path, const std::string &virt_type) {
  Fd file(kScanPluginFd);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) {
    return SystemError(errno, "the scanner was given no plugin");
  }
  const FileIdentity identity = IdentityOf(status);
  SVIRT_ASSIGN(const ElfImage image, ReadElf(FileBytes(file.get(), identity.size)));
  SVIRT_TRY(CheckLoadable(image));
  SVIRT_ASSIGN(const Note note, NoteOf(image));
  const ProcessState before = CaptureProcessState();
  SVIRT_ASSIGN(const LoadedObject object, LoadOnce(std::move(file), identity, path, image, note));
  SVIRT_ASSIGN(const auto plugin, Plugin::Create(object.table, {.gate = object.gate}));
  // What it answers is asked again where it counts, in the daemon.
  plugin->Probe(virt_type);
  const auto differences = CompareProcessState(before, CaptureProcessState());
  if (!differences.empty()) {
    return Error{
        Errc::kRefused,
        "it breaks rule 5 of the plugin ABI when it is loaded or probed: it " + differences[0], 0};
  }
  return FilesInUse(image).value_or(std::vector<UsedFile>());
}

int Main(int argc, char **argv) {
  if (argc != 4 || fcntl(kScanReportFd, F_SETFD, FD_CLOEXEC) != 0 ||
      fcntl(kScanPluginFd, F_SETFD, FD_CLOEXEC) != 0) {
    std::cerr << "svirt-scan: this program is run by the svirt loader, not by hand\n";
    return 2;
  }
  WaitForStart();
  Confine(static_cast<rlim_t>(std::strtoul(argv[3], nullptr, 10)));
  const auto files = Try(argv[1], argv[2]);
  const std::string report = FormatScanReport(
      files.ok() ? ScanReport{true, "", *files} : ScanReport{false, files.error().message});
  const ssize_t written = write(kScanReportFd, report.data(), report.size());
  return written == static_cast<ssize_t>(report.size()) ? 0 : 1;
}

}  // namespace
}  // namespace svirt

int main(int argc, char **argv) {
  return svirt::Main(argc, argv);
}
