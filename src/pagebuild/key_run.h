// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "pagebuild/key.h"
#include "pagebuild/rowid_range.h"
#include "pagebuild/run_space.h"
#include "sluice/status.hpp"

namespace sluice {

// A *run* is a sorted part of the entries of an index. It is a sequence of *blocks* of about 32
// KiB, each of which is read by itself; the first ones lie in memory, those for which the budget
// did not suffice in the spill file, behind their sizes (4 bytes, little-endian).
//
// A block is a sequence of *groups*, entries with the same bytes as their key:
//
//   serial types    as they stand in the key
//   shared          varint: how many bytes of the body before it, in this block, are its first ones
//   rest            the other bytes of the body
//   count           varint: of ranges of rowids, 1 or more
//   rowids          those ranges (rowid_range.h), the first above the run's lowest rowid
//
//   ("ab", rows 7 8 9 10 11 and 20; the lowest is 7)    11 00 61 62 02 01 03 12
//
// Groups come in the order of their keys. Where keys compare equal with other bytes, groups take
// turns, so that over all of them rowids ascend. A group with very many entries is cut in several.
//
// Sharing makes a run of timestamps or paths a third as long; it costs about 3 ns a key.

// Lifetime: gives its memory and its extents back to the RunSpace, which outlives it.
// Threads: owned by one thread at a time; it travels.
class KeyRun {
 public:
  KeyRun() = default;
  KeyRun(KeyRun&& other) noexcept;
  KeyRun& operator=(KeyRun&& other) noexcept;
  ~KeyRun();

  uint64_t entries() const { return entries_; }
  uint64_t bytes() const { return memory_bytes_ + spilled_bytes_; }
  // None of its rowids is below it.
  int64_t lowest_rowid() const { return lowest_rowid_; }
  bool is_spilled() const { return spilled_bytes_ > 0; }
  // What the texts of all first columns begin with; "" also where one is no text.
  const std::string& common_text() const { return common_text_; }

 private:
  friend class KeyRunWriter;
  friend class KeyRunReader;
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };
  void Release();

  RunSpace* space_ = nullptr;
  std::vector<Block> blocks_;
  uint64_t memory_bytes_ = 0;      // of those blocks
  std::vector<uint64_t> extents_;  // each full but the last
  uint64_t spilled_bytes_ = 0;     // in those extents
  uint64_t entries_ = 0;
  int64_t lowest_rowid_ = 0;
  std::string common_text_;
};

// Writes one run: Add* → Finish.
//
// Threads: owned by one thread. Limits: a block's buffer, and one extent's once it spills; a key
// that is longer than a block makes a block of its own.
class KeyRunWriter {
 public:
  static constexpr size_t kBlockBytes = size_t{32} << 10;
  static constexpr size_t kMaxGroup = 1024;

  // `lowest_rowid`: none below it will be added.
  KeyRunWriter(RunSpace* space, size_t columns, int64_t lowest_rowid);

  // The next group, of 1 to kMaxGroup ranges of rowids. Lifetime: the key stands until another one
  // was added, the last until Finish.
  Status Add(std::string_view key, std::span<const RowidRange> ranges);
  Result<KeyRun> Finish();

  // How many keys there were that are not the same bytes as the one before.
  uint64_t distinct() const { return distinct_; }

 private:
  // No more than this of the common text is looked for: enough for any path or URL.
  static constexpr size_t kMaxCommonText = 256;

  Status MakeRoom(size_t bytes);
  Status EndBlock();
  Status Spill(std::string_view bytes);
  Status EndExtent();

  KeyRun run_;
  const size_t columns_;
  uint64_t distinct_ = 0;

  std::unique_ptr<char[]> block_;
  size_t block_capacity_ = kBlockBytes;
  size_t block_size_ = 0;
  std::string extent_;

  std::string_view last_key_;
  KeyShape last_shape_;
  bool last_is_in_block_ = false;
};

// Reads a run from its beginning to its end, once, and gives back what it has read.
//
//   while (reader.NextGroup()) {
//     while (reader.HasRowid()) count = reader.TakeRowids(...);
//   }
//   if (!reader.status().ok()) ...
//
// Threads: owned by one thread. Limits: `buffer_bytes` for a run that is spilled, a copy of the
// key; more where a key is longer than a block.
class KeyRunReader {
 public:
  KeyRunReader(KeyRun run, size_t columns, size_t buffer_bytes);

  // Goes to the next group; all rowids of the one before have been taken. False at the end and
  // after an error.
  bool NextGroup();
  // The key of the group, until NextGroup is called.
  std::string_view key() const { return {key_.data(), key_size_}; }

  bool HasRowid() const { return range_.count > 0; }
  // The next one, where there is one.
  int64_t rowid() const { return range_.first; }
  // Takes rowids below `limit`, as many as `to` has room for. Returns how many.
  size_t TakeRowids(int64_t limit, std::span<int64_t> to);

  const Status& status() const { return status_; }

 private:
  void ReadRange(int64_t above);
  bool NextBlock();
  bool ReadBlock();
  bool Fill(size_t bytes);

  KeyRun run_;
  const size_t columns_;
  Status status_;

  std::vector<char> key_;
  size_t key_size_ = 0;
  size_t header_size_ = 0;  // of the key

  uint64_t ranges_left_ = 0;  // of the group, that were not read
  RowidRange range_{};        // what was not taken of the one that was read last

  const char* at_ = nullptr;   // in the block
  const char* end_ = nullptr;  // of the block
  size_t next_block_ = 0;      // of those in memory

  std::vector<char> buffer_;  // of the part that is spilled
  size_t buffer_begin_ = 0;   // what was not read yet of it
  size_t buffer_end_ = 0;
  uint64_t spill_position_ = 0;  // how much of that part has been in the buffer
};

// The runs of one index, as its collectors hand them over.
//
// Threads: all calls from any thread.
class IndexRuns {
 public:
  void Add(KeyRun run);
  std::vector<KeyRun> Take();

 private:
  Mutex mutex_;
  std::vector<KeyRun> runs_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
