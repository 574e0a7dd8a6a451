// SPDX-License-Identifier: LGPL-2.1-or-later
// The way of a plugin from its file to the selection, step by step.
#include "host/loader/loader.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "host/loader/discover.h"
#include "host/loader/loaded_plugins.h"
#include "host/loader/quarantine.h"
#include "host/loader/scan_cache.h"
#include "host/loader/scan_child.h"
#include "host/loader/select.h"
#include "host/util/text.h"

namespace svirt {
namespace {

Status CheckModels(const std::vector<std::string> &models, const char *what) {
  std::set<std::string> seen;
  for (const std::string &model : models) {
    if (!IsModelName(model)) {
      return Error{Errc::kInvalid,
                   std::string("\"") + Printable(model) + "\" in the plugin " + what +
                       " is no model: models match [a-z][a-z0-9-]{0,31}",
                   0};
    }
    if (!seen.insert(model).second) {
      return Error{Errc::kInvalid, "the plugin " + std::string(what) + " lists " + model + " twice",
                   0};
    }
  }
  return {};
}

Status CheckOptions(const LoaderOptions &options) {
  std::vector<std::string> paths = options.directories;
  paths.push_back(options.trusted_root);
  for (const std::string &path :
       {options.scanner, options.quarantine_file, options.scan_cache_file}) {
    if (!path.empty()) {
      paths.push_back(path);
    }
  }
  for (const std::string &path : paths) {
    if (!IsPlainAbsolutePath(path)) {
      return Error{
          Errc::kInvalid,
          "the loader needs absolute paths without \"..\"; \"" + Printable(path) + "\" is not one",
          0};
    }
  }
  if (options.scanner_cpu_seconds <= 0 || options.scanner_wall_ms <= 0) {
    return Error{Errc::kInvalid, "the scanner's times have to be more than 0", 0};
  }
  SVIRT_TRY(CheckModels(options.order, "order"));
  SVIRT_TRY(CheckModels(options.beside, "list of models beside others"));
  return CheckModels(options.not_critical, "list of not critical models");
}

// Of all plugins, each sentence once.
Error WrongSettings(std::vector<std::string> sentences) {
  std::sort(sentences.begin(), sentences.end());
  sentences.erase(std::unique(sentences.begin(), sentences.end()), sentences.end());
  std::string all;
  for (const std::string &sentence : sentences) {
    all += (all.empty() ? "" : "; ") + sentence;
  }
  return Error{Errc::kInvalid, all, 0};
}

bool IsBad(const Candidate &candidate) {
  return candidate.state == CandidateState::kRefused ||
         candidate.state == CandidateState::kFailed || candidate.state == CandidateState::kMissing;
}

bool IsBeside(const LoaderOptions &options, const std::string &model) {
  return std::find(options.beside.begin(), options.beside.end(), model) != options.beside.end();
}

std::string VirtTypeWords(const std::string &virt_type) {
  return virt_type.empty() ? "any type of domain" : "domains of type " + virt_type;
}

}  // namespace

std::string_view CandidateStateName(CandidateState state) {
  switch (state) {
    case CandidateState::kSelected:
      return "selected";
    case CandidateState::kActive:
      return "active";
    case CandidateState::kInactive:
      return "inactive";
    case CandidateState::kRefused:
      return "refused";
    case CandidateState::kFailed:
      return "failed";
    case CandidateState::kMissing:
      return "missing";
  }
  return "failed";
}

constexpr int kMostLooks = 5;  // SVL-10
constexpr std::chrono::milliseconds kBetweenLooks{20};

struct Loader::Impl {
  explicit Impl(LoaderOptions from)
      : options(std::move(from)),
        quarantine(options.quarantine_file),
        scans(options.scan_cache_file, options.scanner) {}

  // Which files are of interest.
  struct Query {
    std::string virt_type;
    std::string only;                   // the one model to look at, or "" for all
    std::vector<ExpectedModel> before;  // models that were chosen before
    bool until_selected = false;        // what comes after the selected one is not asked
  };
  // What a scan came to, and why nothing was selected if that is so.
  struct Outcome {
    std::vector<Candidate> candidates;
    Status selection;
  };
  // A file, and as what it takes part in the selection.
  struct Entrant {
    FoundPlugin found;
    Candidate candidate;
    bool is_open = false;  // nothing is wrong with it, as far as can be told without loading it
  };

