// SPDX-License-Identifier: MIT
// SVP-30 to SVP-39: labels, indexes, and the buffers they come in.
#include <algorithm>
#include <random>

#include "host/loader/marshal.h"
#include "host/util/text.h"
#include "plugins/sdk/tools/validate_case.h"

namespace svirt::validate {
namespace {

bool IsLabel(const std::string &label) {
  return label.size() <= SVIRT_LABEL_MAX && !HasControlCharacters(label);
}

Verdict Generates(const Subject &subject) {
  SVP_START(session, subject);
  const TestDomain test(subject);
  const uint64_t index = FirstIndex(session, test.domain);
  const Labels first = Generate(session, test.domain, index);
  SVP_REQUIRE(first.status == SVIRT_OK, "a dynamic domain gets no label: " + first.message);
  SVP_REQUIRE(!first.label.empty(), "a dynamic domain gets an empty label");
  SVP_REQUIRE(IsLabel(first.label) && IsLabel(first.image_label),
              "a label is too long or has control characters");
  const Labels again = Generate(session, test.domain, index);
  SVP_REQUIRE(again.label == first.label && again.image_label == first.image_label,
              "the same index gives another label");
  return Pass();
}

Verdict TellsDomainsApart(const Subject &subject) {
  SVP_START(session, subject);
  TestDomain one(subject), two(subject);
  two.domain.uuid = "5f3c1d2e-0000-4000-8000-00000000b22d";
  two.domain.name = "svirt-validate-2";
  const uint64_t index = FirstIndex(session, one.domain);
  svirt_index_set none{};
  none.struct_size = sizeof none;
  svirt_error error = NoError();
  const svirt_status status =
      session.table().domain_label_space(session.instance(), &one.domain, nullptr, &none, &error);
  const bool by_uuid = status == SVIRT_OK && none.run_count == 0;
  const Labels first = Generate(session, one.domain, index);
  SVP_REQUIRE(first.status == SVIRT_OK, "a dynamic domain gets no label: " + first.message);
  const Labels second =
      Generate(session, by_uuid ? two.domain : one.domain, by_uuid ? 0 : index + 1);
  if (second.status != SVIRT_OK) {
    return Skip("it offers one index only: " + second.message);
  }
  SVP_REQUIRE(first.label != second.label, "two domains get the same label, " + first.label);
  return Pass();
}

// Zero, one too few, and just enough bytes for either output.
Verdict BufferSizes(const Subject &subject) {
  SVP_START(session, subject);
  const TestDomain test(subject);
  const uint64_t index = FirstIndex(session, test.domain);
  const Labels whole = Generate(session, test.domain, index);
  SVP_REQUIRE(whole.status == SVIRT_OK, "a dynamic domain gets no label: " + whole.message);
  const auto label_size = static_cast<uint32_t>(whole.label.size() + 1);
  const auto image_size = static_cast<uint32_t>(whole.image_label.size() + 1);
  const auto ask = [&](Buffer *label, Buffer *image) {
    svirt_error error = NoError();
    return session.table().domain_generate_label(session.instance(), &test.domain, index,
                                                 label->get(), image->get(), &error);
  };
  for (const uint32_t size : {0u, label_size - 1}) {
    Buffer label(size), image(SVIRT_LABEL_MAX + 1);
    SVP_REQUIRE(ask(&label, &image) == SVIRT_E_RANGE,
                "a buffer of " + std::to_string(size) + " bytes is not SVIRT_E_RANGE");
    SVP_REQUIRE(label.used() == label_size, "used has " + std::to_string(label.used()) +
                                                " with SVIRT_E_RANGE, not the " +
                                                std::to_string(label_size) + " bytes needed");
    SVP_REQUIRE(label.untouched() && image.untouched(), "SVIRT_E_RANGE wrote to an output");
  }
  for (const uint32_t size : {0u, image_size - 1}) {
    Buffer label(SVIRT_LABEL_MAX + 1), image(size);
    SVP_REQUIRE(ask(&label, &image) == SVIRT_E_RANGE,
                "a second buffer of " + std::to_string(size) + " bytes is not SVIRT_E_RANGE");
    SVP_REQUIRE(image.used() == image_size, "used of the second buffer is wrong");
    SVP_REQUIRE(label.untouched() && image.untouched(), "SVIRT_E_RANGE wrote to an output");
  }
  Buffer label(label_size), image(image_size);
  SVP_REQUIRE(ask(&label, &image) == SVIRT_OK, "buffers of just the right size are refused");
  SVP_REQUIRE(!label.overrun() && !image.overrun(), "it wrote past the end of a buffer");
  SVP_REQUIRE(label.text() == whole.label && image.text() == whole.image_label,
              "another label in a smaller buffer");
  return Pass();
}

struct Runs {
  svirt_status status = SVIRT_E_INTERNAL;
  std::vector<svirt_index_run> runs;
  std::string message;
};

Runs AskRuns(const Session &session, const svirt_domain &domain, const char *label,
             uint32_t capacity) {
  Runs out;
  out.runs.resize(capacity);
  svirt_index_set set{};
  set.struct_size = sizeof set;
  set.run_capacity = capacity;
  set.runs = out.runs.data();
  svirt_error error = NoError();
  out.status = session.table().domain_label_space(session.instance(), &domain, label, &set, &error);
  out.message = MessageOf(error);
  out.runs.resize(std::min<uint32_t>(set.run_count, 1u << 20));
  return out;
}

Verdict CheckRuns(const Session &session, const svirt_domain &domain, const char *label,
                  const std::string &what, std::vector<svirt_index_run> *out) {
  const Runs none = AskRuns(session, domain, label, 0);
  const auto count = static_cast<uint32_t>(none.runs.size());
  SVP_REQUIRE(none.status == (count == 0 ? SVIRT_OK : SVIRT_E_RANGE),
              what + " into no room gives status " + std::to_string(none.status) +
                  " and run_count " + std::to_string(count) + ": " + none.message);
  const Runs all = AskRuns(session, domain, label, count);
  SVP_REQUIRE(all.status == SVIRT_OK && all.runs.size() == count,
              what + " does not fit into the room it asked for");
  const auto sound = ReadIndexRuns(all.runs);
  SVP_REQUIRE(sound.ok(), what + ": " + sound.error().message);
  *out = all.runs;
  return Pass();
}

Verdict IndexSets(const Subject &subject) {
  SVP_START(session, subject);
  const TestDomain test(subject);
  std::vector<svirt_index_run> space, claim;
  Verdict verdict = CheckRuns(session, test.domain, nullptr, "the label space", &space);
  if (verdict.kind != Verdict::Kind::kPass) {
    return verdict;
  }
  const uint64_t index = space.empty() ? 0 : space[0].first;
  const Labels labels = Generate(session, test.domain, index);
  SVP_REQUIRE(labels.status == SVIRT_OK, "no label for the first index: " + labels.message);
  verdict = CheckRuns(session, test.domain, labels.label.c_str(), "the claim of a label", &claim);
  if (verdict.kind != Verdict::Kind::kPass) {
    return verdict;
  }
  const bool claimed = std::any_of(claim.begin(), claim.end(), [&](const svirt_index_run &run) {
    return index >= run.first && index - run.first < run.count;
  });
  SVP_REQUIRE(space.empty() || claimed,
              "a label made from index " + std::to_string(index) + " does not claim it");
  return Pass();
}

Verdict NoneIsUnconfined(const Subject &subject) {
  SVP_START(session, subject);
  TestDomain test(subject);
  test.domain.label_type = SVIRT_LABEL_NONE;
  const Labels labels = Generate(session, test.domain, 0);
  SVP_REQUIRE(labels.status == SVIRT_OK, "label type none fails: " + labels.message);
  SVP_REQUIRE(labels.label.empty(), "label type none gives the process label " + labels.label);
  return Pass();
}

Verdict BadLabels(const Subject &subject) {
  SVP_START(session, subject);
  const std::string bad[] = {"",
                             "\n",
                             "a\nb",
                             "\x1b[2J",
                             "a\x7f",
                             "a\xc2\x9b",
                             std::string(SVIRT_LABEL_MAX + 1, 'x'),
                             "\x01\x02\x03"};
  for (const std::string &label : bad) {
    TestDomain test(subject);
    test.domain.label_type = SVIRT_LABEL_STATIC;
    test.domain.label = label.c_str();
    svirt_error error = NoError();
    const svirt_status status =
        session.table().domain_verify_label(session.instance(), &test.domain, &error);
    SVP_REQUIRE(status != SVIRT_OK, "domain_verify_label accepts the static label \"" +
                                        Printable(label.substr(0, 40)) + "\"");
    SVP_REQUIRE(!MessageOf(error).empty(), "domain_verify_label refuses without a sentence");
  }
  return Pass();
}

// Random bytes, none of them NUL, mostly such as labels are made of.
std::string RandomLabel(std::mt19937_64 *random) {
  constexpr std::string_view kUsual = "abcstux_:.,-0123456789";
  std::string label((*random)() % 200 + 1, '\0');
  for (char &c : label) {
    const uint64_t roll = (*random)();
    c = roll % 4 != 0 ? kUsual[roll / 4 % kUsual.size()] : static_cast<char>(roll / 4 % 255 + 1);
  }
  return label;
}

Verdict RandomLabels(const Subject &subject) {
  SVP_START(session, subject);
  std::mt19937_64 random(subject.seed);
  for (int round = 0; round < 500; ++round) {
    const std::string label = RandomLabel(&random), base = RandomLabel(&random);
    TestDomain test(subject);
    test.domain.label_type = round % 2 == 0 ? SVIRT_LABEL_STATIC : SVIRT_LABEL_DYNAMIC;
    test.domain.label = round % 2 == 0 ? label.c_str() : nullptr;
    test.domain.base_label = round % 2 == 0 ? nullptr : base.c_str();
    test.resource.override_label = label.c_str();
    test.UseResources(1, sizeof test.resource);
    svirt_error error = NoError();
    session.table().domain_verify_label(session.instance(), &test.domain, &error);
    const Labels labels = Generate(session, test.domain, random());
    SVP_REQUIRE(labels.status == SVIRT_OK ? IsLabel(labels.label) : !labels.message.empty(),
                "round " + std::to_string(round) +
                    ": a label that is none, or a failure without a sentence");
    svirt_exec exec{};
    exec.struct_size = sizeof exec;
    if (session.table().domain_prepare_exec(session.instance(), &test.domain, label.c_str(), &exec,
                                            &error) == SVIRT_OK) {
      const Status sound = CheckExec(exec);
      DiscardExec(&exec);
      SVP_REQUIRE(sound.ok(), sound.error().message);
    }
  }
  return Pass();
}

Verdict FailuresLeaveOutputs(const Subject &subject) {
  SVP_START(session, subject);
  TestDomain test(subject);
  test.domain.label_type = SVIRT_LABEL_STATIC;
  test.domain.label = "\x01 no label of any model \x02";
  Buffer label(SVIRT_LABEL_MAX + 1), image(SVIRT_LABEL_MAX + 1);
  svirt_error error = NoError();
  const svirt_status status = session.table().domain_generate_label(
      session.instance(), &test.domain, 0, label.get(), image.get(), &error);
  SVP_REQUIRE(status != SVIRT_OK, "domain_generate_label accepts a static label with \\x01 in it");
  SVP_REQUIRE(label.untouched() && image.untouched() && label.used() == 0 && image.used() == 0,
              "a failed domain_generate_label wrote to its outputs");
  SVP_REQUIRE(!MessageOf(error).empty(), "domain_generate_label failed without a sentence");
  return Pass();
}

}  // namespace

std::vector<Case> LabelCases() {
  return {
      {30, "generate", "gives a dynamic domain a label, the same one each time", Generates},
      {31, "distinct", "gives two domains two labels", TellsDomainsApart},
      {32, "buffer-sizes", "reports the right length for a short buffer and writes nothing then",
       BufferSizes},
      {33, "index-sets", "offers and claims indexes in ascending, disjoint runs", IndexSets},
      {34, "none", "gives a domain of label type none no process label", NoneIsUnconfined},
      {35, "bad-labels", "refuses empty, oversized and unprintable static labels with a sentence",
       BadLabels},
      {36, "random-labels", "survives random labels (--seed)", RandomLabels},
      {37, "failed-outputs", "leaves its outputs as they were when it fails", FailuresLeaveOutputs},
  };
}

}  // namespace svirt::validate
