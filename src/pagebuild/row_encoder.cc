// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/row_encoder.h"

#include <utility>

namespace sluice {
namespace {

bool IsSame(const Cell& a, const Cell& b) {
  if (a.type != b.type || a.size != b.size) return false;
  const bool has_bytes = a.type == CellType::kText || a.type == CellType::kBlob;
  if (!has_bytes) return a.integer == b.integer;  // of a real, its bits
  return SameBytes(a.text(), b.text());
}

}  // namespace

RowEncoder::RowEncoder(const Table& table, RealFormatter format_real)
    : has_rowid_column_(!table.rowid_column.empty()),
      format_real_(format_real),
      cells_(table.columns.size()),
      before_(table.columns.size()),
      types_(table.columns.size()) {
  for (const Column& column : table.columns) affinities_.push_back(column.affinity);
}

// What most cells are: nothing is to be done.
bool RowEncoder::KeepsAsIs(const Cell& cell, Affinity affinity) const {
  switch (cell.type) {
    case CellType::kNull:
    case CellType::kBlob:
      return true;
    case CellType::kText:
      return affinity == Affinity::kText || affinity == Affinity::kBlob;
    case CellType::kInteger:
      return affinity != Affinity::kText && affinity != Affinity::kReal;
    case CellType::kReal:
      break;
  }
  return affinity == Affinity::kBlob;
}

void RowEncoder::Take(std::span<const Cell> row) {
  std::swap(cells_, before_);
  knows_before_ = std::exchange(has_row_, true) && arena_.bytes_used() == 0;
  if (arena_.bytes_used() > 0) arena_.Clear();
  // The rowid column is a NULL in the record: its value is the key of the tree.
  uint64_t types_size = has_rowid_column_ ? 1 : 0;
  body_size_ = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    cells_[i] = KeepsAsIs(row[i], affinities_[i])
                    ? row[i]
                    : ApplyAffinity(row[i], affinities_[i], format_real_, &arena_);
    types_[i] = SerialTypeOf(cells_[i]);
    types_size += VarintSize(types_[i]);
    body_size_ += BodySize(types_[i]);
  }
  header_size_ = HeaderSize(types_size);
}

char* RowEncoder::Write(char* to) const {
  to = PutVarint(header_size_, to);
  if (has_rowid_column_) *to++ = 0;
  for (const SerialType type : types_) to = PutVarint(type, to);
  for (size_t i = 0; i < cells_.size(); ++i) to = PutBody(cells_[i], types_[i], to);
  return to;
}

bool RowEncoder::KeyIsAsBefore(const KeyColumns& columns) const {
  if (!knows_before_) return false;
  for (const size_t column : columns) {
    if (!IsSame(cells_[column], before_[column])) return false;
  }
  return true;
}

std::optional<std::string_view> RowEncoder::KeyAsText(const KeyColumns& columns) const {
  const Cell& cell = cells_[columns[0]];
  const bool is_short = cell.type == CellType::kText && cell.size <= kLongestShortText;
  if (columns.size() > 1 || !is_short) return std::nullopt;
  return cell.text();
}

std::string_view RowEncoder::Key(const KeyColumns& columns) {
  if (columns.size() == 1) return key_builder_.Build({&cells_[columns[0]], 1});
  key_cells_.clear();
  for (const size_t column : columns) key_cells_.push_back(cells_[column]);
  return key_builder_.Build(key_cells_);
}

}  // namespace sluice
