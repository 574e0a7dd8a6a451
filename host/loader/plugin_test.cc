// SPDX-License-Identifier: LGPL-2.1-or-later
// Calls of a plugin: its life, its errors, and checks in both directions.
#include <svirt/ext/config.h>

#include "host/loader/plugin.h"

#include <cerrno>
#include <limits>

#include "host/loader/plugin_fixture_test.h"

namespace svirt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// ---- Life ----

TEST_F(PluginTest, InitOnceAndFiniAtTheEnd) {
  int inits = 0, finis = 0;
  fake_.does.init = [&](svirt_error *) {
    ++inits;
    return SVIRT_OK;
  };
  fake_.does.fini = [&] { ++finis; };
  Start();
  EXPECT_TRUE(plugin_->Init().ok());
  EXPECT_EQ(inits, 1);
  plugin_.reset();
  EXPECT_EQ(finis, 1);
}

TEST_F(PluginTest, AFailedInitIsRememberedAndNeverFinished) {
  int inits = 0, finis = 0;
  fake_.does.init = [&](svirt_error *error) {
    ++inits;
    std::strcpy(error->message, "no policy");
    error->sys_errno = ENOENT;
    return SVIRT_E_SYSTEM;
  };
  fake_.does.fini = [&] { ++finis; };
  auto plugin = Plugin::Create(&fake_.table).value();
  for (int i = 0; i < 2; ++i) {
    const Status status = plugin->Init();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message, "fake: no policy");
    EXPECT_EQ(status.error().code, Errc::kSystem);
    EXPECT_EQ(status.error().sys_errno, ENOENT);
  }
  EXPECT_EQ(inits, 1);
  EXPECT_EQ(plugin->GetModel("").error().message,
            "fake: the plugin was asked before it was initialised");
  plugin.reset();
  EXPECT_EQ(finis, 0);
}

TEST_F(PluginTest, ThePluginFindsItsSettings) {
  auto plugin = Plugin::Create(&fake_.table, {.settings = {{"key", {"value"}}}}).value();
  ASSERT_TRUE(plugin->Init().ok());
  const svirt_host *host = fake_.does.host;
  const auto *config =
      static_cast<const svirt_config *>(host->get_extension(host, SVIRT_EXT_CONFIG));
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->struct_size, sizeof *config);
  EXPECT_STREQ(config->get(host, "key"), "value");
  EXPECT_EQ(config->get(host, "other"), nullptr);
  EXPECT_EQ(host->get_extension(host, "svirt.nothing/1"), nullptr);
  EXPECT_EQ(host->get_extension(host, nullptr), nullptr);
}

TEST_F(PluginTest, InitWithoutInstanceIsADefect) {
  fake_.table.init = [](const svirt_host *, svirt_instance **, svirt_error *) noexcept {
    return SVIRT_OK;
  };
  auto plugin = Plugin::Create(&fake_.table).value();
  EXPECT_THAT(plugin->Init().error().message, HasSubstr("gave no instance"));
}

TEST_F(PluginTest, ProbeStates) {
  using State = ProbeResult::State;
  auto plugin = Plugin::Create(&fake_.table).value();
  const auto probe = [&](svirt_status status, const char *message) {
    fake_.does.probe = [=](svirt_error *reason) {
      EXPECT_EQ(reason->struct_size, sizeof *reason);
      std::strcpy(reason->message, message);
      return status;
    };
    return plugin->Probe("kvm");
  };
  EXPECT_EQ(probe(SVIRT_OK, "works").state, State::kActive);
  EXPECT_EQ(probe(SVIRT_OK, "works").reason, "works");
  EXPECT_EQ(probe(SVIRT_INACTIVE, "not in this kernel").state, State::kInactive);
  EXPECT_EQ(probe(SVIRT_INACTIVE, "not in this kernel\n").reason, "not in this kernel");
  EXPECT_EQ(probe(SVIRT_E_SYSTEM, "broken").state, State::kError);
  EXPECT_EQ(probe(SVIRT_E_SYSTEM, "broken").reason, "broken");
  EXPECT_EQ(probe(77, "?").state, State::kError);
  EXPECT_THAT(probe(77, "?").reason, HasSubstr("probe returned the unknown status 77"));
  for (const svirt_status status : {SVIRT_OK, SVIRT_INACTIVE, SVIRT_E_SYSTEM}) {
    EXPECT_NE(probe(status, "").reason, "");
  }
}

