// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "batch/row_batch.h"
#include "pagebuild/block_pool.h"
#include "pagebuild/page_block.h"
#include "pagebuild/page_file.h"
#include "pagebuild/table_leaves.h"
#include "pagebuild/tree_writer.h"
#include "sluice/status.hpp"

namespace sluice {

// The rows of a batch, encoded: laid out into pages, or, where they are few, as records only. Every
// batch begins a leaf of its own; were it so for small ones too, ten thousand small files would be
// ten thousand half-empty pages.
class EncodedBatch final : public EncodedRows {
 public:
  // Batches of fewer bytes of input than this are not laid out.
  static constexpr uint64_t kSmallBatch = uint64_t{64} << 10;

  struct Record {
    int64_t rowid;
    size_t size;
  };
  std::unique_ptr<PageBlock> block;  // or null, and then:
  std::vector<Record> records;
  std::string bytes;  // of the records, one behind the other
};

// The b-tree of one table, written as batches come.
//
// Threads: one.
class TableBuilder {
 public:
  // Lifetime: file and pool outlive it.
  TableBuilder(PageFile* file, BlockPool* pool);

  // Takes the batch's rows.
  Status Write(EncodedBatch* batch);
  // Behind the last batch. A table without rows gets its one leaf here.
  Status Finish();

  uint64_t rows() const { return tree_.entries(); }
  uint32_t root() const { return tree_.root(); }  // after Finish

 private:
  Status AppendRecords(const EncodedBatch& batch);
  Status WriteOpenBlock();

  BlockPool* pool_;
  TreeWriter tree_;
  const size_t most_pages_;

  // Rows of small batches.
  PageBlock open_block_;
  TableLeaves open_leaves_;
  bool has_leaves_ = false;  // the tree has some
};

}  // namespace sluice
