// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/buffer.h"
#include "base/cell.h"
#include "batch/row_batch.h"
#include "extract/extractor.h"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"

namespace sluice {

// Extraction for rows that stand in the database already: the cells of one line at a time.
//
// Lifetime: the table outlives it; the cells live until the next call. Threads: one at a time.
class LineCells {
 public:
  explicit LineCells(const Table& table) : table_(&table), extractor_(table) {}

  // One cell for each column of the table. kCorruption says why the line is no row.
  Result<const Cell*> Of(std::string_view line);

 private:
  const Table* table_;
  Extractor extractor_;
  Buffer bytes_{size_t{64} << 10};
  RowBatch batch_;
};

}  // namespace sluice