TEST_F(PluginTest, AMessageWithoutEndOrWithEscapesIsMadeFit) {
  auto plugin = Plugin::Create(&fake_.table).value();
  fake_.does.probe = [](svirt_error *reason) {
    std::memset(reason->message, 'x', sizeof reason->message);
    reason->message[0] = '\x1b';
    return SVIRT_INACTIVE;
  };
  const std::string reason = plugin->Probe("").reason;
  EXPECT_EQ(reason.size(), sizeof(svirt_error::message));
  EXPECT_EQ(reason.substr(0, 2), "?x");
}

TEST_F(PluginTest, LogReachesTheSinkWithTheModel) {
  Start();
  const svirt_host *host = fake_.does.host;
  EXPECT_EQ(host->struct_size, sizeof *host);
  EXPECT_EQ(host->abi_major, SVIRT_ABI_MAJOR);
  host->log(host, SVIRT_LOG_WARNING, "careful\n");
  host->log(host, 99, "loud");
  host->log(host, -5, nullptr);
  EXPECT_EQ(log_, "2 fake: careful\n3 fake: loud\n0 fake: (logged nothing)\n");
  EXPECT_EQ(host->get_extension(host, "svirt.nothing/1"), nullptr);
}

TEST_F(PluginTest, AThrowingSinkStaysOutOfThePlugin) {
  auto plugin =
      Plugin::Create(&fake_.table, {.log = [](int, std::string_view) { throw 1; }}).value();
  ASSERT_TRUE(plugin->Init().ok());
  fake_.does.host->log(fake_.does.host, SVIRT_LOG_INFO, "x");
}

// ---- Errors ----

TEST_F(PluginTest, StatusBecomesError) {
  Start();
  const struct {
    svirt_status status;
    int sys_errno;
    Errc code;
  } rows[] = {
      {SVIRT_E_INVALID, 0, Errc::kInvalid},
      {SVIRT_E_NOTSUP, 0, Errc::kUnsupported},
      {SVIRT_E_DENIED, 0, Errc::kPermission},
      {SVIRT_E_SYSTEM, EIO, Errc::kSystem},
      {SVIRT_E_SYSTEM, EACCES, Errc::kPermission},
      {SVIRT_E_NODATA, 0, Errc::kNotFound},
      {SVIRT_E_GONE, 0, Errc::kNotFound},
      {SVIRT_E_INTERNAL, 0, Errc::kInternal},
      {SVIRT_E_RANGE, 0, Errc::kInternal},
      {SVIRT_INACTIVE, 0, Errc::kInternal},
      {-99, 0, Errc::kInternal},
  };
  for (const auto &row : rows) {
    fake_.does.verify = [&](const svirt_domain *, svirt_error *error) {
      std::strcpy(error->message, "the sentence");
      error->sys_errno = row.sys_errno;
      return row.status;
    };
    const Error error = plugin_->VerifyLabel(Dynamic()).error();
    EXPECT_EQ(error.code, row.code) << row.status;
    EXPECT_EQ(error.sys_errno, row.sys_errno);
    EXPECT_THAT(error.message, StartsWith("fake: "));
  }
  fake_.does.verify = [](const svirt_domain *, svirt_error *error) {
    error->sys_errno = EIO;
    return SVIRT_E_SYSTEM;
  };
  EXPECT_EQ(plugin_->VerifyLabel(Dynamic()).error().message,
            "fake: domain_verify_label failed without a word (system error): Input/output error");
}

// ---- What goes in ----

TEST_F(PluginTest, DomainAndOverridesArriveAsTheyAre) {
  Start();
  Resource one, two, three;
  one.path = "/a";
  one.kind = ResourceKind::kDisk;
  one.access = kAccessRead | kAccessWrite;
  one.shared = true;
  one.overrides = {{"", true, "generic"}, {"fake", true, "mine"}, {"other", true, "x"}};
  two.path = "/b";
  two.subtree = true;
  two.chain_depth = 3;
  two.overrides = {{"other", true, "x"}, {"", true, "generic"}};
  three.path = "/c";
  DomainRef domain = Dynamic();
  domain.virt_type = "kvm";
  domain.seclabel.base_label = "base";
  domain.resources = {{&one, 7, false, true}, {&two, -1}, {&three, -1, true}};
  fake_.does.verify = [&](const svirt_domain *seen, svirt_error *) {
    EXPECT_EQ(seen->struct_size, sizeof *seen);
    EXPECT_EQ(seen->label_type, static_cast<uint32_t>(SVIRT_LABEL_DYNAMIC));
    EXPECT_EQ(seen->pid, -1);
    EXPECT_EQ(seen->uuid, domain.uuid);
    EXPECT_STREQ(seen->virt_type, "kvm");
    EXPECT_STREQ(seen->base_label, "base");
    EXPECT_EQ(seen->label, nullptr);
    EXPECT_EQ(seen->emulator, nullptr);
    EXPECT_EQ(seen->resource_count, 3u);
    EXPECT_EQ(seen->resource_size, sizeof(svirt_resource));
    EXPECT_STREQ(seen->resources[0].path, "/a");
    EXPECT_EQ(seen->resources[0].fd, 7);
    EXPECT_EQ(seen->resources[0].kind, static_cast<uint32_t>(SVIRT_RES_DISK));
    EXPECT_EQ(seen->resources[0].access, SVIRT_ACCESS_READ | SVIRT_ACCESS_WRITE);
    EXPECT_EQ(seen->resources[0].flags, SVIRT_RES_SHARED | SVIRT_RES_REAL_PATH);
    EXPECT_STREQ(seen->resources[0].override_label, "mine");
    EXPECT_EQ(seen->resources[1].flags, SVIRT_RES_SUBTREE);
    EXPECT_EQ(seen->resources[1].chain_depth, 3u);
    EXPECT_STREQ(seen->resources[1].override_label, "generic");
    EXPECT_EQ(seen->resources[2].flags, SVIRT_RES_AS_IT_IS);
    EXPECT_EQ(seen->resources[2].override_label, nullptr);
    return SVIRT_OK;
  };
  EXPECT_TRUE(plugin_->VerifyLabel(domain).ok());
}

