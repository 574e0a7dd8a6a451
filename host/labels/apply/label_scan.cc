// SPDX-License-Identifier: LGPL-2.1-or-later
// Collects what bears labels of nobody, and undoes it as if a domain that has ended had left it.
#include "host/labels/apply/label_scan.h"

#include <algorithm>
#include <cerrno>

#include "host/domain/uuid.h"
#include "host/labels/apply/undo.h"
#include "host/labels/object/deep_walk.h"
#include "host/labels/object/object_label.h"
#include "host/labels/plan/foreign_hands.h"
#include "host/labels/plan/process_scan.h"
#include "host/util/end_request.h"

namespace svirt {
namespace {

// So many are put back in one transaction, with one sync.
constexpr size_t kMostCollected = 500;

Resource ResourceOf(const std::string &path, ObjectType type) {
  Resource resource;
  resource.path = path;
  resource.object = type;
  return resource;
}

// Another host has it, by its mark.
std::string MarkedElsewhere(const LabelMark &mark, const std::string &model) {
  return "host " + mark.host +
         " uses it, by its mark, and gives it its old label back; if that host is gone for ever, "
         "run 'setfattr -x trusted.svirt." +
         model + "." + mark.host + "' on it and label it yourself";
}

}  // namespace

LabelScan::LabelScan(LabelStore *store, Options options)
    : store_(store), options_(std::move(options)) {
  if (auto host = store->HostName(); host.ok()) {
    host_ = std::move(*host);
  }
}

std::vector<Plugin *> LabelScan::Plugins() const {
  std::vector<Plugin *> plugins;
  for (const ScanModel &model : options_.models) {
    plugins.push_back(model.plugin);
  }
  return plugins;
}

Status LabelScan::Walk(const std::string &path) {
  const Status walked =
      svirt::Walk(path, {.visit = [this](const OpenObject &object) { return Visit(object); },
                         .failed = options_.failed});
  // What was found before an error is dealt with.
  Status flushed = Flush();
  return walked.ok() ? flushed : walked;
}

Status LabelScan::Visit(const OpenObject &object) {
  if (IsAskedToEnd()) {
    return Error{Errc::kSystem,
                 "the scan was ended by a signal; what it has put back stays so, and another scan "
                 "goes on with the rest",
                 EINTR};
  }
  ++objects_;
  for (const ScanModel &model : options_.models) {
    auto candidate = Judge(object, model);
    if (!candidate.ok()) {
      options_.failed(candidate.error());
    } else if (*candidate && collected_.emplace(&model, object.id).second) {
      candidates_.push_back(std::move(**candidate));
    }
  }
  return candidates_.size() < kMostCollected ? Status() : Flush();
}

Result<std::optional<LabelScan::Candidate>> LabelScan::Judge(const OpenObject &object,
                                                             const ScanModel &model) {
  if (candidates_.empty()) {
    SVIRT_ASSIGN(mark_, store_->registry().Mark());
  }
  const std::string &name = model.plugin->model();
  Candidate candidate;
  candidate.model = &model;
  candidate.id = object.id;
  candidate.type = object.type;
  const Resource resource = ResourceOf(object.path, object.type);
  SVIRT_ASSIGN(candidate.now, ReadLabel(model.plugin, {&resource, object.fd.get()}));
  if (candidate.now.state == OldLabel::State::kUnsupported) {
    return std::optional<Candidate>();
  }
  FoundLabel &found = candidate.found;
  found.path = object.path;
  found.model = name;
  found.label = candidate.now.label;
  if (candidate.now.state == OldLabel::State::kPresent) {
    for (const std::string &type : model.virt_types) {
      const auto index = labels_.IndexOf(model.plugin, type, found.label);
      candidate.index = candidate.index ? candidate.index : index;
    }
  }
  std::vector<LabelMark> marks;
  if (object.type == ObjectType::kFile) {
    SVIRT_ASSIGN(marks, ReadMarks(object.fd.get(), name));
  }
  bool is_labelled = candidate.index.has_value();
  std::string elsewhere;
  for (const LabelMark &mark : marks) {
    if (!mark.IsAbout(object.id) || mark.doi != model.doi) {
      continue;
    }
    const bool about_label = candidate.now == OldLabel{OldLabel::State::kPresent, mark.label};
    if (mark.host == host_) {
      candidate.has_mark = true;
      is_labelled = is_labelled || about_label;
      found.old = about_label ? std::optional(mark.old) : found.old;
    } else if (about_label) {
      elsewhere = MarkedElsewhere(mark, name);
    }
  }
  // What this host has of it is taken off even so.
  if (!candidate.has_mark || options_.dry_run) {
    found.reason = std::move(elsewhere);
  }
  if (candidate.has_mark && !is_labelled) {
    found.mark_alone = true;
    found.old = candidate.now;
  }
  return is_labelled || candidate.has_mark ? std::optional(std::move(candidate)) : std::nullopt;
}

Result<bool> LabelScan::IsHeld(Candidate *candidate) {
  JournalItem item;
  item.model = candidate->found.model;
  item.path = candidate->found.path;
  item.id = candidate->id;
  SVIRT_ASSIGN(const bool used, store_->journal().IsUsed(item));
  if (used) {
    return true;
  }
  const ScanModel &model = *candidate->model;
  if (candidate->index) {
    SVIRT_ASSIGN(const IndexHolder holder,
                 store_->registry().HolderOf(item.model, model.doi, *candidate->index));
    if (holder == IndexHolder::kOwner ||
        ContainsIndex(running_[candidate->model], *candidate->index)) {
      return true;
    }
  }
  const auto object = OpenExactly(-1, item.path);
  if (!object.ok() || object->id != candidate->id) {
    return true;  // somebody is at work on it
  }
  SVIRT_ASSIGN(std::string hand, ForeignHand(options_.proc, *object));
  if (!hand.empty()) {
    candidate->found.reason = std::move(hand);
  }
  return false;
}

Status LabelScan::Flush() {
  std::vector<Candidate> candidates = std::exchange(candidates_, {});
  collected_.clear();
  if (candidates.empty()) {
    return {};
  }
  std::vector<BorneLabel> borne;
  for (const Candidate &candidate : candidates) {
    if (candidate.index && !options_.dry_run) {
      borne.push_back({.model = candidate.found.model,
                       .doi = candidate.model->doi,
                       .index = *candidate.index,
                       .label = candidate.found.label,
                       .path = candidate.found.path,
                       .id = candidate.id});
    }
  }
  // From here on no domain is given one of these; who has one already is seen below.
  if (!borne.empty()) {
    SVIRT_TRY(store_->registry().EnterBorne(borne));
  }
  for (const ScanModel &model : options_.models) {
    for (const std::string &type : model.virt_types) {
      SVIRT_ASSIGN(const auto running, ScanProcesses(model.plugin, type, options_.proc));
      for (const ForeignLabel &label : running) {
        running_[&model].insert(running_[&model].end(), label.runs.begin(), label.runs.end());
      }
    }
  }
  std::map<const ScanModel *, std::vector<Candidate *>> known;
  std::vector<Candidate *> found;
  for (Candidate &candidate : candidates) {
    SVIRT_ASSIGN(const bool held, IsHeld(&candidate));
    if (held) {
      continue;
    }
    found.push_back(&candidate);
    FoundLabel &label = candidate.found;
    if (!label.reason.empty()) {
      continue;
    }
    if (!label.old) {
      label.reason =
          "what it had before is not known; 'ls -lnZ' shows it, and its administrator gives it the "
          "label that it should have";
    } else if (options_.dry_run) {
      label.outcome = FoundLabel::Outcome::kToBePutBack;
    } else {
      known[candidate.model].push_back(&candidate);
    }
  }
  for (const auto &[model, group] : known) {
    SVIRT_TRY(PutBack(*model, group));
  }
  for (const Candidate *candidate : found) {
    options_.found(candidate->found);
  }
  running_.clear();
  return options_.dry_run ? Status() : ReleaseBorne(store_, Plugins());
}

Status LabelScan::PutBack(const ScanModel &model, const std::vector<Candidate *> &candidates) {
  Status together = PutBackTogether(model, candidates);
  if (together.ok() || together.error().code != Errc::kConflict) {
    return together;
  }
  // A domain uses one of them by now.
  for (Candidate *candidate : candidates) {
    Status alone = PutBackTogether(model, {candidate});
    if (!alone.ok() && alone.error().code != Errc::kConflict) {
      return alone;
    }
    if (!alone.ok()) {
      candidate->found.reason = alone.error().message;
    }
  }
  return {};
}

Status LabelScan::PutBackTogether(const ScanModel &model,
                                  const std::vector<Candidate *> &candidates) {
  SVIRT_ASSIGN(const std::string uuid, NewUuid());
  std::vector<JournalItem> items;
  for (const Candidate *candidate : candidates) {
    const FoundLabel &found = candidate->found;
    JournalItem item{.model = found.model,
                     .path = found.path,
                     .id = candidate->id,
                     .old = candidate->now,
                     .label = found.label};
    item.marked = candidate->has_mark;
    item.away = found.mark_alone;  // nothing but the mark is taken off
    if (!found.mark_alone) {
      item.remembered = JournalItem::Remembered{*found.old, found.label};
    }
    items.push_back(std::move(item));
  }
  std::vector<const JournalItem *> pointers;
  for (const JournalItem &item : items) {
    pointers.push_back(&item);
  }
  const auto read = [&](size_t place) -> Result<OldLabel> {
    const Candidate &candidate = *candidates[place];
    SVIRT_ASSIGN(const OpenObject object, OpenExactly(-1, candidate.found.path));
    const Resource resource = ResourceOf(candidate.found.path, object.type);
    return ReadLabel(model.plugin, {&resource, object.fd.get()});
  };
  // It holds no label: the index, if there is one, is kept by the objects that bear it. That it is
  // of the model tells recover which plugin it needs.
  const HeldLabel held{.model = model.plugin->model(),
                       .doi = model.doi,
                       .type = SecLabel::Type::kStatic,
                       .index = std::nullopt,
                       .label = "",
                       .image_label = ""};
  SVIRT_TRY(store_->journal().Record({uuid, "found by a scan", model.virt_types.front()}, {held},
                                     pointers, mark_, false, read));
  UndoScope everything;
  everything.even_kept = true;
  std::vector<std::string> notes;
  const Status undone = Undo(store_, {model.plugin}, uuid, everything, true, &notes);
  for (size_t i = 0; i < candidates.size(); ++i) {
    FoundLabel &found = candidates[i]->found;
    const auto now = read(i);
    if (now.ok() && *now == *found.old && (undone.ok() || !found.mark_alone)) {
      found.outcome = FoundLabel::Outcome::kPutBack;
      continue;
    }
    const auto note = std::ranges::find_if(notes, [&found](const std::string &sentence) {
      return sentence.starts_with(found.path + " ");
    });
    found.reason = note != notes.end() ? *note
                   : !undone.ok()      ? undone.error().message
                                       : "somebody else changed it meanwhile";
  }
  return {};
}

}  // namespace svirt
