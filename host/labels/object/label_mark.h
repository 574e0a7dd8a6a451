// SPDX-License-Identifier: LGPL-2.1-or-later
// Marks on objects that tell other hosts which label an object had before.
#pragma once

#include <string>
#include <vector>

#include "host/labels/types.h"
#include "host/util/result.h"

namespace svirt {

// What a host writes onto an object that it labels (export_labels), for hosts that share the
// storage or are given the image: extended attribute trusted.svirt.MODEL.HOST (xattr(7): it takes
// CAP_SYS_ADMIN), one per host.
struct LabelMark {
  std::string host;  // not in the value, but in the name
  std::string doi;
  ObjectId id;        // of the object it was written onto; the device number is not in it
  OldLabel old;       // what the object had before any host labelled it
  std::string label;  // what the host labelled it with; if it has another one, the mark is stale

  // Is it about this very object, and no mark that a copy of it was made with?
  bool IsAbout(const ObjectId &object) const {
    return id.ino == object.ino && id.btime == object.btime;
  }
};

// fd: may be O_PATH. kUnsupported: the file system keeps no such attributes, or this process may
// not write them.
Status WriteMark(int fd, const std::string &model, const LabelMark &mark);
// No mark is no error.
Status RemoveMark(int fd, const std::string &model, const std::string &host);
// Every host's; none where there can be none. What cannot be understood is passed over.
Result<std::vector<LabelMark>> ReadMarks(int fd, const std::string &model);

}  // namespace svirt