TEST_F(PluginTest, WhatCannotBeACStringIsRefusedBeforeThePluginSeesIt) {
  Start();
  fake_.does.verify = [](const svirt_domain *, svirt_error *) {
    ADD_FAILURE() << "the plugin was asked";
    return SVIRT_OK;
  };
  fake_.does.set_label = [](const char *) {
    ADD_FAILURE() << "the plugin was asked";
    return SVIRT_OK;
  };
  const std::string nul("a\0b", 3);
  DomainRef domain = Dynamic();
  domain.name = nul;
  EXPECT_EQ(plugin_->VerifyLabel(domain).error().code, Errc::kInvalid);
  domain = Dynamic();
  domain.seclabel.label = nul;
  EXPECT_THAT(plugin_->VerifyLabel(domain).error().message, HasSubstr("control character"));
  domain = Dynamic();
  domain.seclabel.type = SecLabel::Type::kDefault;
  EXPECT_THAT(plugin_->VerifyLabel(domain).error().message, HasSubstr("has not been decided"));
  EXPECT_THAT(plugin_->SetLabel(Dynamic(), std::string(SVIRT_LABEL_MAX + 1, 'x')).error().message,
              HasSubstr("is 4097 bytes long; at most 4096 are allowed"));
  EXPECT_EQ(plugin_->SetLabel(Dynamic(), "two\nlines").error().code, Errc::kInvalid);
  Resource resource;
  resource.path = nul;
  EXPECT_EQ(plugin_->SetResourceLabel({&resource, -1}, std::nullopt).error().code, Errc::kInvalid);
}

TEST_F(PluginTest, NoLabelIsNullAndEmptyLabelIsEmpty) {
  Start();
  std::vector<std::string> seen;
  fake_.does.set_label = [&](const char *label) {
    seen.push_back(label != nullptr ? std::string("'") + label + "'" : "NULL");
    return SVIRT_OK;
  };
  EXPECT_TRUE(plugin_->SetLabel(Dynamic(), std::nullopt).ok());
  EXPECT_TRUE(plugin_->SetLabel(Dynamic(), "").ok());
  EXPECT_TRUE(plugin_->SetLabel(Dynamic(), std::string(SVIRT_LABEL_MAX, 'x')).ok());
  EXPECT_THAT(seen, ElementsAre("NULL", "''", "'" + std::string(SVIRT_LABEL_MAX, 'x') + "'"));
}

// ---- What comes back ----

