// SPDX-License-Identifier: LGPL-2.1-or-later
// The model that was chosen last is remembered for each type, also by many writers at once.
#include "host/service/models/chosen_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "host/util/file.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ChosenModelsTest : public ::testing::Test {
 protected:
  ChosenModelsTest() {
    std::string name = (fs::temp_directory_path() / "svirt-chosen-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  ~ChosenModelsTest() override {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
  std::string File() const { return directory_ / "chosen-models"; }
  ino_t Inode() const {
    struct stat status {};
    return stat(File().c_str(), &status) == 0 ? status.st_ino : 0;
  }

  fs::path directory_;
};

TEST_F(ChosenModelsTest, NothingIsRememberedAtFirst) {
  ChosenModels chosen(directory_);
  EXPECT_TRUE(chosen.Read()->empty());
  EXPECT_FALSE(chosen.Forget("strict").value());
  EXPECT_FALSE(fs::exists(File()));
}

TEST_F(ChosenModelsTest, EachTypeHasItsOwnAndTheFileSaysWhatItIs) {
  ChosenModels chosen(directory_);
  ASSERT_TRUE(chosen.Remember("kvm", {"strict", 350}).ok());
  ASSERT_TRUE(chosen.Remember("odd type", {"other", std::nullopt}).ok());
  const auto read = ChosenModels(directory_).Read();
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->size(), 2u);
  EXPECT_EQ(read->at("kvm"), (ExpectedModel{"strict", 350}));
  EXPECT_EQ(read->at("odd type"), (ExpectedModel{"other", std::nullopt}));
  const auto text = ReadFile(File(), 1 << 20);
  EXPECT_THAT(*text, StartsWith("# The security model that each type of domain was given last"));
  EXPECT_THAT(*text, HasSubstr("\nstrict 350 kvm\nother - odd type\n"));
}

TEST_F(ChosenModelsTest, ATypeThatIsNoTextIsRememberedAllTheSame) {
  ChosenModels chosen(directory_);
  const std::string type = "a\nb\xff";
  ASSERT_TRUE(chosen.Remember(type, {"strict", 1}).ok());
  EXPECT_EQ(chosen.Read()->at(ChosenModels::KeyOf(type)).model, "strict");
  const ino_t before = Inode();
  ASSERT_TRUE(chosen.Remember(type, {"strict", 1}).ok());
  EXPECT_EQ(Inode(), before);
}

TEST_F(ChosenModelsTest, TheFileIsReplacedOnlyWhenTheModelChanges) {
  ChosenModels chosen(directory_);
  ASSERT_TRUE(chosen.Remember("kvm", {"strict", 350}).ok());
  const ino_t first = Inode();
  ASSERT_TRUE(chosen.Remember("kvm", {"strict", 350}).ok());
  EXPECT_EQ(Inode(), first);
  ASSERT_TRUE(chosen.Remember("kvm", {"weak", 100}).ok());
  EXPECT_NE(Inode(), first);
  EXPECT_EQ(chosen.Read()->at("kvm").model, "weak");
}

TEST_F(ChosenModelsTest, ForgettingIsForEveryType) {
  ChosenModels chosen(directory_);
  ASSERT_TRUE(chosen.Remember("kvm", {"strict", 350}).ok());
  ASSERT_TRUE(chosen.Remember("qemu", {"strict", 350}).ok());
  ASSERT_TRUE(chosen.Remember("lxc", {"weak", 100}).ok());
  EXPECT_TRUE(chosen.Forget("strict").value());
  EXPECT_EQ(chosen.Read()->size(), 1u);
  EXPECT_EQ(chosen.Read()->at("lxc").model, "weak");
  EXPECT_FALSE(chosen.Forget("strict").value());
}

TEST_F(ChosenModelsTest, WhatCannotBeUnderstoodIsAnErrorThatNamesTheLine) {
  for (const char *line : {"garbage", "strict", "strict x kvm", "STRICT 1 kvm", ""}) {
    std::ofstream(File()) << "# comment\n" << line << "\n";
    const auto read = ChosenModels(directory_).Read();
    ASSERT_FALSE(read.ok()) << line;
    EXPECT_EQ(read.error().code, Errc::kRefused);
    EXPECT_THAT(read.error().message, StartsWith(File() + ":2: "));
    EXPECT_FALSE(ChosenModels(directory_).Remember("kvm", {"strict", 1}).ok());
  }
}

TEST_F(ChosenModelsTest, ManyAtOnceLoseNothing) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([this, i] {
      EXPECT_TRUE(
          ChosenModels(directory_).Remember("type" + std::to_string(i), {"strict", i}).ok());
    });
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
  EXPECT_EQ(ChosenModels(directory_).Read()->size(), 16u);
}

}  // namespace
}  // namespace svirt
