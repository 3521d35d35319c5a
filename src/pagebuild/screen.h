// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "batch/row_batch.h"

namespace sluice {

// Rows that the batch's table would refuse become rejects, with the words that SQLite has for it: a
// NULL where the column says NOT NULL, a value of more than 1,000,000,000 bytes. Rows behind them
// move up.
void ScreenRows(RowBatch* batch);

}  // namespace sluice
