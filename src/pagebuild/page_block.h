// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pagebuild/page_format.h"

namespace sluice {

// Bytes on an address that O_DIRECT takes. They are used again and again, for fresh memory is dear
// on virtual machines.
class AlignedBuffer {
 public:
  static constexpr size_t kAlignment = 4096;

  char* data() const { return bytes_.get(); }
  size_t capacity() const { return capacity_; }
  // Makes room for `capacity` bytes and keeps the first `keep` of those that are there.
  void Grow(size_t capacity, size_t keep);

 private:
  struct Free {
    void operator()(char* bytes) const;
  };
  std::unique_ptr<char[], Free> bytes_;
  size_t capacity_ = 0;
};

// What an interior page says of a child: its number, and the divider between it and the next child,
// as the bytes that stand behind the number in the interior cell. For a table that is the largest
// rowid below the child; for an index a whole entry, which stands in no leaf.
struct LeafPage {
  uint32_t page = 0;           // index in its block
  uint32_t divider_begin = 0;  // in PageBlock::dividers
  uint32_t divider_size = 0;
};

// Pages that were laid out one after the other and get their numbers later, when it is their turn
// in the file. Until then a page is known by its index in the block.
//
// Used as: leaves are laid out (TableLeaves, IndexLeaves) → Number → the spine takes the leaves and
// adds interior pages → PageFile writes it → Clear.
// Threads: owned by one at a time; it travels.
class PageBlock {
 public:
  explicit PageBlock(const PageFormat& format) : format_(format) {}

  const PageFormat& format() const { return format_; }
  size_t pages() const { return pages_; }
  size_t size() const { return size_t{pages_} * format_.page_size; }
  // One huge line made it so large: not worth keeping for others.
  bool is_oversized() const { return bytes_.capacity() > kLargestKept; }
  const char* data() const { return bytes_.data(); }

  // A page more, with old bytes in it; its index. Pointers into the block do not survive this.
  uint32_t AddPage();
  // Room for so many pages more, and not for half as much again. To grow by and by is to copy and
  // to touch fresh memory again and again.
  void Reserve(size_t pages);
  char* page(uint32_t index) { return bytes_.data() + size_t{index} * format_.page_size; }
  // A page to lay out, which then takes the place of one of the block's. A block is larger than a
  // cache, and a cache would read each line of it before it is written: in the draft a page is
  // written in small pieces, and then to memory as a whole.
  char* draft() {
    draft_.Grow(format_.page_size, 0);
    return draft_.data();
  }
  void TakeDraft(uint32_t index);

  // The four bytes there (an offset in the block, or in `dividers`) hold an index in the block, and
  // shall hold that page's number.
  void AddLink(size_t offset) { links_.push_back(offset); }
  void AddDividerLink(size_t offset) { divider_links_.push_back(offset); }
  // Takes back the link that lies in [begin, end) of the block, if there is one.
  bool TakeBackLink(size_t begin, size_t end);

  // In the order of their keys. The last leaf of an index has no divider.
  std::vector<LeafPage> leaves;
  std::string dividers;
  uint64_t entries = 0;  // rows or keys in it, dividers included

  // Gives numbers from `first` on, leaves out the lock-byte page, and resolves all links.
  void Number(uint32_t first);
  uint32_t NumberOf(uint32_t index) const;

  void Clear();

 private:
  static constexpr size_t kLargestKept = size_t{8} << 20;

  void Resolve(char* link) const { PutPageNumber(NumberOf(GetPageNumber(link)), link); }

  PageFormat format_;
  AlignedBuffer bytes_;
  AlignedBuffer draft_;
  uint32_t pages_ = 0;
  uint32_t first_ = 0;  // 0 until it is numbered
  std::vector<size_t> links_;
  std::vector<size_t> divider_links_;
};

}  // namespace sluice
