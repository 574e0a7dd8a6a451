// SPDX-License-Identifier: LGPL-2.1-or-later
// Compares machine, stack, relocations, libraries and exports of a shared object with the rules.
#include "host/loader/loadable.h"

#include <elf.h>
#include <svirt/plugin.h>

#include <algorithm>
#include <string>

#include "host/loader/trust.h"
#include "host/util/text.h"

namespace svirt {
namespace {

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__i386__)
constexpr uint16_t kMachine = EM_386;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#elif defined(__arm__)
constexpr uint16_t kMachine = EM_ARM;
#elif defined(__powerpc64__)
constexpr uint16_t kMachine = EM_PPC64;
#elif defined(__s390__)
constexpr uint16_t kMachine = EM_S390;
#elif defined(__riscv)
constexpr uint16_t kMachine = EM_RISCV;
#else
#error "name this machine's EM_ constant here"
#endif

}  // namespace

Status CheckLoadable(const ElfImage &image) {
  if (image.machine != kMachine) {
    return Refusal("it was built for another machine (ELF machine " +
                   std::to_string(image.machine) + ", this host is " + std::to_string(kMachine) +
                   ")");
  }
  if (image.position_independent_executable) {
    return Refusal("it is a program, not a shared object");
  }
  if (image.executable_stack) {
    return Refusal("it wants an executable stack; link it with -z noexecstack");
  }
  if (image.text_relocations) {
    return Refusal("it has text relocations; compile it with -fPIC");
  }
  for (const std::string &name : image.needed) {
    if (name.find('/') != std::string::npos) {
      return Refusal("it needs the library " + Printable(name) +
                     " by path; libraries go by soname");
    }
    if (IsPluginFileName(name)) {
      return Refusal("it needs another plugin, " + name + "; plugins stand alone");
    }
  }
  for (const std::string &path : image.library_paths) {
    // Empty means the working directory; $ORIGIN would be /proc/self/fd, from which it is loaded.
    if (!IsPlainAbsolutePath(path)) {
      return Refusal("it looks for libraries in \"" + Printable(path) +
                     "\" (RPATH or RUNPATH), which is not an absolute directory; remove it with "
                     "chrpath -d");
    }
  }
  if (std::find(image.exports.begin(), image.exports.end(), SVIRT_PLUGIN_ENTRY) ==
      image.exports.end()) {
    return Refusal("it does not define the function " SVIRT_PLUGIN_ENTRY);
  }
  return {};
}

}  // namespace svirt
