// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"
#include "pagebuild/page_block.h"
#include "sluice/status.hpp"

namespace sluice {

// The database file in the making: pages get their numbers here, and are written from front to
// back, each once; page 1 comes last.
//
// Written past the page cache (O_DIRECT) where the file system lets us: on virtual machines,
// filling the page cache costs more than the disk does (docs/page-building.md). What is not aligned
// for that (pages under 4 KiB) is gathered first. Threads: one. Errors: after one, nothing more is
// written. Durability: none.
class PageFile {
 public:
  static Result<PageFile> Create(const std::string& path, const PageFormat& format);

  const PageFormat& format() const { return format_; }
  // Of the pages that will be written next.
  uint32_t next_number() const { return next_; }

  // Writes a block whose pages have the numbers from next_number() on; `spine` pages included.
  Status Write(const PageBlock& block);
  // Page 1, whose header says how many pages there are; all of them are in the file then.
  Status Finish(const char* page_1);

  uint32_t pages() const { return next_ - 1; }

 private:
  PageFile(File file, const PageFormat& format);
  Status Append(std::string_view bytes);
  Status WriteGathered(size_t size);
  Status WriteNext(std::string_view bytes);
  void ReserveAhead();
  Status PassLockBytePage();

  File file_;
  PageFormat format_;
  uint32_t next_ = 2;

  // Bytes from `written_` on that were not aligned to be written yet.
  AlignedBuffer gathered_;
  size_t gathered_size_ = 0;
  uint64_t written_ = 0;
  uint64_t reserved_ = 0;  // blocks are set aside up to there
};

}  // namespace sluice
