// SPDX-License-Identifier: LGPL-2.1-or-later
// The model on a kernel in memory.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler.h"
#include "driver.h"
#include "testing/fake_apparmor.h"
#include "testing/fixture.h"
#include "testing/parser.h"

namespace svirt::apparmor {

inline constexpr char kNoParser[] = "needs apparmor_parser, of the package apparmor";

class DriverTest : public testing::Test {
 protected:
  DriverTest() { domain_.Add("/srv/disk.img", SVIRT_OBJ_FILE, kRw, 0, SVIRT_RES_DISK); }

  Settings TestSettings(const std::string &parser = FindParser()) const {
    return {.local_directory = dir_.path("local"),
            .cache_directory = dir_.path("cache"),
            .parser = parser};
  }
  Driver Make(const std::string &parser = FindParser()) {
    return Driver(MakeFakeApi(&kernel_), TestSettings(parser));
  }

  std::string Generate(const Driver &driver, TestDomain &domain) {
    sdk::DomainLabels labels;
    status_ = driver.GenerateLabel(domain.get(), 0, &labels, &error_);
    EXPECT_EQ(labels.image, "");
    return status_ == SVIRT_OK ? labels.process : "";
  }

  // What the profile that is loaded under the name allows for a path.
  uint32_t Allowed(const std::string &name, const std::string &path) {
    const auto image = PolicyImage::Parse(kernel_.loaded[name]);
    EXPECT_TRUE(image) << name;
    return image ? image->files().Walk(path).allow & 0x7f : 0;
  }

  void Local(const std::string &what, const std::string &text) {
    dir_.Dir("local");
    dir_.File(std::string("local/") + kUuidA + "." + what, text);
  }

  TempDir dir_;
  FakeKernel kernel_;
  TestDomain domain_;
  svirt_error error_ = MakeError();
  svirt_status status_ = SVIRT_OK;
};

}  // namespace svirt::apparmor
