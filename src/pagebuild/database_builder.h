// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "batch/row_batch.h"
#include "pagebuild/file_header.h"
#include "pagebuild/record.h"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"

namespace sluice {

// A row of sqlite_stat1: how many entries an index has, and how many of them share a key, by the
// number of leading columns ("3000000 2 1").
struct IndexStatistics {
  std::string table;
  std::string index;  // "" for a table without indexes
  std::string text;
};

// Builds an SQLite database file from rows by writing its b-tree pages, each once, in the order in
// which they lie in the file; page 1 last. docs/page-building.md describes the design.
//
// Legal order of calls:
//   AddTable* → { Screen → Encode → Write }* → BuildIndexes → Finish
// Threads: Screen and Encode from any thread, for different batches at once; a thread gives its own
// index, and its batches in ascending order. All others from one thread, batches in the order of
// the input: then the file is the same bytes however many threads there are.
// Limits: memory_bytes holds for any number of rows: keys of indexes go to temporary files beside
// the database where they need more. Beyond it comes what one line longer than a chunk needs.
// Errors: after one, the builder can only be destroyed. The file is the caller's to remove.
// Durability: none; the caller syncs the file.
class DatabaseBuilder {
 public:
  struct Options {
    std::string path;           // must not exist
    uint32_t page_size = 4096;  // a power of two, 1,024 to 65,536
    uint64_t memory_bytes = 0;  // for pages in the making, keys and their sorting
    unsigned threads = 1;       // that encode, and build indexes, at once
    RealFormatter format_real = nullptr;
  };

  static Result<std::unique_ptr<DatabaseBuilder>> Create(const Options& options);
  ~DatabaseBuilder();

  // Why this table, with its indexes, cannot be built here and needs SQLite ("" where it can).
  static std::string WhyNot(const Table& table);
  // Why this index has to be made by SQLite, after Finish ("" where it is built here).
  static std::string WhyNot(const Table& table, const Index& index);

  // Tables are numbered in the order of these calls, from 0. Lifetime: `table` outlives the
  // builder.
  void AddTable(const Table& table);

  // Rows that the table would refuse become rejects, in SQLite's own words. Before the batch gets
  // its rowids.
  void Screen(RowBatch* batch) const;
  // A batch may be of a later version of the table, with more columns behind those it had: records
  // that are there stay as short as they are, as after SQLite's own ALTER TABLE.
  // batch->encoded becomes the rows as pages without numbers; keys of the indexes are collected.
  Status Encode(uint32_t table_index, unsigned thread, RowBatch* batch);
  // Numbers the pages of batch->encoded and writes them.
  Status Write(uint32_t table_index, RowBatch* batch);

  // Sorts the keys and writes the trees of all indexes. `step` hears of each as it begins.
  Status BuildIndexes(const std::function<void(const std::string& index)>& step);
  // Page 1 with the schema: the entries name the tables and indexes that were built.
  Status Finish(std::span<const SchemaEntry> schema);

  // After BuildIndexes.
  std::vector<IndexStatistics> Statistics() const;

 private:
  class Impl;
  explicit DatabaseBuilder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
