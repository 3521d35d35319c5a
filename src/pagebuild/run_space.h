// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/mutex.h"
#include "sluice/status.hpp"

namespace sluice {

// Where the sorted runs of all indexes of a build lie: in memory while the budget lasts, then in
// one spill file.
//
// The file is made when it is first needed and loses its name at once, so that a kill leaves
// nothing behind. It is written in extents of one size, which are used again once they have been
// read: merging in several levels does not make it longer than what lies in it at one time.
//
// Threads: all calls from any thread.
// Errors: base's words; kFull where the disk is full. Durability: none is wanted.
class RunSpace {
 public:
  // Large enough for sequential writes and reads, small enough for a buffer in every thread.
  static constexpr size_t kExtentBytes = size_t{256} << 10;

  // `spill_path` must not exist; beside the database, as there is room if the database is to fit.
  RunSpace(uint64_t memory_bytes, std::string spill_path);
  ~RunSpace();
  RunSpace(const RunSpace&) = delete;
  RunSpace& operator=(const RunSpace&) = delete;

  // False, and nothing taken, where less than `bytes` are left.
  bool TakeMemory(uint64_t bytes);
  void GiveMemory(uint64_t bytes);
  uint64_t memory_left() const { return memory_left_.load(std::memory_order_relaxed); }

  // Writes up to kExtentBytes as an extent, whose offset in the file it returns.
  Result<uint64_t> WriteExtent(std::string_view bytes);
  // `size` bytes at `offset`, within one extent.
  Status Read(char* to, size_t size, uint64_t offset) const;
  void FreeExtent(uint64_t extent);

  // All that was ever written.
  uint64_t spilled_bytes() const { return spilled_bytes_.load(std::memory_order_relaxed); }
  // The longest that the file has been.
  uint64_t file_bytes() const;

 private:
  Status OpenFile() SLUICE_REQUIRES(mutex_);

  const std::string spill_path_;
  std::atomic<uint64_t> memory_left_;
  std::atomic<uint64_t> spilled_bytes_{0};

  mutable Mutex mutex_;
  // Guarded while it is opened; an extent exists only after that.
  File file_;
  bool has_name_ SLUICE_GUARDED_BY(mutex_) = false;
  uint64_t end_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::vector<uint64_t> free_extents_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
