// SPDX-License-Identifier: LGPL-2.1-or-later
// Has the kernel wipe a page in each fork.
#include "host/util/fork_mark.h"

#include <sys/mman.h>
#include <unistd.h>

namespace svirt {
namespace {

constexpr size_t kSize = 1;  // the kernel gives a page

}  // namespace

ForkMark::ForkMark() : process_(::getpid()) {
  void *const page =
      ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) {
    return;
  }
  if (::madvise(page, kSize, MADV_WIPEONFORK) != 0) {
    ::munmap(page, kSize);
    return;
  }
  mark_ = static_cast<unsigned char *>(page);
  *mark_ = 1;
}

ForkMark::~ForkMark() {
  if (mark_ != nullptr) {
    ::munmap(const_cast<unsigned char *>(mark_), kSize);
  }
}

bool ForkMark::IsHere() const {
  return mark_ != nullptr ? *mark_ == 1 : ::getpid() == process_;
}

}  // namespace svirt
