// SPDX-License-Identifier: LGPL-2.1-or-later
// The administrator's files: rules, complain mode, and the cache of what was compiled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "testing/driver_fixture.h"

namespace svirt::apparmor {
namespace {

using testing::HasSubstr;

using LocalPolicyTest = DriverTest;

TEST_F(LocalPolicyTest, LocalRulesAreAddedAndTheirDenialsHold) {
  if (!HasParser()) {
    GTEST_SKIP() << kNoParser;
  }
  const Driver driver = Make();
  const std::string without = Generate(driver, domain_);
  Local("rules", "/srv/extra/*.iso r,\naudit deny /srv/disk.img w,\n");
  const std::string name = Generate(driver, domain_);
  EXPECT_NE(name, without);
  ASSERT_EQ(driver.VerifyLabel(domain_.get(), &error_), SVIRT_OK) << error_.message;
  // From here on nothing is compiled.
  const Driver later = Make("/nonexistent/parser");
  ASSERT_EQ(later.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK) << error_.message;
  EXPECT_EQ(Allowed(name, "/srv/extra/a.iso"), uint32_t{kMayRead});
  EXPECT_EQ(Allowed(name, "/srv/disk.img"), kMayRead | kMayLock);
  EXPECT_EQ(Allowed(name, "/dev/null"), kMayRead | kMayWrite);
}

TEST_F(LocalPolicyTest, ADamagedCacheIsNone) {
  if (!HasParser()) {
    GTEST_SKIP() << kNoParser;
  }
  Local("rules", "/srv/extra r,\n");
  ASSERT_EQ(Make().VerifyLabel(domain_.get(), &error_), SVIRT_OK) << error_.message;
  const std::string file = dir_.path(std::string("cache/") + kUuidA);
  const std::string good = ReadText(file);
  const std::string name = Generate(Make(), domain_);
  const Driver without = Make("");
  ASSERT_EQ(without.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
  for (size_t at = 0; at < good.size(); at += 97) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    dir_.File(std::string("cache/") + kUuidA, bad);
    EXPECT_EQ(without.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_E_NOTSUP) << at;
  }
  EXPECT_THAT(error_.message, HasSubstr("install the package apparmor"));
  dir_.File(std::string("cache/") + kUuidA, good);
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  EXPECT_EQ(without.SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_E_NOTSUP);
  // Compiled again, and kept.
  EXPECT_EQ(Make().SetLabel(domain_.get(), name.c_str(), &error_), SVIRT_OK);
  EXPECT_EQ(ReadText(file), good);
  // Of other rules.
  Local("rules", "/srv/extra rw,\n");
  EXPECT_EQ(without.VerifyLabel(domain_.get(), &error_), SVIRT_E_NOTSUP);
}

TEST_F(LocalPolicyTest, RulesThatAreNoneAreRefused) {
  if (!HasParser()) {
    GTEST_SKIP() << kNoParser;
  }
  for (const char *rules : {"what is this", "/srv/x rw", "}", "} profile other { /x r, ",
                            "profile child { /x r, }", "#include </nonexistent/file>"}) {
    Local("rules", rules);
    EXPECT_NE(Make().VerifyLabel(domain_.get(), &error_), SVIRT_OK) << rules;
    EXPECT_STRNE(error_.message, "");
  }
  Local("rules", std::string("/srv/x r,\0/y r,", 15));
  EXPECT_EQ(Make().VerifyLabel(domain_.get(), &error_), SVIRT_E_INVALID);
}

TEST_F(LocalPolicyTest, FilesThatOthersCanWriteAreRefused) {
  Local("rules", "/srv/x r,\n");
  const std::string file = dir_.path(std::string("local/") + kUuidA + ".rules");
  for (const mode_t mode : {0646u, 0664u}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    EXPECT_EQ(Make().VerifyLabel(domain_.get(), &error_), SVIRT_E_INVALID);
    EXPECT_THAT(error_.message, HasSubstr("0644"));
  }
  std::filesystem::remove(file);
  std::filesystem::create_symlink("/etc/passwd", file);
  EXPECT_NE(Make().VerifyLabel(domain_.get(), &error_), SVIRT_OK);
}

TEST_F(LocalPolicyTest, ComplainModeEnds) {
  const Driver driver = Make();
  const std::string enforced = Generate(driver, domain_);
  Local("complain", "2999-12-31T23:59:59Z\n");
  const std::string complaining = Generate(driver, domain_);
  EXPECT_NE(complaining, enforced);
  ASSERT_EQ(driver.SetLabel(domain_.get(), complaining.c_str(), &error_), SVIRT_OK);
  EXPECT_EQ(kernel_.loaded[complaining],
            PolicyImage::Parse(kernel_.loaded[complaining])
                ->Make(complaining, Mode::kComplain,
                       PolicyImage::Parse(kernel_.loaded[complaining])->files()));
  Local("complain", "2001-01-01T00:00:00Z");
  EXPECT_EQ(Generate(driver, domain_), enforced);
  for (const char *text : {"", "soon", "2999-12-31", "2999-12-31T23:59:59Z x", "forever\n"}) {
    Local("complain", text);
    Generate(driver, domain_);
    EXPECT_EQ(status_, SVIRT_E_INVALID) << text;
  }
}

}  // namespace
}  // namespace svirt::apparmor
