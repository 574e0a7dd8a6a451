// SPDX-License-Identifier: LGPL-2.1-or-later
// The loader as its users see it.
#include "host/loader/loader.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include "host/loader/process_state.h"
#include "tests/bad-plugins/plugin_box.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Loader, WrongOptionsAreTheOnlyReasonToFail) {
  PluginBox box;
  const auto error = [&](const std::function<void(LoaderOptions *)> &change) {
    LoaderOptions options = box.Options();
    change(&options);
    const auto scan = Loader(options).Scan("");
    return scan.ok() ? "good" : scan.error().message;
  };
  EXPECT_EQ(error([](LoaderOptions *) {}), "good");
  EXPECT_THAT(error([](LoaderOptions *o) { o->directories = {"plugins"}; }),
              HasSubstr("absolute paths without \"..\"; \"plugins\" is not one"));
  EXPECT_THAT(error([](LoaderOptions *o) { o->directories = {"/usr/../tmp"}; }),
              HasSubstr("is not one"));
  EXPECT_THAT(error([](LoaderOptions *o) { o->scanner = "svirt-scan"; }), HasSubstr("is not one"));
  EXPECT_THAT(error([](LoaderOptions *o) { o->quarantine_file = "q"; }), HasSubstr("is not one"));
  EXPECT_THAT(error([](LoaderOptions *o) { o->trusted_root = ""; }), HasSubstr("is not one"));
  EXPECT_THAT(error([](LoaderOptions *o) { o->scanner_wall_ms = 0; }), HasSubstr("times"));
  EXPECT_THAT(error([](LoaderOptions *o) {
                o->order = {"a", "b", "a"};
              }),
              HasSubstr("the plugin order lists a twice"));
  EXPECT_THAT(error([](LoaderOptions *o) { o->not_critical = {"../x"}; }),
              HasSubstr("\"../x\" in the plugin list of not critical models is no model"));
}

TEST(Loader, NothingThereIsNothingSelected) {
  PluginBox box;
  LoaderOptions options = box.Options();
  options.directories = {box.root() / "missing", box.plugins()};
  Loader loader(options);
  EXPECT_TRUE(loader.Scan("")->empty());
  EXPECT_EQ(loader.Select("")->plugin, nullptr);
  options.directories.clear();
  EXPECT_TRUE(Loader(options).Scan("")->empty());
}

TEST(Loader, EveryStateHasAReason) {
  PluginBox box;
  LoaderOptions options = box.Options();
  options.order = {"good", "twin", "inactive", "no-note"};
  const fs::path good = box.Add("good"), twin = box.Add("twin"), inactive = box.Add("inactive"),
                 off = box.Add("newer_host"), unlisted = box.Add("probe_error");
  box.Add("no_note");
  const auto scan = Loader(options).Scan("kvm");
  ASSERT_TRUE(scan.ok());
  ASSERT_EQ(scan->size(), 6u);
  EXPECT_EQ(CandidateOf(*scan, good).state, CandidateState::kSelected);
  EXPECT_EQ(CandidateOf(*scan, good).reason, "zoo says 0");
  EXPECT_EQ(CandidateOf(*scan, good).model, "good");
  EXPECT_EQ(CandidateOf(*scan, good).version, "1");
  EXPECT_EQ(CandidateOf(*scan, good).abi, "1.0");
  EXPECT_EQ(CandidateOf(*scan, good).priority, 100);
  EXPECT_EQ(CandidateOf(*scan, twin).state, CandidateState::kActive);
  EXPECT_EQ(CandidateOf(*scan, twin).reason, "zoo says 0; another plugin comes first");
  EXPECT_EQ(CandidateOf(*scan, inactive).state, CandidateState::kInactive);
  EXPECT_EQ(CandidateOf(*scan, inactive).reason, "zoo says 1");
  EXPECT_NE(CandidateOf(*scan, inactive).plugin, nullptr) << "it can still be asked to describe";
  EXPECT_EQ(CandidateOf(*scan, unlisted).plugin, nullptr);
  EXPECT_EQ(CandidateOf(*scan, unlisted).state, CandidateState::kInactive);
  EXPECT_EQ(CandidateOf(*scan, unlisted).reason, "off: not listed in the plugin order");
  EXPECT_EQ(CandidateOf(*scan, off).state, CandidateState::kRefused);
  EXPECT_EQ((*scan)[0].path, good);
  EXPECT_EQ((*scan)[1].path, twin);
  EXPECT_EQ((*scan)[2].path, inactive);
  EXPECT_EQ((*scan)[3].path, box.plugins() / "svirt-no-note.so");
  EXPECT_EQ((*scan)[3].state, CandidateState::kRefused);
  EXPECT_EQ((*scan)[4].path, off);
  EXPECT_EQ((*scan)[5].path, unlisted);
  for (const Candidate &each : *scan) {
    const std::string line =
        each.state == CandidateState::kRefused
            ? "warning: " + each.reason  // which names the file
            : each.path + ": " + std::string(CandidateStateName(each.state)) + ": " + each.reason;
    EXPECT_THAT(box.log(), HasSubstr(line + "\n"));
  }
}

