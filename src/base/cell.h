// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// 32 bits, so that a Cell has no padding: with padding, compilers copy 13 bytes of the 16 in two
// moves that overlap, and wait for each other (9 % of the time of extraction).
enum class CellType : uint32_t { kNull, kInteger, kReal, kText, kBlob };

// One extracted value, before the affinity of its column is applied: 16 bytes, no ownership.
//
// Lifetime: the bytes of a text or blob are a view into the chunk or the arena of the batch, or
// into something that outlives the run (I4).
struct Cell {
  union {
    int64_t integer;
    double real;
    const char* bytes;
  };
  uint32_t size = 0;  // bytes of a text or blob; a line, and so a cell, is under 4 GiB
  CellType type = CellType::kNull;

  Cell() : integer(0) {}

  static Cell Null() { return {}; }
  static Cell Integer(int64_t value) {
    Cell cell;
    cell.integer = value;
    cell.type = CellType::kInteger;
    return cell;
  }
  static Cell Real(double value) {
    Cell cell;
    cell.real = value;
    cell.type = CellType::kReal;
    return cell;
  }
  static Cell Text(std::string_view text) {
    Cell cell;
    cell.bytes = text.data();
    cell.size = static_cast<uint32_t>(text.size());
    cell.type = CellType::kText;
    return cell;
  }
  static Cell Blob(std::string_view blob) {
    Cell cell = Text(blob);
    cell.type = CellType::kBlob;
    return cell;
  }

  std::string_view text() const { return {bytes, size}; }
};
static_assert(sizeof(Cell) == 16);

}  // namespace sluice
