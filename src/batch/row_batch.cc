// SPDX-License-Identifier: Apache-2.0
#include "batch/row_batch.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

// A block holds the unescaped text of one chunk of some MiB in a few allocations; a larger
// allocation gets its own.
constexpr size_t kBlockBytes = size_t{256} << 10;
// What Clear() keeps: a 64 MiB line must not stay in memory for the rest of the run.
constexpr size_t kLargestKeptBlock = size_t{4} << 20;

}  // namespace

std::string_view Describe(RejectReason reason) {
  switch (reason) {
    case RejectReason::kInvalidJson:
      return "invalid JSON";
    case RejectReason::kInvalidUtf8:
      return "invalid UTF-8";
    case RejectReason::kNotAnObject:
      return "not an object";
    case RejectReason::kTooDeep:
      return "nested too deep";
    case RejectReason::kTooLong:
      return "line too long";
    case RejectReason::kAfterTail:
      return "bytes after a line that was already taken";
    case RejectReason::kConstraint:
      return "refused by the table";
  }
  return "unknown reason";
}

char* Arena::Allocate(size_t size) {
  while (block_ < blocks_.size() && blocks_[block_].size - used_ < size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const size_t block_size = std::max(size, kBlockBytes);
    blocks_.push_back(
        {std::unique_ptr<char[]>(new char[block_size + Buffer::kPadding]), block_size});
    used_ = 0;
  }
  char* bytes = blocks_[block_].bytes.get() + used_;
  used_ += size;
  used_total_ += size;
  return bytes;
}

void Arena::GiveBack(size_t size) {
  used_ -= size;
  used_total_ -= size;
}

std::string_view Arena::Copy(std::string_view text) {
  char* bytes = Allocate(text.size());
  std::memcpy(bytes, text.data(), text.size());
  return {bytes, text.size()};
}

void Arena::Clear() {
  std::erase_if(blocks_, [](const Block& block) { return block.size > kLargestKeptBlock; });
  block_ = 0;
  used_ = 0;
  used_total_ = 0;
}

size_t Arena::bytes_held() const {
  size_t held = 0;
  for (const Block& block : blocks_) held += block.size + Buffer::kPadding;
  return held;
}

void RowBatch::RefuseRow(size_t index, std::string detail) {
  const Line& line = line_of_row(index);
  rejects.push_back({.line = line,
                     .length = line.text.size(),
                     .reason = RejectReason::kConstraint,
                     .detail = std::move(detail)});
  --counts.rows;
  ++counts.rejects;
}

void RowBatch::Clear() {
  table = nullptr;
  source = 0;
  sequence = 0;
  chunk.Release();
  lines.clear();
  cells.clear();
  row_lines.clear();
  rejects.clear();
  arena.Clear();
  first_rowid = 1;
  encoded.reset();
  unknown_keys.clear();
  lines_with_unknown_keys = 0;
  strings_kept_out = 0;
  counts = {};
  end = {};
  decoded_bytes = 0;
}

}  // namespace sluice
