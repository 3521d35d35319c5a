// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "base/mutex.h"
#include "batch/row_batch.h"

namespace sluice {

// Finds the rows that their table would refuse: a NULL where the column says NOT NULL, a value of
// more than 1,000,000,000 bytes.
//
// Threads: from any. Lifetime: the tables of its batches outlive it, each version of them.
class RowScreen {
 public:
  // Such rows become rejects, with the words that SQLite has for it. Rows behind them move up.
  void Screen(RowBatch* batch);

 private:
  const std::vector<size_t>& NotNullColumns(const Table& table) SLUICE_EXCLUDES(mutex_);

  // To read the types of all columns costs as much as to parse some lines: once for each version.
  Mutex mutex_;
  std::map<const Table*, std::vector<size_t>> not_null_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
