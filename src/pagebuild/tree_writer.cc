// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/tree_writer.h"

#include <string>

namespace sluice {
namespace {

// By the headers of the pages, as SQLite will read them.
uint64_t EntriesInPages(PageBlock* block) {
  uint64_t entries = 0;
  for (const LeafPage& leaf : block->leaves) {
    const auto* header = reinterpret_cast<const unsigned char*>(block->page(leaf.page));
    entries += static_cast<uint64_t>(header[3]) << 8 | header[4];
    // The divider of an index is an entry, that of a table is not.
    const bool is_index = header[0] == static_cast<unsigned char>(PageType::kIndexLeaf);
    if (is_index && leaf.divider_size > 0) ++entries;
  }
  return entries;
}

}  // namespace

Status TreeWriter::Write(PageBlock* block) {
  if (const uint64_t found = EntriesInPages(block); found != block->entries) {
    return Status::Internal("a block of " + std::to_string(block->entries) + " entries has " +
                            std::to_string(found) + " in its pages");
  }
  entries_ += block->entries;
  block->Number(file_->next_number());
  spine_.Add(block);
  Status status = file_->Write(*block);
  block->Clear();
  return status;
}

Status TreeWriter::Finish() {
  PageBlock block(file_->format());
  block.Number(file_->next_number());
  root_ = spine_.Finish(&block);
  return file_->Write(block);
}

}  // namespace sluice