TEST(Loader, PriorityZeroIsUsedByNameOnly) {
  PluginBox box;
  const fs::path beside = box.Add("beside");
  Loader loader(box.Options());
  EXPECT_EQ(loader.Select("")->plugin, nullptr);
  const auto scan = loader.Scan("");
  EXPECT_EQ(CandidateOf(*scan, beside).state, CandidateState::kActive);
  EXPECT_EQ(CandidateOf(*scan, beside).reason,
            "zoo says 0; used only where the configuration names it");
  EXPECT_EQ(loader.Get("beside", "").value()->model(), "beside");
  LoaderOptions options = box.Options();
  options.beside = {"beside"};
  EXPECT_EQ(CandidateOf(*Loader(options).Scan(""), beside).reason,
            "zoo says 0; stands beside the model that is chosen");
  options = box.Options();
  options.order = {"beside"};
  Loader named(options);
  EXPECT_NE(named.Select("")->plugin, nullptr);
}

TEST(Loader, ProbeErrorFailsClosedUnlessNotCritical) {
  for (const char *bad : {"probe_error", "unknown_status"}) {
    PluginBox box;
    LoaderOptions options = box.Options();
    const fs::path path = box.Add(bad);
    box.Add("good");
    const auto selected = Loader(options).Select("");
    ASSERT_FALSE(selected.ok());
    EXPECT_EQ(selected.error().code, Errc::kRefused);
    EXPECT_THAT(selected.error().message,
                HasSubstr("because " + path.string() + " would be asked first"));
    const auto scan = Loader(options).Scan("");
    EXPECT_EQ(CandidateOf(*scan, path).state, CandidateState::kFailed);
    EXPECT_TRUE(CandidateOf(*scan, path).blocks);
    for (const Candidate &each : *scan) {
      EXPECT_NE(each.state, CandidateState::kSelected);
    }
    std::string model = bad;
    std::replace(model.begin(), model.end(), '_', '-');
    options.not_critical = {model};
    EXPECT_EQ(Loader(options).Select("")->plugin->model(), "good");
  }
}

TEST(Loader, ARefusedFileStopsWhatComesAfterIt) {
  PluginBox box;
  LoaderOptions options = box.Options();
  const fs::path bad = box.Add("twin");
  chmod(bad.c_str(), 0775);
  box.Add("good");
  EXPECT_THAT(Loader(options).Select("").error().message,
              HasSubstr("because " + bad.string() +
                        " would be asked first and cannot answer (the file is"));
  options.order = {"twin", "good"};
  EXPECT_THAT(Loader(options).Select("").error().message,
              HasSubstr("because " + bad.string() +
                        " would be asked first and cannot answer (the file is"));
  options.order = {"good", "twin"};
  EXPECT_EQ(Loader(options).Select("")->plugin->model(), "good");
  options.order = {"good"};
  EXPECT_EQ(Loader(options).Select("")->plugin->model(), "good");
}

