// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks at each object in the journal of a domain, and for what the domain uses besides.
#include "host/labels/plan/object_comparison.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "host/labels/object/open_resource.h"
#include "host/util/parallel.h"

namespace svirt {
namespace {

std::string OrNone(const std::string &label) {
  return label.empty() ? "none" : label;
}

bool IsAboutLabel(const Mismatch &mismatch) {
  return mismatch.kind == Mismatch::Kind::kObjectLabel || mismatch.kind == Mismatch::Kind::kEntry;
}

class ObjectComparison {
 public:
  ObjectComparison(const Draft &draft, const Domain &domain, const Manifest &manifest,
                   const std::vector<std::string> &unlabelled)
      : draft_(draft), domain_(domain), unlabelled_(unlabelled) {
    for (const Resource &resource : manifest.resources) {
      named_.insert(resource.path);
      if (resource.subtree) {
        trees_.push_back(resource.path + "/");
      }
    }
    for (const OpenedManifest::Object &object : draft.opened->objects()) {
      if (object.opened.type == ObjectType::kDir) {
        trees_.push_back(object.opened.path + "/");
      }
      named_.insert(object.opened.path);
    }
  }

  std::optional<Mismatch> Compare(const JournalItem &use) const {
    const bool below = IsBelow(use.path);
    const auto object = OpenExactly(-1, use.path);
    const bool is_gone = !object.ok() && object.error().code == Errc::kNotFound;
    if (is_gone && below) {
      return std::nullopt;
    }
    if (!object.ok()) {
      return Found(Mismatch::Kind::kGone, use, "",
                   is_gone ? use.path + ", which was labelled for domain " + domain_.name +
                                 ", is not there any more"
                           : object.error().message,
                   "put it back where it was, or end the domain");
    }
    if (object->id != use.id) {
      return below ? std::nullopt
                   : Found(Mismatch::Kind::kReplaced, use, "",
                           use.path +
                               " is another object than the one that was labelled for domain " +
                               domain_.name + ", which has that one open still",
                           "put that one back, or end the domain ('svirt destroy " + domain_.name +
                               "') and start it again");
    }
    if (!below && draft_.opened->Find(use.id) == nullptr) {
      return Found(Mismatch::Kind::kNotUsed, use, "",
                   use.path + " is labelled for domain " + domain_.name + ", which does not use it",
                   "'svirt recover' gives it its old label back");
    }
    return CompareLabel(use, *object);
  }

  // What the domain uses, and the journal does not have.
  std::vector<Mismatch> NotRecorded(const std::vector<JournalItem> &uses) const {
    std::set<std::pair<std::string, ObjectId>> known;
    std::set<std::string> paths;
    for (const JournalItem &use : uses) {
      known.emplace(use.model, use.id);
      paths.insert(use.path);
    }
    std::vector<Mismatch> mismatches;
    for (const LabelTask &task : draft_.tasks) {
      // That another object lies there is said already.
      if (!known.contains({task.item.model, task.item.id}) && !paths.contains(task.item.path)) {
        mismatches.push_back(*Found(Mismatch::Kind::kNotRecorded, task.item, "",
                                    "domain " + domain_.name + " uses " + task.item.path +
                                        ", and the label database does not know that under model " +
                                        task.item.model,
                                    "'svirt recover' enters it"));
      }
    }
    return mismatches;
  }

 private:
  static std::optional<Mismatch> Found(Mismatch::Kind kind, const JournalItem &use,
                                       std::string found, std::string message, std::string mend) {
    return Mismatch{.kind = kind,
                    .model = use.model,
                    .where = use.path,
                    .planned = use.label,
                    .found = std::move(found),
                    .message = std::move(message),
                    .mend = std::move(mend)};
  }

  // Is it there because a directory above is a resource, and for no other reason?
  bool IsBelow(const std::string &path) const {
    return !named_.contains(path) && std::ranges::any_of(trees_, [&path](const std::string &tree) {
      return path.starts_with(tree);
    });
  }

  // Where an object could not be labelled at the start either, its file system decides.
  static bool KeepsWhatItHas(const JournalItem &use, const OpenObject &object,
                             const OldLabel &now) {
    struct statvfs system {};
    const bool is_read_only =
        ::fstatvfs(object.fd.get(), &system) == 0 && (system.f_flag & ST_RDONLY) != 0;
    return !use.exclusive && now == use.old && (is_read_only || object.is_fixed);
  }

