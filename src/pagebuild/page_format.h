// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "pagebuild/record.h"

namespace sluice {

// Where things stand in a page of a given size (sqlite.org/fileformat2.html, 1.6). No bytes are
// reserved at its end.
//
//   leaf:      type(1) freeblock(2) cells(2) content(2) fragments(1) │ pointers(2 each) ▶ ... ◀
//   cells interior:  the same, then the rightmost child(4) overflow:  next(4), then the payload
struct PageFormat {
  static constexpr size_t kLeafHeader = 8;
  static constexpr size_t kInteriorHeader = 12;
  static constexpr size_t kPointer = 2;       // of a cell, in the array behind the header
  static constexpr uint32_t kLink = 4;        // the number of a page
  static constexpr size_t kFileHeader = 100;  // page 1 begins with it
  static constexpr uint32_t kMostPages = 4294967294;

  explicit constexpr PageFormat(uint32_t page_bytes)
      : page_size(page_bytes),
        table_leaf_max(page_bytes - 35),
        index_max((page_bytes - 12) * 64 / 255 - 23),
        min_local((page_bytes - 12) * 32 / 255 - 23),
        overflow_capacity(page_bytes - kLink),
        lock_byte_page((uint32_t{1} << 30) / page_bytes + 1) {}

  uint32_t page_size;
  // Payloads up to these sizes stand whole in their cell.
  uint32_t table_leaf_max;
  uint32_t index_max;
  uint32_t min_local;          // of a longer one at least so much
  uint32_t overflow_capacity;  // bytes of payload on an overflow page
  // Holds the byte that SQLite locks; it is never used.
  uint32_t lock_byte_page;

  // How much of a payload stands in its cell; the rest goes to overflow pages, and fills all of
  // them if that can be.
  uint32_t LocalSize(uint64_t payload, uint32_t max_local) const {
    if (payload <= max_local) return static_cast<uint32_t>(payload);
    const auto local = static_cast<uint32_t>(min_local + (payload - min_local) % overflow_capacity);
    return local <= max_local ? local : min_local;
  }
};

enum class PageType : uint8_t {
  kIndexInterior = 2,
  kTableInterior = 5,
  kIndexLeaf = 10,
  kTableLeaf = 13,
};

inline void PutPageNumber(uint32_t number, char* to) { PutBigEndian(number, 4, to); }

inline uint32_t GetPageNumber(const char* from) {
  uint32_t number = 0;
  for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(from[i]);
  return number;
}

}  // namespace sluice
