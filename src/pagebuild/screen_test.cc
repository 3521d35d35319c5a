// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/screen.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

// Of so many bytes, none of which is there: nobody reads them here.
Cell TextOf(uint32_t bytes) {
  Cell cell = Cell::Text({});
  cell.size = bytes;
  return cell;
}

size_t RefusedOf(const std::vector<Cell>& cells, uint64_t decoded_bytes) {
  Table table;
  table.name = "t";
  for (size_t i = 0; i < cells.size(); ++i) {
    table.columns.push_back({.name = std::string(1, static_cast<char>('a' + i))});
  }
  RowBatch batch;
  batch.table = &table;
  batch.cells = cells;
  batch.lines = {{.text = "line", .number = 1, .byte_offset = 0}};
  batch.row_lines = {0};
  batch.counts.lines = batch.counts.rows = 1;
  batch.decoded_bytes = decoded_bytes;
  RowScreen().Screen(&batch);
  EXPECT_EQ(batch.rows() + batch.rejects.size(), 1u);
  EXPECT_EQ(batch.cells.size(), batch.rows() * cells.size());
  if (!batch.rejects.empty()) {
    EXPECT_EQ(batch.rejects[0].detail, "string or blob too big");
  }
  return batch.rejects.size();
}

// SQLite's limit is for the record: its header, which here has 1 byte for its own size, 1 for the
// rowid column and 5 for the type of a long text, and then the values.
TEST(RowScreen, TheLargestRecordIsSqlitesOwn) {
  EXPECT_EQ(RefusedOf({TextOf(999'999'993)}, 1'000'000'010), 0u);
  EXPECT_EQ(RefusedOf({TextOf(999'999'994)}, 1'000'000'010), 1u);
}

// A line and its only value, say.
TEST(RowScreen, ColumnsThatHoldTheSameTextAddUp) {
  EXPECT_EQ(RefusedOf({TextOf(600'000'000), TextOf(590'000'000)}, 600'000'001), 1u);
  EXPECT_EQ(RefusedOf({TextOf(400'000'000), TextOf(390'000'000)}, 400'000'001), 0u);
}

}  // namespace
}  // namespace sluice
