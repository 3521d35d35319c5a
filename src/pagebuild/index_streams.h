// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "pagebuild/block_pool.h"
#include "pagebuild/index_builder.h"
#include "pagebuild/page_block.h"
#include "sluice/status.hpp"

namespace sluice {

// Makes the blocks of several indexes on several threads, and gives them out in an order that does
// not depend on the threads: one block of each index in turn, in the order of the schema.
//
// At most kWindow indexes are in the making; when one has ended, the next takes its place in the
// turn. Each may be kAhead blocks ahead of the turn: that bounds the memory.
// Threads: it has its own; all calls from one other.
class IndexStreams {
 public:
  static constexpr size_t kWindow = 8;
  static constexpr size_t kAhead = 2;
  static constexpr size_t kBlockBytes = size_t{1} << 20;

  // Makes the builder of the index with this number, when it is its turn to begin: called from the
  // threads, for each number once.
  using Opener = std::function<std::unique_ptr<IndexBuilder>(size_t index)>;

  // Lifetime: the pool of blocks outlives it.
  IndexStreams(size_t indexes, unsigned threads, BlockPool* blocks, Opener open);
  ~IndexStreams();
  IndexStreams(const IndexStreams&) = delete;
  IndexStreams& operator=(const IndexStreams&) = delete;

  // A block, and the index that it is of.
  struct Piece {
    size_t index = 0;
    std::unique_ptr<PageBlock> block;  // null: there are no more
    bool ends = false;                 // it is the last of its index
    std::string statistics;            // of the index, with its last block
  };
  Result<Piece> Next();

 private:
  struct Stream {
    std::unique_ptr<IndexBuilder> builder;  // null before it began, and after its end
    std::deque<Piece> ready;
    bool busy = false;   // a thread is at it
    bool ended = false;  // its last block is made
  };

  void Work();
  std::optional<size_t> Claim() SLUICE_REQUIRES(mutex_);
  bool AllEnded() const SLUICE_REQUIRES(mutex_);
  Result<Piece> Make(size_t index, std::unique_ptr<IndexBuilder>* builder);
  void Advance(bool ends) SLUICE_REQUIRES(mutex_);

  BlockPool* const blocks_;
  const Opener open_;

  Mutex mutex_;
  Condition changed_;
  std::vector<Stream> streams_ SLUICE_GUARDED_BY(mutex_);
  std::vector<size_t> window_ SLUICE_GUARDED_BY(mutex_);  // indexes in the making, in turn
  size_t turn_ SLUICE_GUARDED_BY(mutex_) = 0;             // in window_
  size_t begun_ SLUICE_GUARDED_BY(mutex_) = 0;            // indexes that are or were in the window
  bool stopped_ SLUICE_GUARDED_BY(mutex_) = false;
  Status failure_ SLUICE_GUARDED_BY(mutex_);

  std::vector<std::thread> threads_;
};

}  // namespace sluice
