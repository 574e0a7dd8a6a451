// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests of Plugin: a plugin on a table made for tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "host/loader/fake_plugin_test.h"
#include "host/loader/plugin.h"

namespace svirt {

class PluginTest : public ::testing::Test {
 protected:
  void Start() {
    auto created =
        Plugin::Create(&fake_.table, {.log = [this](int level, std::string_view sentence) {
          log_ += std::to_string(level) + " " + std::string(sentence) + "\n";
        }});
    ASSERT_TRUE(created.ok()) << created.error().message;
    plugin_ = std::move(created).value();
    ASSERT_TRUE(plugin_->Init().ok());
  }

  static DomainRef Dynamic() {
    DomainRef domain;
    domain.uuid = "00000000-0000-4000-8000-000000000001";
    domain.name = "a";
    domain.seclabel.type = SecLabel::Type::kDynamic;
    return domain;
  }

  FakePlugin fake_;
  std::string log_;
  std::unique_ptr<Plugin> plugin_;
};

}  // namespace svirt
