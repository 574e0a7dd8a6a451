// SPDX-License-Identifier: LGPL-2.1-or-later
// The monitor's client against servers that are slow, silent, talkative or malicious.
#include "host/hypervisor/qemu/qmp_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <functional>
#include <thread>

#include "host/hypervisor/qemu/qemu_test_support.h"
#include "host/hypervisor/qemu/qmp_fake_server.h"
#include "host/util/end_request.h"

namespace svirt {
namespace {

using nlohmann::json;
using Clock = QmpClient::Clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

Clock::time_point In(milliseconds time) {
  return Clock::now() + time;
}

TEST(Qmp, CommandsAndInterleavedEvents) {
  FakeServer server([](FakeServer &s) {
    s.Greet();
    const json first = s.Read();
    s.Line(R"({"event": "STOP", "data": {}})");
    s.Line(R"({"event": "RESUME", "data": {}})");
    s.Return(first, {{"status", "running"}});
    const json second = s.Read();
    EXPECT_EQ(second["execute"], "device_add");
    EXPECT_EQ(second["arguments"]["id"], "a,b\n\xc3\xa4");
    s.Line(R"({"error": {"class": "GenericError", "desc": "no\nsuch device"}, "id": )" +
           second["id"].dump() + "}");
    s.Line(R"({"event": "SHUTDOWN"})");
    s.Read();
  });
  auto client = QmpClient::Open(server.TakeClient(), In(seconds(10)));
  ASSERT_TRUE(client.ok()) << client.error().message;
  const auto status = client->Execute("query-status");
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ((*status)["status"], "running");
  const auto refused = client->Execute("device_add", {{"id", "a,b\n\xc3\xa4"}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "QEMU refused device_add: no; such device");
  for (const char *event : {"STOP", "RESUME", "SHUTDOWN"}) {
    const auto next = client->NextEvent(In(seconds(10)));
    ASSERT_TRUE(next.ok()) << event;
    EXPECT_EQ((*next)["event"], event);
  }
  EXPECT_EQ(client->NextEvent(In(milliseconds(50))).error().code, Errc::kTimeout);
}

TEST(Qmp, SlowAndInPieces) {
  FakeServer server([](FakeServer &s) {
    for (const char c : std::string(kGreeting)) {
      s.Write(std::string(1, c));
      std::this_thread::sleep_for(milliseconds(2));
    }
    s.Write("\r\n");
    s.Return(s.Read(), json::object());
    const json request = s.Read();
    // Two messages in one piece, the second not whole.
    const std::string answer = json{{"return", 1}, {"id", request["id"]}}.dump() + "\n";
    s.Write("{\"event\": \"A\"}\n" + answer.substr(0, 5));
    std::this_thread::sleep_for(milliseconds(50));
    s.Write(answer.substr(5));
  });
  auto client = QmpClient::Open(server.TakeClient(), In(seconds(10)));
  ASSERT_TRUE(client.ok()) << client.error().message;
  const auto value = client->Execute("x");
  ASSERT_TRUE(value.ok()) << value.error().message;
  EXPECT_EQ(*value, 1);
}

TEST(Qmp, SilenceEndsAtTheDeadlineAndLateAnswersAreSkipped) {
  FakeServer server([](FakeServer &s) {
    s.Greet();
    const json first = s.Read();
    const json second = s.Read();
    s.Return(first, "late");
    s.Return(second, "right");
  });
  auto client = QmpClient::Open(server.TakeClient(), In(seconds(10)));
  ASSERT_TRUE(client.ok());
  const auto start = Clock::now();
  const auto none = client->Execute("first", json::object(), milliseconds(100));
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().message.find("first in time"), std::string::npos);
  EXPECT_LT(Clock::now() - start, seconds(5));
  const auto value = client->Execute("second");
  ASSERT_TRUE(value.ok()) << value.error().message;
  EXPECT_EQ(*value, "right");
}

TEST(Qmp, OneThatNeverPausesIsLeftAtTheDeadline) {
  FakeServer server([](FakeServer &s) {
    s.Greet();
    const json request = s.Read();
    for (int i = 0; i < 100; ++i) {  // 0.5 s, and the client leaves before
      s.Line(R"({"event": "NOISE"})");
      std::this_thread::sleep_for(milliseconds(5));
    }
  });
  auto client = QmpClient::Open(server.TakeClient(), In(seconds(10)));
  ASSERT_TRUE(client.ok());
  const auto start = Clock::now();
  EXPECT_FALSE(client->Execute("x", json::object(), milliseconds(100)).ok());
  EXPECT_LT(Clock::now() - start, milliseconds(450));
}

TEST(Qmp, EventsAreBounded) {
  constexpr int kEvents = static_cast<int>(QmpClient::kMaxEvents) + 500;
  FakeServer server([](FakeServer &s) {
    s.Greet();
    const json request = s.Read();
    for (int i = 0; i < kEvents; ++i) {
      s.Line(R"({"event": "E", "n": )" + std::to_string(i) + "}");
    }
    s.Return(request, nullptr);
  });
  auto client = QmpClient::Open(server.TakeClient(), In(seconds(10)));
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE(client->Execute("x").ok());
  const auto oldest = client->NextEvent(In(seconds(1)));
  ASSERT_TRUE(oldest.ok());
  EXPECT_EQ((*oldest)["n"], 500);
}

struct BadServer {
  const char *name;
  std::function<void(FakeServer &)> script;
  const char *sentence;
};

class QmpBadServer : public testing::TestWithParam<BadServer> {};

TEST_P(QmpBadServer, IsGivenUpWithASentence) {
  FakeServer server(GetParam().script);
  auto client = QmpClient::Open(server.TakeClient(), In(milliseconds(3000)));
  if (!client) {
    EXPECT_NE(client.error().message.find(GetParam().sentence), std::string::npos)
        << client.error().message;
    return;
  }
  const auto value = client->Execute("x", json::object(), seconds(20));
  ASSERT_FALSE(value.ok());
  EXPECT_NE(value.error().message.find(GetParam().sentence), std::string::npos)
      << value.error().message;
  EXPECT_FALSE(client->Execute("y", json::object(), milliseconds(100)).ok());
}

INSTANTIATE_TEST_SUITE_P(
    All, QmpBadServer,
    testing::Values(BadServer{"ClosesAtOnce", [](FakeServer &) {}, "closed"},
                    BadServer{"Garbage", [](FakeServer &s) { s.Line("\x01\xff garbage {{{"); },
                              "not a JSON object"},
                    BadServer{"ArrayForGreeting", [](FakeServer &s) { s.Line("[1]"); },
                              "not a JSON object"},
                    BadServer{"NoGreeting", [](FakeServer &s) { s.Line("{}"); }, "greet"},
                    BadServer{"GreetsAndCloses",
                              [](FakeServer &s) {
                                s.Line(kGreeting);
                                s.Read();
                              },
                              "closed"},
                    BadServer{"ClosesInsteadOfAnswering",
                              [](FakeServer &s) {
                                s.Greet();
                                s.Read();
                              },
                              "closed"},
                    BadServer{"HalfALine",
                              [](FakeServer &s) {
                                s.Greet();
                                s.Read();
                                s.Write("{\"return\": ");
                              },
                              "closed"},
                    BadServer{"InvalidUtf8",
                              [](FakeServer &s) {
                                s.Greet();
                                s.Read();
                                s.Line("{\"return\": \"\xff\"}");
                              },
                              "not a JSON object"},
                    BadServer{"LineOf10MiB",
                              [](FakeServer &s) {
                                s.Greet();
                                s.Read();
                                s.Line("{\"return\": \"" + std::string(10 << 20, 'x') + "\"}");
                              },
                              "a line of more than"},
                    BadServer{"DeepNesting",
                              [](FakeServer &s) {
                                s.Greet();
                                s.Read();
                                s.Line(std::string(1 << 20, '['));
                              },
                              "not a JSON object"},
                    BadServer{"ErrorThatIsNoObject",
                              [](FakeServer &s) {
                                s.Greet();
                                const json r = s.Read();
                                s.Line(json{{"error", 5}, {"id", r["id"]}}.dump());
                              },
                              "does not say why"}),
    [](const auto &param) { return param.param.name; });

TEST(Qmp, LongAnswersWithinTheLimitAreTaken) {
  FakeServer server([](FakeServer &s) {
    s.Greet();
    s.Return(s.Read(), std::string(3 << 20, 'x'));
  });
  auto client = QmpClient::Open(server.TakeClient(), In(seconds(10)));
  ASSERT_TRUE(client.ok());
  const auto value = client->Execute("x", json::object(), seconds(20));
  ASSERT_TRUE(value.ok()) << value.error().message;
  EXPECT_EQ(value->get<std::string>().size(), size_t{3} << 20);
}

TEST(Qmp, ArgumentsThatAreNotUtf8AreRefused) {
  FakeServer server([](FakeServer &s) {
    s.Greet();
    s.Read();
  });
  auto client = QmpClient::Open(server.TakeClient(), In(seconds(10)));
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(client->Execute("x", {{"a", "\xff"}}).error().code, Errc::kInvalid);
}

// SIGTERM is held by the caller and waits meanwhile.
TEST(Qmp, ASignalEndsTheWaitUnlessItIsToGoOn) {
  HoldEndSignals();  // also in the threads of the servers
  FakeServer server([](FakeServer &s) {
    s.Greet();
    s.Return(s.Read(), "first");
    s.Read();  // and no answer
    s.Read();
  });
  auto client = QmpClient::Open(server.TakeClient(), In(seconds(10)));
  ASSERT_TRUE(client.ok()) << client.error().message;
  kill(getpid(), SIGTERM);
  client->GoOnIfAsked();
  EXPECT_TRUE(client->Execute("x").ok());
  EXPECT_EQ(client->Execute("y", json::object(), milliseconds(50)).error().code, Errc::kTimeout);
  FakeServer silent([](FakeServer &s) { s.Read(); });
  const auto begin = QmpClient::Clock::now();
  const auto opened = QmpClient::Open(silent.TakeClient(), In(std::chrono::minutes(5)));
  EXPECT_LT(QmpClient::Clock::now() - begin, seconds(30));
  signal(SIGTERM, SIG_IGN);
  EndAsAsked();
  signal(SIGTERM, SIG_DFL);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().message.find("SIGTERM ended this"), 0U) << opened.error().message;
}

// A listening socket in a directory whose path is far longer than a socket address.
TEST(Qmp, ConnectsInADeepDirectoryAndChecksWhoListens) {
  const QemuTempDir temp;
  std::string path = temp.path();
  for (int i = 0; i < 10; ++i) {
    path += "/" + std::string(40, static_cast<char>('a' + i));
  }
  std::filesystem::create_directories(path);
  const Fd dir(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(QmpClient::Connect(dir.get(), "m.sock", 0, In(seconds(1))).error().code,
            Errc::kNotFound);
  const Fd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/m.sock", dir.get());
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener.get(), 5), 0);
  const auto other = QmpClient::Connect(dir.get(), "m.sock", getpid() + 1, In(seconds(1)));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Errc::kRefused);
  std::thread server([&] {
    for (int i = 0; i < 2; ++i) {
      const Fd peer(accept(listener.get(), nullptr, nullptr));
      char byte = 0;
      const std::string text = std::string(kGreeting) + "\n{\"return\": {}, \"id\": 1}\n";
      send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL);
      while (recv(peer.get(), &byte, 1, 0) > 0) {
      }
    }
  });
  EXPECT_TRUE(QmpClient::Connect(dir.get(), "m.sock", getpid(), In(seconds(10))).ok());
  server.join();
}

}  // namespace
}  // namespace svirt
