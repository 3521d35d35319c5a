// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/table_leaves.h"

#include <cstring>

namespace sluice {

//   cell:  payload size (varint)  rowid (varint)  payload, or its beginning  [first overflow page
//   (4)]

char* TableLeaves::Place(int64_t rowid, uint64_t payload_size) {
  const auto key = static_cast<uint64_t>(rowid);
  const size_t cell_size = VarintSize(payload_size) + VarintSize(key) + payload_size;
  char* const cell = MakeRoom(rowid, cell_size);
  return PutVarint(key, PutVarint(payload_size, cell));
}

void TableLeaves::PlaceOverflowing(int64_t rowid, std::string_view payload) {
  const PageFormat& format = block_->format();
  const auto key = static_cast<uint64_t>(rowid);
  const uint32_t local = format.LocalSize(payload.size(), format.table_leaf_max);
  const size_t cell_size = VarintSize(payload.size()) + VarintSize(key) + local + PageFormat::kLink;
  char* at = MakeRoom(rowid, cell_size);
  block_->AddLink(leaf_->last_cell() + cell_size - PageFormat::kLink);
  const uint32_t first = AddOverflow(payload.substr(local), block_);

  at = PutVarint(key, PutVarint(payload.size(), at));
  std::memcpy(at, payload.data(), local);
  PutPageNumber(first, at + local);
}

char* TableLeaves::MakeRoom(int64_t rowid, size_t cell_size) {
  if (leaf_ && !leaf_->Fits(cell_size)) Close();
  if (!leaf_) leaf_.emplace(block_, PageType::kTableLeaf, PageFormat::kLeafHeader);
  last_rowid_ = rowid;
  ++block_->entries;
  return leaf_->AddCell(cell_size);
}

void TableLeaves::Close() {
  if (!leaf_) return;
  leaf_->Close();
  const auto key = static_cast<uint64_t>(last_rowid_);
  const size_t begin = block_->dividers.size();
  block_->dividers.resize(begin + VarintSize(key));
  PutVarint(key, block_->dividers.data() + begin);
  block_->leaves.push_back({.page = leaf_->index(),
                            .divider_begin = static_cast<uint32_t>(begin),
                            .divider_size = static_cast<uint32_t>(VarintSize(key))});
  leaf_.reset();
}

void TableLeaves::AddEmptyLeaf() {
  leaf_.emplace(block_, PageType::kTableLeaf, PageFormat::kLeafHeader);
  Close();
}

}  // namespace sluice
