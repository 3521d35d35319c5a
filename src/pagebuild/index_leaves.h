// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pagebuild/leaf_layout.h"
#include "pagebuild/page_block.h"
#include "pagebuild/record.h"

namespace sluice {

// Lays the entries of an index out into the leaves of its b-tree, block after block. Entries come
// in the order of the index.
//
// An entry for which a leaf has no room becomes the divider behind it: it goes up, and stands in no
// leaf. Where it is the last of all, there would be no leaf behind it; then the last entry of the
// full leaf goes up in its place.
//
// Used as: { SetKey → Append* }* → Close. A block that is full is exchanged with SetBlock before
// more is appended.
class IndexLeaves {
 public:
  // Lifetime: the block outlives it, or the next SetBlock.
  explicit IndexLeaves(PageBlock* block) : block_(block) {}

  // The entries that follow have this key: the serial types of the columns, and then their values.
  // `types_size` is the size of the types. Lifetime: the key stands until the next one is set.
  void SetKey(std::string_view key, size_t types_size);
  // Entries of the key, until all are in, or the block has `most_pages` pages and the entry that
  // comes next begins a leaf; the number of those that were taken.
  size_t Append(std::span<const int64_t> rowids, size_t most_pages);
  // What comes next goes to another block. Only where Append took less than all.
  void SetBlock(PageBlock* block) { block_ = block; }

  // Behind the last entry. An index without entries gets its one leaf here.
  void Close();

 private:
  static constexpr SerialType kNoType = UINT64_MAX;

  // An entry as a cell that is not in a page yet.
  struct LooseCell {
    std::string bytes;
    // Index of the first overflow page, whose number belongs into the last four bytes.
    std::optional<uint32_t> overflow;
  };

  void SetRowidType(SerialType type);
  void PutValues();
  size_t CellSize() const { return begin_size_ + rowid_size_; }
  void PutIntoLeaf(std::span<const int64_t> rowids);
  void MakeCell(int64_t rowid, LooseCell* cell);
  void PutIntoLeaf(const LooseCell& cell);
  void MakeDivider(std::string_view cell, std::optional<uint32_t> overflow);
  void FinishLeaf(bool has_divider);
  void FinishWithWaiting();

  PageBlock* block_;
  std::optional<OpenPage> leaf_;
  size_t last_cell_size_ = 0;

  std::string_view key_;
  std::string types_;  // of its columns
  // What the cells of its entries begin with, made for one type of rowid: payload size, header
  // size, types of the key, type of the rowid, values of the key. The rowid follows. Behind it are
  // bytes that may be copied in vain.
  std::string begin_;
  size_t begin_size_ = 0;
  SerialType rowid_type_ = kNoType;
  size_t rowid_size_ = 0;
  size_t payload_size_ = 0;

  // The entry that had no room in the open leaf: its divider, unless it is the last of all.
  LooseCell waiting_;
  bool is_waiting_ = false;
};

}  // namespace sluice
