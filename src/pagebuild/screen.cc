// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/screen.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pagebuild/record.h"
#include "schema/declared_type.h"

namespace sluice {
namespace {

constexpr uint64_t kLongestRecord = 1'000'000'000;  // SQLITE_MAX_LENGTH

// No cell is longer than the text that the batch was made of, but many columns may hold the same.
bool MayHaveLargeRows(const RowBatch& batch) {
  return batch.decoded_bytes > kLongestRecord / (batch.table->columns.size() + 1);
}

// Before affinity, which changes the size of numbers only.
uint64_t RecordSize(const Table& table, std::span<const Cell> cells) {
  uint64_t types_size = table.rowid_column.empty() ? 0 : 1;
  uint64_t body_size = 0;
  for (const Cell& cell : cells) {
    const SerialType type = SerialTypeOf(cell);
    types_size += VarintSize(type);
    body_size += BodySize(type);
  }
  return HeaderSize(types_size) + body_size;
}

// Why the table refuses the row, "" if it does not.
std::string Refusal(const RowBatch& batch, size_t row, const std::vector<size_t>& not_null) {
  const auto cells = batch.row(row);
  for (const size_t column : not_null) {
    if (cells[column].type != CellType::kNull) continue;
    return "NOT NULL constraint failed: " + batch.table->name + "." +
           batch.table->columns[column].name;
  }
  const bool is_too_big =
      MayHaveLargeRows(batch) && RecordSize(*batch.table, cells) > kLongestRecord;
  return is_too_big ? std::string("string or blob too big") : std::string();
}

void MoveRow(RowBatch* batch, size_t from, size_t to) {
  if (from == to) return;
  const auto width = static_cast<ptrdiff_t>(batch->table->columns.size());
  const auto cells = batch->cells.begin();
  std::copy_n(cells + static_cast<ptrdiff_t>(from) * width, width,
              cells + static_cast<ptrdiff_t>(to) * width);
  batch->row_lines[to] = batch->row_lines[from];
}

}  // namespace

const std::vector<size_t>& RowScreen::NotNullColumns(const Table& table) {
  MutexLock lock(mutex_);
  const auto [entry, is_new] = not_null_.try_emplace(&table);
  std::vector<size_t>& columns = entry->second;
  for (size_t i = 0; is_new && i < table.columns.size(); ++i) {
    if (RulesOf(table.columns[i].declared_type).not_null) columns.push_back(i);
  }
  return columns;
}

void RowScreen::Screen(RowBatch* batch) {
  const std::vector<size_t>& not_null = NotNullColumns(*batch->table);
  if (not_null.empty() && !MayHaveLargeRows(*batch)) return;
  size_t kept = 0;
  const size_t rows = batch->rows();
  for (size_t row = 0; row < rows; ++row) {
    std::string refusal = Refusal(*batch, row, not_null);
    if (refusal.empty()) {
      MoveRow(batch, row, kept++);
    } else {
      batch->RefuseRow(row, std::move(refusal));
    }
  }
  batch->row_lines.resize(kept);
  batch->cells.resize(kept * batch->table->columns.size());
}

}  // namespace sluice
