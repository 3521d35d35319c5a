// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pagebuild/leaf_layout.h"
#include "pagebuild/page_block.h"

namespace sluice {

// Lays rows out into the leaves of a table's b-tree, in a block.
//
// Used as: Append* → Close. Rowids ascend.
class TableLeaves {
 public:
  // Lifetime: the block outlives it.
  explicit TableLeaves(PageBlock* block) : block_(block) {}

  // A row whose record takes `size` bytes, which encode(char*) writes.
  template <typename Encode>
  void Append(int64_t rowid, uint64_t size, Encode encode) {
    if (size <= block_->format().table_leaf_max) {
      encode(Place(rowid, size));
      return;
    }
    // Its bytes lie on several pages, so it is made elsewhere first.
    overflowing_.resize(size);
    encode(overflowing_.data());
    PlaceOverflowing(rowid, overflowing_);
  }

  // Ends the leaf that is open. Nothing may be appended behind it.
  void Close();
  // Instead of rows: the root of a table that has none.
  void AddEmptyLeaf();

 private:
  char* Place(int64_t rowid, uint64_t payload_size);
  void PlaceOverflowing(int64_t rowid, std::string_view payload);
  // Room for a cell, in a new leaf where the open one has none.
  char* MakeRoom(int64_t rowid, size_t cell_size);

  PageBlock* block_;
  std::optional<OpenPage> leaf_;
  int64_t last_rowid_ = 0;
  std::string overflowing_;
};

}  // namespace sluice