  Result<Outcome> Run(const Query &query);
  // *stale: what is wrong with one is so no more.
  Result<std::vector<Candidate>> Look(const Query &query, bool *stale);
  // The files that the query is about, in the order in which they are asked.
  std::vector<Entrant> Find(const Query &query) const;
  Entrant Judge(FoundPlugin found) const;
  // Takes one plugin the rest of the way. The error is about the scanner helper.
  Status Try(Entrant *entrant, const std::string &virt_type);
  // False: the scanner, or an earlier one, has found something against it, and it is settled.
  Result<bool> PassesScanner(Entrant *entrant, const std::string &virt_type);
  void Ask(Candidate *candidate, const FileIdentity &identity, const LoadedObject &object,
           const std::string &virt_type);
  void LogAll(const std::vector<Candidate> &candidates) const;
  void Log(int level, const std::string &sentence) const {
    if (options.log) {
      options.log(level, sentence);
    }
  }

  LoaderOptions options;
  Quarantine quarantine;
  ScanCache scans;
  std::vector<std::string> wrong_settings;  // of plugins that were asked, a sentence each
  // By the table, which is unique to a mapped file and stays where it is.
  std::map<const svirt_plugin *, std::unique_ptr<Plugin>> plugins;
};

Result<bool> Loader::Impl::PassesScanner(Entrant *entrant, const std::string &virt_type) {
  using Kind = ScanOutcome::Kind;
  const FoundPlugin &found = entrant->found;
  // What this process runs already is past all precaution.
  if (options.scanner.empty() || IsLoaded(found.identity)) {
    return true;
  }
  Candidate &candidate = entrant->candidate;
  if (const auto reason = quarantine.Find(found.identity); reason.has_value()) {
    candidate.state = CandidateState::kFailed;
    candidate.reason = "refusing " + found.path + ": " + *reason;
    return false;
  }
  const ScanCache::Subject subject{found.identity, found.image.build_id, virt_type};
  if (scans.Knows(subject)) {
    return true;
  }
  const int64_t now = FileClockNow();
  SVIRT_ASSIGN(const ScanOutcome outcome,
               RunScanner(options.scanner, found.file.get(), found.path, virt_type,
                          {options.scanner_cpu_seconds, options.scanner_wall_ms}));
  if (outcome.kind == Kind::kSound) {
    scans.Add(subject, outcome.files, now);
    return true;
  }
  candidate.state =
      outcome.kind == Kind::kRefused ? CandidateState::kRefused : CandidateState::kFailed;
  candidate.reason = "refusing " + found.path + ": " + outcome.reason;
  if (outcome.kind == Kind::kCrashed || outcome.kind == Kind::kTimedOut) {
    if (const Status added = quarantine.Add(found.identity, outcome.reason); !added.ok()) {
      Log(SVIRT_LOG_WARNING, added.error().message);
    }
  }
  return false;
}

void Loader::Impl::Ask(Candidate *candidate, const FileIdentity &identity,
                       const LoadedObject &object, const std::string &virt_type) {
  std::unique_ptr<Plugin> &plugin = plugins[object.table];
  if (plugin == nullptr) {
    const auto settings = options.settings.find(object.table->model);
    auto created = Plugin::Create(
        object.table,
        {.log = options.log,
         .gate = object.gate,
         .settings = settings != options.settings.end() ? settings->second : ModelSettings(),
         .file = candidate->path,
         .watch = options.watch});
    if (!created.ok()) {
      candidate->state = CandidateState::kRefused;
      candidate->reason = "refusing " + candidate->path + ": " + created.error().message;
      return;
    }
    plugin = std::move(created).value();
  }
  const auto wrong = plugin->CheckSettings();
  if (!wrong.ok()) {
    candidate->state = CandidateState::kRefused;
    candidate->reason = "refusing " + candidate->path + ": " + wrong.error().message;
    return;
  }
  if (!wrong->empty()) {
    wrong_settings.insert(wrong_settings.end(), wrong->begin(), wrong->end());
    candidate->state = CandidateState::kFailed;
    candidate->reason = wrong->front();
    return;
  }
  const ProbeResult result = plugin->Probe(virt_type);
  candidate->reason = result.reason;
  switch (result.state) {
    case ProbeResult::State::kActive:
      candidate->state = CandidateState::kActive;
      candidate->plugin = plugin.get();
      break;
    case ProbeResult::State::kInactive:
      candidate->state = CandidateState::kInactive;
      candidate->plugin = plugin.get();
      break;
    case ProbeResult::State::kError:
      candidate->state = CandidateState::kFailed;
  }
  RecordState(identity, candidate->state, candidate->reason);
}

Loader::Impl::Entrant Loader::Impl::Judge(FoundPlugin found) const {
  Entrant entrant;
  Candidate &candidate = entrant.candidate;
  candidate.path = found.path;
  candidate.named = found.named;
  candidate.model = found.note.model.empty() ? found.named : found.note.model;
  candidate.version = found.note.version;
  candidate.abi = found.note.model.empty() ? "" : found.note.abi();
  candidate.priority = found.note.priority;
  candidate.has_priority =
      !found.note.model.empty() && found.note.model == found.named && !found.forgeable;
  candidate.repeats = found.repeats;
  if (!found.verdict.ok()) {
    candidate.state = CandidateState::kRefused;
    candidate.reason = found.verdict.error().message;
  } else if (!IsListed(options, candidate.model)) {
    candidate.reason = "off: not listed in the plugin order";
  } else {
    entrant.is_open = true;
  }
  entrant.found = std::move(found);
  return entrant;
}

std::vector<Loader::Impl::Entrant> Loader::Impl::Find(const Query &query) const {
  std::vector<std::string> wanted = options.order;
  for (const ExpectedModel &expected : query.before) {
    wanted.push_back(expected.model);
  }
  if (!query.only.empty()) {
    wanted = {query.only};
  }
  std::vector<FoundPlugin> found;
  for (const std::string &directory : options.directories) {
    for (FoundPlugin &plugin : DiscoverPlugins(directory, options.trusted_root, wanted)) {
      found.push_back(std::move(plugin));
    }
  }
  RefuseDuplicates(&found);
  std::vector<Entrant> entrants;
  for (FoundPlugin &plugin : found) {
    // A directory that is refused may hold any model.
    const bool is_asked_for = query.only.empty() || plugin.note.model == query.only ||
                              plugin.named == query.only || plugin.named.empty();
    if (is_asked_for) {
      entrants.push_back(Judge(std::move(plugin)));
    }
  }
  std::sort(entrants.begin(), entrants.end(), [&](const Entrant &a, const Entrant &b) {
    return ComesBefore(options, a.candidate, b.candidate);
  });
  return entrants;
}

Status Loader::Impl::Try(Entrant *entrant, const std::string &virt_type) {
  SVIRT_ASSIGN(const bool passes, PassesScanner(entrant, virt_type));
  if (!passes) {
    return {};
  }
  FoundPlugin &found = entrant->found;
  Candidate &candidate = entrant->candidate;
  auto object =
      LoadOnce(std::move(found.file), found.identity, found.path, found.image, found.note);
  if (!object.ok()) {
    candidate.state = CandidateState::kRefused;
    candidate.reason = "refusing " + candidate.path + ": " + object.error().message;
    RecordState(found.identity, candidate.state, candidate.reason);
    return {};
  }
  Ask(&candidate, found.identity, *object, virt_type);
  return {};
}

Result<std::vector<Candidate>> Loader::Impl::Look(const Query &query, bool *stale) {
  if (const Status status = quarantine.Load(); !status.ok()) {
    Log(SVIRT_LOG_WARNING, status.error().message);
  }
  scans.Forget();
  *stale = false;
  std::string selected;
  std::vector<Candidate> candidates;
  for (Entrant &entrant : Find(query)) {
    Candidate &candidate = entrant.candidate;
    const bool is_late = !selected.empty() && !IsBeside(options, candidate.model);
    if (entrant.is_open && is_late) {
      candidate.reason = "not asked: " + selected + " comes first";
    } else if (entrant.is_open) {
      SVIRT_TRY(Try(&entrant, query.virt_type));
    }
    if (query.until_selected && selected.empty() && candidate.state == CandidateState::kActive &&
        MayBeChosen(options, candidate)) {
      selected = candidate.model;
    }
    if (IsBad(candidate) && !candidate.named.empty() &&
        HasChanged(candidate.path, entrant.found.identity)) {
      *stale = true;
      candidate.reason += "; it was changed meanwhile";
    }
    candidates.push_back(std::move(candidate));
  }
  // Only now: what has come back from its probe here, too.
  if (const Status status = scans.Save(); !status.ok()) {
    Log(SVIRT_LOG_DEBUG, status.error().message);
  }
  return candidates;
}

Result<Loader::Impl::Outcome> Loader::Impl::Run(const Query &query) {
  SVIRT_TRY(CheckOptions(options));
  Outcome outcome;
  wrong_settings.clear();
  bool stale = true;
  for (int look = 0; stale && look < kMostLooks; ++look) {
    if (look > 0) {
      std::this_thread::sleep_for(kBetweenLooks);
    }
    SVIRT_ASSIGN(outcome.candidates, Look(query, &stale));
  }
  if (!wrong_settings.empty()) {
    return WrongSettings(wrong_settings);
  }
  if (query.only.empty()) {
    AddMissing(options, query.before, &outcome.candidates);
  }
  SortCandidates(options, &outcome.candidates);
  outcome.selection = Decide(options, &outcome.candidates);
  for (Candidate &candidate : outcome.candidates) {
    if (candidate.state != CandidateState::kActive) {
      continue;
    }
    if (std::ranges::find(options.beside, candidate.model) != options.beside.end()) {
      candidate.reason += "; stands beside the model that is chosen";
    } else if (!MayBeChosen(options, candidate)) {
      candidate.reason += "; used only where the configuration names it";
    } else {
      candidate.reason += outcome.selection.ok() ? "; another plugin comes first"
                                                 : "; one that comes first is broken";
    }
  }
  LogAll(outcome.candidates);
  return outcome;
}

void Loader::Impl::LogAll(const std::vector<Candidate> &candidates) const {
  for (const Candidate &each : candidates) {
    // What stops the selection is said by the error that it ends with.
    const bool warn = IsBad(each) && !each.blocks && !each.repeats;
    const bool says_which = each.reason.find(each.path) != std::string::npos;
    Log(warn ? SVIRT_LOG_WARNING : SVIRT_LOG_DEBUG,
        says_which
            ? each.reason
            : each.path + ": " + std::string(CandidateStateName(each.state)) + ": " + each.reason);
  }
}

Loader::Loader(LoaderOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Loader::~Loader() = default;

Result<std::vector<Candidate>> Loader::Scan(const std::string &virt_type,
                                            const std::vector<ExpectedModel> &before) {
  SVIRT_ASSIGN(Impl::Outcome outcome, impl_->Run({virt_type, "", before, false}));
  return std::move(outcome.candidates);
}

Result<Selection> Loader::Select(const std::string &virt_type,
                                 const std::vector<ExpectedModel> &before) {
  SVIRT_ASSIGN(Impl::Outcome outcome, impl_->Run({virt_type, "", before, true}));
  SVIRT_TRY(outcome.selection);
  Selection selection;
  selection.candidates = std::move(outcome.candidates);
  for (const Candidate &candidate : selection.candidates) {
    if (candidate.state == CandidateState::kSelected) {
      SVIRT_TRY(candidate.plugin->Init());
      selection.plugin = candidate.plugin;
    }
  }
  return selection;
}

Result<Plugin *> Loader::Get(const std::string &model, const std::string &virt_type) {
  SVIRT_TRY(CheckModels({model}, "request"));
  SVIRT_ASSIGN(const Impl::Outcome outcome, impl_->Run({virt_type, model, {}, false}));
  const Candidate *active = nullptr;
  const Candidate *other = nullptr;  // says why not; what is wrong goes before what is inactive
  for (const Candidate &candidate : outcome.candidates) {
    if (candidate.state == CandidateState::kActive ||
        candidate.state == CandidateState::kSelected) {
      active = &candidate;
    } else if (!candidate.repeats && (other == nullptr || !IsBad(*other))) {
      other = &candidate;
    }
  }
  if (other != nullptr) {
    return Error{Errc::kRefused,
                 "the security model \"" + model + "\" cannot be used for " +
                     VirtTypeWords(virt_type) + ": " + other->reason,
                 0};
  }
  if (active == nullptr) {
    return Error{Errc::kNotFound,
                 "no plugin provides the security model \"" + model +
                     "\"; install the package that has " + PluginFileName(model),
                 0};
  }
  SVIRT_TRY(active->plugin->Init());
  return active->plugin;
}

Result<Loader::Beside> Loader::GetBeside(const std::string &model, const std::string &virt_type) {
  SVIRT_TRY(CheckModels({model}, "request"));
  SVIRT_ASSIGN(Impl::Outcome outcome, impl_->Run({virt_type, model, {}, false}));
  return GetBeside(Selection{nullptr, std::move(outcome.candidates)}, model, virt_type);
}

Result<Loader::Beside> Loader::GetBeside(const Selection &selection, const std::string &model,
                                         const std::string &virt_type) {
  Beside beside;
  beside.reason = "no plugin provides it: install the package that has " + PluginFileName(model);
  const Candidate *bad = nullptr;
  for (const Candidate &candidate : selection.candidates) {
    const bool may_be_it =
        candidate.model == model || candidate.named == model || candidate.named.empty();
    if (!may_be_it || candidate.state == CandidateState::kMissing) {
      continue;
    }
    if (candidate.state == CandidateState::kActive ||
        candidate.state == CandidateState::kSelected) {
      beside.plugin = candidate.plugin;
    } else if (!candidate.repeats) {
      beside.reason = candidate.reason;
      bad = IsBad(candidate) && bad == nullptr ? &candidate : bad;
    }
    beside.is_installed = true;
  }
  if (bad != nullptr) {
    return Error{Errc::kRefused,
                 "the security model \"" + model + "\" is to stand beside others for " +
                     VirtTypeWords(virt_type) + " and cannot answer: " + bad->reason,
                 0};
  }
  if (beside.plugin != nullptr) {
    SVIRT_TRY(beside.plugin->Init());
  }
  return beside;
}

}  // namespace svirt
