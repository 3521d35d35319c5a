// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "pagebuild/page_block.h"
#include "pagebuild/page_file.h"
#include "pagebuild/spine.h"
#include "sluice/status.hpp"

namespace sluice {

// A b-tree on its way into the file: blocks of leaves come in the order of their keys, and get
// their numbers, their interior pages and their place in the file here.
//
// Threads: one. Errors: kInternal where a block does not hold as many entries as were counted when
// it was laid out.
class TreeWriter {
 public:
  // `interior` is kTableInterior or kIndexInterior. Lifetime: the file outlives it.
  TreeWriter(PageFile* file, PageType interior) : file_(file), spine_(file->format(), interior) {}

  // The block is empty afterwards.
  Status Write(PageBlock* block);
  // Behind the last block, of which there was one at least.
  Status Finish();

  uint64_t entries() const { return entries_; }
  uint32_t root() const { return root_; }  // after Finish

 private:
  PageFile* file_;
  Spine spine_;
  uint64_t entries_ = 0;
  uint32_t root_ = 0;
};

}  // namespace sluice
