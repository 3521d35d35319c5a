// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/mutex.h"

namespace sluice {

// A block of bytes that chunks are read into, used again and again: fresh pages are dear on virtual
// machines (13-19 s to touch 12 GiB, measured), so a run touches each buffer's pages once.
//
// Limits: `capacity()` usable bytes, and behind them kPadding bytes that may be read but mean
// nothing, as SIMD parsers need. Threads: owned by one thread at a time.
class Buffer {
 public:
  // simdjson wants 32 bytes (SIMDJSON_PADDING in 3.0), newer versions 64.
  static constexpr size_t kPadding = 64;

  explicit Buffer(size_t capacity);

  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  size_t capacity() const { return capacity_; }

  // Makes room for `capacity` bytes and keeps the first `keep` of those that are there.
  void Grow(size_t capacity, size_t keep);

 private:
  std::unique_ptr<char[]> bytes_;
  size_t capacity_;
};

// A fixed number of buffers of one size: the memory bound of a run, and its back-pressure, for who
// wants to read the next chunk waits here until a batch has been written (I5). All buffers together
// may grow by as much again.
//
// Lifetime: the pool outlives its leases.
// Threads: all calls from any thread.
class BufferPool {
 public:
  // A buffer that goes back to its pool when the lease ends. Empty after being moved from.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept : pool_(other.pool_), buffer_(std::move(other.buffer_)) {
      other.pool_ = nullptr;
    }
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { Release(); }

    Buffer* operator->() const { return buffer_.get(); }
    Buffer& operator*() const { return *buffer_; }
    explicit operator bool() const { return buffer_ != nullptr; }
    // As Buffer::Grow, within the memory of the pool: waits while buffers that others have grown
    // leave no room, for as long as there are such. So one buffer at a time may become as large as
    // it needs, and no more. False after Close(), and nothing is grown.
    bool Grow(size_t capacity, size_t keep);
    void Release();

   private:
    friend class BufferPool;
    Lease(BufferPool* pool, std::unique_ptr<Buffer> buffer)
        : pool_(pool), buffer_(std::move(buffer)) {}

    BufferPool* pool_ = nullptr;
    std::unique_ptr<Buffer> buffer_;
  };

  // Buffers are made as they are first asked for, `count` at most, each of `buffer_size` bytes.
  BufferPool(size_t count, size_t buffer_size);

  // Waits for a free buffer. An empty lease after Close().
  Lease Acquire() SLUICE_EXCLUDES(mutex_);
  // An empty lease where none is free.
  Lease TryAcquire() SLUICE_EXCLUDES(mutex_);
  // Wakes all who wait; nobody gets a buffer any more.
  void Close() SLUICE_EXCLUDES(mutex_);

  size_t buffer_size() const { return buffer_size_; }
  size_t count() const { return count_; }

 private:
  void Return(std::unique_ptr<Buffer> buffer) SLUICE_EXCLUDES(mutex_);
  bool TakeGrowth(size_t from, size_t to) SLUICE_EXCLUDES(mutex_);
  // Of a buffer of that capacity, what it has grown.
  size_t Growth(size_t capacity) const { return capacity - std::min(capacity, buffer_size_); }
  Lease TakeLocked() SLUICE_REQUIRES(mutex_);

  const size_t count_;
  const size_t buffer_size_;

  Mutex mutex_;
  Condition returned_;
  std::vector<std::unique_ptr<Buffer>> free_ SLUICE_GUARDED_BY(mutex_);
  size_t made_ SLUICE_GUARDED_BY(mutex_) = 0;
  size_t grown_ SLUICE_GUARDED_BY(mutex_) = 0;  // bytes, of all buffers that are out
  bool closed_ SLUICE_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
