// SPDX-License-Identifier: LGPL-2.1-or-later
// Which plugin is chosen, and which broken one stops the choice.
#include "host/loader/select.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace svirt {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using State = CandidateState;

Candidate Make(const char *model, int priority, State state) {
  Candidate candidate;
  candidate.path = std::string("/p/svirt-") + model + ".so";
  candidate.model = candidate.named = model;
  candidate.priority = priority;
  candidate.has_priority = true;
  candidate.state = state;
  candidate.reason = "because";
  return candidate;
}

// A file of which nothing can be told but its name.
Candidate Unreadable(const char *model) {
  Candidate candidate = Make(model, 0, State::kRefused);
  candidate.has_priority = false;
  return candidate;
}

constexpr State kBroken[] = {State::kRefused, State::kFailed, State::kMissing};

std::vector<std::string> Models(const std::vector<Candidate> &all) {
  std::vector<std::string> models;
  for (const Candidate &each : all) {
    models.push_back(each.model);
  }
  return models;
}

std::string SelectedOf(const std::vector<Candidate> &all) {
  std::string selected;
  for (const Candidate &each : all) {
    selected += each.state == State::kSelected ? each.model : "";
  }
  return selected;
}

TEST(Select, WithoutOrderPriorityThenModelDecide) {
  LoaderOptions options;
  std::vector<Candidate> all = {Make("b", 100, State::kActive), Make("a", 100, State::kActive),
                                Make("z", 500, State::kActive), Make("y", 900, State::kInactive)};
  SortCandidates(options, &all);
  EXPECT_THAT(Models(all), ElementsAre("y", "z", "a", "b"));
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_EQ(SelectedOf(all), "z");
}

TEST(Select, ExplicitOrderGoesBeforePriorityAndIsComplete) {
  LoaderOptions options;
  options.order = {"b", "z"};
  std::vector<Candidate> all = {Make("a", 999, State::kInactive), Make("z", 500, State::kActive),
                                Make("b", 100, State::kActive)};
  SortCandidates(options, &all);
  EXPECT_THAT(Models(all), ElementsAre("b", "z", "a"));
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_EQ(SelectedOf(all), "b");
  EXPECT_TRUE(IsListed(options, "z"));
  EXPECT_FALSE(IsListed(options, "a"));
}

TEST(Select, AnythingButInactiveBeforeTheFirstActiveStopsIt) {
  for (const State state : kBroken) {
    LoaderOptions options;
    std::vector<Candidate> all = {Make("strict", 500, state), Make("weak", 100, State::kActive)};
    const Status status = Decide(options, &all);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, Errc::kRefused);
    EXPECT_EQ(status.error().message,
              std::string("no security driver is chosen because ") +
                  (state == State::kMissing
                       ? "svirt-strict.so would be asked first and cannot answer (because); "
                         "install it again"
                       : "/p/svirt-strict.so would be asked first and cannot answer (because); "
                         "mend it, remove it if it is to be gone") +
                  ", or list strict as not critical");
    EXPECT_EQ(SelectedOf(all), "");
    EXPECT_TRUE(all[0].blocks);
    EXPECT_FALSE(all[1].blocks);
  }
  LoaderOptions options;
  std::vector<Candidate> all = {Make("strict", 500, State::kInactive),
                                Make("weak", 100, State::kActive)};
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_EQ(SelectedOf(all), "weak");
}

TEST(Select, TheSameWithAnOrder) {
  for (const State state : kBroken) {
    LoaderOptions options;
    options.order = {"strict", "weak"};
    std::vector<Candidate> all = {Make("weak", 100, State::kActive), Make("strict", 1, state)};
    EXPECT_THAT(Decide(options, &all).error().message,
                AllOf(HasSubstr("svirt-strict.so would be asked first"),
                      HasSubstr("take strict out of the order")));
    EXPECT_EQ(SelectedOf(all), "");
    EXPECT_TRUE(all[1].blocks);

    options.order = {"weak", "strict"};
    EXPECT_TRUE(Decide(options, &all).ok()) << "weak is before it";
    EXPECT_EQ(SelectedOf(all), "weak");
    EXPECT_FALSE(all[1].blocks);
  }
}

