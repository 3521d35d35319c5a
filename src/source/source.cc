// SPDX-License-Identifier: Apache-2.0
#include "source/source.h"

#include <algorithm>
#include <vector>

namespace sluice {

void AppendToWindow(std::string* window, std::string_view bytes) {
  if (bytes.size() >= kIdentityWindow) {
    window->assign(bytes.substr(bytes.size() - kIdentityWindow));
    return;
  }
  const size_t total = window->size() + bytes.size();
  if (total > kIdentityWindow) window->erase(0, total - kIdentityWindow);
  window->append(bytes);
}

Result<Place> Source::SkipTo(uint64_t offset) {
  constexpr size_t kStep = 256 << 10;
  std::vector<char> step(std::min<uint64_t>(kStep, offset - skipped_));
  while (skipped_ < offset) {
    const size_t wanted = std::min<uint64_t>(step.size(), offset - skipped_);
    const Result<size_t> count = Read(step.data(), wanted);
    if (!count) return Error(count.error());
    if (*count == 0) return Place{.reached = false, .head = {}, .before = {}};

    const std::string_view bytes(step.data(), *count);
    std::string& head = skipped_place_.head;
    head.append(bytes.substr(0, kIdentityWindow - head.size()));
    AppendToWindow(&skipped_place_.before, bytes);
    skipped_ += bytes.size();
  }
  skipped_place_.reached = true;
  return skipped_place_;
}

}  // namespace sluice
