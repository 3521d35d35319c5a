// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pagebuild/page_block.h"

namespace sluice {

// The interior pages of one b-tree, level by level, while its leaves are being numbered.
//
// Each level holds the page that is being filled and the finished one before it, in memory: where
// the last page of a level would come out with one child only, it takes one more from the page
// before it. So an interior page has two children at least.
//
//   level 2                    ┌───────────── page ─────────────┐
//   level 1        ┌── held ──┐ divider ┌── filling ──┐
//   leaves      leaf d leaf d leaf   d   leaf d leaf ...
//
// Limits: memory for two pages a level.
class Spine {
 public:
  // `interior` is kTableInterior or kIndexInterior.
  Spine(const PageFormat& format, PageType interior) : format_(format), interior_(interior) {}

  // Takes the leaves of a block that has its numbers. Interior pages that become full are added to
  // the block, behind its other pages.
  void Add(PageBlock* block);
  // The number of the root. The pages that are still open are added to the block.
  uint32_t Finish(PageBlock* block);

 private:
  struct Child {
    uint32_t number = 0;
    std::string divider;  // between it and the next
  };
  // A page in the making: children with dividers, and the bytes that their cells take.
  struct Page {
    std::vector<Child> children;
    size_t size = 0;
  };
  struct Level {
    std::optional<Page> held;  // full; the divider of its last child goes up
    Page filling;
  };

  void Add(size_t level, Child child, PageBlock* block);
  void Emit(size_t level, Page page, PageBlock* block);
  uint32_t Write(const Page& page, PageBlock* block);
  static size_t CellSize(const Child& child) {
    return PageFormat::kPointer + PageFormat::kLink + child.divider.size();
  }

  PageFormat format_;
  PageType interior_;
  std::vector<Level> levels_;
};

}  // namespace sluice
