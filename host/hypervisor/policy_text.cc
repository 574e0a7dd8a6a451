// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/policy_text.h"

#include <svirt/ext/describe.h>

#include <utility>

#include "host/domain/manifest.h"
#include "host/labels/draft.h"
#include "host/labels/opened_manifest.h"
#include "host/labels/seclabel_rules.h"
#include "host/loader/marshal.h"
#include "host/loader/status.h"

namespace svirt {
namespace {

constexpr uint32_t kFirstRoom = 64u << 10;
constexpr uint32_t kMostRoom = 64u << 20;

// nullopt: under this seclabel the model makes no policy.
Result<std::optional<std::string>> Describe(const svirt_describe &extension, const DomainRef &ref,
                                            const std::string &model) {
  SVIRT_ASSIGN(DomainView view, DomainView::Make(ref, model));
  svirt_host host{};
  host.struct_size = sizeof host;
  host.abi_major = SVIRT_ABI_MAJOR;
  host.abi_minor = SVIRT_ABI_MINOR;
  host.name = "svirt";
  host.version = "";
  host.log = [](const svirt_host *, int32_t, const char *) noexcept {};
  host.get_extension = [](const svirt_host *, const char *) noexcept -> const void * {
    return nullptr;
  };
  for (uint32_t room = kFirstRoom;;) {
    std::string text(room, '\0');
    svirt_buf buf{};
    buf.struct_size = sizeof buf;
    buf.size = room;
    buf.data = text.data();
    svirt_error error = BlankError();
    const svirt_status status = extension.describe(&host, view.get(), &buf, &error);
    if (status == SVIRT_E_NODATA) {
      return std::optional<std::string>();
    }
    if (status == SVIRT_E_RANGE && buf.used > room && buf.used <= kMostRoom) {
      room = buf.used;
      continue;
    }
    if (status != SVIRT_OK) {
      Error failure = ErrorFromStatus("describe", status, error);
      failure.message.insert(0, model + ": ");
      return failure;
    }
    text.resize(text.find('\0') != std::string::npos ? text.find('\0') : room);
    return std::optional(std::move(text));
  }
}

}  // namespace

Result<std::vector<PolicyText>> DescribePolicies(SecurityDrivers *drivers, const Domain &domain) {
  SVIRT_ASSIGN(const Manifest manifest, BuildManifest(domain, ManifestOptions{}));
  SVIRT_ASSIGN(const std::vector<Candidate> candidates, drivers->Candidates(domain.type));
  std::vector<PolicyText> policies;
  for (const Candidate &candidate : candidates) {
    if (candidate.plugin == nullptr) {
      continue;
    }
    const auto *extension =
        static_cast<const svirt_describe *>(candidate.plugin->GetExtension(SVIRT_EXT_DESCRIBE));
    if (extension == nullptr || extension->struct_size < sizeof *extension) {
      continue;
    }
    const auto choices = ChooseModels(domain, {candidate.plugin}, ConfinementPolicy{});
    if (!choices.ok() || choices->empty()) {
      continue;
    }
    SVIRT_ASSIGN(const auto opened, OpenedManifest::Open(manifest, false));
    const DomainRef ref = MakeDomainRef(domain, choices->front().seclabel, opened->Refs());
    SVIRT_ASSIGN(auto text, Describe(*extension, ref, candidate.model));
    if (text) {
      policies.push_back({candidate.model, std::move(*text)});
    }
  }
  return policies;
}

}  // namespace svirt
