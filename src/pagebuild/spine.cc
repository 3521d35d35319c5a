// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/spine.h"

#include <cstring>
#include <utility>

#include "pagebuild/leaf_layout.h"

namespace sluice {

void Spine::Add(PageBlock* block) {
  // Only the pages that are there now: ours come behind them.
  for (const LeafPage& leaf : block->leaves) {
    Add(0,
        {.number = block->NumberOf(leaf.page),
         .divider = block->dividers.substr(leaf.divider_begin, leaf.divider_size)},
        block);
  }
}

// The last child of a page is its rightmost, and needs no cell. So a page is full when the cells of
// all its children but the last fill it, and the divider of the last goes up.
void Spine::Add(size_t level, Child child, PageBlock* block) {
  if (level == levels_.size()) levels_.emplace_back();
  Page& filling = levels_[level].filling;
  const size_t size = CellSize(child);
  const bool full = filling.size + size > format_.page_size - PageFormat::kInteriorHeader;
  filling.children.push_back(std::move(child));
  if (!full) {
    filling.size += size;
    return;
  }
  Page finished = std::exchange(filling, Page());
  std::optional<Page> before = std::exchange(levels_[level].held, std::move(finished));
  if (before) Emit(level, std::move(*before), block);
}

void Spine::Emit(size_t level, Page page, PageBlock* block) {
  const uint32_t number = Write(page, block);
  Add(level + 1, {.number = number, .divider = std::move(page.children.back().divider)}, block);
}

uint32_t Spine::Finish(PageBlock* block) {
  for (size_t level = 0;; ++level) {
    std::optional<Page> held = std::exchange(levels_[level].held, std::nullopt);
    Page last = std::exchange(levels_[level].filling, Page());
    if (held && last.children.size() < 2) {
      last.children.insert(last.children.begin(), std::move(held->children.back()));
      held->children.pop_back();
      if (last.children.size() < 2) {
        last.children.insert(last.children.begin(), std::move(held->children.back()));
        held->children.pop_back();
      }
    }
    const bool is_top = level + 1 == levels_.size() && !held;
    if (is_top && last.children.size() == 1) return last.children.front().number;
    if (is_top) return Write(last, block);
    if (held) Emit(level, std::move(*held), block);
    Emit(level, std::move(last), block);
  }
}

uint32_t Spine::Write(const Page& page, PageBlock* block) {
  OpenPage open(block, interior_, PageFormat::kInteriorHeader);
  for (size_t i = 0; i + 1 < page.children.size(); ++i) {
    const Child& child = page.children[i];
    char* const cell = open.AddCell(PageFormat::kLink + child.divider.size());
    PutPageNumber(child.number, cell);
    std::memcpy(cell + PageFormat::kLink, child.divider.data(), child.divider.size());
  }
  open.SetRightmost(page.children.back().number);
  open.Close();
  return block->NumberOf(open.index());
}

}  // namespace sluice
