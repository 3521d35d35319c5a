// SPDX-License-Identifier: Apache-2.0
#include "extract/shapes.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(ShapesTest, AKeyIsFoundUpToItsClosingQuote) {
  const std::string text =
      R"("a":1,"abcdefghijklmno":2,"abcdefghijklmnop":3,"abcdefghijklmnopq":4)";
  const std::string padded = text + std::string(32, ' ');
  for (const char* quoted : {R"("a")", R"("abcdefghijklmno")", R"("abcdefghijklmnop")",
                             R"("abcdefghijklmnopq")", R"("abcdefghijklmn")", R"("")", R"("b")"}) {
    const QuotedKey key(quoted);
    for (size_t at = 0; at < text.size(); ++at) {
      if (text[at] != '"') continue;
      EXPECT_EQ(key.IsAt(padded.data() + at), text.compare(at, key.text.size(), key.text) == 0)
          << quoted << " at " << at;
    }
  }
}

TEST(ShapesTest, AStringAndAScalarAreAlikeButNotAsAKey) {
  const std::string kinds = R"({":",":0,":[",0,{}]})";
  const Shape shape(kinds);
  const std::string behind = "{[]}:,\"";
  ASSERT_TRUE(shape.Fits((kinds + behind).c_str()));
  for (size_t i = 0; i < kinds.size(); ++i) {
    for (const char kind : std::string("{}[]:,\"0\0", 9)) {
      std::string other = kinds;
      other[i] = kind;
      const bool is_key = kinds[i] == '"' && kinds[i + 1] == ':';
      const auto is_leaf = [](char c) { return c == '"' || c == '0'; };
      const bool fits = kind == kinds[i] || (!is_key && is_leaf(kinds[i]) && is_leaf(kind));
      EXPECT_EQ(shape.Fits((other + behind).c_str()), fits) << other;
      if (fits) {
        EXPECT_EQ(Shapes::HashOf(other.data(), other.size()),
                  Shapes::HashOf(kinds.data(), kinds.size()));
      }
    }
  }
}

TEST(ShapesTest, WhatComesTwiceIsWorthKeeping) {
  Shapes shapes;
  EXPECT_FALSE(shapes.IsWorthKeeping(5));
  EXPECT_FALSE(shapes.IsWorthKeeping(6));
  EXPECT_TRUE(shapes.IsWorthKeeping(5));
}

TEST(ShapesTest, ShapesOfOneHashAreAllFound) {
  Shapes shapes;
  shapes.Keep(5, Shape("{}"));
  shapes.Keep(5, Shape("[]"));
  EXPECT_EQ(shapes.Find(6), 0u);
  const uint32_t first = shapes.Find(5);
  EXPECT_TRUE(shapes.at(first).Fits("[]\0\0\0\0\0"));
  EXPECT_TRUE(shapes.at(shapes.at(first).same_hash).Fits("{}\0\0\0\0\0"));
  EXPECT_EQ(shapes.at(shapes.at(first).same_hash).same_hash, 0u);
}

TEST(ShapesTest, WhatFollowedIsLikelyToFollowAgain) {
  Shapes shapes;
  for (uint64_t hash : {1u, 2u, 3u}) shapes.Keep(hash, Shape(std::string(hash, '[')));
  for (uint32_t index : {1u, 2u, 1u, 3u, 1u}) shapes.Follow(index);
  EXPECT_EQ(shapes.Likely()[0], 3u);
  EXPECT_EQ(shapes.Likely()[1], 2u);
}

TEST(ShapesTest, ForgetsAllBeforeItGrowsBeyondItsLimits) {
  Shapes shapes;
  for (uint64_t i = 1; i < Shapes::kMaxShapes; ++i) shapes.Keep(i, Shape("[0]"));
  EXPECT_NE(shapes.Find(1), 0u);
  shapes.Keep(1000, Shape("[0,0]"));
  EXPECT_EQ(shapes.Find(1), 0u);
  EXPECT_NE(shapes.Find(1000), 0u);

  for (uint64_t i = 0; i < 4; ++i) {
    shapes.Keep(2000 + i, Shape(std::string(Shapes::kMaxTokensOfOne, '[')));
  }
  EXPECT_EQ(shapes.Find(1000), 0u);
  EXPECT_NE(shapes.Find(2003), 0u);
}

}  // namespace
}  // namespace sluice
