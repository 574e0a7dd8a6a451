// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds labels of domains that are gone, and puts back what can be known.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/labels/object/label_mark.h"
#include "host/labels/object/open_resource.h"
#include "host/labels/plan/borne_labels.h"
#include "host/labels/store/label_store.h"
#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt {

// An object model, and the types of domains that it labels.
struct ScanModel {
  Plugin *plugin = nullptr;
  std::string doi;
  std::vector<std::string> virt_types;
};

// What an object bears although no domain here has it.
struct FoundLabel {
  enum class Outcome { kPutBack, kToBePutBack, kLeft };
  std::string path, model;
  std::string label;            // "" if the object has none, and the mark alone is left
  std::optional<OldLabel> old;  // what it had before; nullopt: that is not known
  bool mark_alone = false;      // the label is its own, and the mark means nothing any more
  Outcome outcome = Outcome::kLeft;
  std::string reason;  // why it is left, a sentence
};

// A label is one of a domain that is gone if it is the image label of an index that no owner in the
// registry and no process has; or if a mark of this host is about it. Neither an object in the
// journal is touched, nor one that somebody has open for writing.
class LabelScan {
 public:
  struct Options {
    std::vector<ScanModel> models;
    std::string proc = "/proc";
    bool dry_run = false;  // the store need not be writable
    std::function<void(const FoundLabel &)> found;
    std::function<void(const Error &)> failed;  // of what cannot be looked at
  };
  // store must outlive it.
  LabelScan(LabelStore *store, Options options);

  // Goes through the path and all that is below it, on its file system. What is found is put back
  // through the journal: whatever ends this, recover does the rest. Errno EINTR: it was asked to
  // end by a signal.
  Status Walk(const std::string &path);
  // How many objects it has looked at.
  int64_t objects() const { return objects_; }

 private:
  struct Candidate {
    FoundLabel found;
    const ScanModel *model = nullptr;
    ObjectId id;
    ObjectType type = ObjectType::kAny;
    OldLabel now;
    std::optional<uint64_t> index;
    bool has_mark = false;  // of this host
  };

  Status Visit(const OpenObject &object);
  Result<std::optional<Candidate>> Judge(const OpenObject &object, const ScanModel &model);
  // Deals with what was collected.
  Status Flush();
  // Does anybody have the label? Sets the reason if somebody only uses the object.
  Result<bool> IsHeld(Candidate *candidate);
  Status PutBack(const ScanModel &model, const std::vector<Candidate *> &candidates);
  // In one transaction each.
  Status PutBackTogether(const ScanModel &model, const std::vector<Candidate *> &candidates);
  std::vector<Plugin *> Plugins() const;

  LabelStore *store_;
  Options options_;
  std::string host_;  // "" if it has no name, and so no marks
  ImageLabels labels_;
  std::vector<Candidate> candidates_;
  std::set<std::pair<const ScanModel *, ObjectId>> collected_;
  std::map<const ScanModel *, IndexRuns> running_;  // indexes of running processes
  StoreMark mark_;
  int64_t objects_ = 0;
};

// Gives free the indexes of which no object is known to bear the label any more. What cannot be
// looked at now stays.
Status ReleaseBorne(LabelStore *store, const std::vector<Plugin *> &plugins);

}  // namespace svirt