TEST_F(PluginTest, LabelsAreChecked) {
  Start();
  const auto generate = [&](std::function<void(svirt_buf *)> fill) {
    fake_.does.generate = [fill = std::move(fill)](svirt_buf *label, svirt_buf *) {
      fill(label);
      return SVIRT_OK;
    };
    const auto result = plugin_->GenerateLabel(Dynamic(), 0);
    return result.ok() ? result->label : result.error().message;
  };
  const std::string longest(SVIRT_LABEL_MAX, 'x');
  EXPECT_EQ(generate([&](svirt_buf *b) { PutText(b, longest); }), longest);
  EXPECT_THAT(generate([](svirt_buf *) {}), HasSubstr("gave no process label"));
  EXPECT_THAT(generate([](svirt_buf *b) { PutText(b, ""); }), HasSubstr("empty process label"));
  EXPECT_THAT(generate([](svirt_buf *b) { PutText(b, "a\nb"); }), HasSubstr("control character"));
  EXPECT_THAT(generate([](svirt_buf *b) { b->used = 10; }), HasSubstr("does not match its text"));
  EXPECT_THAT(generate([](svirt_buf *b) {
                PutText(b, "abc");
                b->used = 3;
              }),
              HasSubstr("does not match its text"));
  EXPECT_THAT(generate([](svirt_buf *b) { b->used = 0xffffffffu; }), HasSubstr("4294967295 bytes"));
  EXPECT_THAT(generate([](svirt_buf *b) {
                PutText(b, "abc");
                b->reserved = 1;
              }),
              HasSubstr("reserved member"));
  EXPECT_THAT(generate([](svirt_buf *b) {
                std::memset(b->data, 'x', b->size);
                b->used = b->size;
              }),
              HasSubstr("does not match its text"));
  // Another buffer than the one it was given is not looked at.
  EXPECT_THAT(generate([](svirt_buf *b) {
                static char mine[] = "mine";
                b->data = mine;
                b->used = sizeof mine;
              }),
              HasSubstr("does not match its text"));
}

TEST_F(PluginTest, AnUnconfinedDomainMayHaveAnEmptyLabel) {
  Start();
  fake_.does.generate = [](svirt_buf *label, svirt_buf *) { return PutText(label, ""); };
  DomainRef domain = Dynamic();
  domain.seclabel.type = SecLabel::Type::kNone;
  const auto labels = plugin_->GenerateLabel(domain, 0);
  ASSERT_TRUE(labels.ok()) << labels.error().message;
  EXPECT_EQ(labels->label, "");
  EXPECT_EQ(labels->image_label, "");
}

TEST_F(PluginTest, ModelIsChecked) {
  Start();
  const auto ask = [&](std::function<void(svirt_model *)> change) {
    fake_.does.get_model = [change = std::move(change)](const char *type, svirt_model *model) {
      EXPECT_EQ(type, nullptr);
      EXPECT_EQ(model->struct_size, sizeof *model);
      model->flags = SVIRT_MODEL_OBJECT;
      std::strcpy(model->model, "fake");
      change(model);
      return SVIRT_OK;
    };
    const auto result = plugin_->GetModel("");
    return result.ok() ? "good" : result.error().message;
  };
  EXPECT_EQ(ask([](svirt_model *) {}), "good");
  EXPECT_THAT(ask([](svirt_model *m) { m->flags |= 16; }), HasSubstr("model flag"));
  EXPECT_THAT(ask([](svirt_model *m) { m->flags = SVIRT_MODEL_UNVERIFIABLE; }),
              HasSubstr("neither"));
  EXPECT_THAT(ask([](svirt_model *m) { m->enforcing = 2; }), HasSubstr("2 as enforcing state"));
  EXPECT_THAT(ask([](svirt_model *m) { std::strcpy(m->model, "other"); }),
              HasSubstr("calls its model \"other\" now"));
  EXPECT_THAT(ask([](svirt_model *m) { std::memset(m->doi, 'x', sizeof m->doi); }),
              HasSubstr("DOI it gave is longer than 256 bytes"));
  EXPECT_THAT(ask([](svirt_model *m) { std::strcpy(m->doi, "\xff"); }), HasSubstr("not UTF-8"));
  EXPECT_THAT(ask([](svirt_model *m) { std::strcpy(m->base_label, "a\tb"); }),
              HasSubstr("base label it gave contains a control character"));
  EXPECT_THAT(ask([](svirt_model *m) { std::memset(m->base_label, 'x', sizeof m->base_label); }),
              HasSubstr("longer than 4096"));
}

