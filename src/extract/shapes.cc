// SPDX-License-Identifier: Apache-2.0
#include "extract/shapes.h"

namespace sluice {
namespace {

// Without these bits '"' and '0' are equal, and differ from all other kinds.
constexpr char kLeafBits = '"' ^ '0';
constexpr uint64_t kAllButLeafBits = ~(uint64_t{0x0101010101010101} * kLeafBits);

// The kinds of up to 8 tokens, the rest NULs.
uint64_t WordOf(std::string_view kinds) {
  uint64_t word = 0;
  std::memcpy(&word, kinds.data(), std::min(kinds.size(), sizeof word));
  return word;
}

}  // namespace

Shape::Shape(std::string_view kinds) : count(kinds.size()) {
  std::string mask(kinds.size(), '\xFF');
  for (uint32_t i = 0; i < kinds.size(); ++i) {
    const bool is_key = kinds[i] == '"' && i + 1 < kinds.size() && kinds[i + 1] == ':';
    if (is_key || (kinds[i] != '"' && kinds[i] != '0')) continue;
    mask[i] = static_cast<char>(~kLeafBits);
    unwanted.push_back(i);
  }
  for (size_t i = 0; i < kinds.size(); i += sizeof(uint64_t)) {
    words.push_back({WordOf(kinds.substr(i)), WordOf(std::string_view(mask).substr(i))});
  }
}

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
  if (shapes_.size() == kMaxShapes || tokens_ + shape.count > kMaxTokens) Forget();
  tokens_ += shape.count;
  const auto index = static_cast<uint32_t>(shapes_.size());
  shape.same_hash = std::exchange(by_hash_[hash], index);
  shapes_.push_back(std::make_unique<Shape>(std::move(shape)));
}

uint64_t Shapes::HashOf(const char* kinds, size_t count) {
  constexpr uint64_t kOddNumber = 0x9E3779B97F4A7C15;
  uint64_t hash = count;
  for (size_t i = 0; i < count; i += sizeof hash) {
    const uint64_t word = WordOf({kinds + i, count - i}) & kAllButLeafBits;
    hash = (hash ^ word) * kOddNumber;
    hash ^= hash >> 32;
  }
  return hash;
}

void Shapes::Forget() {
  shapes_.clear();
  by_hash_.clear();
  asked_for_ = {};
  tokens_ = 0;
  last_ = 0;
  shapes_.push_back(std::make_unique<Shape>(std::string_view("\0", 1)));
}

}  // namespace sluice
