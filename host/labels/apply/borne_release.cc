// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks at objects that bore labels of nobody.
#include <sys/stat.h>

#include "host/labels/apply/label_scan.h"
#include "host/labels/object/object_label.h"
#include "host/labels/plan/seclabel_rules.h"

namespace svirt {
namespace {

// Is its file system there, and the object not?
bool IsGone(const BorneLabel &borne) {
  const std::string directory = borne.path.substr(0, borne.path.rfind('/') + 1);
  struct stat status {};
  return ::stat(directory.c_str(), &status) == 0 && status.st_dev == borne.id.dev;
}

Result<bool> IsBorneStill(LabelStore *store, Plugin *plugin, const BorneLabel &borne) {
  const auto object = OpenExactly(-1, borne.path);
  if (!object.ok()) {
    return object.error().code != Errc::kNotFound || !IsGone(borne);
  }
  const bool same = borne.earlier_boot
                        ? object->id.ino == borne.id.ino && object->id.btime == borne.id.btime
                        : object->id == borne.id;
  if (!same) {
    return !IsGone(borne);
  }
  Resource resource;
  resource.path = borne.path;
  resource.object = object->type;
  SVIRT_ASSIGN(const OldLabel now, ReadLabel(plugin, {&resource, object->fd.get()}));
  if (now == OldLabel{OldLabel::State::kPresent, borne.label}) {
    return true;
  }
  // It may be given it back when the domain ends that uses it now.
  JournalItem item;
  item.model = borne.model;
  item.path = borne.path;
  item.id = object->id;
  return store->journal().IsUsed(item);
}

}  // namespace

Status ReleaseBorne(LabelStore *store, const std::vector<Plugin *> &plugins) {
  SVIRT_ASSIGN(const std::vector<BorneLabel> all, store->registry().Borne());
  std::vector<BorneLabel> over;
  for (const BorneLabel &borne : all) {
    Plugin *const plugin = FindPlugin(plugins, borne.model);
    if (plugin == nullptr) {
      continue;
    }
    SVIRT_ASSIGN(const bool still, IsBorneStill(store, plugin, borne));
    if (!still) {
      over.push_back(borne);
    }
  }
  return over.empty() ? Status() : store->registry().DropBorne(over);
}

}  // namespace svirt
