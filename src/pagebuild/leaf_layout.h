// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pagebuild/page_block.h"

namespace sluice {

// The page that is being filled: cells grow from its end downwards, their pointers from the header
// upwards. It is laid out in the block's draft, and goes to its place when it is closed; so a block
// has one open page at a time.
class OpenPage {
 public:
  // `header_size` is kLeafHeader or kInteriorHeader.
  OpenPage(PageBlock* block, PageType type, size_t header_size);

  uint32_t index() const { return index_; }
  bool Fits(size_t cell_size) const { return cell_size + PageFormat::kPointer <= free_; }
  // How many of `count` cells of that size do.
  size_t CountThatFits(size_t count, size_t cell_size) const {
    const size_t each = cell_size + PageFormat::kPointer;
    return count * each <= free_ ? count : free_ / each;
  }
  // Room for a cell that fits, behind those that are there.
  char* AddCell(size_t cell_size) { return AddCells(1, cell_size); }
  // The same for some of one size: the place of the last, behind which the others stand, the first
  // at the end.
  char* AddCells(size_t count, size_t cell_size) {
    char* pointer = page_ + header_size_ + PageFormat::kPointer * cells_;
    for (size_t i = 0; i < count; ++i) {
      content_ -= cell_size;
      pointer = PutBigEndian16(static_cast<uint16_t>(content_), pointer);
    }
    free_ -= count * (cell_size + PageFormat::kPointer);
    cells_ += static_cast<uint32_t>(count);
    return page_ + content_;
  }
  // The bytes of the last cell, which goes. It must be of the size that it was added with.
  char* RemoveLastCell(size_t cell_size);
  // Where the last cell will stand in the block.
  size_t last_cell() const { return size_t{index_} * block_->format().page_size + content_; }
  // The last child of an interior page.
  void SetRightmost(uint32_t number) { PutPageNumber(number, page_ + PageFormat::kLeafHeader); }
  // Writes the header, zeroes the gap, in which old bytes may stand, and puts the page into the
  // block.
  void Close();

 private:
  PageBlock* block_;
  char* page_;
  PageType type_;
  size_t header_size_;
  uint32_t index_;
  uint32_t cells_ = 0;
  size_t content_;  // where the last cell begins, in the page
  size_t free_;     // bytes between pointers and cells
};

// Writes what does not fit into a cell to a chain of overflow pages of the block. Returns the index
// of the first.
uint32_t AddOverflow(std::string_view payload, PageBlock* block);

}  // namespace sluice
