// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be said against a domain before its QEMU is started.
#pragma once

#include <string>

#include "host/domain/domain.h"
#include "host/util/refusals.h"

namespace svirt {

// The domain's emulator, or the one of its arch if it names none.
std::string QemuEmulator(const Domain &domain);

// Can the domain run here? Every part of its XML is understood, KVM is there if it asks for it,
// the emulator can be executed, its qcow2 images have no backing file that is not named, its
// bridges are there, the template of its firmware variables can be read. Changes nothing. Adds all
// that stands against it: Errc::kUnsupported, kInvalid, kNotFound.
void CheckQemu(const Domain &domain, const std::string &kvm_device, Refusals *refusals);

}  // namespace svirt
