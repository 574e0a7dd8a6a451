// SPDX-License-Identifier: MIT
// SVP-40 to SVP-49: resources, the structs of later hosts, and recipes.
#include <cstring>

#include "host/loader/marshal.h"
#include "plugins/sdk/tools/validate_case.h"

namespace svirt::validate {
namespace {

// What a plugin plans for one resource, checked as a host checks it.
struct Plan {
  svirt_status status = SVIRT_E_INTERNAL;
  std::string defect;   // of a successful answer
  std::string message;  // of a failure
  ResourcePlan plan;
};

Plan Ask(const Session &session, const svirt_domain &domain, const svirt_resource *resource) {
  struct LaterPlan {
    svirt_resource_plan plan;
    char tail[32];
  };
  TextBuffer label, note;
  LaterPlan later{};
  std::memset(later.tail, 0x5a, sizeof later.tail);
  later.plan.struct_size = sizeof later;
  later.plan.label = label.Blank();
  later.plan.note = note.Blank();
  svirt_error error = NoError();
  Plan out;
  out.status = session.table().resource_plan_label(session.instance(), &domain, resource,
                                                   &later.plan, &error);
  out.message = MessageOf(error);
  if (out.status == SVIRT_OK) {
    auto read = ReadPlan(later.plan, label, note);
    if (read.ok()) {
      out.plan = std::move(read).value();
    } else {
      out.defect = read.error().message;
    }
  }
  for (const char c : later.tail) {
    if (c != 0x5a) {
      out.defect = "resource_plan_label wrote past the struct it knows";
    }
  }
  return out;
}

bool SamePlan(const Plan &a, const Plan &b) {
  return a.status == b.status && a.plan.action == b.plan.action && a.plan.label == b.plan.label &&
         a.plan.note == b.plan.note && a.plan.exclusive == b.plan.exclusive &&
         a.plan.keep == b.plan.keep;
}

// A domain as it is when its resources are planned: with its labels.
struct Labelled {
  Labelled(const Subject &subject, const Session &session) : test(subject) {
    labels = Generate(session, test.domain, FirstIndex(session, test.domain));
    test.domain.label = labels.label.c_str();
    test.domain.image_label = labels.image_label.empty() ? nullptr : labels.image_label.c_str();
  }
  TestDomain test;
  Labels labels;
};

Verdict PlansEveryKind(const Subject &subject) {
  SVP_START(session, subject);
  Labelled with(subject, session);
  svirt_resource &resource = with.test.resource;
  for (uint32_t kind = SVIRT_RES_OTHER; kind <= SVIRT_RES_GRAPHICS + 20; ++kind) {
    for (const uint32_t access : {SVIRT_ACCESS_READ, SVIRT_ACCESS_READ | SVIRT_ACCESS_WRITE,
                                  SVIRT_ACCESS_READ | SVIRT_ACCESS_WRITE | SVIRT_ACCESS_CREATE}) {
      resource.kind = kind == SVIRT_RES_GRAPHICS + 20 ? 0xffffffffu : kind;
      resource.access = access;
      const Plan plan = Ask(session, with.test.domain, &resource);
      const std::string what =
          "kind " + std::to_string(resource.kind) + ", access " + std::to_string(access) + ": ";
      SVP_REQUIRE(plan.status == SVIRT_OK, what + "no plan: " + plan.message);
      SVP_REQUIRE(plan.defect.empty(), what + plan.defect);
    }
  }
  return Pass();
}

Verdict LaterResource(const Subject &subject) {
  SVP_START(session, subject);
  Labelled with(subject, session);
  const Plan expected = Ask(session, with.test.domain, &with.test.resource);
  struct LaterResourceStruct {
    svirt_resource resource;
    char tail[24];
  } later{with.test.resource, {}};
  later.resource.struct_size = sizeof later;
  std::memset(later.tail, 0x5a, sizeof later.tail);
  SVP_REQUIRE(SamePlan(Ask(session, with.test.domain, &later.resource), expected),
              "a resource of a later host with a longer struct is planned differently");
  with.test.resource.flags |= 0x4000u;
  SVP_REQUIRE(Ask(session, with.test.domain, &with.test.resource).status == SVIRT_OK,
              "a resource flag of a later host is not ignored");
  return Pass();
}

Verdict Stride(const Subject &subject) {
  SVP_START(session, subject);
  Labelled with(subject, session);
  const uint64_t index = FirstIndex(session, with.test.domain);
  with.test.UseResources(3, sizeof(svirt_resource));
  const Labels expected = Generate(session, with.test.domain, index);
  with.test.UseResources(3, sizeof(svirt_resource) + 24);
  const Labels actual = Generate(session, with.test.domain, index);
  SVP_REQUIRE(actual.status == expected.status && actual.label == expected.label,
              "resources of a later host are read at the wrong distance; walk the array with "
              "resource_size");
  svirt_error error = NoError();
  const svirt_status status =
      session.table().domain_verify_label(session.instance(), &with.test.domain, &error);
  SVP_REQUIRE(status == SVIRT_OK, "a domain with its own label is not valid: " + MessageOf(error));
  return Pass();
}

Verdict LaterDomain(const Subject &subject) {
  SVP_START(session, subject);
  const TestDomain test(subject);
  const uint64_t index = FirstIndex(session, test.domain);
  const Labels expected = Generate(session, test.domain, index);
  struct LaterDomainStruct {
    svirt_domain domain;
    char tail[40];
  } later{test.domain, {}};
  later.domain.struct_size = sizeof later;
  std::memset(later.tail, 0x5a, sizeof later.tail);
  const Labels actual = Generate(session, later.domain, index);
  SVP_REQUIRE(actual.status == expected.status && actual.label == expected.label,
              "a domain of a later host with a longer struct gets another label");
  return Pass();
}

Verdict Recipe(const Subject &subject) {
  SVP_START(session, subject);
  const Labelled with(subject, session);
  svirt_exec exec{};
  exec.struct_size = sizeof exec;
  svirt_error error = NoError();
  const svirt_status status = session.table().domain_prepare_exec(
      session.instance(), &with.test.domain, with.labels.label.c_str(), &exec, &error);
  if (status == SVIRT_E_DENIED || status == SVIRT_E_NOTSUP) {
    SVP_REQUIRE(!MessageOf(error).empty(), "domain_prepare_exec is denied without a sentence");
    return Skip("this process may not start a domain here: " + MessageOf(error));
  }
  SVP_REQUIRE(status == SVIRT_OK, "domain_prepare_exec failed: " + MessageOf(error));
  const Status sound = CheckExec(exec);
  DiscardExec(&exec);
  SVP_REQUIRE(sound.ok(), sound.error().message);
  return Pass();
}

Verdict FailedRecipe(const Subject &subject) {
  SVP_START(session, subject);
  Labelled with(subject, session);
  with.test.domain.emulator = "/nonexistent/svirt-validate/emulator";
  svirt_exec exec{};
  exec.struct_size = sizeof exec;
  const svirt_exec before = exec;
  svirt_error error = NoError();
  const svirt_status status = session.table().domain_prepare_exec(
      session.instance(), &with.test.domain, with.labels.label.c_str(), &exec, &error);
  if (status == SVIRT_OK) {
    DiscardExec(&exec);
    return Pass();
  }
  SVP_REQUIRE(!MessageOf(error).empty(), "domain_prepare_exec failed without a sentence");
  SVP_REQUIRE(std::memcmp(&exec, &before, sizeof exec) == 0,
              "a failed domain_prepare_exec left a part of a recipe");
  return Pass();
}

Verdict ReadsObjectLabels(const Subject &subject) {
  SVP_START(session, subject);
  const TestDomain test(subject);
  Buffer label(SVIRT_LABEL_MAX + 1);
  svirt_error error = NoError();
  const svirt_status status =
      session.table().resource_get_label(session.instance(), &test.resource, label.get(), &error);
  SVP_REQUIRE(status == SVIRT_OK || status == SVIRT_E_NODATA || status == SVIRT_E_NOTSUP,
              "the label of a file in a temporary directory cannot be read: " + MessageOf(error));
  if (status != SVIRT_OK) {
    SVP_REQUIRE(label.untouched(), "a failed resource_get_label wrote to its output");
    return Pass();
  }
  Buffer nothing(0);
  SVP_REQUIRE(session.table().resource_get_label(session.instance(), &test.resource, nothing.get(),
                                                 &error) == SVIRT_E_RANGE &&
                  nothing.used() == label.used() && nothing.untouched(),
              "resource_get_label into no room is not SVIRT_E_RANGE with the length needed");
  return Pass();
}

}  // namespace

std::vector<Case> ResourceCases() {
  return {
      {40, "plan-kinds", "plans resources of every kind, also of kinds it does not know",
       PlansEveryKind},
      {41, "later-resource", "reads a longer resource of a later host as one of today",
       LaterResource},
      {42, "stride", "walks an array of resources with the host's distance", Stride},
      {43, "later-domain", "reads a longer domain of a later host as one of today", LaterDomain},
      {44, "recipe", "gives a recipe of known operations and attributes, descriptors close-on-exec",
       Recipe},
      {45, "failed-recipe", "hands over nothing when it cannot give a recipe", FailedRecipe},
      {46, "object-label", "reads an object's label, or says that it has none", ReadsObjectLabels},
  };
}

}  // namespace svirt::validate
