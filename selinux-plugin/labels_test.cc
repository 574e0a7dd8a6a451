// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels as libvirt makes them, the pairs that they take, and the reason when one is refused.
#include "labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "context.h"
#include "testing/fake_selinux.h"

namespace svirt::selinux {
namespace {

using testing::HasSubstr;

class LabelsTest : public testing::Test {
 protected:
  LabelsTest() {
    error_.struct_size = sizeof error_;
    domain_.struct_size = sizeof domain_;
    domain_.label_type = SVIRT_LABEL_DYNAMIC;
    domain_.pid = domain_.id = -1;
    domain_.virt_type = "kvm";
  }

  uint64_t CountPairs() {
    runs_.clear();
    EXPECT_EQ(AvailablePairs(&api_, domain_, &runs_, &error_), SVIRT_OK) << error_.message;
    uint64_t count = 0;
    for (const auto &run : runs_) {
      count += run.count;
    }
    return count;
  }

  DomainLabels Generate(uint64_t index) {
    DomainLabels labels;
    EXPECT_EQ(GenerateLabels(&api_, domain_, index, &labels, &error_), SVIRT_OK) << error_.message;
    return labels;
  }

  // The policy has these types; a process role goes with domain types only.
  void UsePolicyWithTypes(const std::set<std::string> &domains,
                          const std::set<std::string> &files) {
    api_.check = [domains, files](const std::string &text) {
      std::string why;
      const auto context = ParseContext(text, &why);
      if (!context || !context->range || context->user != "system_u" ||
          context->high().sensitivity > 0 || context->high().categories == CategorySet().set(900)) {
        return EINVAL;
      }
      const bool object = context->role == "object_r";
      return domains.count(context->type) != 0 || (object && files.count(context->type) != 0)
                 ? 0
                 : EINVAL;
    };
  }

