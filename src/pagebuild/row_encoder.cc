// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/row_encoder.h"

#include <initializer_list>

namespace sluice {
namespace {

uint32_t SetOf(std::initializer_list<CellType> types) {
  uint32_t set = 0;
  for (const CellType type : types) set |= 1u << static_cast<uint32_t>(type);
  return set;
}

// The types of the cells to which the affinity does nothing.
uint32_t KeptBy(Affinity affinity) {
  const uint32_t always = SetOf({CellType::kNull, CellType::kBlob});
  switch (affinity) {
    case Affinity::kBlob:
      return always | SetOf({CellType::kText, CellType::kInteger, CellType::kReal});
    case Affinity::kText:
      return always | SetOf({CellType::kText});
    case Affinity::kNumeric:
    case Affinity::kInteger:
      return always | SetOf({CellType::kInteger});
    case Affinity::kReal:
      break;
  }
  return always;
}

}  // namespace

RowEncoder::RowEncoder(const Table& table, RealFormatter format_real)
    : has_rowid_column_(!table.rowid_column.empty()),
      format_real_(format_real),
      types_(1 + table.columns.size() * kMaxVarintSize) {
  for (const Column& column : table.columns) {
    columns_.push_back({column.affinity, KeptBy(column.affinity)});
  }
}

void RowEncoder::Take(std::span<Cell> row, Arena* arena) {
  char* types = types_.data();
  // The rowid column is a NULL in the record: its value is the key of the tree.
  if (has_rowid_column_) *types++ = 0;
  uint64_t body_size = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const ColumnRule& column = columns_[i];
    if ((column.kept >> static_cast<uint32_t>(row[i].type) & 1) == 0) {
      row[i] = ApplyAffinity(row[i], column.affinity, format_real_, arena);
    }
    const SerialType type = SerialTypeOf(row[i]);
    types = PutVarint(type, types);
    body_size += BodySize(type);
  }
  types_size_ = static_cast<size_t>(types - types_.data());
  header_size_ = HeaderSize(types_size_);
  body_size_ = body_size;
  row_ = row;
}

char* RowEncoder::Write(char* to) const {
  to = PutVarint(header_size_, to);
  CopyBytes(types_.data(), types_size_, to);
  to += types_size_;
  for (const Cell& cell : row_) to = PutBody(cell, to);
  return to;
}

}  // namespace sluice
