// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "batch/row_batch.h"
#include "pagebuild/key.h"
#include "pagebuild/record.h"
#include "sluice/schema.hpp"

namespace sluice {

// Turns the rows of a table into records, and into the keys of its indexes, one row at a time.
//
// Used as: Forget → { Take(row) → size, Write, KeyIsAsBefore, Key }*. Threads: owned by one thread.
class RowEncoder {
 public:
  // Of an index: where its columns stand in the table.
  using KeyColumns = std::vector<size_t>;

  // Lifetime: the table outlives it.
  RowEncoder(const Table& table, RealFormatter format_real);

  // Applies the affinities of the columns. The cells must stand until the row after the next is
  // taken, or Forget is called.
  void Take(std::span<const Cell> row);
  // Before the first row of a batch: the cells of the row before are gone.
  void Forget() { has_row_ = false; }

  // Of the record of the row.
  uint64_t size() const { return header_size_ + body_size_; }
  // Writes the record; returns its end.
  char* Write(char* to) const;

  // Whether the values of these columns are those of the row before. Most are in most logs: to
  // compare cells is quicker than to make a key and find it.
  bool KeyIsAsBefore(const KeyColumns& columns) const;
  // The key of the row where it is one short text (key.h), not made yet; else nothing.
  std::optional<std::string_view> KeyAsText(const KeyColumns& columns) const;
  // The key of the row (key.h). A view that the next call ends.
  std::string_view Key(const KeyColumns& columns);

 private:
  bool KeepsAsIs(const Cell& cell, Affinity affinity) const;

  std::vector<Affinity> affinities_;
  bool has_rowid_column_;
  RealFormatter format_real_;

  // The row at hand, and the one before it.
  std::vector<Cell> cells_;
  std::vector<Cell> before_;
  bool has_row_ = false;       // since Forget
  bool knows_before_ = false;  // and one before it, whose cells still stand
  std::vector<SerialType> types_;
  uint64_t header_size_ = 0;
  uint64_t body_size_ = 0;
  Arena arena_;  // texts that were made of numbers, of this row

  std::vector<Cell> key_cells_;
  KeyBuilder key_builder_;
};

}  // namespace sluice