  FakeSelinux api_;
  svirt_error error_{};
  svirt_domain domain_{};
  std::vector<svirt_index_run> runs_;
};

// The seven rows of libvirt's securityselinuxtest, and more.
TEST_F(LabelsTest, DynamicLabelFollowsTheCallersContext) {
  const struct {
    const char *own, *process, *image;  // in front of :cX,cY
    uint64_t pairs;
  } kRows[] = {
      {"unconfined_u:unconfined_r:unconfined_t:s0", "unconfined_u:unconfined_r:svirt_t:s0",
       "unconfined_u:object_r:svirt_image_t:s0", kPairs},
      {"unconfined_u:unconfined_r:unconfined_t:s0-s0", "unconfined_u:unconfined_r:svirt_t:s0",
       "unconfined_u:object_r:svirt_image_t:s0", kPairs},
      {"unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023",
       "unconfined_u:unconfined_r:svirt_t:s0", "unconfined_u:object_r:svirt_image_t:s0", kPairs},
      {"system_u:system_r:virtd_t:s0-s0:c0.c1023", "system_u:system_r:svirt_t:s0",
       "system_u:object_r:svirt_image_t:s0", kPairs},
      {"system_u:system_r:virtd_t:s0-s0:c0.c10", "system_u:system_r:svirt_t:s0",
       "system_u:object_r:svirt_image_t:s0", 55},
      {"system_u:system_r:virtd_t:s2-s3:c0.c1023", "system_u:system_r:svirt_t:s2",
       "system_u:object_r:svirt_image_t:s2", kPairs},
      {"system_u:system_r:virtd_t", "system_u:system_r:svirt_t:s0",
       "system_u:object_r:svirt_image_t:s0", kPairs},
      // Forms that libvirt does not read, or reads wrongly.
      {"system_u:system_r:virtd_t:s0:c1,c3", "system_u:system_r:svirt_t:s0",
       "system_u:object_r:svirt_image_t:s0", 1},
      {"system_u:system_r:virtd_t:s0:c0.c5,c7.c9", "system_u:system_r:svirt_t:s0",
       "system_u:object_r:svirt_image_t:s0", 36},
      {"system_u:system_r:virtd_t:s0:c0.c5-s0:c0.c1023", "system_u:system_r:svirt_t:s0",
       "system_u:object_r:svirt_image_t:s0", kPairs},
  };
  for (const auto &row : kRows) {
    api_.own = row.own;
    EXPECT_EQ(CountPairs(), row.pairs) << row.own;
    for (const auto &run : runs_) {
      for (const uint64_t index : {run.first, run.first + run.count - 1}) {
        const CategoryPair pair = PairOfIndex(index);
        const std::string level = ":c" + std::to_string(pair.lo) + ",c" + std::to_string(pair.hi);
        const DomainLabels labels = Generate(index);
        EXPECT_EQ(labels.process, row.process + level) << row.own;
        EXPECT_EQ(labels.image, row.image + level) << row.own;
      }
    }
  }
}

TEST_F(LabelsTest, NumberingDoesNotDependOnTheCaller) {
  api_.own = "system_u:system_r:virtd_t:s0-s0:c0.c1023";
  const DomainLabels wide = Generate(PairIndex({100, 200}));
  api_.own = "system_u:system_r:virtd_t:s0:c90.c300";
  EXPECT_EQ(Generate(PairIndex({100, 200})).process, wide.process);
  EXPECT_EQ(wide.process, "system_u:system_r:svirt_t:s0:c100,c200");
}

TEST_F(LabelsTest, RangeWithOneCategoryIsTooSmall) {
  api_.own = "system_u:system_r:virtd_t:s0-s0:c5";
  EXPECT_EQ(AvailablePairs(&api_, domain_, &runs_, &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("s0-s0:c5"));
  EXPECT_THAT(error_.message, HasSubstr("1 of the two"));
}

TEST_F(LabelsTest, RangeWithoutCategoriesUsesThoseOfThePolicy) {
  api_.own = "system_u:system_r:virtd_t:s0";
  api_.check = [](const std::string &text) {
    std::string why;
    const auto context = ParseContext(text, &why);
    return context && (context->high().categories >> 256).none() ? 0 : EINVAL;
  };
  EXPECT_EQ(CountPairs(), 256U * 255 / 2);
  ASSERT_EQ(runs_.size(), 1U);
  EXPECT_EQ(runs_[0].first, 0U);
  // No MLS at all: a level makes every context invalid.
  api_.own = "system_u:system_r:virtd_t";
  api_.check = [](const std::string &text) {
    return text.find(":s0") == std::string::npos ? 0 : EINVAL;
  };
  EXPECT_EQ(AvailablePairs(&api_, domain_, &runs_, &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("the loaded policy has 0"));
}

TEST_F(LabelsTest, OnlyDynamicDomainsTakeAPair) {
  for (const uint32_t type : {uint32_t{SVIRT_LABEL_STATIC}, uint32_t{SVIRT_LABEL_NONE}}) {
    domain_.label_type = type;
    EXPECT_EQ(CountPairs(), 0U);
  }
}

TEST_F(LabelsTest, PairBeyondTheLastIsRefused) {
  DomainLabels labels;
  EXPECT_EQ(Generate(kPairs - 1).process, "system_u:system_r:svirt_t:s0:c1022,c1023");
  EXPECT_EQ(GenerateLabels(&api_, domain_, kPairs, &labels, &error_), SVIRT_E_INVALID);
}

TEST_F(LabelsTest, EmulatedDomainsUseTheSecondLine) {
  domain_.virt_type = "qemu";
  EXPECT_EQ(Generate(0).process, "system_u:system_r:svirt_tcg_t:s0:c0,c1");
  api_.domain_lines.pop_back();
  EXPECT_EQ(Generate(0).process, "system_u:system_r:svirt_t:s0:c0,c1");
}

TEST_F(LabelsTest, OnlyTheTypeOfABaseLabelCounts) {
  for (const char *base : {"svirt_custom_t", "svirt_custom_t:xxxxxx", "x:y:svirt_custom_t",
                           "xxxxxx:xxxxxx:svirt_custom_t:s0:c1"}) {
    domain_.base_label = base;
    EXPECT_EQ(Generate(0).process, "system_u:system_r:svirt_custom_t:s0:c0,c1") << base;
  }
  domain_.base_label = "a:b::s0";
  DomainLabels labels;
  EXPECT_EQ(GenerateLabels(&api_, domain_, 0, &labels, &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("names no type"));
}

TEST_F(LabelsTest, UserAndRoleOfThePolicyStepInWhereTheCallersDoNotFit) {
  api_.own = "staff_u:staff_r:staff_t:s0-s0:c0.c1023";
  api_.check = [](const std::string &text) {
    return text.find("staff_") == std::string::npos ? 0 : EINVAL;
  };
  const DomainLabels labels = Generate(PairIndex({3, 4}));
  EXPECT_EQ(labels.process, "system_u:system_r:svirt_t:s0:c3,c4");
  EXPECT_EQ(labels.image, "system_u:object_r:svirt_image_t:s0:c3,c4");
}

TEST_F(LabelsTest, StaticLabelGivesTheImageItsRange) {
  domain_.label_type = SVIRT_LABEL_STATIC;
  domain_.label = "system_u:system_r:svirt_t:s0:c450,c560";
  const DomainLabels labels = Generate(7);
  EXPECT_EQ(labels.process, domain_.label);
  EXPECT_EQ(labels.image, "system_u:object_r:svirt_image_t:s0:c450,c560");
}

TEST_F(LabelsTest, DomainWithoutConfinementHasNoProcessLabel) {
  domain_.label_type = SVIRT_LABEL_NONE;
  const DomainLabels labels = Generate(7);
  EXPECT_EQ(labels.process, "");
  EXPECT_EQ(labels.image, "system_u:object_r:svirt_image_t:s0");
}

TEST_F(LabelsTest, PolicyRefusalNamesThePart) {
  UsePolicyWithTypes({"svirt_t", "virtd_t"}, {"svirt_image_t"});
  domain_.base_label = "xxxxxx";
  DomainLabels labels;
  EXPECT_EQ(GenerateLabels(&api_, domain_, 0, &labels, &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("no type xxxxxx"));
  domain_.base_label = "svirt_image_t";
  EXPECT_EQ(GenerateLabels(&api_, domain_, 0, &labels, &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("with role system_r have the type svirt_image_t"));
}

TEST_F(LabelsTest, ClaimOfALabel) {
  const struct {
    const char *label;
    uint64_t pairs;
  } kRows[] = {
      {"system_u:system_r:svirt_t:s0:c1,c2", 1},
      {"system_u:system_r:svirt_tcg_t:s0:c1,c2", 1},
      {"system_u:system_r:svirt_t:s0:c1,c2,c3", 3},
      {"system_u:system_r:svirt_t:s0-s0:c0.c1023", kPairs},
      {"system_u:system_r:svirt_t:s0:c5", 1023},
      {"system_u:system_r:svirt_t:s0", 0},
      {"system_u:system_r:svirt_t", 0},
      {"system_u:system_r:container_t:s0:c1,c2", 0},
  };
  for (const auto &row : kRows) {
    ASSERT_EQ(ClaimedPairs(&api_, domain_, row.label, &runs_, &error_), SVIRT_OK) << row.label;
    uint64_t count = 0;
    for (const auto &run : runs_) {
      count += run.count;
    }
    EXPECT_EQ(count, row.pairs) << row.label;
  }
  domain_.label_type = SVIRT_LABEL_STATIC;  // whatever its type
  ASSERT_EQ(ClaimedPairs(&api_, domain_, "u:r:my_vm_t:s0:c1,c2", &runs_, &error_), SVIRT_OK);
  ASSERT_EQ(runs_.size(), 1U);
  EXPECT_EQ(runs_[0].first, PairIndex({1, 2}));
  EXPECT_EQ(ClaimedPairs(&api_, domain_, "s0", &runs_, &error_), SVIRT_E_INVALID);
}

TEST_F(LabelsTest, GeneratedLabelClaimsItsIndexAndNoOther) {
  for (const uint64_t index : {uint64_t{0}, uint64_t{1}, uint64_t{77777}, kPairs - 1}) {
    const DomainLabels labels = Generate(index);
    ASSERT_EQ(ClaimedPairs(&api_, domain_, labels.process, &runs_, &error_), SVIRT_OK);
    ASSERT_EQ(runs_.size(), 1U);
    EXPECT_EQ(runs_[0].first, index);
    EXPECT_EQ(runs_[0].count, 1U);
  }
}

class VerifyTest : public LabelsTest {
 protected:
  std::string Refusal(const char *label) {
    domain_.label_type = SVIRT_LABEL_STATIC;
    domain_.label = label;
    EXPECT_EQ(VerifyDomain(&api_, domain_, &error_), SVIRT_E_INVALID) << label;
    return error_.message;
  }
};

TEST_F(VerifyTest, GoodLabelsPass) {
  UsePolicyWithTypes({"svirt_t", "virtd_t"}, {"svirt_image_t"});
  EXPECT_EQ(VerifyDomain(&api_, domain_, &error_), SVIRT_OK) << error_.message;
  domain_.base_label = "svirt_t";
  EXPECT_EQ(VerifyDomain(&api_, domain_, &error_), SVIRT_OK) << error_.message;
  domain_.base_label = nullptr;
  domain_.label_type = SVIRT_LABEL_STATIC;
  for (const char *label :
       {"system_u:system_r:svirt_t:s0:c450,c560", "system_u:system_r:svirt_t:s0",
        "system_u:system_r:svirt_t:s0-s0:c0.c1023"}) {
    domain_.label = label;
    EXPECT_EQ(VerifyDomain(&api_, domain_, &error_), SVIRT_OK) << label << error_.message;
  }
}

// The kernel answers these with EINVAL, or with an AVC about mac_admin that looks like a missing
// permission; the sentence has to say that it is the syntax.
TEST_F(VerifyTest, SyntaxIsJudgedBeforeThePolicy) {
  api_.check = [](const std::string &) {
    ADD_FAILURE() << "the policy was asked about text that is no context";
    return 0;
  };
  EXPECT_THAT(Refusal("system_u:system_r:svirt_t:s0:c1,2"), HasSubstr("'2' is not a category"));
  EXPECT_THAT(Refusal("system_u:system_r:svirt_t:s0:c1024"), HasSubstr("beyond the last"));
  EXPECT_THAT(Refusal("xxxxxx"), HasSubstr("user:role:type:level"));
  EXPECT_THAT(Refusal("system_u:system_r:svirt_t:s0:c2,c1"), HasSubstr("svirt_t:s0:c1,c2'"));
  EXPECT_THAT(Refusal("system_u:system_r:svirt_t:s0:c5,c5"), HasSubstr("write '"));
  EXPECT_THAT(Refusal("system_u:system_r:svirt_t:s0:c9.c5"), HasSubstr("lower to a higher"));
  EXPECT_THAT(Refusal(""), HasSubstr("not given"));
}

TEST_F(VerifyTest, PolicyIsAsked) {
  UsePolicyWithTypes({"svirt_t", "virtd_t"}, {"svirt_image_t"});
  EXPECT_THAT(Refusal("system_u:system_r:xxxxxx:s0"), HasSubstr("no type xxxxxx"));
  EXPECT_THAT(Refusal("system_u:system_r:svirt_image_t:s0"), HasSubstr("system_r"));
  EXPECT_THAT(Refusal("system_u:object_r:svirt_t:s0"), HasSubstr("one of a file"));
  EXPECT_THAT(Refusal("system_u:system_r:svirt_t"), HasSubstr("wants a level"));
  EXPECT_THAT(Refusal("nobody_u:system_r:svirt_t:s0"), HasSubstr("no user nobody_u"));
  EXPECT_THAT(Refusal("system_u:system_r:svirt_t:s1"), HasSubstr("no level s1"));
  EXPECT_THAT(Refusal("system_u:system_r:svirt_t:s0:c900"), HasSubstr("no level s0:c900"));
}

TEST_F(VerifyTest, BaseLabelsAndOverridesAreJudged) {
  UsePolicyWithTypes({"svirt_t", "virtd_t"}, {"svirt_image_t"});
  domain_.base_label = "xxxxxx";
  EXPECT_EQ(VerifyDomain(&api_, domain_, &error_), SVIRT_E_INVALID);
  domain_.base_label = nullptr;
  svirt_resource resource{};
  resource.struct_size = sizeof resource;
  resource.path = "/images/a";
  resource.override_label = "system_u:object_r:svirt_image_t:s0:c1,2";
  domain_.resources = &resource;
  domain_.resource_count = 1;
  domain_.resource_size = sizeof resource;
  EXPECT_EQ(VerifyDomain(&api_, domain_, &error_), SVIRT_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("/images/a"));
  resource.override_label = "system_u:object_r:svirt_image_t:s0:c1,c2";
  EXPECT_EQ(VerifyDomain(&api_, domain_, &error_), SVIRT_OK) << error_.message;
}

}  // namespace
}  // namespace svirt::selinux
