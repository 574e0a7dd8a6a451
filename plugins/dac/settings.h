// SPDX-License-Identifier: LGPL-2.1-or-later
// The ids that dynamic labels are made of: [model dac] in svirt.conf.
#pragma once

#include <svirt/ext/draft/config_keys.h>
#include <svirt/plugin.h>

#include <cstdint>

namespace svirt::dac {

// Above what useradd, systemd, containers, subordinate ids and directory services give out by
// default, and below 2^31, where some programs read an id as a negative number.
struct IdRange {
  uint32_t first = 2'100'000'000;
  uint32_t count = 65536;

  uint32_t last() const { return first + (count - 1); }
  bool Contains(uint64_t id) const { return id >= first && id <= last(); }
};

// The two of them.
extern const svirt_config_keys kConfigKeys;

// first_id and count, each as the host's configuration has it. SVIRT_E_INVALID with a sentence if
// that is no range of ids that domains may have.
svirt_status ReadRange(const svirt_host *host, IdRange *range, svirt_error *error);

}  // namespace svirt::dac
