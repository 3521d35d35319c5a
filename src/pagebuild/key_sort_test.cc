// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/key_sort.h"

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pagebuild/key.h"

namespace sluice {
namespace {

// Sorts the texts, and compares with what the standard library does.
void ExpectSorted(const std::vector<std::string>& texts) {
  std::string keys;
  KeyBuilder builder;
  std::vector<SortEntry> entries;
  for (const std::string& text : texts) {
    entries.push_back({.offset = static_cast<uint32_t>(keys.size()),
                       .order = static_cast<uint32_t>(entries.size())});
    const Cell cell = Cell::Text(text);
    keys += builder.Build({&cell, 1});
  }
  std::vector<uint32_t> expected(texts.size());
  for (uint32_t i = 0; i < expected.size(); ++i) expected[i] = i;
  std::ranges::stable_sort(expected, [&](uint32_t a, uint32_t b) { return texts[a] < texts[b]; });

  std::vector<SortEntry> scratch(entries.size());
  SortKeys(keys.data(), 1, entries, scratch);
  for (size_t i = 0; i < entries.size(); ++i) ASSERT_EQ(entries[i].order, expected[i]) << i;
}

std::vector<std::string> Texts(size_t count, const std::function<std::string(size_t)>& make) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) texts.push_back(make(i));
  return texts;
}

TEST(KeySortTest, FewAndMany) {
  std::mt19937_64 random(1);
  for (size_t count : std::vector<size_t>{0, 1, 2, 95, 96, 97, 98, 5000}) {
    ExpectSorted(Texts(count, [&](size_t) { return std::to_string(random()); }));
  }
}

TEST(KeySortTest, EqualTextsKeepTheirOrder) {
  std::mt19937_64 random(2);
  ExpectSorted(Texts(5000, [](size_t) { return "always the same text"; }));
  ExpectSorted(Texts(5000, [&](size_t) { return "common/" + std::to_string(random() % 7); }));
}

// Two clusters, each with a long beginning of its own, and within them again.
TEST(KeySortTest, ClustersWithinClusters) {
  std::mt19937_64 random(3);
  ExpectSorted(Texts(20000, [&](size_t) {
    std::string text = "https://";
    for (int level = 0; level < 4; ++level) {
      text +=
          random() % 2 == 0 ? "a.example/with-a-long-name/" : "b.example/which-is-longer-still/";
    }
    return text + std::to_string(random() % 3000);
  }));
}

// Each text continues the one before it: every step down leaves nearly all of the range.
TEST(KeySortTest, AStaircase) {
  for (char filler : {'x', '\0'}) {
    std::vector<std::string> texts =
        Texts(1500, [&](size_t i) { return std::string(7 * i, filler); });
    std::ranges::shuffle(texts, std::mt19937_64(4));
    ExpectSorted(texts);
  }
}

}  // namespace
}  // namespace sluice
