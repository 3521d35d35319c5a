// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pagebuild/index_leaves.h"
#include "pagebuild/key_merge.h"
#include "pagebuild/page_block.h"
#include "sluice/status.hpp"

namespace sluice {

// Makes the leaves of one index, block by block, of its merged keys, and counts what sqlite_stat1
// says of it.
//
// Threads: one at a time.
class IndexBuilder {
 public:
  // Lifetime: space outlives it.
  IndexBuilder(std::vector<KeyRun> runs, RunSpace* space, KeyMerge::Options options);

  IndexBuilder(const IndexBuilder&) = delete;
  IndexBuilder& operator=(const IndexBuilder&) = delete;

  // The next block, of about `most_pages` pages. done() after the last.
  Status Fill(PageBlock* block, size_t most_pages);
  bool done() const { return done_; }

  // "rows rows-per-key-of-1-column rows-per-key-of-2-columns ...", as ANALYZE writes it.
  std::string Statistics() const;

 private:
  bool NextEntries();
  void CountKey();

  KeyMerge merge_;
  const size_t columns_;
  IndexLeaves leaves_;
  bool done_ = false;

  std::span<const int64_t> rowids_;  // of the key at hand, not appended yet
  std::string key_;                  // to tell how much of the next one is equal
  uint64_t entries_ = 0;
  std::vector<uint64_t> distinct_;  // by the number of leading columns, less one
};

}  // namespace sluice
