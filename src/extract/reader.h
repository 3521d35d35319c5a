// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "extract/plan.h"
#include "extract/strict.h"
#include "extract/structure.h"
#include "extract/walker.h"

namespace sluice {

// Reads many texts by one plan: the fast path wherever it can, the strict path wherever that cannot
// say.
//
//   texts ─▶ window of texts ─▶ Structure::Find ─▶ Walker::Walk, text by text ─▶ found
//                                     │                      │
//                              one is broken:           look closer:
//                          Find for each by itself    ReadStrictly ─▶ found, or what is wrong
//
// So a broken text costs its neighbours a little time, and nothing else.
//
// Threads: owned by one thread.
class Reader {
 public:
  // Lifetime: the plan outlives the reader.
  explicit Reader(const Plan& plan) : plan_(plan), walker_(plan) {}

  // Calls `take(index, verdict, found)` for each text, in order. The texts are views into one
  // buffer, in ascending order, a newline between each two, with Buffer::kPadding readable bytes
  // behind the last.
  template <typename Take>
  void Read(std::span<const std::string_view> texts, Take take) {
    for (size_t begin = 0; begin < texts.size();) {
      const size_t end = WindowEnd(texts, begin);
      const bool found = Enter(texts[begin], texts[end - 1]);
      for (size_t i = begin; i < end; ++i) {
        const bool walked = (found || Enter(texts[i], texts[i])) && walker_.Walk(texts[i], &found_);
        take(i, walked ? Verdict() : ReadStrictly(texts[i], plan_, &found_), found_);
      }
      begin = end;
    }
  }

 private:
  static size_t WindowEnd(std::span<const std::string_view> texts, size_t begin) {
    size_t end = begin + 1;
    const char* const limit = texts[begin].data() + Structure::kWindow;
    while (end < texts.size() && texts[end].data() + texts[end].size() <= limit) ++end;
    return end;
  }

  bool Enter(std::string_view first, std::string_view last) {
    const std::string_view window(first.data(),
                                  static_cast<size_t>(last.data() + last.size() - first.data()));
    if (!structure_.Find(window)) return false;
    walker_.Enter(structure_);
    return true;
  }

  const Plan& plan_;
  Structure structure_;
  Walker walker_;
  Found found_;
};

}  // namespace sluice