TEST_F(PluginTest, IndexRunsGrowOnDemandAndAreChecked) {
  Start();
  int calls = 0;
  fake_.does.label_space = [&](const svirt_domain *, const char *label, svirt_index_set *set) {
    ++calls;
    EXPECT_EQ(label, nullptr);
    set->run_count = 1000;
    if (set->run_capacity < set->run_count) {
      return SVIRT_E_RANGE;
    }
    for (uint32_t i = 0; i < 1000; ++i) {
      set->runs[i] = {uint64_t{i} * 10, 5};
    }
    return SVIRT_OK;
  };
  const auto runs = plugin_->LabelSpace(Dynamic());
  ASSERT_TRUE(runs.ok()) << runs.error().message;
  EXPECT_EQ(runs->size(), 1000u);
  EXPECT_EQ((*runs)[999].first, 9990u);
  EXPECT_EQ(calls, 2);

  const auto answer = [&](std::vector<svirt_index_run> give) {
    fake_.does.label_space = [give = std::move(give)](const svirt_domain *, const char *,
                                                      svirt_index_set *set) {
      std::copy(give.begin(), give.end(), set->runs);
      set->run_count = static_cast<uint32_t>(give.size());
      return SVIRT_OK;
    };
    const auto result = plugin_->LabelClaim(Dynamic(), "x");
    return result.ok() ? "good" : result.error().message;
  };
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(answer({}), "good");
  EXPECT_EQ(answer({{0, 1}, {1, 1}, {5, kMax - 5}}), "good");
  EXPECT_THAT(answer({{0, 0}}), HasSubstr("empty or overflows"));
  EXPECT_THAT(answer({{2, kMax}}), HasSubstr("empty or overflows"));
  EXPECT_THAT(answer({{0, 3}, {2, 1}}), HasSubstr("not ascending and disjoint"));
  EXPECT_THAT(answer({{5, 1}, {1, 1}}), HasSubstr("not ascending and disjoint"));

  fake_.does.label_space = [](const svirt_domain *, const char *, svirt_index_set *set) {
    set->run_count = set->run_capacity + 1;
    return SVIRT_E_RANGE;
  };
  EXPECT_THAT(plugin_->LabelSpace(Dynamic()).error().message, HasSubstr("again and again"));
  fake_.does.label_space = [](const svirt_domain *, const char *, svirt_index_set *set) {
    set->run_count = 0xffffffffu;
    return SVIRT_E_RANGE;
  };
  EXPECT_EQ(plugin_->LabelSpace(Dynamic()).error().code, Errc::kInternal);
  fake_.does.label_space = [](const svirt_domain *, const char *, svirt_index_set *set) {
    set->run_count = 0xffffffffu;
    return SVIRT_OK;
  };
  EXPECT_THAT(plugin_->LabelSpace(Dynamic()).error().message, HasSubstr("not valid"));
}

TEST_F(PluginTest, PlansAreChecked) {
  Start();
  const Resource resource;
  const auto plan = [&](std::function<void(svirt_resource_plan *)> fill) {
    fake_.does.plan = [fill = std::move(fill)](const svirt_resource *, svirt_resource_plan *out) {
      fill(out);
      return SVIRT_OK;
    };
    const auto result = plugin_->PlanResource(Dynamic(), {&resource, -1});
    return result.ok() ? "good" : result.error().message;
  };
  EXPECT_EQ(plan([](svirt_resource_plan *) {}), "good");
  EXPECT_EQ(plan([](svirt_resource_plan *p) {
              p->action = SVIRT_PLAN_SET;
              p->flags = SVIRT_PLAN_KEEP | SVIRT_PLAN_EXCLUSIVE;
              PutText(&p->label, "x");
            }),
            "good");
  EXPECT_THAT(plan([](svirt_resource_plan *p) { p->action = 3; }), HasSubstr("unknown action 3"));
  EXPECT_THAT(plan([](svirt_resource_plan *p) { p->flags = 4; }), HasSubstr("flag"));
  EXPECT_THAT(plan([](svirt_resource_plan *p) { p->reserved = 4; }), HasSubstr("reserved"));
  EXPECT_THAT(plan([](svirt_resource_plan *p) { p->action = SVIRT_PLAN_SET; }),
              HasSubstr("empty label"));
  EXPECT_THAT(plan([](svirt_resource_plan *p) { PutText(&p->note, "a\nb"); }),
              HasSubstr("note on the resource it gave contains a control character"));
}

TEST_F(PluginTest, ResourceLabels) {
  Start();
  const Resource resource;
  EXPECT_EQ(plugin_->GetResourceLabel({&resource, -1})->value(), "label");
  fake_.does.get_resource = [](svirt_buf *) { return SVIRT_E_NODATA; };
  EXPECT_EQ(*plugin_->GetResourceLabel({&resource, -1}), std::nullopt);
  fake_.does.get_resource = [](svirt_buf *) { return SVIRT_E_NOTSUP; };
  EXPECT_EQ(plugin_->GetResourceLabel({&resource, -1}).error().code, Errc::kUnsupported);
}

TEST_F(PluginTest, LabelStateIsChecked) {
  Start();
  EXPECT_EQ(plugin_->GetLabel(Dynamic())->label, "label");
  fake_.does.get_label = [](svirt_label_state *state) {
    state->enforcing = -1;
    return PutText(&state->label, "label");
  };
  EXPECT_THAT(plugin_->GetLabel(Dynamic()).error().message, HasSubstr("neither"));
}

}  // namespace
}  // namespace svirt
