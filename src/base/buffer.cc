// SPDX-License-Identifier: Apache-2.0
#include "base/buffer.h"

#include <algorithm>
#include <cstring>

namespace sluice {

Buffer::Buffer(size_t capacity) : bytes_(new char[capacity + kPadding]), capacity_(capacity) {}

void Buffer::Grow(size_t capacity, size_t keep) {
  if (capacity <= capacity_) return;
  std::unique_ptr<char[]> larger(new char[capacity + kPadding]);
  std::memcpy(larger.get(), bytes_.get(), keep);
  bytes_ = std::move(larger);
  capacity_ = capacity;
}

BufferPool::Lease& BufferPool::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    Release();
    pool_ = other.pool_;
    buffer_ = std::move(other.buffer_);
    other.pool_ = nullptr;
  }
  return *this;
}

void BufferPool::Lease::Release() {
  if (buffer_) pool_->Return(std::move(buffer_));
}

bool BufferPool::Lease::Grow(size_t capacity, size_t keep) {
  if (capacity <= buffer_->capacity()) return true;
  if (!pool_->TakeGrowth(buffer_->capacity(), capacity)) return false;
  buffer_->Grow(capacity, keep);
  return true;
}

BufferPool::BufferPool(size_t count, size_t buffer_size)
    : count_(count), buffer_size_(buffer_size) {}

BufferPool::Lease BufferPool::Acquire() {
  MutexLock lock(mutex_);
  while (!closed_ && free_.empty() && made_ == count_) returned_.Wait(mutex_);
  return closed_ ? Lease() : TakeLocked();
}

BufferPool::Lease BufferPool::TryAcquire() {
  MutexLock lock(mutex_);
  if (closed_ || (free_.empty() && made_ == count_)) return {};
  return TakeLocked();
}

void BufferPool::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  returned_.NotifyAll();
}

bool BufferPool::TakeGrowth(size_t from, size_t to) {
  const size_t more = Growth(to) - Growth(from);
  MutexLock lock(mutex_);
  while (!closed_ && grown_ > Growth(from) && grown_ + more > count_ * buffer_size_) {
    returned_.Wait(mutex_);
  }
  if (closed_) return false;
  grown_ += more;
  return true;
}

BufferPool::Lease BufferPool::TakeLocked() {
  if (free_.empty()) {
    ++made_;
    return {this, std::make_unique<Buffer>(buffer_size_)};
  }
  std::unique_ptr<Buffer> buffer = std::move(free_.back());
  free_.pop_back();
  return {this, std::move(buffer)};
}

void BufferPool::Return(std::unique_ptr<Buffer> buffer) {
  // A line that was longer than a buffer made it grow: that memory is given back, or the budget
  // would not hold.
  const size_t growth = Growth(buffer->capacity());
  if (growth > 0) buffer = std::make_unique<Buffer>(buffer_size_);
  MutexLock lock(mutex_);
  grown_ -= std::min(grown_, growth);
  free_.push_back(std::move(buffer));
  returned_.NotifyAll();
}

}  // namespace sluice
