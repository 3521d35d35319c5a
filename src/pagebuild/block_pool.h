// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "base/mutex.h"
#include "pagebuild/page_block.h"

namespace sluice {

// Blocks that were written and may be filled again.
//
// Threads: from any. Limits: as many as are in the making at once.
class BlockPool {
 public:
  explicit BlockPool(const PageFormat& format) : format_(format) {}

  // An empty block. The one that came back last is taken first: it is still in a cache.
  std::unique_ptr<PageBlock> Take();
  void Return(std::unique_ptr<PageBlock> block);

 private:
  const PageFormat format_;
  Mutex mutex_;
  std::vector<std::unique_ptr<PageBlock>> free_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
