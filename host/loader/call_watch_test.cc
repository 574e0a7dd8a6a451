// SPDX-License-Identifier: LGPL-2.1-or-later
// A plugin that does not come back is told of while it hangs, and asked nothing any more
// afterwards.
#include "host/loader/call_watch.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/loader/plugin_fixture_test.h"

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

class CallWatchTest : public testing::Test {
 protected:
  // Begin with a watch of that limit.
  void Start(std::chrono::milliseconds limit) {
    watch_ =
        std::make_unique<CallWatch>(CallWatch::Options{limit,
                                                       [this](const OverdueCall &call) {
                                                         const std::lock_guard lock(mutex_);
                                                         told_.push_back(call.Describe());
                                                       },
                                                       [this] { return is_given_up_.load(); }});
    plugin_ = Create();
    ASSERT_TRUE(plugin_->Init().ok());
  }
  std::unique_ptr<Plugin> Create() {
    return Plugin::Create(&fake_.table,
                          {.gate = gate_, .file = "/x/svirt-fake.so", .watch = watch_.get()})
        .value();
  }
  std::vector<std::string> Told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  bool IsToldWithin(std::chrono::milliseconds time) {
    for (const auto end = steady_clock::now() + time; steady_clock::now() < end;) {
      if (!Told().empty()) {
        return true;
      }
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }
  static DomainRef Domain() {
    DomainRef domain;
    domain.uuid = "00000000-0000-4000-8000-000000000001";
    domain.name = "a";
    domain.seclabel.type = SecLabel::Type::kDynamic;
    return domain;
  }

  FakePlugin fake_;
  std::shared_ptr<PluginGate> gate_ = std::make_shared<PluginGate>();
  std::mutex mutex_;
  std::vector<std::string> told_;
  std::atomic<bool> is_given_up_{false};
  std::unique_ptr<CallWatch> watch_;
  std::unique_ptr<Plugin> plugin_;
};

TEST_F(CallWatchTest, OneThatHangsIsToldOfWhileItHangsOnce) {
  std::promise<void> go_on;
  fake_.does.set_label = [&](const char *) {
    go_on.get_future().wait();
    return SVIRT_OK;
  };
  Start(100ms);
  std::thread caller([&] { EXPECT_TRUE(plugin_->SetLabel(Domain(), "label").ok()); });
  EXPECT_TRUE(IsToldWithin(30s));
  std::this_thread::sleep_for(300ms);
  EXPECT_THAT(Told(), ElementsAre(MatchesRegex(
                          "plugin /x/svirt-fake.so \\(model fake\\) has not come back from "
                          "domain_set_label for domain 'a' for [0-9]+ s")));
  go_on.set_value();
  caller.join();
}

TEST_F(CallWatchTest, AnObjectIsNamedByItsPath) {
  fake_.does.set_resource = [&](const char *) {
    IsToldWithin(30s);
    return SVIRT_OK;
  };
  Start(100ms);
  Resource resource;
  resource.path = "/images/a.img";
  EXPECT_TRUE(plugin_->SetResourceLabel({&resource, -1}, "label").ok());
  EXPECT_THAT(Told(), ElementsAre(HasSubstr("resource_set_label for /images/a.img for")));
}

TEST_F(CallWatchTest, OneThatCameBackLateIsAskedNothingAnyMore) {
  std::atomic<int> calls{0};
  fake_.does.verify = [&](const svirt_domain *, svirt_error *) {
    ++calls;
    IsToldWithin(30s);
    return SVIRT_OK;
  };
  fake_.does.probe = [&](svirt_error *) {
    ++calls;
    return SVIRT_OK;
  };
  fake_.does.fini = [&] { ++calls; };
  Start(100ms);
  EXPECT_TRUE(plugin_->VerifyLabel(Domain()).ok()) << "what it has done is done";
  EXPECT_EQ(calls, 1);
  const Status later = plugin_->VerifyLabel(Domain());
  ASSERT_FALSE(later.ok());
  EXPECT_EQ(later.error().code, Errc::kTimeout);
  EXPECT_THAT(
      later.error().message,
      HasSubstr("fake: plugin /x/svirt-fake.so did not come back from domain_verify_label"));
  EXPECT_EQ(plugin_->Probe("").state, ProbeResult::State::kError);
  EXPECT_EQ(plugin_->GetModel("").error().code, Errc::kTimeout);
  EXPECT_EQ(plugin_->Describe(Domain()).error().code, Errc::kTimeout);
  EXPECT_EQ(plugin_->ConfigKeys().error().code, Errc::kTimeout);
  EXPECT_EQ(plugin_->BuildLabel("label").error().code, Errc::kTimeout);
  plugin_.reset();
  EXPECT_EQ(calls, 1) << "not even its end";
}

TEST_F(CallWatchTest, ProbeAndInitAreWatchedToo) {
  fake_.does.probe = fake_.does.init = [&](svirt_error *) {
    IsToldWithin(30s);
    return SVIRT_OK;
  };
  watch_ = std::make_unique<CallWatch>(CallWatch::Options{100ms,
                                                          [this](const OverdueCall &call) {
                                                            const std::lock_guard lock(mutex_);
                                                            told_.push_back(call.slot);
                                                          },
                                                          {}});
  auto one = Create();
  one->Probe("");
  EXPECT_THAT(Told(), ElementsAre("probe"));
  EXPECT_EQ(one->Init().error().code, Errc::kTimeout);
  told_.clear();
  auto two = Create();
  EXPECT_TRUE(two->Init().ok());
  EXPECT_THAT(Told(), ElementsAre("init"));
}

TEST_F(CallWatchTest, ManyShortCallsAreNoLongOne) {
  fake_.does.verify = [&](const svirt_domain *, svirt_error *) {
    std::this_thread::sleep_for(1ms);
    return SVIRT_OK;
  };
  Start(400ms);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (const auto end = steady_clock::now() + 1s; steady_clock::now() < end;) {
        EXPECT_TRUE(plugin_->VerifyLabel(Domain()).ok());
      }
    });
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
  EXPECT_THAT(Told(), IsEmpty());
  // Nor is one after a time without any, when nobody looked.
  std::this_thread::sleep_for(600ms);
  EXPECT_TRUE(plugin_->VerifyLabel(Domain()).ok());
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(CallWatchTest, WhereNobodyWaitsAnyMoreASecondIsTooLong) {
  fake_.does.set_label = [&](const char *) {
    std::this_thread::sleep_for(1500ms);
    EXPECT_THAT(Told(), IsEmpty());
    is_given_up_ = true;
    IsToldWithin(30s);
    return SVIRT_OK;
  };
  Start(1h);
  const auto begin = steady_clock::now();
  EXPECT_TRUE(plugin_->SetLabel(Domain(), "label").ok());
  EXPECT_LT(steady_clock::now() - begin, 20s);
  EXPECT_EQ(Told().size(), 1u);
}

// Two contexts of one process: what hangs in one must not hang the other.
TEST_F(CallWatchTest, AnotherOwnerOfThePluginIsNotKeptForEver) {
  std::promise<void> go_on;
  fake_.does.set_label = [&](const char *) {
    go_on.get_future().wait();
    return SVIRT_OK;
  };
  Start(300ms);
  std::thread caller([&] { EXPECT_TRUE(plugin_->SetLabel(Domain(), "label").ok()); });
  EXPECT_TRUE(IsToldWithin(30s));
  auto other = Create();
  const auto probed = other->Probe("");
  EXPECT_EQ(probed.state, ProbeResult::State::kError);
  EXPECT_THAT(probed.reason, HasSubstr("has not come back"));
  go_on.set_value();
  caller.join();
}

// Its thread is not there, and must not be waited for.
TEST_F(CallWatchTest, AForkMayCallAndClose) {
  Start(100ms);
  EXPECT_TRUE(plugin_->VerifyLabel(Domain()).ok());
  std::this_thread::sleep_for(200ms);  // the thread waits
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ::alarm(30);
    const bool good = plugin_->VerifyLabel(Domain()).ok();
    plugin_.reset();
    watch_.reset();
    ::_exit(good ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace svirt
