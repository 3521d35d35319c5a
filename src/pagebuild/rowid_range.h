// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "pagebuild/varint.h"

namespace sluice {

// Rowids that follow each other without a gap. Rows of one key often come in a row. Not
// initialised, for there are arrays of them.
struct RowidRange {
  int64_t first;
  uint64_t count;

  int64_t last() const { return first + static_cast<int64_t>(count) - 1; }
};

// Lists of ascending ranges keep for each how far it begins above the last rowid of the range
// before it, as two varints:
//
//   2 · distance, and 1 more where the count follows    count - 2
//
//   7 8 9 10 and 20, above 0:    0f 02 14
inline constexpr size_t kMaxRangeSize = 2 * kMaxVarintSize;

// Returns the end of what it wrote.
inline char* PutRange(uint64_t distance, uint64_t count, char* to) {
  if (count == 1) return PutVarint(2 * distance, to);
  return PutVarint(count - 2, PutVarint(2 * distance + 1, to));
}

// Returns the end of what it read.
inline const char* GetRange(const char* from, uint64_t* distance, uint64_t* count) {
  from = GetVarint(from, distance);
  const bool has_count = (*distance & 1) != 0;
  *distance /= 2;
  *count = 1;
  if (!has_count) return from;
  from = GetVarint(from, count);
  *count += 2;
  return from;
}

}  // namespace sluice
