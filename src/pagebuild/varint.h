// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace sluice {

// SQLite's varints (sqlite.org/fileformat2.html, 1.5): big-endian groups of 7 bits, the top bit
// says that more follow; of nine bytes the last has 8 bits.
inline constexpr size_t kMaxVarintSize = 9;

inline size_t VarintSize(uint64_t value) {
  if (value < 0x80) return 1;
  const auto bits = static_cast<size_t>(std::bit_width(value | 1));
  return bits > 56 ? kMaxVarintSize : (bits + 6) / 7;
}

// Returns the end of what it wrote.
inline char* PutVarint(uint64_t value, char* to) {
  if (value < 0x80) {
    *to = static_cast<char>(value);
    return to + 1;
  }
  if (value < 0x4000) {
    to[0] = static_cast<char>(value >> 7 | 0x80);
    to[1] = static_cast<char>(value & 0x7F);
    return to + 2;
  }
  const size_t size = VarintSize(value);
  char* at = to + size;
  if (size == kMaxVarintSize) {
    *--at = static_cast<char>(value);
    value >>= 8;
  } else {
    *--at = static_cast<char>(value & 0x7F);
    value >>= 7;
  }
  while (at != to) {
    *--at = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  return to + size;
}

// Returns the end of what it read.
inline const char* GetVarint(const char* from, uint64_t* value) {
  uint64_t read = static_cast<unsigned char>(from[0]);
  if (read < 0x80) {
    *value = read;
    return from + 1;
  }
  const auto second = static_cast<unsigned char>(from[1]);
  if (second < 0x80) {
    *value = (read & 0x7F) << 7 | second;
    return from + 2;
  }
  read = 0;
  for (size_t i = 0; i < kMaxVarintSize - 1; ++i) {
    const auto byte = static_cast<unsigned char>(*from++);
    read = read << 7 | (byte & 0x7F);
    if (byte < 0x80) {
      *value = read;
      return from;
    }
  }
  *value = read << 8 | static_cast<unsigned char>(*from++);
  return from;
}

}  // namespace sluice
