// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "batch/row_batch.h"
#include "pagebuild/record.h"
#include "sluice/schema.hpp"

namespace sluice {

// Turns the rows of a table into records, one row at a time.
//
// Used as: { Take(row) → size, Write }*. Threads: owned by one thread.
class RowEncoder {
 public:
  // Lifetime: the table outlives it.
  RowEncoder(const Table& table, RealFormatter format_real);

  // Applies the affinities of the columns to the cells, in place: text that is made of a number is
  // put into `arena`. Lifetime: the cells stand until the row is written.
  void Take(std::span<Cell> row, Arena* arena);

  // Of the record of the row.
  uint64_t size() const { return header_size_ + body_size_; }
  // Writes the record; returns its end.
  char* Write(char* to) const;

 private:
  struct ColumnRule {
    Affinity affinity;
    // Bit i: a cell whose CellType is i is stored as it is, which most are.
    uint32_t kept;
  };

  std::vector<ColumnRule> columns_;
  bool has_rowid_column_;
  RealFormatter format_real_;

  // Of the row at hand: its cells, and the header of its record behind the header's own size.
  std::span<const Cell> row_;
  std::vector<char> types_;
  size_t types_size_ = 0;
  uint64_t header_size_ = 0;
  uint64_t body_size_ = 0;
};

}  // namespace sluice
