// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/key_feed.h"

#include <utility>

namespace sluice {
namespace {

bool IsSame(const Cell& a, const Cell& b) {
  if (a.type != b.type || a.size != b.size) return false;
  if (a.integer == b.integer) return true;  // of a real, its bits; of bytes, their place
  const bool has_bytes = a.type == CellType::kText || a.type == CellType::kBlob;
  return has_bytes && SameBytes(a.text(), b.text());
}

}  // namespace

KeyFeed::KeyFeed(const KeyColumns* columns, KeyCollector collector)
    : columns_(*columns), collector_(std::move(collector)) {}

void KeyFeed::Add(const RowBatch& batch, size_t begin, size_t end) {
  while (begin < end) {
    const size_t behind = EndOfSame(batch, begin, end);
    const int64_t rowid = batch.first_rowid + static_cast<int64_t>(begin);
    AddKey(batch.row(begin), rowid, behind - begin);
    begin = behind;
  }
}

// Behind the rows from `row` on that have the same key.
size_t KeyFeed::EndOfSame(const RowBatch& batch, size_t row, size_t end) const {
  const size_t width = batch.table->columns.size();
  const Cell* const first = &batch.cells[row * width];
  for (const size_t column : columns_) {
    const Cell* cell = first + column;
    size_t behind = row + 1;
    while (behind < end && IsSame(first[column], *(cell += width))) ++behind;
    end = behind;
  }
  return end;
}

void KeyFeed::AddKey(std::span<const Cell> row, int64_t rowid, size_t count) {
  const Cell& cell = row[columns_[0]];
  if (columns_.size() == 1) {
    const bool is_short = cell.type == CellType::kText && cell.size <= kLongestShortText;
    if (is_short) return collector_.AddText(cell.text(), rowid, count);
    return collector_.Add(builder_.Build({&cell, 1}), rowid, count);
  }
  cells_.clear();
  for (const size_t column : columns_) cells_.push_back(row[column]);
  collector_.Add(builder_.Build(cells_), rowid, count);
}

}  // namespace sluice
