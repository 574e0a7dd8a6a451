// SPDX-License-Identifier: LGPL-2.1-or-later
// Numbers of security classes and permissions in questions to FLASK. They are compiled into the
// hypervisor and into its policy, and in no public header of it. The library the plugin is linked
// with belongs to one release of the hypervisor, so they cannot come to differ unseen.
#pragma once

#include <cstdint>

namespace svirt::flask {

inline constexpr uint16_t kClassDomain = 3;
inline constexpr uint32_t kDomainCreate = 1U << 4;
inline constexpr uint32_t kDomainTransition = 1U << 5;

inline constexpr uint16_t kClassDomain2 = 4;
inline constexpr uint32_t kDomain2RelabelFrom = 1U << 0;
inline constexpr uint32_t kDomain2RelabelTo = 1U << 1;

inline constexpr uint16_t kClassEvent = 9;
inline constexpr uint32_t kEventBind = 1U << 0;
inline constexpr uint32_t kEventCreate = 1U << 3;

inline constexpr uint16_t kClassGrant = 10;
inline constexpr uint32_t kGrantMapRead = 1U << 0;
inline constexpr uint32_t kGrantMapWrite = 1U << 1;
inline constexpr uint32_t kGrantCopy = 1U << 5;

// The hypervisor's own label under a loaded policy; just the word "xenboot" before one is loaded.
inline constexpr uint32_t kFirstInitialSid = 1;

}  // namespace svirt::flask
