// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/loader/select.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace svirt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using State = CandidateState;

Candidate Make(const char *model, int priority, State state) {
  Candidate candidate;
  candidate.path = std::string("/p/svirt-") + model + ".so";
  candidate.model = model;
  candidate.priority = priority;
  candidate.state = state;
  candidate.reason = "because";
  return candidate;
}

Candidate ProbeError(const char *model, int priority) {
  Candidate candidate = Make(model, priority, State::kFailed);
  candidate.probe_failed = true;
  return candidate;
}

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
                                Make("z", 500, State::kActive), Make("y", 900, State::kRefused)};
  SortCandidates(options, &all);
  EXPECT_THAT(Models(all), ElementsAre("z", "a", "b", "y"));
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

TEST(Select, ProbeErrorBeforeTheFirstActiveStopsIt) {
  LoaderOptions options;
  std::vector<Candidate> all = {ProbeError("strict", 500), Make("weak", 100, State::kActive)};
  const Status status = Decide(options, &all);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Errc::kRefused);
  EXPECT_EQ(status.error().message,
            "no security driver is chosen because strict would be asked first and cannot answer "
            "(because); mend it, remove /p/svirt-strict.so, or list strict as not critical");
  EXPECT_EQ(SelectedOf(all), "");
  EXPECT_TRUE(all[0].blocks);
}

TEST(Select, ProbeErrorWithNothingActiveIsNotNothing) {
  LoaderOptions options;
  std::vector<Candidate> all = {ProbeError("strict", 500), Make("weak", 100, State::kInactive)};
  EXPECT_FALSE(Decide(options, &all).ok());
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

TEST(Select, ProbeErrorOfPriorityZeroStopsItByNameOnly) {
  LoaderOptions options;
  std::vector<Candidate> all = {Make("strict", 500, State::kInactive), ProbeError("beside", 0)};
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_FALSE(all[1].blocks);

  options.order = {"beside", "strict"};
  EXPECT_FALSE(Decide(options, &all).ok());
}

TEST(Select, ProbeErrorBehindTheFirstActiveDoesNotMatter) {
  LoaderOptions options;
  std::vector<Candidate> all = {Make("strict", 500, State::kActive), ProbeError("weak", 100)};
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_EQ(SelectedOf(all), "strict");
}

TEST(Select, NotCriticalLetsAProbeErrorPass) {
  LoaderOptions options;
  options.not_critical = {"strict"};
  std::vector<Candidate> all = {ProbeError("strict", 500), Make("weak", 100, State::kActive)};
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_EQ(SelectedOf(all), "weak");
}

TEST(Select, RefusedOrCrashedFilesDoNotStopIt) {
  LoaderOptions options;
  std::vector<Candidate> all = {Make("refused", 900, State::kRefused),
                                Make("crashed", 800, State::kFailed),
                                Make("good", 100, State::kActive)};
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_EQ(SelectedOf(all), "good");
}

TEST(Select, RefusedOrCrashedFilesStopItIfTheOrderNamesThem) {
  for (const State state : {State::kRefused, State::kFailed}) {
    LoaderOptions options;
    options.order = {"named", "good"};
    std::vector<Candidate> all = {Make("good", 100, State::kActive), Make("named", 1, state)};
    EXPECT_THAT(Decide(options, &all).error().message, HasSubstr("named would be asked first"));
    EXPECT_EQ(SelectedOf(all), "");

    options.not_critical = {"named"};
    EXPECT_TRUE(Decide(options, &all).ok());
    EXPECT_EQ(SelectedOf(all), "good");
  }
}

TEST(Select, RefusedFileBehindTheFirstActiveOfTheOrderDoesNotStopIt) {
  LoaderOptions options;
  options.order = {"good", "named"};
  std::vector<Candidate> all = {Make("named", 1, State::kRefused), Make("good", 1, State::kActive)};
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_EQ(SelectedOf(all), "good");
}

TEST(Select, ARefusedCopyDoesNotStopASoundFileOfTheSameModel) {
  LoaderOptions options;
  options.order = {"named", "good"};
  for (const State state : {State::kActive, State::kInactive}) {
    std::vector<Candidate> all = {Make("named", 1, state), Make("named", 1, State::kRefused),
                                  Make("good", 1, State::kActive)};
    EXPECT_TRUE(Decide(options, &all).ok());
    EXPECT_EQ(SelectedOf(all), state == State::kActive ? "named" : "good");
  }
}

TEST(Select, NothingActiveIsNoError) {
  LoaderOptions options;
  std::vector<Candidate> all = {Make("a", 1, State::kInactive), Make("b", 1, State::kRefused)};
  EXPECT_TRUE(Decide(options, &all).ok());
  EXPECT_EQ(SelectedOf(all), "");
  std::vector<Candidate> none;
  EXPECT_TRUE(Decide(options, &none).ok());
}

}  // namespace
}  // namespace svirt
