// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads the range of ids from the host's configuration, and refuses ids with a special meaning.
#include "settings.h"

#include <svirt/sdk.h>

#include <charconv>
#include <string_view>

#include "identity.h"

namespace svirt::dac {
namespace {

// What the kernel shows for ids that it has no number for, and that value with 16 bits.
constexpr uint32_t kNobody = 65534, kNoId16 = 65535;

constexpr svirt_config_key kKeys[] = {
    {.name = "first_id",
     .default_value = "2100000000",
     .help = "the first user and group id that domains are given",
     .type = SVIRT_CONFIG_NUMBER,
     .reserved = 0},
    {.name = "count",
     .default_value = "65536",
     .help = "how many ids there are, from first_id on",
     .type = SVIRT_CONFIG_NUMBER,
     .reserved = 0},
};

svirt_status ReadNumber(const svirt_host *host, const char *key, uint32_t *number,
                        svirt_error *error) {
  const char *value = sdk::Setting(host, key);
  if (value == nullptr) {
    return SVIRT_OK;
  }
  const std::string_view text(value);
  uint32_t read = 0;
  const auto [at, bad] = std::from_chars(text.data(), text.data() + text.size(), read);
  if (bad != std::errc() || at != text.data() + text.size() || read == 0 || read > kLargestId) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "%s in [model dac] of svirt.conf has to be a number from 1 to %u, not '%s'",
                     key, kLargestId, value);
  }
  *number = read;
  return SVIRT_OK;
}

}  // namespace

constexpr svirt_config_keys kConfigKeys = sdk::MakeConfigKeys(kKeys);

svirt_status ReadRange(const svirt_host *host, IdRange *range, svirt_error *error) {
  IdRange read;
  svirt_status status = ReadNumber(host, "first_id", &read.first, error);
  if (status == SVIRT_OK) {
    status = ReadNumber(host, "count", &read.count, error);
  }
  if (status != SVIRT_OK) {
    return status;
  }
  if (read.count - 1 > kLargestId - read.first) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "there are no %u ids from %u on, as [model dac] of svirt.conf has it: the "
                     "largest is %u",
                     read.count, read.first, kLargestId);
  }
  if (read.Contains(kNobody) || read.Contains(kNoId16)) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "the ids %u to %u of [model dac] in svirt.conf include %u and %u, which stand "
                     "for nobody: choose others with first_id and count",
                     read.first, read.last(), kNobody, kNoId16);
  }
  *range = read;
  return SVIRT_OK;
}

}  // namespace svirt::dac
