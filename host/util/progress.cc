// SPDX-License-Identifier: LGPL-2.1-or-later
// Reports one in many of the steps that are counted.
#include "host/util/progress.h"

namespace svirt {
namespace {

constexpr size_t kStepsPerReport = 256;

}  // namespace

ProgressCount::~ProgressCount() {
  if (has_reported_) {
    sink_({work_, done_, total_, true});
  }
}

void ProgressCount::Add() {
  const size_t done = ++done_;
  if (!sink_ || done % kStepsPerReport != 0) {
    return;
  }
  // Whoever comes while another one reports has nothing new to say.
  if (const std::unique_lock lock(mutex_, std::try_to_lock); lock) {
    has_reported_ = true;
    sink_({work_, done, total_, false});
  }
}

}  // namespace svirt
