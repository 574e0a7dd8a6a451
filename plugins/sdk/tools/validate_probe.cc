// SPDX-License-Identifier: MIT
// SVP-10 to SVP-19: what probe answers, and what it leaves behind.
#include "host/loader/process_state.h"
#include "host/util/text.h"
#include "plugins/sdk/tools/validate_case.h"

namespace svirt::validate {
namespace {

bool IsStatus(svirt_status status) {
  return status <= SVIRT_INACTIVE && status >= SVIRT_E_INTERNAL;
}

Verdict Reasons(const Subject &subject) {
  const auto table = subject.Load();
  SVP_REQUIRE(table.ok(), table.error().message);
  for (const char *type :
       {static_cast<const char *>(nullptr), "kvm", "qemu", "xen", "no-such-hypervisor", ""}) {
    const std::string shown = type != nullptr ? std::string("\"") + type + "\"" : "NULL";
    svirt_error reason = NoError();
    const svirt_status status = (*table)->probe(TestHost(), type, &reason);
    const std::string message = MessageOf(reason);
    SVP_REQUIRE(IsStatus(status),
                "probe(" + shown + ") returned the unknown status " + std::to_string(status));
    SVP_REQUIRE(reason.struct_size == sizeof reason,
                "probe(" + shown + ") changed struct_size of the host's svirt_error");
    SVP_REQUIRE(!message.empty(), "probe(" + shown + ") gave no reason");
    SVP_REQUIRE(
        message.size() < sizeof reason.message && IsUtf8(message) && !HasControlCharacters(message),
        "the reason of probe(" + shown + ") is not one line of UTF-8");
  }
  return Pass();
}

Verdict Idempotent(const Subject &subject) {
  const auto table = subject.Load();
  SVP_REQUIRE(table.ok(), table.error().message);
  svirt_error reason = NoError();
  const svirt_status first = (*table)->probe(TestHost(), nullptr, &reason);
  const size_t descriptors = CountDescriptors();
  for (int i = 0; i < 8; ++i) {
    reason = NoError();
    SVP_REQUIRE((*table)->probe(TestHost(), nullptr, &reason) == first,
                "the same question gets another answer");
  }
  SVP_REQUIRE(CountDescriptors() == descriptors, "each probe leaves descriptors open");
  return Pass();
}

Verdict LeavesTheProcessAlone(const Subject &subject) {
  const ProcessState before = CaptureProcessState();
  const auto table = subject.Load();
  SVP_REQUIRE(table.ok(), table.error().message);
  svirt_error reason = NoError();
  (*table)->probe(TestHost(), nullptr, &reason);
  const auto differences = CompareProcessState(before, CaptureProcessState());
  SVP_REQUIRE(differences.empty(), "it " + differences[0]);
  return Pass();
}

}  // namespace

std::vector<Case> ProbeCases() {
  return {
      {10, "probe-reason", "gives a status of the ABI and a reason, whatever the type of domain",
       Reasons},
      {11, "probe-idempotent", "answers the same each time and leaves nothing open", Idempotent},
      {12, "probe-process", "changes nothing of the process when it is loaded and probed (rule 5)",
       LeavesTheProcessAlone},
  };
}

}  // namespace svirt::validate
