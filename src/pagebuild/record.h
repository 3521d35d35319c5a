// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/cell.h"
#include "batch/row_batch.h"
#include "pagebuild/varint.h"
#include "sluice/schema.hpp"

namespace sluice {

// Records (sqlite.org/fileformat2.html, 2.1): the size of the header, the serial type of each
// value, then the bodies of the values. What SQLite's OP_MakeRecord writes, byte by byte.

// Serial types: 0 NULL; 1 to 6 integers of 1, 2, 3, 4, 6 and 8 bytes; 7 a real; 8 and 9 the
// integers 0 and 1, without a body; 12 + 2n a blob and 13 + 2n a text of n bytes.
using SerialType = uint64_t;

inline SerialType SerialTypeOfInteger(int64_t value) {
  if (value == 0 || value == 1) return static_cast<SerialType>(8 + value);
  const auto bits = std::bit_width(static_cast<uint64_t>(value < 0 ? ~value : value)) + 1;
  if (bits <= 8) return 1;
  if (bits <= 16) return 2;
  if (bits <= 24) return 3;
  if (bits <= 32) return 4;
  return bits <= 48 ? 5 : 6;
}

inline SerialType SerialTypeOf(const Cell& cell) {
  switch (cell.type) {
    case CellType::kNull:
      return 0;
    case CellType::kInteger:
      return SerialTypeOfInteger(cell.integer);
    case CellType::kReal:
      return 7;
    case CellType::kText:
      return 13 + 2 * SerialType{cell.size};
    case CellType::kBlob:
      break;
  }
  return 12 + 2 * SerialType{cell.size};
}

inline uint64_t BodySize(SerialType type) {
  constexpr uint8_t kSizes[12] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
  return type < 12 ? kSizes[type] : (type - 12) / 2;
}

// The `size` low bytes of `value`, big-endian. Returns the end of what it wrote.
inline char* PutBigEndian(uint64_t value, size_t size, char* to) {
  for (size_t i = size; i-- > 0; value >>= 8) to[i] = static_cast<char>(value);
  return to + size;
}

inline char* PutBigEndian16(uint16_t value, char* to) {
  to[0] = static_cast<char>(value >> 8);
  to[1] = static_cast<char>(value);
  return to + sizeof value;
}

// All 8 bytes at once, which compilers do not make of the loop.
inline char* PutBigEndian64(uint64_t value, char* to) {
  if (std::endian::native == std::endian::little) value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

inline char* PutIntegerBody(int64_t value, SerialType type, char* to) {
  return PutBigEndian(static_cast<uint64_t>(value), BodySize(type), to);
}

// Copies the first `kPiece` bytes and the last, all of up to twice as many.
template <size_t kPiece>
void CopyEnds(const char* from, size_t size, char* to) {
  char first[kPiece];
  char last[kPiece];
  std::memcpy(first, from, kPiece);
  std::memcpy(last, from + size - kPiece, kPiece);
  std::memcpy(to, first, kPiece);
  std::memcpy(to + size - kPiece, last, kPiece);
}

// memcpy for values, most of which are ids and timestamps: a call costs more than to copy them. Two
// pieces, which may overlap, so that no byte outside is read or written.
inline void CopyBytes(const char* from, size_t size, char* to) {
  if (size > 64) {
    std::memcpy(to, from, size);
  } else if (size > 32) {
    CopyEnds<32>(from, size, to);
  } else if (size >= 16) {
    CopyEnds<16>(from, size, to);
  } else if (size >= 8) {
    CopyEnds<8>(from, size, to);
  } else if (size >= 4) {
    CopyEnds<4>(from, size, to);
  } else {
    for (size_t i = 0; i < size; ++i) to[i] = from[i];
  }
}

inline char* PutBody(const Cell& cell, char* to) {
  switch (cell.type) {
    case CellType::kNull:
      return to;
    case CellType::kInteger:
      return PutIntegerBody(cell.integer, SerialTypeOfInteger(cell.integer), to);
    case CellType::kReal:
      return PutBigEndian64(std::bit_cast<uint64_t>(cell.real), to);
    case CellType::kText:
    case CellType::kBlob:
      break;
  }
  CopyBytes(cell.bytes, cell.size, to);
  return to + cell.size;
}

// The size of a header whose serial types take `types_size` bytes: its own varint counts too.
inline uint64_t HeaderSize(uint64_t types_size) {
  const uint64_t size = types_size + VarintSize(types_size + 1);
  return VarintSize(size) > size - types_size ? size + 1 : size;
}

// The text of a real as the linked SQLite writes it where a TEXT column takes a number. `to` has
// room for kRealTextSize bytes; returns how many were written. Threads: from any.
using RealFormatter = size_t (*)(double value, char* to);
inline constexpr size_t kRealTextSize = 64;

// The cell as a column of this affinity stores it (sqlite.org/datatype3.html, 3). Text that comes
// of a number is put into `arena`.
Cell ApplyAffinity(const Cell& cell, Affinity affinity, RealFormatter format_real, Arena* arena);

}  // namespace sluice