TEST(Loader, GetTakesTheNamedModelOrNone) {
  PluginBox box;
  box.Add("good");
  box.Add("twin");
  const fs::path inactive = box.Add("inactive");
  box.Add("newer_host");
  box.Add("probe_error");
  Loader loader(box.Options());
  EXPECT_EQ(loader.Get("good", "").value()->model(), "good");
  EXPECT_EQ(loader.Get("twin", "").value()->model(), "twin");
  const Error missing = loader.Get("nobody", "").error();
  EXPECT_EQ(missing.code, Errc::kNotFound);
  EXPECT_THAT(missing.message, HasSubstr("svirt-nobody.so"));
  const Error unusable = loader.Get("inactive", "kvm").error();
  EXPECT_EQ(unusable.code, Errc::kRefused);
  EXPECT_EQ(unusable.message,
            "the security model \"inactive\" cannot be used for domains of type kvm: zoo says 1");
  EXPECT_EQ(loader.Get("newer-host", "").error().code, Errc::kRefused);
  EXPECT_EQ(loader.Get("probe-error", "").error().code, Errc::kRefused);
  EXPECT_EQ(loader.Get("../x", "").error().code, Errc::kInvalid);

  LoaderOptions options = box.Options();
  options.order = {"good"};
  EXPECT_THAT(Loader(options).Get("twin", "").error().message, HasSubstr("off: not listed"));
}

TEST(Loader, BesideGivesWhatTheOrderDoesNotList) {
  PluginBox box;
  LoaderOptions options = box.Options();
  options.order = {"good"};
  options.beside = {"beside"};
  Loader loader(options);
  auto beside = loader.GetBeside("beside", "kvm");
  ASSERT_TRUE(beside.ok()) << beside.error().message;
  EXPECT_EQ(beside->plugin, nullptr);
  EXPECT_FALSE(beside->is_installed);
  EXPECT_THAT(beside->reason, HasSubstr("svirt-beside.so"));
  box.Add("beside");
  beside = loader.GetBeside("beside", "kvm");
  ASSERT_TRUE(beside.ok()) << beside.error().message;
  ASSERT_NE(beside->plugin, nullptr);
  EXPECT_EQ(beside->plugin->model(), "beside");
  EXPECT_FALSE(loader.Select("kvm").ok()) << "good is missing, and beside is no substitute";
  box.Add("good");
  EXPECT_EQ(loader.Select("kvm")->plugin->model(), "good");
}

TEST(Loader, OnlyTheProbesOwnWordLetsBesideGoOn) {
  PluginBox box;
  LoaderOptions options = box.Options();
  options.beside = {"inactive", "probe-error", "crash-probe", "no-note", "missing-slot", "good"};
  Loader loader(options);
  box.Add("inactive");
  const auto inactive = loader.GetBeside("inactive", "");
  ASSERT_TRUE(inactive.ok()) << inactive.error().message;
  EXPECT_EQ(inactive->plugin, nullptr);
  EXPECT_TRUE(inactive->is_installed);
  for (const char *broken : {"probe_error", "crash_probe", "no_note", "missing_slot"}) {
    const fs::path path = box.Add(broken);
    const auto refused = loader.GetBeside(path.stem().string().substr(std::strlen("svirt-")), "");
    ASSERT_FALSE(refused.ok()) << broken;
    EXPECT_EQ(refused.error().code, Errc::kRefused);
    EXPECT_THAT(refused.error().message, HasSubstr("is to stand beside others")) << broken;
  }
  const fs::path writable = box.Add("good");
  fs::permissions(writable, fs::perms::others_write, fs::perm_options::add);
  EXPECT_EQ(loader.GetBeside("good", "").error().code, Errc::kRefused);
}

TEST(Loader, SelectGivesAnInitialisedPluginAndTheSameOneEachTime) {
  PluginBox box;
  box.Add("good");
  Loader loader(box.Options());
  Plugin *plugin = loader.Select("kvm")->plugin;
  EXPECT_TRUE(plugin->GetModel("").ok());
  EXPECT_EQ(loader.Select("qemu")->plugin, plugin);
  EXPECT_EQ(loader.Get("good", "").value(), plugin);
  // Another loader shares the code but not the instance.
  Loader second(box.Options());
  EXPECT_NE(second.Select("kvm")->plugin, plugin);
}

TEST(Loader, PackagesMayComeAndGoWhileItRuns) {
  PluginBox box;
  Loader loader(box.Options());
  EXPECT_EQ(loader.Select("")->plugin, nullptr);
  const fs::path twin = box.Add("twin");
  Plugin *first = loader.Select("")->plugin;
  ASSERT_NE(first, nullptr);
  // An upgrade puts another file in its place; what is in use stays in use and mapped.
  fs::remove(twin);
  box.Add("twin");
  Plugin *second = loader.Select("")->plugin;
  ASSERT_NE(second, nullptr);
  EXPECT_NE(second, first);
  EXPECT_TRUE(first->GetModel("").ok());
  fs::remove(twin);
  EXPECT_EQ(loader.Select("")->plugin, nullptr);
  EXPECT_TRUE(second->GetModel("").ok());
}

