// SPDX-License-Identifier: LGPL-2.1-or-later
// Gives out aliases and MAC addresses that no other device of the domain has.
#include "host/domain/device_names.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "host/domain/device_elements.h"

namespace svirt {
namespace {

constexpr std::string_view kUserPrefix = "ua-";
constexpr size_t kMostDigits = 4;
constexpr size_t kMostUserAlias = 64;

bool IsUsable(std::string_view alias, std::string_view prefix) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_word = [](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || c == '-' || c == '_';
  };
  if (alias.starts_with(kUserPrefix)) {
    return alias.size() > kUserPrefix.size() && alias.size() <= kMostUserAlias &&
           std::ranges::all_of(alias, is_word);
  }
  if (!alias.starts_with(prefix)) {
    return false;
  }
  const std::string_view number = alias.substr(prefix.size());
  return !number.empty() && number.size() <= kMostDigits && std::ranges::all_of(number, is_digit) &&
         (number == "0" || number.front() != '0');
}

std::string PrefixOf(const Chardev &device) {
  const bool is_port = device.kind == "console" && !device.serial_alias &&
                       (device.target_type.empty() || device.target_type == "serial");
  return is_port ? "serial" : device.kind;
}

// The number-th address of the domain's own.
std::string OwnMac(const Domain &domain, size_t number) {
  std::string digits;
  std::ranges::copy_if(domain.uuid, std::back_inserter(digits), [](char c) { return c != '-'; });
  digits.resize(32, '0');
  char last[3];
  const unsigned byte =
      static_cast<unsigned>(std::stoul(digits.substr(30), nullptr, 16) + number) & 0xffU;
  std::snprintf(last, sizeof last, "%02x", byte);
  return "52:54:00:" + digits.substr(26, 2) + ":" + digits.substr(28, 2) + ":" + last;
}

}  // namespace

void NameDevices(Domain *domain) {
  std::vector<std::pair<std::string, std::string *>> devices;  // prefix, alias
  for (Chardev &device : domain->chardevs) {
    if (device.serial_alias) {
      device.alias.clear();  // that of the port
    }
    devices.emplace_back(PrefixOf(device), &device.alias);
  }
  for (HostDevice &device : domain->hostdevs) {
    devices.emplace_back("hostdev", &device.alias);
  }
  for (Interface &device : domain->interfaces) {
    devices.emplace_back("net", &device.alias);
  }
  for (MemoryDevice &device : domain->memory_devices) {
    devices.emplace_back("memory", &device.alias);
  }
  std::set<std::string> taken;
  for (const auto &[prefix, alias] : devices) {
    if (!IsUsable(*alias, prefix) || !taken.insert(*alias).second) {
      alias->clear();
    }
  }
  std::map<std::string, unsigned> next;
  for (const auto &[prefix, alias] : devices) {
    while (alias->empty()) {
      std::string name = prefix + std::to_string(next[prefix]++);
      if (taken.insert(name).second) {
        *alias = std::move(name);
      }
    }
  }
}

bool HasAlias(const Domain &domain, std::string_view alias) {
  const auto has = [alias](const auto &devices) {
    return std::ranges::any_of(devices,
                               [alias](const auto &device) { return device.alias == alias; });
  };
  return has(domain.chardevs) || has(domain.hostdevs) || has(domain.interfaces) ||
         has(domain.memory_devices);
}

bool IsMac(std::string_view mac) {
  if (mac.size() != 17) {
    return false;
  }
  for (size_t i = 0; i < mac.size(); ++i) {
    const auto c = static_cast<unsigned char>(mac[i]);
    if (i % 3 == 2 ? c != ':' : c >= 0x80 || std::isxdigit(c) == 0) {
      return false;
    }
  }
  return true;
}

std::vector<std::string> MacAddresses(const Domain &domain) {
  std::vector<std::string> macs;
  for (const Interface &interface : domain.interfaces) {
    macs.push_back(interface.mac);
    std::ranges::transform(macs.back(), macs.back().begin(), [](unsigned char c) {
      return c < 0x80 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c);
    });
  }
  // There are not more than 256 of its own.
  constexpr size_t kMost = 256;
  std::set<std::string> taken(macs.begin(), macs.end());
  for (size_t i = 0; i < macs.size(); ++i) {
    for (size_t number = i; macs[i].empty(); ++number) {
      std::string mac = OwnMac(domain, number);
      if (taken.insert(mac).second || number >= i + kMost) {
        macs[i] = std::move(mac);
      }
    }
  }
  return macs;
}

void PinDevices(Domain *domain) {
  const auto pin = [](const DeviceElements &elements, const auto &devices) {
    for (size_t i = 0; i < elements.size(); ++i) {
      if (const std::string &alias = devices.at(i).alias; !alias.empty()) {
        elements[i].node().put("alias.<xmlattr>.name", alias);
      }
    }
  };
  const DeviceElements interfaces = FindDeviceElements(&domain->document, "interface");
  const std::vector<std::string> macs = MacAddresses(*domain);
  for (size_t i = 0; i < interfaces.size(); ++i) {
    domain->interfaces.at(i).mac = macs.at(i);
    interfaces[i].node().put("mac.<xmlattr>.address", macs.at(i));
  }
  pin(interfaces, domain->interfaces);
  pin(FindDeviceElements(&domain->document, "serial"), domain->chardevs);
  pin(FindDeviceElements(&domain->document, "memory"), domain->memory_devices);
  pin(FindDeviceElements(&domain->document, "hostdev"), domain->hostdevs);
}

}  // namespace svirt
