// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sluice/schema.hpp"

namespace sluice {

// The JSON text of one value, as it stands in its line. Converted only where a column asks for it.
struct Slice {
  const char* data = nullptr;  // null: there is no such value
  uint32_t size = 0;
  // A string without escapes, a container without insignificant white space. No bool, for the
  // reason that CellType is none.
  uint32_t plain = 0;

  explicit operator bool() const { return data != nullptr; }
  std::string_view text() const { return {data, size}; }
};

// The pointer columns of a table, compiled once: a trie of the parts of their JSON Pointers, so
// that one walk over a line finds them all, and looks at nothing else.
//
//   "/metadata", "/metadata" → "/pid", "/usage/in", "/usage/out":
//
//   root ─ metadata ─ slot 0: column 0; next: root ─ pid ─ slot 0: column 1
//        └ usage ┬ in ─ slot 1: column 2
//                └ out ─ slot 2: column 3
//
// Columns of one pointer share a slot. A pointer that goes on in the text which another one found
// (a chain) is a plan of its own behind that slot.
//
// Threads: immutable once compiled.
class Plan {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kRoot = 0;

  struct Slot {
    std::vector<uint32_t> columns;  // indexes in Table::columns
    std::unique_ptr<Plan> next;     // null: no chain goes on from here
  };

  struct Node {
    uint32_t slot = kNone;
    // A part that is a number stands in both: it is a key in an object and an index in an array.
    std::unordered_map<std::string_view, uint32_t>
        by_key;  // → node; the keys are views into `parts_`
    std::vector<std::pair<uint64_t, uint32_t>> by_index;  // → node

    bool is_leaf() const { return by_key.empty(); }
    uint32_t ChildByKey(std::string_view key) const {
      auto found = by_key.find(key);
      return found == by_key.end() ? kNone : found->second;
    }
    uint32_t ChildByIndex(uint64_t index) const {
      for (const auto& [i, node] : by_index) {
        if (i == index) return node;
      }
      return kNone;
    }
  };

  static Plan Compile(const Table& table);

  const Node& node(uint32_t index) const { return nodes_[index]; }
  const Slot& slot(uint32_t index) const { return slots_[index]; }
  size_t node_count() const { return nodes_.size(); }
  size_t slot_count() const { return slots_.size(); }

  // Whether the members of the top-level object that no column holds are to be found as well, for
  // @extra.
  bool wants_others() const { return wants_others_; }
  // Whether a column holds all of the value at `node`, so that @extra need not.
  bool IsHeld(uint32_t node) const {
    return nodes_[node].slot != kNone && !slots_[nodes_[node].slot].columns.empty();
  }

 private:
  Plan() { nodes_.emplace_back(); }
  void Add(const std::vector<std::string>& pointers, size_t first, uint32_t column);
  uint32_t Child(uint32_t parent, std::string part);

  std::vector<Node> nodes_;
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<std::string>> parts_;
  bool wants_others_ = false;
};

// A member of the top-level object that no column holds.
struct Member {
  Slice key;  // with its quotes
  Slice value;
};

// What one walk over a line found: filled alike by the fast and by the strict path.
struct Found {
  std::vector<Slice> slots;  // one for each slot of the plan
  std::vector<Member>
      others;  // in order of the line, duplicates included; only if the plan wants them

  void Clear(const Plan& plan) {
    slots.assign(plan.slot_count(), Slice());
    others.clear();
  }
};

// The parts of an RFC 6901 pointer: "/a~1b/0" → "a/b", "0".
std::vector<std::string> PointerParts(std::string_view pointer);

}  // namespace sluice