// glibc compares names before it opens anything: with a plain /proc/self/fd/N, the second plugin
// opened under a reused number would silently be the first one.
TEST(Loader, ManyPluginsAreEachTheirOwn) {
  PluginBox box;
  Loader loader(box.Options());
  box.Add("twin");
  EXPECT_EQ(loader.Get("twin", "").value()->model(), "twin");
  for (const char *bad : {"missing_dependency", "small_table"}) {
    box.Add(bad);
  }
  box.Add("good");
  box.Add("inactive");
  EXPECT_EQ(loader.Get("good", "").value()->model(), "good");
  const auto scan = loader.Scan("");
  EXPECT_EQ(CandidateOf(*scan, box.plugins() / "svirt-inactive.so").reason, "zoo says 1");
}

TEST(Loader, OverwritingALoadedFileIsRefused) {
  PluginBox box;
  const fs::path good = box.Add("good");
  Loader loader(box.Options());
  ASSERT_NE(loader.Select("")->plugin, nullptr);
  // Bytes past what the headers speak of, so that the mapping stays sound.
  std::ofstream(good, std::ios::app) << "appended";
  const auto scan = loader.Scan("");
  EXPECT_EQ((*scan)[0].state, CandidateState::kRefused);
  EXPECT_THAT((*scan)[0].reason, HasSubstr("was overwritten after this process had loaded it"));
}

TEST(Loader, WhatTheProgramLoadedItselfIsReported) {
  PluginBox box;
  const fs::path good = box.Add("good");
  ASSERT_NE(dlopen(good.c_str(), RTLD_NOW | RTLD_LOCAL), nullptr) << dlerror();
  const auto scan = Loader(box.Options()).Scan("");
  EXPECT_EQ((*scan)[0].state, CandidateState::kRefused);
  EXPECT_THAT((*scan)[0].reason, HasSubstr("another part of this program has loaded it already"));
}

TEST(Loader, TheProcessCanBeAskedWhatItLoaded) {
  PluginBox box;
  const fs::path good = box.Add("good"), bad = box.Add("no_note");
  ASSERT_TRUE(Loader(box.Options()).Scan("").ok());
  const std::vector<Candidate> loaded = LoadedPlugins();
  const Candidate &shown = CandidateOf(loaded, good);
  EXPECT_EQ(shown.model, "good");
  EXPECT_EQ(shown.version, "1");
  EXPECT_EQ(shown.abi, "1.0");
  EXPECT_EQ(shown.state, CandidateState::kActive);
  EXPECT_EQ(shown.reason, "zoo says 0");
  for (const Candidate &each : loaded) {
    EXPECT_NE(each.path, bad);
  }
}

TEST(Loader, NoDescriptorIsLeftBehindButThoseOfLoadedPlugins) {
  PluginBox box;
  for (const char *name : {"good", "no_note", "newer_host", "twin", "crash_probe"}) {
    box.Add(name);
  }
  Loader loader(box.Options());
  ASSERT_TRUE(loader.Scan("").ok());
  const size_t after_first = CountDescriptors();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(loader.Scan("").ok());
  }
  EXPECT_EQ(CountDescriptors(), after_first);
}

TEST(Loader, WithoutScannerItLoadsAllTheSame) {
  PluginBox box;
  LoaderOptions options = box.Options();
  options.scanner = "";
  options.quarantine_file = "";
  box.Add("good");
  options.not_critical = {"note-disagrees"};
  const fs::path disagrees = box.Add("note_disagrees");
  Loader loader(options);
  EXPECT_EQ(loader.Select("")->plugin->model(), "good");
  EXPECT_THAT(CandidateOf(*loader.Scan(""), disagrees).reason,
              HasSubstr("its identity note and its table disagree"));
}

// ---- The scanner ----

