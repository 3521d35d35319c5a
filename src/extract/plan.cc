// SPDX-License-Identifier: Apache-2.0
#include "extract/plan.h"

#include <algorithm>
#include <optional>

namespace sluice {
namespace {

// An index as RFC 6901 writes it: no sign, no leading zero. Longer ones than 18 digits are past the
// end of any array.
std::optional<uint64_t> ArrayIndex(std::string_view part) {
  if (part.empty() || part.size() > 18 || (part[0] == '0' && part.size() > 1)) return std::nullopt;
  uint64_t index = 0;
  for (char c : part) {
    if (c < '0' || c > '9') return std::nullopt;
    index = index * 10 + static_cast<uint64_t>(c - '0');
  }
  return index;
}

std::string Unescaped(std::string_view part) {
  std::string key;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1')) {
      key += part[++i] == '0' ? '~' : '/';
    } else {
      key += part[i];
    }
  }
  return key;
}

}  // namespace

std::vector<std::string> PointerParts(std::string_view pointer) {
  std::vector<std::string> parts;
  while (!pointer.empty()) {
    const size_t end = std::min(pointer.find('/', 1), pointer.size());
    parts.push_back(Unescaped(pointer.substr(1, end - 1)));
    pointer.remove_prefix(end);
  }
  return parts;
}

Plan Plan::Compile(const Table& table) {
  Plan plan;
  for (uint32_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (column.origin == Origin::kPointer) plan.Add(column.pointers, 0, i);
    if (column.origin == Origin::kExtra) plan.wants_others_ = true;
  }
  return plan;
}

void Plan::Add(const std::vector<std::string>& pointers, size_t first, uint32_t column) {
  uint32_t node = kRoot;
  for (std::string& part : PointerParts(pointers[first])) node = Child(node, std::move(part));
  if (nodes_[node].slot == kNone) {
    nodes_[node].slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  }
  Slot& slot = slots_[nodes_[node].slot];
  if (first + 1 == pointers.size()) {
    slot.columns.push_back(column);
    return;
  }
  if (!slot.next) slot.next.reset(new Plan());
  slot.next->Add(pointers, first + 1, column);
}

uint32_t Plan::Child(uint32_t parent, std::string part) {
  const uint32_t there = nodes_[parent].ChildByKey(part);
  if (there != kNone) return there;
  const uint32_t child = static_cast<uint32_t>(nodes_.size());
  nodes_.emplace_back();
  const std::string& key = *parts_.emplace_back(std::make_unique<std::string>(std::move(part)));
  nodes_[parent].by_key.emplace(key, child);
  if (std::optional<uint64_t> index = ArrayIndex(key))
    nodes_[parent].by_index.emplace_back(*index, child);
  return child;
}

}  // namespace sluice
