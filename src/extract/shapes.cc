// SPDX-License-Identifier: Apache-2.0
#include "extract/shapes.h"

namespace sluice {

uint32_t Shapes::Find(uint64_t hash) const {
  const auto found = by_hash_.find(hash);
  return found == by_hash_.end() ? 0 : found->second;
}

void Shapes::Follow(uint32_t index) {
  std::array<uint32_t, 2>& next = shapes_[last_]->next;
  if (next[0] != index) {
    next[1] = next[0];
    next[0] = index;
  }
  last_ = index;
}

bool Shapes::IsWorthKeeping(uint64_t hash) {
  uint64_t& asked = asked_for_[hash % asked_for_.size()];
  return std::exchange(asked, hash) == hash;
}

void Shapes::Keep(uint64_t hash, Shape shape) {
  if (shapes_.size() == kMaxShapes || tokens_ + shape.kinds.size() > kMaxTokens) Forget();
  tokens_ += shape.kinds.size();
  const auto index = static_cast<uint32_t>(shapes_.size());
  shape.same_hash = std::exchange(by_hash_[hash], index);
  shapes_.push_back(std::make_unique<Shape>(std::move(shape)));
}

uint64_t Shapes::HashOf(const char* kinds, size_t count) {
  constexpr uint64_t kOddNumber = 0x9E3779B97F4A7C15;
  uint64_t hash = count;
  const auto add = [&hash](uint64_t word) {
    hash = (hash ^ word) * kOddNumber;
    hash ^= hash >> 32;
  };
  for (; count >= sizeof hash; count -= sizeof hash, kinds += sizeof hash) {
    uint64_t word;
    std::memcpy(&word, kinds, sizeof word);
    add(word);
  }
  uint64_t word = 0;
  std::memcpy(&word, kinds, count);
  add(word);
  return hash;
}

void Shapes::Forget() {
  shapes_.clear();
  by_hash_.clear();
  asked_for_ = {};
  tokens_ = 0;
  last_ = 0;
  shapes_.push_back(std::make_unique<Shape>());
  shapes_[0]->kinds = '\0';
}

}  // namespace sluice
