// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/index_leaves.h"

#include <cstring>
#include <utility>

#include "pagebuild/key.h"

namespace sluice {

namespace {

// How many rowids from the first on, which has this type, have it too. They ascend.
size_t CountOfType(std::span<const int64_t> rowids, SerialType type) {
  // From 2 on the type does not change back.
  if (rowids.front() > 1 && SerialTypeOfInteger(rowids.back()) == type) return rowids.size();
  size_t count = 1;
  while (count < rowids.size() && SerialTypeOfInteger(rowids[count]) == type) ++count;
  return count;
}

// The beginning of most cells is copied in one piece of so many bytes.
constexpr size_t kAtOnce = 32;

// A cell with others behind it. 8 bytes that end with the rowid go there in one piece, and those
// that do not count are overwritten.
void PutCell(std::string_view begin, int64_t rowid, size_t rowid_size, char* to) {
  char* const end = to + begin.size() + rowid_size;
  if (end - to >= static_cast<ptrdiff_t>(sizeof rowid)) {
    PutBigEndian64(static_cast<uint64_t>(rowid), end - sizeof rowid);
  } else {
    PutBigEndian(static_cast<uint64_t>(rowid), rowid_size, end - rowid_size);
  }
  CopyBytes(begin.data(), begin.size(), to);
}

}  // namespace

//   cell:  payload size (varint)  payload, or its beginning  [first overflow page (4)]

void IndexLeaves::SetKey(std::string_view key, size_t types_size) {
  const std::string_view types = key.substr(0, types_size);
  key_ = key;
  // Keys of the same types, as timestamps are, differ in their values only.
  if (SameBytes(types, types_)) return PutValues();
  types_ = types;
  rowid_type_ = kNoType;
}

void IndexLeaves::SetRowidType(SerialType type) {
  rowid_type_ = type;
  rowid_size_ = BodySize(type);
  // The type of a rowid takes one byte.
  const uint64_t header_size = HeaderSize(types_.size() + 1);
  const size_t values_size = key_.size() - types_.size();
  payload_size_ = header_size + values_size + rowid_size_;
  begin_size_ = VarintSize(payload_size_) + header_size + values_size;
  if (begin_.size() < begin_size_ + kAtOnce) begin_.resize(2 * begin_size_ + kAtOnce);

  char* const types = PutVarint(header_size, PutVarint(payload_size_, begin_.data()));
  std::memcpy(types, types_.data(), types_.size());
  types[types_.size()] = static_cast<char>(type);
  PutValues();
}

// Behind the types, where these are those of the key.
void IndexLeaves::PutValues() {
  if (rowid_type_ == kNoType) return;
  const size_t size = key_.size() - types_.size();
  CopyBytes(key_.data() + types_.size(), size, begin_.data() + begin_size_ - size);
}

size_t IndexLeaves::Append(std::span<const int64_t> rowids, size_t most_pages) {
  for (size_t i = 0; i < rowids.size();) {
    if (is_waiting_) {
      MakeDivider(waiting_.bytes, waiting_.overflow);
      is_waiting_ = false;
      FinishLeaf(/*has_divider=*/true);
      if (block_->pages() >= most_pages) return i;
    }
    if (!leaf_) leaf_.emplace(block_, PageType::kIndexLeaf, PageFormat::kLeafHeader);

    const std::span<const int64_t> left = rowids.subspan(i);
    const SerialType type = SerialTypeOfInteger(left.front());
    if (type != rowid_type_) SetRowidType(type);
    const bool overflows = payload_size_ > block_->format().index_max;
    if (overflows || !leaf_->Fits(CellSize())) {
      MakeCell(rowids[i++], &waiting_);
      is_waiting_ = !leaf_->Fits(waiting_.bytes.size());
      if (!is_waiting_) PutIntoLeaf(waiting_);
      continue;
    }
    const size_t count =
        CountOfType(left.first(leaf_->CountThatFits(left.size(), CellSize())), type);
    PutIntoLeaf(left.first(count));
    i += count;
  }
  return rowids.size();
}

// Cells that fit. The last one has the lowest address, so they are written from the last to the
// first: what is copied too much of one, the next overwrites.
void IndexLeaves::PutIntoLeaf(std::span<const int64_t> rowids) {
  const std::string_view begin(begin_.data(), begin_size_);
  const size_t rowid_size = rowid_size_;
  last_cell_size_ = begin.size() + rowid_size;
  block_->entries += rowids.size();
  char* to = leaf_->AddCells(rowids.size(), last_cell_size_);
  const char* const end = to + rowids.size() * last_cell_size_;

  size_t left = rowids.size();
  if (begin.size() <= kAtOnce && rowid_size > 0) {
    const auto shift = 64 - 8 * rowid_size;
    constexpr ptrdiff_t kMost = kAtOnce + sizeof(int64_t);
    for (; end - to >= kMost; to += last_cell_size_) {
      std::memcpy(to, begin.data(), kAtOnce);
      PutBigEndian64(static_cast<uint64_t>(rowids[--left]) << shift, to + begin.size());
    }
  }
  for (; left > 0; to += last_cell_size_) PutCell(begin, rowids[--left], rowid_size, to);
}

void IndexLeaves::MakeCell(int64_t rowid, LooseCell* cell) {
  const size_t payload_begin = VarintSize(payload_size_);
  std::string bytes(begin_, 0, CellSize());
  PutIntegerBody(rowid, rowid_type_, bytes.data() + begin_size_);

  const PageFormat& format = block_->format();
  const uint32_t local = format.LocalSize(payload_size_, format.index_max);
  cell->overflow.reset();
  if (local == payload_size_) {
    cell->bytes = std::move(bytes);
    return;
  }
  cell->bytes.assign(bytes, 0, payload_begin + local);
  cell->bytes.append(PageFormat::kLink, '\0');
  cell->overflow = AddOverflow(std::string_view(bytes).substr(payload_begin + local), block_);
}

void IndexLeaves::PutIntoLeaf(const LooseCell& cell) {
  last_cell_size_ = cell.bytes.size();
  char* const bytes = leaf_->AddCell(last_cell_size_);
  std::memcpy(bytes, cell.bytes.data(), last_cell_size_);
  ++block_->entries;
  if (!cell.overflow) return;
  const size_t link = last_cell_size_ - PageFormat::kLink;
  PutPageNumber(*cell.overflow, bytes + link);
  block_->AddLink(leaf_->last_cell() + link);
}

// Its place among the dividers; FinishLeaf names it.
void IndexLeaves::MakeDivider(std::string_view cell, std::optional<uint32_t> overflow) {
  std::string& dividers = block_->dividers;
  block_->leaves.push_back({.page = leaf_->index(),
                            .divider_begin = static_cast<uint32_t>(dividers.size()),
                            .divider_size = static_cast<uint32_t>(cell.size())});
  dividers.append(cell);
  if (!overflow) return;
  const size_t link = dividers.size() - PageFormat::kLink;
  PutPageNumber(*overflow, dividers.data() + link);
  block_->AddDividerLink(link);
}

void IndexLeaves::FinishLeaf(bool has_divider) {
  leaf_->Close();
  if (has_divider) {
    ++block_->entries;
  } else {
    block_->leaves.push_back({.page = leaf_->index()});
  }
  leaf_.reset();
}

// The last entry of all waits for a leaf: the one before it goes up.
void IndexLeaves::FinishWithWaiting() {
  const size_t begin = leaf_->last_cell();
  const std::string cell(leaf_->RemoveLastCell(last_cell_size_), last_cell_size_);
  --block_->entries;
  std::optional<uint32_t> overflow;
  if (block_->TakeBackLink(begin, begin + last_cell_size_)) {
    overflow = GetPageNumber(cell.data() + cell.size() - PageFormat::kLink);
  }
  MakeDivider(cell, overflow);
  FinishLeaf(/*has_divider=*/true);
  leaf_.emplace(block_, PageType::kIndexLeaf, PageFormat::kLeafHeader);
  PutIntoLeaf(waiting_);
  is_waiting_ = false;
}

void IndexLeaves::Close() {
  if (is_waiting_) FinishWithWaiting();
  if (!leaf_) leaf_.emplace(block_, PageType::kIndexLeaf, PageFormat::kLeafHeader);
  FinishLeaf(/*has_divider=*/false);
}

}  // namespace sluice
