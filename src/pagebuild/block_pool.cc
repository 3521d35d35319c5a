// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/block_pool.h"

#include <utility>

namespace sluice {

std::unique_ptr<PageBlock> BlockPool::Take() {
  MutexLock lock(mutex_);
  if (free_.empty()) return std::make_unique<PageBlock>(format_);
  std::unique_ptr<PageBlock> block = std::move(free_.back());
  free_.pop_back();
  return block;
}

void BlockPool::Return(std::unique_ptr<PageBlock> block) {
  if (block->is_oversized()) return;
  block->Clear();
  MutexLock lock(mutex_);
  free_.push_back(std::move(block));
}

}  // namespace sluice
