// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "batch/row_batch.h"
#include "pagebuild/key.h"
#include "pagebuild/key_collector.h"

namespace sluice {

// The columns of an index: where they stand in the table.
using KeyColumns = std::vector<size_t>;

// Takes the keys of one index from rows to its collector.
//
// Most rows of most logs have the key of the row before, so it looks for such rows first: to
// compare cells is quicker than to make a key and find it.
//
// Threads: owned by one thread.
class KeyFeed {
 public:
  // Lifetime: `columns` outlives it.
  KeyFeed(const KeyColumns* columns, KeyCollector collector);

  // The rows [begin, end) of a batch that has its rowids, and affinities applied to its cells.
  // After an error it does nothing: see status(), once per batch.
  void Add(const RowBatch& batch, size_t begin, size_t end);
  // Hands over what is left and frees the memory.
  Status Finish() { return collector_.Finish(); }
  const Status& status() const { return collector_.status(); }

 private:
  size_t EndOfSame(const RowBatch& batch, size_t row, size_t end) const;
  void AddKey(std::span<const Cell> row, int64_t rowid, size_t count);

  const KeyColumns& columns_;
  KeyCollector collector_;
  std::vector<Cell> cells_;
  KeyBuilder builder_;
};

}  // namespace sluice