TEST(Select, BrokenWithNothingActiveIsNotNothing) {
  for (const State state : kBroken) {
    LoaderOptions options;
    std::vector<Candidate> all = {Make("strict", 500, state), Make("weak", 100, State::kInactive)};
    EXPECT_FALSE(Decide(options, &all).ok());
  }
}

TEST(Select, BrokenBehindTheFirstActiveDoesNotMatter) {
  for (const State state : kBroken) {
    LoaderOptions options;
    std::vector<Candidate> all = {Make("strict", 500, State::kActive), Make("weak", 100, state)};
    EXPECT_TRUE(Decide(options, &all).ok());
    EXPECT_EQ(SelectedOf(all), "strict");
    EXPECT_FALSE(all[1].blocks);
  }
}

TEST(Select, NotCriticalLetsAnythingPass) {
  for (const State state : kBroken) {
    LoaderOptions options;
    options.not_critical = {"strict"};
    std::vector<Candidate> all = {Make("strict", 500, state), Make("weak", 100, State::kActive)};
    EXPECT_TRUE(Decide(options, &all).ok());
    EXPECT_EQ(SelectedOf(all), "weak");
    all = {Unreadable("strict"), Make("weak", 100, State::kActive)};
    EXPECT_TRUE(Decide(options, &all).ok());
  }
}

TEST(Select, AFileOfWhichOnlyTheNameIsKnownComesFirst) {
  LoaderOptions options;
  std::vector<Candidate> all = {Make("strict", 999, State::kActive), Unreadable("any")};
  SortCandidates(options, &all);
  EXPECT_THAT(Models(all), ElementsAre("any", "strict"));
  EXPECT_THAT(Decide(options, &all).error().message,
              HasSubstr("svirt-any.so would be asked first"));
  // An order knows its place, or that it is off.
  options.order = {"strict"};
  EXPECT_TRUE(Decide(options, &all).ok());
  options.order = {"strict", "any"};
  all = {Make("strict", 999, State::kActive), Unreadable("any")};
  EXPECT_TRUE(Decide(options, &all).ok());
  options.order = {"any", "strict"};
  EXPECT_FALSE(Decide(options, &all).ok());
}

TEST(Select, TheNoteOfARefusedFileDoesNotExcuseItsName) {
  LoaderOptions options;
  options.not_critical = {"weak"};
  Candidate forged = Unreadable("strict");
  forged.model = "weak";
  std::vector<Candidate> all = {forged, Make("good", 100, State::kActive)};
  EXPECT_THAT(Decide(options, &all).error().message, HasSubstr("or list strict as not critical"));
  options.not_critical.clear();
  EXPECT_THAT(Decide(options, &all).error().message,
              HasSubstr("or list weak and strict as not critical"));
  options.order = {"strict", "good", "weak"};
  EXPECT_FALSE(Decide(options, &all).ok());
}

TEST(Select, ADirectoryThatIsRefusedMayHoldAnything) {
  LoaderOptions options;
  Candidate directory = Unreadable("");
  directory.path = "/p";
  std::vector<Candidate> all = {directory, Make("good", 100, State::kActive)};
  EXPECT_EQ(Decide(options, &all).error().message,
            "no security driver is chosen because it cannot be told which plugins are in /p "
            "(because); mend it, or take it out of the plugin directories");
  options.not_critical = {""};
  EXPECT_FALSE(Decide(options, &all).ok());
  options.order = {"good"};  // what is listed and not found is missing
  EXPECT_TRUE(Decide(options, &all).ok());
}

TEST(Select, PriorityZeroIsChosenByNameOnly) {
  LoaderOptions options;
  std::vector<Candidate> all = {Make("strict", 500, State::kInactive),
                                Make("beside", 0, State::kActive)};
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_EQ(SelectedOf(all), "");
  EXPECT_EQ(all[1].state, State::kActive);

  options.order = {"beside"};
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_EQ(SelectedOf(all), "beside");
}

