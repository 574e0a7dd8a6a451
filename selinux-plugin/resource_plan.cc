// SPDX-License-Identifier: LGPL-2.1-or-later
// Decides by kind, access and path: the image label, the content label, the log label, or none.
#include "resource_plan.h"

#include <fcntl.h>
#include <svirt/sdk.h>
#include <sys/stat.h>

#include <string_view>

#include "base_contexts.h"
#include "labels.h"
#include "resource_label.h"

namespace svirt::selinux {
namespace {

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// Device nodes that all domains open and that every policy has types for. A label of one domain on
// them would take them from the host and from all others.
bool IsCommonNode(std::string_view path) {
  constexpr std::string_view kNodes[] = {
      "/dev/null",       "/dev/zero",          "/dev/full",          "/dev/random",
      "/dev/urandom",    "/dev/hwrng",         "/dev/tty",           "/dev/ptmx",
      "/dev/kvm",        "/dev/net/tun",       "/dev/vhost-net",     "/dev/vhost-vsock",
      "/dev/vhost-scsi", "/dev/vfio/vfio",     "/dev/iommu",         "/dev/sev",
      "/dev/sgx_vepc",   "/dev/sgx_enclave",   "/dev/sgx_provision", "/dev/userfaultfd",
      "/dev/udmabuf",    "/dev/mapper/control"};
  for (const std::string_view node : kNodes) {
    if (path == node) {
      return true;
    }
  }
  // Terminals get a type and the domain's categories when they are made.
  return StartsWith(path, "/dev/pts/") || StartsWith(path, "/dev/dri/") ||
         StartsWith(path, "/dev/snd/");
}

// Files of packages: the policy lets every domain read them.
bool IsSystemPath(std::string_view path) {
  for (const std::string_view prefix :
       {"/usr/", "/etc/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/proc/"}) {
    if (StartsWith(path, prefix)) {
      return true;
    }
  }
  return false;
}

sdk::ResourcePlan None(std::string note) {
  return {SVIRT_PLAN_NONE, 0, "", std::move(note)};
}

sdk::ResourcePlan Set(const std::string &label, uint32_t flags = 0) {
  return {SVIRT_PLAN_SET, flags | (HasCategories(label) ? SVIRT_PLAN_EXCLUSIVE : 0), label, ""};
}

// Guests may append to a log but not rewrite it, if the policy has virt_log_t; the categories keep
// other guests out.
std::string LogLabel(SelinuxApi *api, const std::string &image_label) {
  std::string why;
  auto context = ParseContext(image_label, &why);
  if (context) {
    context->type = "virt_log_t";
    std::string label = FormatContext(*context);
    if (api->CheckContext(label) == 0) {
      return label;
    }
  }
  return image_label;
}

bool CanBeContent(const svirt_resource &resource) {
  return resource.object == SVIRT_OBJ_FILE || resource.object == SVIRT_OBJ_BLOCK ||
         resource.object == SVIRT_OBJ_DIR || resource.object == SVIRT_OBJ_ANY;
}

// A tree that is a file system of its own needs no label on each of its files, if the label is the
// same at every start (mount(8), "context=").
bool CanBeMountedWithContext(const svirt_domain &domain, const svirt_resource &resource,
                             const std::string &label) {
  struct statx st {};
  return (resource.flags & SVIRT_RES_SUBTREE) != 0 && resource.object == SVIRT_OBJ_DIR &&
         (domain.label_type == SVIRT_LABEL_STATIC || !HasCategories(label)) && resource.fd >= 0 &&
         ::statx(resource.fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) == 0 &&
         (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

svirt_status DecideLabel(SelinuxApi *api, const svirt_domain &domain,
                         const svirt_resource &resource, sdk::ResourcePlan *plan,
                         svirt_error *error) {
  const std::string path = resource.path != nullptr ? resource.path : "";
  if (resource.override_label != nullptr && *resource.override_label != '\0') {
    Context context;
    const svirt_status status = CheckLabel(
        api, resource.override_label, ("the label given for " + path).c_str(), &context, error);
    if (status == SVIRT_OK) {
      // In the kernel's words: what is read back is compared with it.
      *plan = Set(FormatContext(context));
    }
    return status;
  }
  if (domain.label_type == SVIRT_LABEL_NONE) {
    *plan = None("the domain is not confined by SELinux");
    return SVIRT_OK;
  }
  const bool writes = (resource.access & (SVIRT_ACCESS_WRITE | SVIRT_ACCESS_CREATE)) != 0;
  if (resource.kind == SVIRT_RES_EMULATOR || (resource.access & SVIRT_ACCESS_EXEC) != 0) {
    *plan = None("programs keep the label of the policy");
    return SVIRT_OK;
  }
  if (resource.kind == SVIRT_RES_FIRMWARE) {
    *plan = None("firmware is shared and keeps the label of the policy");
    return SVIRT_OK;
  }
  if (IsCommonNode(path)) {
    *plan = None("a device node that all domains share keeps the label of the policy");
    return SVIRT_OK;
  }
  if (!writes && CanBeContent(resource) && IsSystemPath(path)) {
    *plan = None("a system file that is only read keeps the label of the policy");
    return SVIRT_OK;
  }

  const bool is_content = !writes && CanBeContent(resource);
  const bool is_shared = (resource.flags & SVIRT_RES_SHARED) != 0;
  BaseContexts base;  // of what is not the domain's alone
  if (is_content || is_shared) {
    const svirt_status status = LoadBaseContexts(api, &base, error);
    if (status != SVIRT_OK) {
      return status == SVIRT_INACTIVE ? SVIRT_E_NOTSUP : status;
    }
  }
  // Before SHARED: what nobody writes, nobody needs the right to write.
  if (is_content) {
    if (base.content) {
      *plan = {SVIRT_PLAN_SET, 0u, FormatContext(*base.content), ""};
    } else {
      *plan = None(base.image_path +
                   " names no label for read-only content (its second line): "
                   "left as it is");
    }
    return SVIRT_OK;
  }
  if (is_shared) {
    *plan = Set(FormatContext(base.image));
    return SVIRT_OK;
  }
  if (domain.image_label == nullptr || *domain.image_label == '\0') {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "%s needs the domain's image label, and the domain has none", path.c_str());
  }
  *plan =
      Set(resource.kind == SVIRT_RES_LOG ? LogLabel(api, domain.image_label) : domain.image_label);
  return SVIRT_OK;
}

}  // namespace

svirt_status PlanLabel(SelinuxApi *api, const svirt_domain &domain, const svirt_resource &resource,
                       sdk::ResourcePlan *plan, svirt_error *error) {
  const svirt_status status = DecideLabel(api, domain, resource, plan, error);
  if (status == SVIRT_OK && plan->action == SVIRT_PLAN_SET &&
      CanBeMountedWithContext(domain, resource, plan->label)) {
    plan->note = "a file system of its own: mounted with -o context=\"" + plan->label +
                 "\" it has no file to be labelled";
  }
  return status;
}

}  // namespace svirt::selinux
