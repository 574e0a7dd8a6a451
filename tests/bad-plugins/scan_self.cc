// SPDX-License-Identifier: LGPL-2.1-or-later
// scan_self BOX: run from a file that is also a plugin of the box, it must refuse itself and not
// the good plugin. Says what is wrong, and fails, if not.
#include <filesystem>
#include <iostream>

#include "host/loader/loader.h"

int main(int argc, char **argv) {
  if (argc != 2) {
    return 2;
  }
  const std::filesystem::path root = argv[1];
  svirt::LoaderOptions options;
  options.directories = {root / "plugins"};
  options.trusted_root = root;
  svirt::Loader loader(options);
  const auto scan = loader.Scan("");
  if (!scan.ok() || scan->size() != 2 || (*scan)[1].model != "good" ||
      (*scan)[1].state != svirt::CandidateState::kActive || !(*scan)[0].blocks ||
      (*scan)[0].reason != "refusing " + (root / "plugins/svirt-self.so").string() +
                               ": it is the running program itself") {
    std::cerr << (scan.ok() ? "not the expected candidates" : scan.error().message) << '\n';
    return 1;
  }
  return 0;
}
