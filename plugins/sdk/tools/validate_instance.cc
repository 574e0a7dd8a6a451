// SPDX-License-Identifier: MIT
// SVP-20 to SVP-29: life of an instance, and what the model says of itself.
#include <atomic>
#include <cstring>
#include <thread>

#include "host/loader/marshal.h"
#include "host/loader/process_state.h"
#include "plugins/sdk/tools/validate_case.h"

namespace svirt::validate {
namespace {

Verdict InitFini(const Subject &subject) {
  SVP_START(session, subject);
  svirt_error error = NoError();
  size_t descriptors = 0;
  ProcessState state;
  for (int i = 0; i < 3; ++i) {
    svirt_instance *instance = nullptr;
    const svirt_status status = session.table().init(TestHost(), &instance, &error);
    SVP_REQUIRE(status == SVIRT_OK && instance != nullptr,
                "init " + std::to_string(i + 2) + " failed: " + MessageOf(error));
    session.table().fini(instance);
    // The first round may fill caches.
    if (i == 0) {
      descriptors = CountDescriptors();
      state = CaptureProcessState();
    }
  }
  SVP_REQUIRE(CountDescriptors() == descriptors, "fini leaves descriptors open");
  const auto differences = CompareProcessState(state, CaptureProcessState());
  SVP_REQUIRE(differences.empty(), "after fini it " + differences[0]);
  return Pass();
}

Verdict ProcessUnderUse(const Subject &subject) {
  const ProcessState before = CaptureProcessState();
  {
    SVP_START(session, subject);
    const TestDomain test(subject);
    Generate(session, test.domain, FirstIndex(session, test.domain));
    svirt_error error = NoError();
    svirt_exec exec{};
    exec.struct_size = sizeof exec;
    if (session.table().domain_prepare_exec(session.instance(), &test.domain, "x", &exec, &error) ==
        SVIRT_OK) {
      DiscardExec(&exec);
    }
  }
  const auto differences = CompareProcessState(before, CaptureProcessState());
  SVP_REQUIRE(differences.empty(), "it " + differences[0]);
  return Pass();
}

Verdict SoundModel(const Subject &subject) {
  SVP_START(session, subject);
  struct LaterModel {
    svirt_model model;
    char tail[64];
  };
  for (const char *type : {static_cast<const char *>(nullptr), "kvm", "qemu", "xen", "unknown"}) {
    LaterModel later{};
    later.model.struct_size = sizeof later;
    std::memset(later.tail, 0x5a, sizeof later.tail);
    svirt_error error = NoError();
    const svirt_status status =
        session.table().get_model(session.instance(), type, &later.model, &error);
    SVP_REQUIRE(status == SVIRT_OK, "get_model failed: " + MessageOf(error));
    const auto info = ReadModel(later.model, session.table().model);
    SVP_REQUIRE(info.ok(), info.error().message);
    SVP_REQUIRE(later.model.struct_size == sizeof later,
                "get_model changed the host's struct_size");
    for (const char c : later.tail) {
      SVP_REQUIRE(c == 0x5a, "get_model wrote past the struct it knows");
    }
  }
  return Pass();
}

Verdict DeadProcess(const Subject &subject) {
  SVP_START(session, subject);
  TestDomain test(subject);
  test.domain.pid = 0x7ffffffe;  // above every pid_max
  Buffer label(SVIRT_LABEL_MAX + 1);
  svirt_label_state state{};
  state.struct_size = sizeof state;
  state.label = *label.get();
  svirt_error error = NoError();
  const svirt_status status =
      session.table().domain_get_label(session.instance(), &test.domain, &state, &error);
  SVP_REQUIRE(
      status == SVIRT_E_GONE || status == SVIRT_E_NOTSUP,
      "domain_get_label of a process that does not exist returned " + std::to_string(status));
  SVP_REQUIRE(label.untouched(), "a failed domain_get_label wrote to its output");
  return Pass();
}

Verdict Parallel(const Subject &subject) {
  SVP_START(session, subject);
  if (session.table().threads != SVIRT_THREADS_PARALLEL) {
    return Skip("it declares itself serial");
  }
  const TestDomain test(subject);
  const uint64_t index = FirstIndex(session, test.domain);
  const Labels expected = Generate(session, test.domain, index);
  std::atomic<bool> same{true};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) {
        const Labels now = Generate(session, test.domain, index);
        if (now.status != expected.status || now.label != expected.label) {
          same = false;
        }
      }
    });
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
  SVP_REQUIRE(same, "it declares itself parallel but answers differently from several threads");
  return Pass();
}

}  // namespace

std::vector<Case> InstanceCases() {
  return {
      {20, "init-fini", "can be initialised again after fini, which gives everything back",
       InitFini},
      {21, "use-process", "changes nothing of the process while it is used (rule 5)",
       ProcessUnderUse},
      {22, "model", "describes its model soundly, also to a host whose struct is longer",
       SoundModel},
      {23, "dead-process", "says that a process is gone, or that it cannot know", DeadProcess},
      {24, "parallel", "answers the same from several threads if it declares itself parallel",
       Parallel},
  };
}

}  // namespace svirt::validate