  std::optional<Mismatch> CompareLabel(const JournalItem &use, const OpenObject &object) const {
    Plugin *plugin = nullptr;
    for (const ModelDraft &model : draft_.models) {
      plugin = model.plugin->model() == use.model ? model.plugin : plugin;
    }
    if (plugin == nullptr || use.label.empty() ||
        std::ranges::find(unlabelled_, use.path) != unlabelled_.end()) {
      return std::nullopt;
    }
    Resource resource;
    resource.path = use.path;
    resource.object = object.type;
    const ObjectLabel label{.plugin = plugin, .extent = use.extent, .label = use.label};
    const auto read = label.Read({&resource, object.fd.get()});
    if (!read.ok()) {
      return Found(Mismatch::Kind::kGone, use, "", read.error().message,
                   "mend that, and look again");
    }
    const OldLabel &now = *read;
    if (now.state == OldLabel::State::kUnsupported ||
        now == OldLabel{OldLabel::State::kPresent, use.label} || KeepsWhatItHas(use, object, now)) {
      return std::nullopt;
    }
    const bool is_entry = use.extent == Extent::kEntry;
    return Found(is_entry ? Mismatch::Kind::kEntry : Mismatch::Kind::kObjectLabel, use, now.label,
                 use.path + " was given the " + use.model + (is_entry ? " entry " : " label ") +
                     use.label + " for domain " + domain_.name + ", and has " + OrNone(now.label) +
                     " now",
                 "'svirt recover' gives it to it again");
  }

  const Draft &draft_;
  const Domain &domain_;
  const std::vector<std::string> &unlabelled_;
  std::set<std::string> named_;     // paths of resources
  std::vector<std::string> trees_;  // directories, each with a slash behind it
};

}  // namespace

std::string_view MismatchName(Mismatch::Kind kind) {
  switch (kind) {
    case Mismatch::Kind::kProcessLabel:
      return "process label";
    case Mismatch::Kind::kNotEnforced:
      return "not enforced";
    case Mismatch::Kind::kObjectLabel:
      return "object label";
    case Mismatch::Kind::kEntry:
      return "entry";
    case Mismatch::Kind::kGone:
      return "gone";
    case Mismatch::Kind::kReplaced:
      return "replaced";
    case Mismatch::Kind::kNotUsed:
      return "not used";
    case Mismatch::Kind::kNotRecorded:
      return "not recorded";
    case Mismatch::Kind::kForeign:
      break;
  }
  return "in other hands";
}

std::vector<Mismatch> TakeOutMissing(Manifest *manifest) {
  std::vector<Mismatch> mismatches;
  std::erase_if(manifest->resources, [&mismatches](const Resource &resource) {
    const auto object = OpenResource(resource, false);
    if (!object.ok()) {
      mismatches.push_back({.kind = Mismatch::Kind::kGone,
                            .model = "",
                            .where = resource.path,
                            .planned = "",
                            .found = "",
                            .message = object.error().message,
                            .mend = "put it back where it was, or end the domain"});
    }
    return !object.ok();
  });
  return mismatches;
}

Result<std::vector<Mismatch>> CompareObjects(LabelStore *store, const Draft &draft,
                                             const Domain &domain, const Manifest &manifest,
                                             const std::vector<std::string> &unlabelled) {
  const ObjectComparison comparison(draft, domain, manifest, unlabelled);
  SVIRT_ASSIGN(const std::vector<JournalItem> uses, store->journal().Uses(domain.uuid));
  std::vector<std::optional<Mismatch>> seen(uses.size());
  SVIRT_TRY(ForEach(uses.size(), [&](size_t i) {
    seen[i] = comparison.Compare(uses[i]);
    return Status();
  }));
  std::vector<Mismatch> mismatches = comparison.NotRecorded(uses);
  // That an object is another one is no matter of a model.
  std::set<std::pair<Mismatch::Kind, std::string>> said;
  for (auto &mismatch : seen) {
    if (mismatch &&
        (IsAboutLabel(*mismatch) || said.emplace(mismatch->kind, mismatch->where).second)) {
      mismatches.push_back(*std::move(mismatch));
    }
  }
  return mismatches;
}

}  // namespace svirt
