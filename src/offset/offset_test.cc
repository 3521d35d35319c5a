// SPDX-License-Identifier: Apache-2.0
#include "offset/offset.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice {
namespace {

// Hashes are stored in databases: a version that computes others would take every source for a new
// one.
TEST(ContentHashTest, NeverChanges) {
  const ContentHash letters = HashOf("abc");
  EXPECT_EQ(letters.high, 0x06b05ab6733a6185u);
  EXPECT_EQ(letters.low, 0x78af5f94892f3950u);
  EXPECT_EQ(letters.length, 3u);
}

TEST(ContentHashTest, OfNothingIsTheDefault) { EXPECT_EQ(HashOf(""), ContentHash()); }

TEST(ContentHashTest, DiffersByContentAndByLength) {
  const std::string window(kIdentityWindow, 'x');
  std::string other = window;
  other[500] = 'y';
  EXPECT_EQ(HashOf(window), HashOf(std::string(kIdentityWindow, 'x')));
  EXPECT_NE(HashOf(window), HashOf(other));
  EXPECT_NE(HashOf(window), HashOf(window.substr(1)));
}

TEST(LineCountsTest, AddUp) {
  LineCounts counts{.lines = 10,
                    .rows = 4,
                    .replaced = 2,
                    .ignored = 1,
                    .rejects = 2,
                    .blank = 2,
                    .unfinished = 1};
  EXPECT_TRUE(counts.Balanced());
  counts += counts;
  EXPECT_EQ(counts, (LineCounts{.lines = 20,
                                .rows = 8,
                                .replaced = 4,
                                .ignored = 2,
                                .rejects = 4,
                                .blank = 4,
                                .unfinished = 2}));
  EXPECT_TRUE(counts.Balanced());
  ++counts.rejects;
  EXPECT_FALSE(counts.Balanced());
}

}  // namespace
}  // namespace sluice
