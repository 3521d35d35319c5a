// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "base/mutex.h"

namespace sluice {

// A first-in first-out queue between threads, bounded by count and by bytes (I5).
//
//   producer: while (queue.Push(std::move(item), bytes)) ...;   queue.Close();
//   consumer: while (std::optional<T> item = queue.Pop()) ...;
//   on error, either side: queue.Stop();
//
// Limits: at most `max_items` items, and `max_bytes` of what Push was told; a single item that is
// larger than that is let in when the queue is empty, for it would wait for ever otherwise.
// Threads: all calls from any thread.
template <typename T>
class BoundedQueue {
 public:
  BoundedQueue(size_t max_items, size_t max_bytes) : max_items_(max_items), max_bytes_(max_bytes) {}

  // Waits for room. False after Close() or Stop(): `item` is then dropped.
  bool Push(T item, size_t bytes = 0) SLUICE_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (!closed_ && !HasRoom(bytes)) room_.Wait(mutex_);
    if (closed_) return false;
    Append(std::move(item), bytes);
    return true;
  }

  // Does not wait: where there is no room, or nobody takes any more, `item` stays with the caller
  // and the answer is false.
  bool TryPush(T& item, size_t bytes = 0) SLUICE_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (closed_ || !HasRoom(bytes)) return false;
    Append(std::move(item), bytes);
    return true;
  }

  // Waits for an item. Nothing when the queue is closed and empty, or stopped.
  std::optional<T> Pop() SLUICE_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (!closed_ && items_.empty()) filled_.Wait(mutex_);
    return TakeFirst();
  }

  // As Pop, but nothing as well when `deadline` passes first.
  std::optional<T> PopUntil(std::chrono::steady_clock::time_point deadline)
      SLUICE_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (!closed_ && items_.empty()) {
      if (!filled_.WaitUntil(mutex_, deadline)) break;
    }
    return TakeFirst();
  }

  // Nothing where nothing is there.
  std::optional<T> TryPop() SLUICE_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return TakeFirst();
  }

  // Nothing more comes: what is in the queue can still be taken.
  void Close() SLUICE_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    CloseLocked();
  }

  // Nothing more comes and nothing more is taken: what is in the queue is dropped.
  void Stop() SLUICE_EXCLUDES(mutex_) {
    std::deque<Entry> dropped;  // its items are destroyed after the lock is given back
    MutexLock lock(mutex_);
    dropped.swap(items_);
    bytes_ = 0;
    CloseLocked();
  }

  size_t size() const SLUICE_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return items_.size();
  }
  size_t bytes() const SLUICE_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return bytes_;
  }
  bool closed() const SLUICE_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return closed_;
  }

 private:
  struct Entry {
    T item;
    size_t bytes;
  };

  bool HasRoom(size_t bytes) const SLUICE_REQUIRES(mutex_) {
    if (items_.empty()) return true;
    return items_.size() < max_items_ && bytes <= max_bytes_ && bytes_ <= max_bytes_ - bytes;
  }
  void Append(T item, size_t bytes) SLUICE_REQUIRES(mutex_) {
    items_.push_back({std::move(item), bytes});
    bytes_ += bytes;
    filled_.NotifyOne();
  }
  std::optional<T> TakeFirst() SLUICE_REQUIRES(mutex_) {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front().item));
    bytes_ -= items_.front().bytes;
    items_.pop_front();
    // All, not one: the items that wait are of different sizes, and the one that is woken may not
    // fit yet.
    room_.NotifyAll();
    return item;
  }
  void CloseLocked() SLUICE_REQUIRES(mutex_) {
    closed_ = true;
    filled_.NotifyAll();
    room_.NotifyAll();
  }

  const size_t max_items_;
  const size_t max_bytes_;

  mutable Mutex mutex_;
  Condition filled_;
  Condition room_;
  std::deque<Entry> items_ SLUICE_GUARDED_BY(mutex_);
  size_t bytes_ SLUICE_GUARDED_BY(mutex_) = 0;
  bool closed_ SLUICE_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
