// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/key_run.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "pagebuild/varint.h"

namespace sluice {
namespace {

constexpr uint64_t kFreedExtent = UINT64_MAX;

// Before a block in the spill file.
constexpr size_t kBlockSizeBytes = 4;

void PutBlockSize(size_t size, char* to) {
  for (size_t i = 0; i < kBlockSizeBytes; ++i) to[i] = static_cast<char>(size >> (8 * i));
}
size_t GetBlockSize(const char* from) {
  size_t size = 0;
  for (size_t i = 0; i < kBlockSizeBytes; ++i) {
    size |= size_t{static_cast<unsigned char>(from[i])} << (8 * i);
  }
  return size;
}

// Short pieces of keys are copied in one piece of this size: what is behind them is overwritten
// soon, or never read. So that much room is behind blocks and keys.
constexpr size_t kCopiedAtOnce = 32;
void CopyKeyBytes(const char* from, size_t size, char* to) {
  if (size <= kCopiedAtOnce) {
    std::memcpy(to, from, kCopiedAtOnce);
  } else {
    std::memcpy(to, from, size);
  }
}

}  // namespace

KeyRun::KeyRun(KeyRun&& other) noexcept { *this = std::move(other); }

KeyRun& KeyRun::operator=(KeyRun&& other) noexcept {
  if (this == &other) return *this;
  Release();
  space_ = std::exchange(other.space_, nullptr);
  blocks_ = std::move(other.blocks_);
  memory_bytes_ = other.memory_bytes_;
  extents_ = std::move(other.extents_);
  spilled_bytes_ = other.spilled_bytes_;
  entries_ = other.entries_;
  lowest_rowid_ = other.lowest_rowid_;
  common_text_ = std::move(other.common_text_);
  return *this;
}

KeyRun::~KeyRun() { Release(); }

void KeyRun::Release() {
  if (space_ == nullptr) return;
  space_->GiveMemory(memory_bytes_);
  for (uint64_t extent : extents_) {
    if (extent != kFreedExtent) space_->FreeExtent(extent);
  }
  space_ = nullptr;
}

KeyRunWriter::KeyRunWriter(RunSpace* space, size_t columns, int64_t lowest_rowid)
    : columns_(columns), block_(new char[kBlockBytes]) {
  run_.space_ = space;
  run_.lowest_rowid_ = lowest_rowid;
}

Status KeyRunWriter::Add(std::string_view key, std::span<const RowidRange> ranges) {
  const size_t most = key.size() + kMaxVarintSize * 2 + kMaxRangeSize * ranges.size();
  if (block_capacity_ - block_size_ < most) {
    if (Status status = MakeRoom(most); !status.ok()) return status;
  }
  const KeyShape shape = ShapeOfKey(key.data(), columns_);
  const std::string_view body = key.substr(shape.header);
  const size_t common = CommonPrefix(body, last_key_.substr(last_shape_.header));
  const size_t shared = last_is_in_block_ ? common : 0;

  char* to = block_.get() + block_size_;
  CopyBytes(key.data(), shape.header, to);
  to = PutVarint(shared, to + shape.header);
  CopyBytes(body.data() + shared, body.size() - shared, to);
  to = PutVarint(ranges.size(), to + body.size() - shared);
  int64_t last = run_.lowest_rowid_;
  for (const RowidRange& range : ranges) {
    to = PutRange(static_cast<uint64_t>(range.first - last), range.count, to);
    last = range.last();
    run_.entries_ += range.count;
  }
  block_size_ = static_cast<size_t>(to - block_.get());

  last_is_in_block_ = true;
  const bool same = common == shape.body && common == last_shape_.body &&
                    SameBytes(key.substr(0, shape.header), last_key_.substr(0, last_shape_.header));
  if (distinct_ == 0) {
    run_.common_text_ = FirstText(key.data(), columns_).substr(0, kMaxCommonText);
  }
  if (!same) ++distinct_;
  last_key_ = key;
  last_shape_ = shape;
  return {};
}

Status KeyRunWriter::MakeRoom(size_t bytes) {
  if (Status status = EndBlock(); !status.ok()) return status;
  const size_t wanted = std::max(bytes, kBlockBytes);
  if (wanted != block_capacity_) {
    block_.reset(new char[wanted]);
    block_capacity_ = wanted;
  }
  return {};
}

Status KeyRunWriter::EndBlock() {
  if (block_size_ == 0) return {};
  const std::string_view block(block_.get(), block_size_);
  block_size_ = 0;
  last_is_in_block_ = false;
  // What lies in memory is read first, so nothing goes there once something is spilled.
  if (run_.spilled_bytes_ == 0 && run_.space_->TakeMemory(block.size())) {
    std::unique_ptr<char[]> copy(new char[block.size() + kCopiedAtOnce]);
    std::memcpy(copy.get(), block.data(), block.size());
    run_.blocks_.push_back({std::move(copy), block.size()});
    run_.memory_bytes_ += block.size();
    return {};
  }
  char size[kBlockSizeBytes];
  PutBlockSize(block.size(), size);
  if (Status status = Spill({size, sizeof size}); !status.ok()) return status;
  return Spill(block);
}

Status KeyRunWriter::Spill(std::string_view bytes) {
  run_.spilled_bytes_ += bytes.size();
  extent_.reserve(RunSpace::kExtentBytes);
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), RunSpace::kExtentBytes - extent_.size());
    extent_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (extent_.size() == RunSpace::kExtentBytes) {
      if (Status status = EndExtent(); !status.ok()) return status;
    }
  }
  return {};
}

