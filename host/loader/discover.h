// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds plugin files and judges them without running any of their code.
#pragma once

#include <string>
#include <vector>

#include "host/loader/elf_image.h"
#include "host/loader/note.h"
#include "host/loader/trust.h"
#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// A file in a plugin directory and what could be told of it without running it.
struct FoundPlugin {
  std::string path;
  std::string named;      // MODEL as in svirt-MODEL.so; "" for a directory
  Fd file;                // open unless it could not be opened
  FileIdentity identity;  // all zero if it could not even be examined
  ElfImage image;
  Note note;       // model is "" if the file has no sound note; also filled for refused files
  Status verdict;  // a whole sentence: "refusing PATH: ..."
  // May others have written what it says of itself?
  bool forgeable = false;
  // The same file under the same name, by another directory: nothing is wrong.
  bool repeats = false;

  // Keeps the first refusal.
  void Refuse(const std::string &why);
};

// Opens and judges every plugin in the directory. One that nobody may trust gives all its files
// with a refusal, or itself if no file can be listed. wanted: models to look for by name.
std::vector<FoundPlugin> DiscoverPlugins(const std::string &directory,
                                         const std::string &trusted_root,
                                         const std::vector<std::string> &wanted = {});

// Refuses what stands twice among the files that are still acceptable: every further name of the
// same file, and both of two files that provide the same model.
void RefuseDuplicates(std::vector<FoundPlugin> *plugins);

// Was the file written to, replaced or taken away since it was looked at?
bool HasChanged(const std::string &path, const FileIdentity &identity);

}  // namespace svirt
