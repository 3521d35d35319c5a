// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/leaf_layout.h"

#include <algorithm>
#include <cstring>

namespace sluice {

OpenPage::OpenPage(PageBlock* block, PageType type, size_t header_size)
    : block_(block),
      page_(block->draft()),
      type_(type),
      header_size_(header_size),
      index_(block->AddPage()),
      content_(block->format().page_size),
      free_(block->format().page_size - header_size) {}

char* OpenPage::RemoveLastCell(size_t cell_size) {
  char* const cell = page_ + content_;
  content_ += cell_size;
  free_ += cell_size + PageFormat::kPointer;
  --cells_;
  return cell;
}

void OpenPage::Close() {
  char* at = page_;
  *at++ = static_cast<char>(type_);
  at = PutBigEndian(0, 2, at);  // no freeblock
  at = PutBigEndian(cells_, 2, at);
  at = PutBigEndian(content_ & 0xFFFF, 2, at);  // 65,536 is written as 0
  *at = 0;                                      // no fragments
  std::memset(page_ + header_size_ + PageFormat::kPointer * cells_, 0, free_);
  block_->TakeDraft(index_);
}

uint32_t AddOverflow(std::string_view payload, PageBlock* block) {
  const PageFormat& format = block->format();
  const auto first = static_cast<uint32_t>(block->pages());
  constexpr size_t kManyPages = 64;
  const size_t pages = payload.size() / format.overflow_capacity + 1;
  if (pages > kManyPages) block->Reserve(pages);
  while (!payload.empty()) {
    const uint32_t index = block->AddPage();
    char* const page = block->page(index);
    const std::string_view part = payload.substr(0, format.overflow_capacity);
    payload.remove_prefix(part.size());
    PutPageNumber(payload.empty() ? 0 : index + 1, page);
    if (!payload.empty()) block->AddLink(size_t{index} * format.page_size);
    std::memcpy(page + PageFormat::kLink, part.data(), part.size());
    std::memset(page + PageFormat::kLink + part.size(), 0, format.overflow_capacity - part.size());
  }
  return first;
}

}  // namespace sluice