TEST(Select, BrokenOfPriorityZeroStopsItByNameOnly) {
  for (const State state : kBroken) {
    LoaderOptions options;
    std::vector<Candidate> all = {Make("strict", 500, State::kInactive), Make("beside", 0, state)};
    EXPECT_TRUE(Decide(options, &all).ok());
    EXPECT_FALSE(all[1].blocks);

    options.order = {"beside", "strict"};
    EXPECT_FALSE(Decide(options, &all).ok());
  }
}

TEST(Select, ABrokenCopyStopsASoundFileOfTheSameModel) {
  for (const State state : {State::kActive, State::kInactive}) {
    for (const bool with_order : {false, true}) {
      LoaderOptions options;
      if (with_order) {
        options.order = {"named", "good"};
      }
      std::vector<Candidate> all = {Make("named", 500, state), Make("named", 500, State::kRefused),
                                    Make("good", 1, State::kActive)};
      EXPECT_FALSE(Decide(options, &all).ok());
      all[1].repeats = true;  // the very same file, by another directory
      EXPECT_TRUE(Decide(options, &all).ok());
      EXPECT_EQ(SelectedOf(all), state == State::kActive ? "named" : "good");
    }
  }
}

TEST(Select, WhatTheOrderListsIsMissed) {
  LoaderOptions options;
  options.directories = {"/p", "/q/"};
  options.order = {"strict", "good"};
  std::vector<Candidate> all = {Make("good", 1, State::kActive)};
  AddMissing(options, {}, &all);
  ASSERT_THAT(Models(all), ElementsAre("good", "strict"));
  EXPECT_EQ(all[1].state, State::kMissing);
  EXPECT_EQ(all[1].path, "/p/svirt-strict.so");
  EXPECT_THAT(Decide(options, &all).error().message,
              HasSubstr("(svirt-strict.so is in none of the plugin directories (/p, /q/), but the "
                        "plugin order lists strict); install it again, take strict "
                        "out of the order, or list"));
}

TEST(Select, WhatWasChosenBeforeIsMissed) {
  LoaderOptions options;
  options.directories = {"/p"};
  std::vector<Candidate> all = {Make("good", 100, State::kActive)};
  AddMissing(options, {{"strict", 500}}, &all);
  EXPECT_THAT(Decide(options, &all).error().message,
              AllOf(HasSubstr("but strict is the model that was chosen here before"),
                    HasSubstr("run 'svirt plugins --forget strict' if it is gone on purpose")));
  // One that would not have been asked first is missed by nobody.
  all = {Make("good", 100, State::kActive)};
  AddMissing(options, {{"weaker", 50}}, &all);
  EXPECT_TRUE(Decide(options, &all).ok());
  // Nothing is known of its place.
  all = {Make("good", 100, State::kActive)};
  AddMissing(options, {{"strict", std::nullopt}}, &all);
  EXPECT_FALSE(Decide(options, &all).ok());
  // It is off.
  options.order = {"good"};
  all = {Make("good", 100, State::kActive)};
  AddMissing(options, {{"strict", 500}}, &all);
  EXPECT_EQ(all.size(), 1u);
  // It is there.
  options.order.clear();
  all = {Make("strict", 500, State::kInactive), Make("good", 100, State::kActive)};
  AddMissing(options, {{"strict", 500}}, &all);
  EXPECT_EQ(all.size(), 2u);
  EXPECT_TRUE(all[0].chosen_before);
  EXPECT_TRUE(Decide(options, &all).ok());
}

TEST(Select, NothingActiveIsNoError) {
  LoaderOptions options;
  std::vector<Candidate> all = {Make("a", 1, State::kInactive), Make("b", 1, State::kInactive)};
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_EQ(SelectedOf(all), "");
  std::vector<Candidate> none;
  EXPECT_TRUE(Decide(options, &none).ok());
}

}  // namespace
}  // namespace svirt
