// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/run_space.h"

#include <utility>

#include <fmt/format.h>

namespace sluice {

RunSpace::RunSpace(uint64_t memory_bytes, std::string spill_path)
    : spill_path_(std::move(spill_path)), memory_left_(memory_bytes) {}

RunSpace::~RunSpace() {
  MutexLock lock(mutex_);
  // The error that left the name there has been reported.
  if (has_name_) static_cast<void>(Remove(spill_path_));
}

bool RunSpace::TakeMemory(uint64_t bytes) {
  uint64_t left = memory_left_.load(std::memory_order_relaxed);
  while (left >= bytes) {
    if (memory_left_.compare_exchange_weak(left, left - bytes, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void RunSpace::GiveMemory(uint64_t bytes) {
  memory_left_.fetch_add(bytes, std::memory_order_relaxed);
}

Result<uint64_t> RunSpace::WriteExtent(std::string_view bytes) {
  uint64_t extent = 0;
  {
    MutexLock lock(mutex_);
    if (Status status = OpenFile(); !status.ok()) return Error(std::move(status));
    if (free_extents_.empty()) {
      extent = end_;
      end_ += kExtentBytes;
    } else {
      extent = free_extents_.back();
      free_extents_.pop_back();
    }
  }
  if (Status status = file_.PWrite(bytes, extent); !status.ok()) return Error(std::move(status));
  spilled_bytes_.fetch_add(bytes.size(), std::memory_order_relaxed);
  return extent;
}

Status RunSpace::OpenFile() {
  if (has_name_) return Status::Io("cannot use " + spill_path_, "it could not be removed");
  if (file_.is_open()) return {};
  Result<File> file = File::Open(spill_path_, File::Mode::kCreateNew);
  if (!file) return file.error();
  has_name_ = true;
  if (Status status = Remove(spill_path_); !status.ok()) return status;
  has_name_ = false;
  file_ = *std::move(file);
  return {};
}

Status RunSpace::Read(char* to, size_t size, uint64_t offset) const {
  const Result<size_t> count = file_.PRead(to, size, offset);
  if (!count) return count.error();
  if (*count == size) return {};
  return Status::Corruption(fmt::format("{} ends at byte {}, before what was written to it",
                                        spill_path_, offset + *count),
                            "something else has cut a temporary file of this run: run it again");
}

void RunSpace::FreeExtent(uint64_t extent) {
  MutexLock lock(mutex_);
  free_extents_.push_back(extent);
}

uint64_t RunSpace::file_bytes() const {
  MutexLock lock(mutex_);
  return end_;
}

}  // namespace sluice
