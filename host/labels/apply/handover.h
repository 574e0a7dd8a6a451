// SPDX-License-Identifier: LGPL-2.1-or-later
// Hands the labels of a domain over to another host that shares its storage.
#pragma once

#include <string>
#include <vector>

#include "host/labels/store/label_store.h"
#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt {

// What another host has to know to run a domain over the same storage: the labels it has, and those
// its objects had before it.
struct Handover {
  struct Object {
    std::string model, path;
    OldLabel old;
    std::string label;
    bool exclusive = false, keep = false;
    bool is_entry = false;  // label and old are an entry on it (Extent::kEntry)
  };

  LabelOwner owner;
  std::vector<HeldLabel> labels;
  std::vector<Object> objects;
};

// Hands a domain's labels from host to host: BeginOut here, PrepareIn there, Apply and AddHolder
// there as always, Commit or Cancel on both. An object has one label on both hosts all the while,
// so that both can open it, and exactly one of them will give it its old label back: after Commit
// the host it went to, which alone knows the old labels then, else the one it came from.
//
// store and plugins must outlive it. Who calls holds the domain's lock.
class HandoverDesk {
 public:
  HandoverDesk(LabelStore *store, const std::vector<Plugin *> &plugins)
      : store_(store), plugins_(plugins) {}

  // From now on the domain's end here leaves all labels as they are, until Commit or Cancel.
  // Idempotent. Errc::kConflict: it does not run.
  Result<Handover> BeginOut(const std::string &uuid);

  // Reserves just these labels here, without a process; nothing is labelled. Errc::kRefused: a
  // label would not be the same here. kConflict, kExhausted: somebody has it. kExists: the domain
  // is known here. notes: sentences about objects that are not the other host's.
  Status PrepareIn(const Handover &handover, std::vector<std::string> *notes);

  // The domain has gone, or has come. Errc::kConflict: it is not being handed over.
  Status Commit(const std::string &uuid);
  // It stays where it was. Errc::kConflict as from Commit, or it runs here already.
  Status Cancel(const std::string &uuid);

 private:
  Status Reserve(const LabelOwner &owner, const HeldLabel &held);
  Status EnterObjects(const Handover &handover, std::vector<std::string> *notes);

  LabelStore *store_;
  const std::vector<Plugin *> &plugins_;
};

}  // namespace svirt
