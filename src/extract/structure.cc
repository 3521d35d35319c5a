// SPDX-License-Identifier: Apache-2.0
#include "extract/structure.h"

#include <algorithm>

namespace sluice {

bool Structure::Find(std::string_view window) {
  window_ = window;
  if (window.empty() || window.size() > kMaxWindow) return false;
  MakeRoom((window.size() + 63) / 64);
  count_ = scan_(window, {.tokens = tokens_.get(),
                          .kinds = kinds_.get(),
                          .backslashes = backslashes_.data(),
                          .spaces = spaces_.data()});
  if (count_ == kBroken) return false;
  std::fill_n(tokens_.get() + count_, kSentinels, static_cast<uint32_t>(window.size()));
  std::fill_n(kinds_.get() + count_, kSentinels, '\0');
  return true;
}

void Structure::MakeRoom(size_t blocks) {
  if (blocks < backslashes_.size()) return;
  blocks = std::max(blocks, kWindow / 64);
  const size_t entries = blocks * 64 + std::max(kSentinels, ScanOutput::kOverrun);
  tokens_.reset(new uint32_t[entries]);
  kinds_.reset(new char[entries]);
  // HasBit may read the word behind.
  backslashes_.resize(blocks + 1);
  spaces_.resize(blocks + 1);
}

}  // namespace sluice
