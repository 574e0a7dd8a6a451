// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt {

// The rules of the loader. Tests and messages refer to them by number.
//
// SVL-1  Nothing but LoaderOptions steers it: no environment variable, no other file.
// SVL-2  A plugin is judged before any of its code runs: each directory from trusted_root down and
//        the file itself by owner and mode, the file's ELF headers and identity note from the one
//        descriptor through which it is loaded later. Owner: root, or the effective user of an
//        unprivileged process. Further hard links are no reason to refuse: owner and mode are those
//        of the file, so another name gives nobody a way in, and image-based systems have them.
// SVL-3  The same file under a second name is refused; two files with one model are both refused.
// SVL-4  The order is options.order, which is complete: what it does not list is off and not
//        loaded. Without it: the note's priority, the higher first, then the model in byte order;
//        priority 0 is that of a model which stands beside another, and is never selected then.
// SVL-5  Each plugin that passed is loaded and probed in the scanner first, if there is one. If it
//        crashes or hangs there, or changes what rule 5 of the ABI forbids, it is not loaded here.
//        What the probe answers here counts, not what it answered there: the helper may run under
//        another security context.
// SVL-6  The first active plugin in the order is selected. A probe that fails in a plugin before it
//        stops the selection, unless the model is in not_critical: a broken strict model must not
//        silently give way to a weaker one.
// SVL-7  A file that is refused, or crashes or hangs in the scanner, does not stop it: it never was
//        a driver of this host, and one broken package must not take all of them away. It is named
//        in the candidates and in a warning. But if options.order names its model and no sound
//        file provides that, it stops the selection as in SVL-6: what is named is wanted.
// SVL-8  "none" is not known here; an embedder that allows it acts on a nullptr of Select.
// SVL-9  What has been loaded stays mapped until the process ends. A file that is overwritten in
//        place after that is refused.

// Everything that steers the loader. It reads no environment variable and no file but what stands
// here.
struct LoaderOptions {
  // Absolute. Each one, and each directory above it, must belong to root (or to the caller) and
  // be writable by its owner only. A directory that does not exist holds no plugin.
  std::vector<std::string> directories;
  // Complete list of models in the order in which they are asked; unlisted ones are off. Empty:
  // by the note's priority, the higher first, then by model in byte order.
  std::vector<std::string> order;
  // Models whose probe error does not stop the selection.
  std::vector<std::string> not_critical;
  // Helper program that loads and probes a plugin in a process of its own first, so that one that
  // crashes or hangs is found out. Absolute. "" loads without it: then such a plugin takes this
  // process with it.
  std::string scanner;
  int scanner_timeout_ms = 10000;  // for one plugin; a starved host is slow, not hanging
  // Where plugins that crashed or hung are remembered, by identity of the file; "" for nowhere.
  // Best below /run, which forgets them at boot.
  std::string quarantine_file;
  // Absolute. The directories above it are not looked at: for an embedder that vouches for its own
  // root, and for tests. A plugin directory outside it is checked from / down.
  std::string trusted_root = "/";
  // By model: what its plugin finds in its configuration.
  std::map<std::string, ModelSettings> settings;
  LogSink log;
};

enum class CandidateState {
  kSelected,  // active, and the first of the order
  kActive,    // usable, but another one comes first, or it is used only by name (SVL-4)
  kInactive,  // not usable on this host, or off by configuration; nothing is wrong with it
  kRefused,   // breaks a rule; none of its code ran in this process
  kFailed,    // it ran, or was tried in the scanner, and something went wrong
};

// "selected", "active", "inactive", "refused", "failed".

std::string_view CandidateStateName(CandidateState state);

// One file found in a plugin directory, or a directory that is refused as a whole.
struct Candidate {
  std::string path;
  std::string model, version, abi;  // from the note; "" if there is none
  int priority = 0;
  CandidateState state = CandidateState::kInactive;
  std::string reason;         // a sentence a person can act on; never empty after Scan
  Plugin *plugin = nullptr;   // of active and of asked, inactive ones; the loader's
  bool probe_failed = false;  // kFailed because its probe reported an error
  bool blocks = false;        // stops the selection of what comes after it (SVL-6, SVL-7)
};

// Finds, verifies, loads and probes plugins. Loaded plugins stay mapped until the process ends; the
// Loader must outlive the use of its plugins. Not for concurrent use itself; the plugins are.
class Loader {
 public:
  explicit Loader(LoaderOptions options);
  ~Loader();
  Loader(const Loader &) = delete;
  Loader &operator=(const Loader &) = delete;

  // Goes through the whole way for domains of virt_type ("" for any), and gives the candidates in
  // the order in which they are asked, refused ones last. Fails only if the options themselves are
  // wrong.
  Result<std::vector<Candidate>> Scan(const std::string &virt_type);

  // The first active plugin, initialised. nullptr: none is active. Errc::kRefused: a plugin that
  // comes before it failed, so that it cannot be told whether it should have been chosen (fail
  // closed).
  Result<Plugin *> Select(const std::string &virt_type);

  // The plugin of a model that was named, and no other, initialised. Errc::kNotFound, or kRefused
  // with the reason why it is not active. No other plugin is loaded for it.
  Result<Plugin *> Get(const std::string &model, const std::string &virt_type);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What this process has loaded (path, model, version, abi, state, reason).
std::vector<Candidate> LoadedPlugins();

}  // namespace svirt
