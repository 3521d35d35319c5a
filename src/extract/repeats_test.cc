// SPDX-License-Identifier: Apache-2.0
#include "extract/repeats.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(RepeatsTest, FindsTheFirstOfTheSameBytes) {
  Repeats repeats;
  EXPECT_EQ(repeats.FirstOf("one", 0), Repeats::kNone);
  EXPECT_EQ(repeats.FirstOf("two", 1), Repeats::kNone);
  EXPECT_EQ(repeats.FirstOf("one", 2), 0u);
  EXPECT_EQ(repeats.FirstOf("one", 3), 0u);
  EXPECT_EQ(repeats.FirstOf("two", 4), 1u);
  EXPECT_EQ(repeats.FirstOf("tw", 5), Repeats::kNone);
}

TEST(RepeatsTest, ForgetsWithTheBatch) {
  Repeats repeats;
  repeats.FirstOf("one", 0);
  repeats.Clear();
  EXPECT_EQ(repeats.FirstOf("one", 7), Repeats::kNone);
  EXPECT_EQ(repeats.FirstOf("one", 8), 7u);
}

TEST(RepeatsTest, DoesNotAskForLongTexts) {
  const std::string text(2000, 'x');
  Repeats repeats;
  EXPECT_EQ(repeats.FirstOf(text, 0), Repeats::kNone);
  EXPECT_EQ(repeats.FirstOf(text, 1), Repeats::kNone);
}

TEST(RepeatsTest, StopsWhereNothingComesTwice) {
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) texts.push_back(std::to_string(i));
  Repeats repeats;
  uint32_t number = 0;
  for (const std::string& text : texts) EXPECT_EQ(repeats.FirstOf(text, number++), Repeats::kNone);
  EXPECT_EQ(repeats.FirstOf(texts.back(), number), Repeats::kNone);
  repeats.Clear();
  EXPECT_EQ(repeats.FirstOf(texts.back(), 0), Repeats::kNone);
  EXPECT_EQ(repeats.FirstOf(texts.back(), 1), 0u) << "the next batch is asked anew";
}

}  // namespace
}  // namespace sluice
