// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pagebuild/key_run.h"
#include "pagebuild/key_sort.h"
#include "sluice/status.hpp"

namespace sluice {

// A *segment* is what a collector holds of an index until its memory is full: keys and rowids in
// the order in which they came. It is then sorted into a run. There are two kinds, for keys that
// repeat and for keys that do not. Each lays everything it needs into one block of memory, from
// both ends: what has a fixed size at the front, keys at the back; it is full where the two meet.
// So its limit is exact, and nothing is allocated or freed while rows come.
//
// Lifetime: the block outlives the segment's use of it, from Start to Seal. Threads: owned by one
// thread. Limits: blocks under 4 GiB, aligned as malloc does it.

// For keys that do not repeat: each is copied, once for rows that follow each other with the same,
// and the segment sorted.
//
//   | entries → | room to sort them |        | ← keys |
class PlainSegment {
 public:
  explicit PlainSegment(size_t columns) : columns_(columns) {}

  // What a segment of one row with a key of that size needs.
  static size_t BytesFor(size_t key_size) { return key_size + 2 * sizeof(SortEntry); }

  void Start(std::span<char> block);
  // `count` rows with this key, from `rowid` on without a gap; returns how many there was room for.
  // Rowids ascend.
  size_t Add(std::string_view key, int64_t rowid, size_t count);
  uint64_t rows() const { return rows_; }
  int64_t lowest_rowid() const { return lowest_rowid_; }
  // Writes its entries in order. It is then empty: Start.
  Status Seal(KeyRunWriter* writer);

 private:
  const size_t columns_;
  char* block_ = nullptr;
  size_t keys_begin_ = 0;
  size_t keys_end_ = 0;
  uint32_t rows_ = 0;
  int64_t lowest_rowid_ = 0;
};

// For keys that repeat: a hash table of the distinct ones, and for each the list of its rowids,
// which takes a byte or two a row or less. Only the distinct keys are sorted.
//
//   | slots | room to sort values → |        | ← values with their keys, slices of lists |
//
// A list is a chain of slices that become longer: a key with two rows takes little, one with
// millions is read from few places. What stands in it are ranges of rowids (rowid_range.h).
class DictionarySegment {
 public:
  explicit DictionarySegment(size_t columns) : columns_(columns) {}

  // What a segment of one row with a key of that size needs, beside the slots.
  static size_t BytesFor(size_t key_size);

  // The number of slots, a power of two, bounds the number of distinct keys at 5/8 of it.
  static size_t SlotsFor(size_t block_size);
  void Start(std::span<char> block, size_t slots);
  // `count` rows with this key, from `rowid` on without a gap; returns how many there was room for.
  // Rowids ascend.
  size_t Add(std::string_view key, int64_t rowid, size_t count);
  // The same for a key of one column that is this text (key.h, TypeOfShortText), which need not be
  // made into a key to be found: 0 where it is not there.
  size_t AddKnownText(std::string_view text, int64_t rowid, size_t count);
  uint64_t rows() const { return rows_; }
  uint64_t distinct() const { return distinct_; }
  int64_t lowest_rowid() const { return lowest_rowid_; }
  Status Seal(KeyRunWriter* writer);

 private:
  struct Value;  // a distinct key
  class RowidList;

  bool HasRoom(size_t values, size_t bytes) const;
  Value* ValueAt(size_t offset) const;
  size_t AppendRange(Value* value, int64_t rowid, size_t count);
  uint32_t HashOf(std::string_view key) const;
  template <typename IsWanted>
  Value* Find(uint32_t hash, IsWanted is_wanted, uint32_t** slot) const;
  Value* AddValue(std::string_view key, uint32_t hash, uint32_t* slot);
  Status WriteTurns(std::span<const SortEntry> equal, KeyRunWriter* writer) const;

  const size_t columns_;
  char* block_ = nullptr;
  size_t slots_ = 0;
  size_t back_ = 0;  // where values and lists begin
  uint32_t distinct_ = 0;
  uint64_t rows_ = 0;
  int64_t lowest_rowid_ = 0;
};

}  // namespace sluice
