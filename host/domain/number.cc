// SPDX-License-Identifier: LGPL-2.1-or-later
// Converts text to numbers, strictly, and knows the units of sizes.
#include "host/domain/number.h"

#include <boost/algorithm/string/case_conv.hpp>
#include <charconv>
#include <limits>
#include <string>

#include "host/util/text.h"

namespace svirt {
namespace {

Result<uint64_t> UnitFactor(std::string_view unit) {
  const std::string name =
      boost::algorithm::to_lower_copy(std::string(unit), std::locale::classic());
  if (name == "b" || name == "byte" || name == "bytes") {
    return uint64_t{1};
  }
  constexpr std::string_view kPrefixes = "kmgtpe";
  const size_t power = kPrefixes.find(name.empty() ? ' ' : name[0]);
  const std::string rest = name.empty() ? "" : name.substr(1);
  if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) {
    return Error{Errc::kInvalid, Quoted(unit) +
                                     " is no unit; legal are bytes, KB, KiB, MB, MiB, GB, GiB, "
                                     "TB, TiB, PB, PiB, EB, EiB"};
  }
  uint64_t factor = 1;
  for (size_t i = 0; i <= power; ++i) {
    factor *= rest == "b" ? 1000 : 1024;
  }
  return factor;
}

}  // namespace

Result<uint64_t> ParseUnsigned(std::string_view text, uint64_t max) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = hex ? text.substr(2) : text;
  // Some readers of domain XML take a leading zero for octal: what 010 means depends on whom one
  // asks, and the wrong device would be handed out.
  const size_t significant = digits.find_first_not_of('0');
  if (!hex && digits.starts_with('0') && significant != std::string_view::npos &&
      digits.size() - significant > 1) {
    return Error{
        Errc::kInvalid,
        Quoted(text) +
            " may be octal or decimal; write it without the leading zero, or in hex after 0x"};
  }
  uint64_t value = 0;
  const char *last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, value, hex ? 16 : 10);
  if (end != last || error == std::errc::invalid_argument) {
    return Error{Errc::kInvalid, Quoted(text) + " is not a number"};
  }
  if (error != std::errc() || value > max) {
    return Error{Errc::kInvalid,
                 Quoted(text) + " is too large; the most is " + std::to_string(max)};
  }
  return value;
}

Result<uint64_t> ParseBytes(std::string_view number, std::string_view unit,
                            std::string_view default_unit) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  SVIRT_ASSIGN(const uint64_t value, ParseUnsigned(number, kMost));
  SVIRT_ASSIGN(const uint64_t factor, UnitFactor(unit.empty() ? default_unit : unit));
  if (value > kMost / factor) {
    return Error{Errc::kInvalid, Quoted(number) + " is too large a size"};
  }
  return value * factor;
}

}  // namespace svirt
