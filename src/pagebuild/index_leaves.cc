// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/index_leaves.h"

#include <cstring>

namespace sluice {

namespace {

// At the end of a cell of which nothing is written yet: so all 8 bytes go there in one piece, and
// those that do not count are overwritten.
void PutRowid(int64_t rowid, SerialType type, char* cell, size_t cell_size) {
  char* const end = cell + cell_size;
  if (cell_size >= sizeof rowid) {
    PutBigEndian64(static_cast<uint64_t>(rowid), end - sizeof rowid);
  } else {
    PutIntegerBody(rowid, type, end - BodySize(type));
  }
}

}  // namespace

//   cell:  payload size (varint)  payload, or its beginning  [first overflow page (4)]

void IndexLeaves::SetKey(std::string_view key, size_t types_size) {
  // The type of a rowid takes one byte.
  const uint64_t header_size = HeaderSize(types_size + 1);
  char header[kMaxVarintSize];
  prefix_.assign(header, static_cast<size_t>(PutVarint(header_size, header) - header));
  prefix_.append(key.substr(0, types_size));
  rowid_type_ = prefix_.size();
  prefix_.push_back(0);
  prefix_.append(key.substr(types_size));
}

size_t IndexLeaves::Append(std::span<const int64_t> rowids, size_t most_pages) {
  const uint32_t most_local = block_->format().index_max;
  for (size_t i = 0; i < rowids.size(); ++i) {
    if (is_waiting_) {
      MakeDivider(waiting_.bytes, waiting_.overflow);
      is_waiting_ = false;
      FinishLeaf(/*has_divider=*/true);
      if (block_->pages() >= most_pages) return i;
    }
    if (!leaf_) leaf_.emplace(block_, PageType::kIndexLeaf, PageFormat::kLeafHeader);

    const SerialType type = SerialTypeOfInteger(rowids[i]);
    const size_t size = prefix_.size() + BodySize(type);
    const size_t cell_size = VarintSize(size) + size;
    if (size > most_local || !leaf_->Fits(cell_size)) {
      MakeCell(rowids[i], type, &waiting_);
      is_waiting_ = !leaf_->Fits(waiting_.bytes.size());
      if (!is_waiting_) PutIntoLeaf(waiting_);
      continue;
    }
    // The usual case. The rowid is written where it is to stay: in the prefix, the copy would have
    // to wait for it.
    char* const cell = block_->at(leaf_->AddCell(cell_size));
    PutRowid(rowids[i], type, cell, cell_size);
    char* const payload = PutVarint(size, cell);
    CopyBytes(prefix_.data(), prefix_.size(), payload);
    payload[rowid_type_] = static_cast<char>(type);
    last_cell_size_ = cell_size;
    ++block_->entries;
  }
  return rowids.size();
}

void IndexLeaves::MakeCell(int64_t rowid, SerialType type, LooseCell* cell) {
  char body[sizeof rowid];
  PutIntegerBody(rowid, type, body);
  std::string payload = prefix_ + std::string(body, BodySize(type));
  payload[rowid_type_] = static_cast<char>(type);

  const PageFormat& format = block_->format();
  const uint32_t local = format.LocalSize(payload.size(), format.index_max);
  char size[kMaxVarintSize];
  cell->bytes.assign(size, static_cast<size_t>(PutVarint(payload.size(), size) - size));
  cell->bytes.append(payload, 0, local);
  cell->overflow.reset();
  if (local == payload.size()) return;
  cell->bytes.append(PageFormat::kLink, '\0');
  cell->overflow = AddOverflow(std::string_view(payload).substr(local), block_);
}

void IndexLeaves::PutIntoLeaf(const LooseCell& cell) {
  last_cell_size_ = cell.bytes.size();
  const size_t begin = leaf_->AddCell(last_cell_size_);
  char* const bytes = block_->at(begin);
  std::memcpy(bytes, cell.bytes.data(), last_cell_size_);
  ++block_->entries;
  if (!cell.overflow) return;
  const size_t link = last_cell_size_ - PageFormat::kLink;
  PutPageNumber(*cell.overflow, bytes + link);
  block_->AddLink(begin + link);
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
  const size_t begin = leaf_->RemoveLastCell(last_cell_size_);
  const std::string cell(block_->at(begin), last_cell_size_);
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