TEST(Scanner, AScannerThatCannotRunFailsClosed) {
  PluginBox box;
  box.Add("good");
  LoaderOptions options = box.Options();
  options.scanner = box.root() / "no-such-scanner";
  const auto selected = Loader(options).Select("");
  ASSERT_FALSE(selected.ok());
  EXPECT_THAT(selected.error().message, HasSubstr("cannot run the scanner " + options.scanner));
}

TEST(Scanner, AScannerThatSaysNothingTakesNoPluginForSound) {
  PluginBox box;
  const fs::path good = box.Add("good");
  LoaderOptions options = box.Options();
  options.scanner = "/bin/true";
  Loader loader(options);
  EXPECT_EQ(loader.Select("").error().code, Errc::kRefused);
  EXPECT_THAT(CandidateOf(*loader.Scan(""), good).reason,
              HasSubstr("it ended the scanner before the answer, with exit status 0"));
}

TEST(Scanner, CrashIsQuarantinedUntilTheFileChangesOrTheListIsDeleted) {
  PluginBox box;
  LoaderOptions options = box.Options();
  const fs::path bad = box.Add("crash_probe");
  const auto reason = [&] { return Loader(options).Scan("")->at(0).reason; };
  const std::string fresh =
      "refusing " + bad.string() + ": it crashed in the scanner with signal 6 (SIGABRT)";
  EXPECT_EQ(reason(), fresh);
  const std::string remembered = fresh + "; it is in quarantine until it is replaced or " +
                                 options.quarantine_file + " is deleted";
  EXPECT_EQ(reason(), remembered);
  EXPECT_EQ(Loader(options).Scan("")->at(0).state, CandidateState::kFailed);
  EXPECT_EQ(Loader(options).Scan("")->at(0).model, "crash-probe");
  fs::remove(options.quarantine_file);
  EXPECT_EQ(reason(), fresh);
  EXPECT_EQ(reason(), remembered);
  chmod(bad.c_str(), 0711);  // a new ctime
  EXPECT_EQ(reason(), fresh);
}

TEST(Scanner, AQuarantineThatOthersMayWriteIsIgnoredWithAWarning) {
  PluginBox box;
  LoaderOptions options = box.Options();
  const std::ofstream empty(options.quarantine_file);
  chmod(options.quarantine_file.c_str(), 0666);
  box.Add("good");
  EXPECT_NE(Loader(options).Select("")->plugin, nullptr);
  EXPECT_THAT(box.log(), StartsWith("warning: the quarantine file " + options.quarantine_file +
                                    " is ignored: "));
}

TEST(Scanner, WorksInAProgramThatIgnoresItsChildren) {
  PluginBox box;
  box.Add("good");
  const fs::path bad = box.Add("crash_probe");
  struct sigaction ignore {
  }, old{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGCHLD, &ignore, &old);
  LoaderOptions options = box.Options();
  options.not_critical = {"crash-probe"};
  Loader loader(options);
  const auto scan = loader.Scan("");
  // One that may have ended before the loader can watch it.
  options.scanner = "/bin/true";
  options.quarantine_file = "";
  const fs::path twin = box.Add("twin");
  const auto with_true = Loader(options).Scan("");
  sigaction(SIGCHLD, &old, nullptr);
  ASSERT_TRUE(with_true.ok()) << with_true.error().message;
  EXPECT_THAT(CandidateOf(*with_true, twin).reason,
              HasSubstr("it ended the scanner before the answer"));
  ASSERT_TRUE(scan.ok()) << scan.error().message;
  EXPECT_EQ(CandidateOf(*scan, bad).state, CandidateState::kFailed);
  EXPECT_EQ(CandidateOf(*scan, box.plugins() / "svirt-good.so").state, CandidateState::kSelected);
}

// A signal that the program ignores or blocks must not protect a hanging plugin, nor must what the
// program has open or in its environment reach one.
TEST(Scanner, IsUntouchedByTheProgramsOwnState) {
  PluginBox box;
  const fs::path good = box.Add("good");
  const int inheritable = open("/", O_RDONLY);
  ASSERT_GE(inheritable, 0);
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const auto scan = Loader(box.Options()).Scan("");
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  close(inheritable);
  ASSERT_TRUE(scan.ok());
  EXPECT_EQ(CandidateOf(*scan, good).state, CandidateState::kSelected);
}

}  // namespace
}  // namespace svirt
