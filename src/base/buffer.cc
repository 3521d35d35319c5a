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
  if (buffer->capacity() > buffer_size_) buffer = std::make_unique<Buffer>(buffer_size_);
  MutexLock lock(mutex_);
  free_.push_back(std::move(buffer));
  returned_.NotifyOne();
}

}  // namespace sluice
