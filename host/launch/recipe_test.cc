// SPDX-License-Identifier: LGPL-2.1-or-later
// Recipes are put in order, and whatever is not understood is refused.
#include "host/launch/recipe.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <functional>

namespace svirt {
namespace {

svirt_exec OneOp(uint32_t kind) {
  svirt_exec recipe{};
  recipe.struct_size = sizeof recipe;
  recipe.op_count = 1;
  svirt_exec_op &op = recipe.op[0];
  op.kind = kind;
  op.fd = kind == SVIRT_EXEC_LANDLOCK ? 5 : -1;
  if (kind == SVIRT_EXEC_PROCATTR) {
    std::strcpy(op.attr, "exec");
    std::strcpy(op.data, "label");
    op.data_len = 6;
  }
  return recipe;
}

TEST(Recipe, OrdersAttributesRulesetsCredentials) {
  std::vector<svirt_exec> recipes = {OneOp(SVIRT_EXEC_CREDENTIALS), OneOp(SVIRT_EXEC_LANDLOCK),
                                     OneOp(SVIRT_EXEC_PROCATTR), OneOp(SVIRT_EXEC_LANDLOCK)};
  recipes[3].op[0].fd = 6;
  const auto steps = OrderRecipes(recipes);
  ASSERT_TRUE(steps.ok()) << steps.error().message;
  ASSERT_EQ(steps->size(), 4U);
  EXPECT_EQ((*steps)[0].op, &recipes[2].op[0]);
  EXPECT_EQ((*steps)[0].attr_path, "thread-self/attr/exec");
  EXPECT_EQ((*steps)[1].op, &recipes[1].op[0]);
  EXPECT_EQ((*steps)[2].op, &recipes[3].op[0]);
  EXPECT_EQ((*steps)[3].op, &recipes[0].op[0]);
}

TEST(Recipe, TakesEveryAttribute) {
  for (const char *attr : {"current", "exec", "fscreate", "sockcreate", "keycreate",
                           "apparmor/exec", "apparmor/current", "smack/current"}) {
    std::vector<svirt_exec> recipes = {OneOp(SVIRT_EXEC_PROCATTR)};
    std::snprintf(recipes[0].op[0].attr, sizeof recipes[0].op[0].attr, "%s", attr);
    EXPECT_TRUE(OrderRecipes(recipes).ok()) << attr;
  }
}

TEST(Recipe, KnowsALabelThatIsToChangeAndWhoWantsNoNewPrivs) {
  const auto steps = [](const std::vector<svirt_exec> &recipes) {
    auto ordered = OrderRecipes(recipes);
    EXPECT_TRUE(ordered.ok());
    return ordered.ok() ? std::move(ordered).value() : std::vector<RecipeStep>();
  };
  const svirt_exec label = OneOp(SVIRT_EXEC_PROCATTR);
  svirt_exec current = label;
  std::strcpy(current.op[0].attr, "current");
  svirt_exec ruleset = OneOp(SVIRT_EXEC_LANDLOCK);
  std::vector<svirt_exec> recipes = {label, ruleset};
  EXPECT_TRUE(RelabelsAtExec(steps(recipes)));
  EXPECT_FALSE(WantsNoNewPrivs(steps(recipes)));
  recipes[1].op[0].flags = SVIRT_EXEC_NO_NEW_PRIVS;
  EXPECT_TRUE(RelabelsAtExec(steps(recipes)));
  EXPECT_TRUE(WantsNoNewPrivs(steps(recipes)));
  recipes[0] = current;
  EXPECT_FALSE(RelabelsAtExec(steps(recipes)));  // it has changed before
}

struct BadRecipe {
  const char *name;
  uint32_t kind;
  std::function<void(svirt_exec &)> spoil;
  const char *sentence;
};

class RecipeRefused : public testing::TestWithParam<BadRecipe> {};

TEST_P(RecipeRefused, WithASentence) {
  std::vector<svirt_exec> recipes = {OneOp(GetParam().kind)};
  ASSERT_TRUE(OrderRecipes(recipes).ok());
  GetParam().spoil(recipes[0]);
  const auto steps = OrderRecipes(recipes);
  ASSERT_FALSE(steps.ok());
  EXPECT_EQ(steps.error().code, Errc::kInvalid);
  EXPECT_NE(steps.error().message.find(GetParam().sentence), std::string::npos)
      << steps.error().message;
}

auto Attr(const char *attr) {
  return [attr](svirt_exec &r) { std::snprintf(r.op[0].attr, sizeof r.op[0].attr, "%s", attr); };
}

INSTANTIATE_TEST_SUITE_P(
    All, RecipeRefused,
    testing::Values(
        BadRecipe{"UnknownKind", SVIRT_EXEC_LANDLOCK, [](svirt_exec &r) { r.op[0].kind = 4; },
                  "kind 4"},
        BadRecipe{"KindZero", SVIRT_EXEC_LANDLOCK, [](svirt_exec &r) { r.op[0].kind = 0; },
                  "kind 0"},
        BadRecipe{"UnknownFlag", SVIRT_EXEC_LANDLOCK, [](svirt_exec &r) { r.op[0].flags = 2; },
                  "flags"},
        BadRecipe{"FlagOfOtherKind", SVIRT_EXEC_PROCATTR,
                  [](svirt_exec &r) { r.op[0].flags = SVIRT_EXEC_NO_NEW_PRIVS; }, "flags"},
        BadRecipe{"TooManyOps", SVIRT_EXEC_LANDLOCK,
                  [](svirt_exec &r) { r.op_count = SVIRT_EXEC_OPS + 1; }, "size"},
        BadRecipe{"NoSize", SVIRT_EXEC_LANDLOCK, [](svirt_exec &r) { r.struct_size = 0; }, "size"},
        BadRecipe{"NoRuleset", SVIRT_EXEC_LANDLOCK, [](svirt_exec &r) { r.op[0].fd = -1; },
                  "ruleset"},
        BadRecipe{"EmptyData", SVIRT_EXEC_PROCATTR, [](svirt_exec &r) { r.op[0].data_len = 0; },
                  "0 bytes"},
        BadRecipe{"HugeData", SVIRT_EXEC_PROCATTR, [](svirt_exec &r) { r.op[0].data_len = 4097; },
                  "4097 bytes"},
        BadRecipe{"UnterminatedAttribute", SVIRT_EXEC_PROCATTR,
                  [](svirt_exec &r) { std::memset(r.op[0].attr, 'a', sizeof r.op[0].attr); },
                  "attribute"},
        BadRecipe{"Traversal", SVIRT_EXEC_PROCATTR, Attr("../oom_score_adj"), "attribute"},
        BadRecipe{"DeepTraversal", SVIRT_EXEC_PROCATTR, Attr("x/../exec"), "attribute"},
        BadRecipe{"Absolute", SVIRT_EXEC_PROCATTR, Attr("/exec"), "attribute"},
        BadRecipe{"EmptyAttribute", SVIRT_EXEC_PROCATTR, Attr(""), "attribute"},
        BadRecipe{"Prev", SVIRT_EXEC_PROCATTR, Attr("prev"), "attribute"},
        BadRecipe{"UserAllOnes", SVIRT_EXEC_CREDENTIALS,
                  [](svirt_exec &r) { r.op[0].uid = UINT32_MAX; }, "user or group"},
        BadRecipe{"GroupAllOnes", SVIRT_EXEC_CREDENTIALS,
                  [](svirt_exec &r) { r.op[0].gid = UINT32_MAX; }, "user or group"}),
    [](const auto &param) { return param.param.name; });

TEST(Recipe, RefusesTheSameAttributeTwice) {
  const std::vector<svirt_exec> recipes(2, OneOp(SVIRT_EXEC_PROCATTR));
  const auto steps = OrderRecipes(recipes);
  ASSERT_FALSE(steps.ok());
  EXPECT_NE(steps.error().message.find("exec twice"), std::string::npos);
}

TEST(Recipe, RefusesCredentialsTwice) {
  const std::vector<svirt_exec> recipes(2, OneOp(SVIRT_EXEC_CREDENTIALS));
  EXPECT_FALSE(OrderRecipes(recipes).ok());
}

}  // namespace
}  // namespace svirt
