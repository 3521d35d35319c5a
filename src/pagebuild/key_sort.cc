// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/key_sort.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "pagebuild/key.h"

namespace sluice {
namespace {

// Below this the histograms of a radix sort cost more than the comparisons.
constexpr size_t kSmallRange = 96;

constexpr size_t kDigitBits = 8;
constexpr size_t kDigits = 64 / kDigitBits;
constexpr size_t kDigitValues = size_t{1} << kDigitBits;

size_t DigitOf(uint64_t prefix, size_t digit) {
  return prefix >> (digit * kDigitBits) & (kDigitValues - 1);
}

// Least significant digit first, so it is stable and has no bad case. Digits that are the same in
// all entries (the class, most of a number's exponent) are passed over.
void RadixSort(std::span<SortEntry> entries, std::span<SortEntry> scratch) {
  std::array<std::array<uint32_t, kDigitValues>, kDigits> counts{};
  for (const SortEntry& entry : entries) {
    for (size_t digit = 0; digit < kDigits; ++digit) ++counts[digit][DigitOf(entry.prefix, digit)];
  }
  SortEntry* from = entries.data();
  SortEntry* to = scratch.data();
  for (size_t digit = 0; digit < kDigits; ++digit) {
    auto& starts = counts[digit];
    if (starts[DigitOf(from[0].prefix, digit)] == entries.size()) continue;
    uint32_t start = 0;
    for (uint32_t& count : starts) start += std::exchange(count, start);
    for (size_t i = 0; i < entries.size(); ++i) {
      to[starts[DigitOf(from[i].prefix, digit)]++] = from[i];
    }
    std::swap(from, to);
  }
  if (from != entries.data()) std::memcpy(entries.data(), from, entries.size_bytes());
}

// Timestamps come nearly in order: then each entry moves over a few others only. False where that
// takes too long; what was done until then does no harm to a sort that is stable as well.
bool SortNearlySorted(std::span<SortEntry> entries) {
  constexpr size_t kMovesOfEach = 16;
  size_t moves_left = entries.size() * kMovesOfEach;
  for (size_t i = 1; i < entries.size(); ++i) {
    if (entries[i - 1].prefix <= entries[i].prefix) continue;
    const SortEntry entry = entries[i];
    size_t to = i;
    for (; to > 0 && entries[to - 1].prefix > entry.prefix && moves_left > 0; --to, --moves_left) {
      entries[to] = entries[to - 1];
    }
    entries[to] = entry;
    if (moves_left == 0) return false;
  }
  return true;
}

class Sorter {
 public:
  Sorter(const char* keys, size_t columns, std::span<SortEntry> scratch)
      : keys_(keys), columns_(columns), scratch_(scratch) {}

  // At least `known` leading bytes of the first column are the same in all of `range`, if it is a
  // text.
  void Sort(std::span<SortEntry> range, size_t known, size_t depth) {
    const size_t common = CommonText(range);
    // Where the last prefix could not tell them apart, and no more bytes are common, these are
    // equal first columns, or one text and its continuation with NUL bytes.
    if (common < known || depth == kDeepest) return SortByComparison(range);

    for (SortEntry& entry : range) entry.prefix = KeyPrefix(KeyAt(entry), columns_, common);
    if (range.size() <= kSmallRange) return SortByComparison(range);
    if (!SortNearlySorted(range)) RadixSort(range, scratch_.first(range.size()));
    for (size_t begin = 0; begin < range.size();) {
      size_t end = begin + 1;
      while (end < range.size() && range[end].prefix == range[begin].prefix) ++end;
      if (end - begin > 1) SortEqualPrefixes(range.subspan(begin, end - begin), common, depth);
      begin = end;
    }
  }

 private:
  // 62 bits of a text are in its prefix: 7 whole bytes.
  static constexpr size_t kBytesInPrefix = 7;
  // Keys of which each continues the one before it would lead down without end.
  static constexpr size_t kDeepest = 32;

  void SortEqualPrefixes(std::span<SortEntry> range, size_t skipped, size_t depth) {
    if (range.size() <= kSmallRange) return SortByComparison(range);
    Sort(range, skipped + kBytesInPrefix, depth + 1);
  }

  void SortByComparison(std::span<SortEntry> range) {
    std::ranges::sort(range, [this](const SortEntry& a, const SortEntry& b) {
      if (a.prefix != b.prefix) return a.prefix < b.prefix;
      const int order = CompareKeys(KeyAt(a), KeyAt(b), columns_).order;
      return order != 0 ? order < 0 : a.order < b.order;
    });
  }

  // How many leading bytes all first columns have in common; 0 where one is no text.
  size_t CommonText(std::span<const SortEntry> range) const {
    const std::string_view first = FirstText(KeyAt(range[0]), columns_);
    size_t common = first.size();
    for (const SortEntry& entry : range.subspan(1)) {
      if (common == 0) return 0;
      const std::string_view text = FirstText(KeyAt(entry), columns_);
      if (text.data() == nullptr) return 0;
      common = CommonPrefix(first.substr(0, common), text);
    }
    return common;
  }

  const char* KeyAt(const SortEntry& entry) const { return keys_ + entry.offset; }

  const char* const keys_;
  const size_t columns_;
  const std::span<SortEntry> scratch_;
};

}  // namespace

void SortKeys(const char* keys, size_t columns, std::span<SortEntry> entries,
              std::span<SortEntry> scratch) {
  if (entries.size() > 1) Sorter(keys, columns, scratch).Sort(entries, 0, 0);
}

}  // namespace sluice
