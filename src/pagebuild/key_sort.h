// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice {

// A key to be sorted, of those that lie together in one piece of memory.
struct SortEntry {
  uint64_t prefix = 0;  // SortKeys sets it
  uint32_t offset = 0;  // where the key begins
  uint32_t order = 0;   // decides between keys that compare equal
};
static_assert(sizeof(SortEntry) == 16);

// Sorts `entries` by their keys, which begin at `keys` + offset, and those that compare equal by
// `order`, which ascends from entry to entry where keys are equal. `scratch` has room for as many.
//
// Made for many short keys: radix sort by KeyPrefix, where the bytes that all texts have in common
// are passed over first, so that timestamps and paths cost no more than random keys; then the same
// within each range of equal prefixes. What is left (small ranges, numbers beyond 2^50, later
// columns) is sorted by comparison. No input makes it quadratic.
void SortKeys(const char* keys, size_t columns, std::span<SortEntry> entries,
              std::span<SortEntry> scratch);

}  // namespace sluice