Status KeyRunWriter::EndExtent() {
  if (extent_.empty()) return {};
  Result<uint64_t> extent = run_.space_->WriteExtent(extent_);
  if (!extent) return extent.error();
  run_.extents_.push_back(*extent);
  extent_.clear();
  return {};
}

Result<KeyRun> KeyRunWriter::Finish() {
  if (Status status = EndBlock(); !status.ok()) return Error(std::move(status));
  if (Status status = EndExtent(); !status.ok()) return Error(std::move(status));
  if (distinct_ > 0) {
    // Keys are sorted: what the first and the last begin with, all do.
    const std::string_view last = FirstText(last_key_.data(), columns_);
    run_.common_text_.resize(CommonPrefix(run_.common_text_, last));
  }
  return std::move(run_);
}

KeyRunReader::KeyRunReader(KeyRun run, size_t columns, size_t buffer_bytes)
    : run_(std::move(run)), columns_(columns) {
  if (run_.is_spilled()) buffer_.resize(buffer_bytes + kCopiedAtOnce);
}

bool KeyRunReader::NextGroup() {
  if (at_ == end_ && !NextBlock()) return false;
  const char* types = at_;
  const KeyShape shape = ShapeOfKey(types, columns_);
  uint64_t shared;
  at_ = GetVarint(types + shape.header, &shared);
  const size_t rest = shape.body - shared;

  key_size_ = shape.header + shape.body;
  if (key_size_ + kCopiedAtOnce > key_.size()) key_.resize(2 * key_size_ + kCopiedAtOnce);
  if (shape.header != header_size_) {
    std::memmove(key_.data() + shape.header, key_.data() + header_size_, shared);
    header_size_ = shape.header;
  }
  std::copy_n(types, shape.header, key_.data());
  CopyKeyBytes(at_, rest, key_.data() + shape.header + shared);

  at_ = GetVarint(at_ + rest, &ranges_left_);
  ReadRange(run_.lowest_rowid_);
  return true;
}

void KeyRunReader::ReadRange(int64_t above) {
  uint64_t distance;
  at_ = GetRange(at_, &distance, &range_.count);
  range_.first = above + static_cast<int64_t>(distance);
  --ranges_left_;
}

size_t KeyRunReader::TakeRowids(int64_t limit, std::span<int64_t> to) {
  size_t count = 0;
  while (range_.count > 0 && range_.first < limit && count < to.size()) {
    const uint64_t below = static_cast<uint64_t>(limit) - static_cast<uint64_t>(range_.first);
    const uint64_t taken = std::min({range_.count, below, uint64_t{to.size() - count}});
    for (uint64_t i = 0; i < taken; ++i) to[count++] = range_.first++;
    range_.count -= taken;
    if (range_.count == 0 && ranges_left_ > 0) ReadRange(range_.first - 1);
  }
  return count;
}

bool KeyRunReader::NextBlock() {
  if (next_block_ > 0) {
    KeyRun::Block& last = run_.blocks_[next_block_ - 1];
    if (last.bytes != nullptr) {
      run_.space_->GiveMemory(last.size);
      run_.memory_bytes_ -= last.size;
      last.bytes.reset();
    }
  }
  if (next_block_ == run_.blocks_.size()) return ReadBlock();
  const KeyRun::Block& block = run_.blocks_[next_block_++];
  at_ = block.bytes.get();
  end_ = at_ + block.size;
  return true;
}

bool KeyRunReader::ReadBlock() {
  if (buffer_begin_ == buffer_end_ && spill_position_ == run_.spilled_bytes_) return false;
  if (!Fill(kBlockSizeBytes)) return false;
  const size_t size = GetBlockSize(buffer_.data() + buffer_begin_);
  if (!Fill(kBlockSizeBytes + size)) return false;
  at_ = buffer_.data() + buffer_begin_ + kBlockSizeBytes;
  end_ = at_ + size;
  buffer_begin_ += kBlockSizeBytes + size;
  return true;
}

// At least `bytes` into the buffer, and then as many as it holds.
bool KeyRunReader::Fill(size_t bytes) {
  if (buffer_end_ - buffer_begin_ >= bytes) return true;
  std::memmove(buffer_.data(), buffer_.data() + buffer_begin_, buffer_end_ - buffer_begin_);
  buffer_end_ -= std::exchange(buffer_begin_, 0);
  if (bytes + kCopiedAtOnce > buffer_.size()) buffer_.resize(bytes + kCopiedAtOnce);
  const size_t capacity = buffer_.size() - kCopiedAtOnce;

  while (buffer_end_ < capacity && spill_position_ < run_.spilled_bytes_) {
    uint64_t& extent = run_.extents_[spill_position_ / RunSpace::kExtentBytes];
    const uint64_t offset = spill_position_ % RunSpace::kExtentBytes;
    const size_t size = std::min({capacity - buffer_end_, RunSpace::kExtentBytes - offset,
                                  run_.spilled_bytes_ - spill_position_});
    status_ = run_.space_->Read(buffer_.data() + buffer_end_, size, extent + offset);
    if (!status_.ok()) return false;
    buffer_end_ += size;
    spill_position_ += size;
    if (offset + size == RunSpace::kExtentBytes) {
      run_.space_->FreeExtent(std::exchange(extent, kFreedExtent));
    }
  }
  if (buffer_end_ >= bytes) return true;
  status_ = Status::Internal("a sorted run ends within a block");
  return false;
}

void IndexRuns::Add(KeyRun run) {
  MutexLock lock(mutex_);
  runs_.push_back(std::move(run));
}

std::vector<KeyRun> IndexRuns::Take() {
  MutexLock lock(mutex_);
  return std::exchange(runs_, {});
}

}  // namespace sluice
