// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "extract/plan.h"
#include "extract/shapes.h"
#include "extract/structure.h"

namespace sluice {

// The fast path: walks over the tokens of one text, checks the grammar in full, and keeps the
// values that the plan asks for as slices. Nothing is unescaped, converted or copied that nobody
// asked for. A text of a shape that is known is not even walked (shapes.h).
//
// It may say "a valid text", or "look closer"; never "a reject". Whatever is odd is left to the
// strict path (strict.h), with which it shares nothing, and to which it has to be equal: the fuzzer
// and the tests compare them.
//
// Threads: owned by one thread.
class Walker {
 public:
  // Lifetime: the plan outlives the walker.
  explicit Walker(const Plan& plan);

  // From here on texts of the window of `structure` are walked.
  void Enter(const Structure& structure);

  // Walks one text of the window. Texts come in ascending order. False: look closer.
  bool Walk(std::string_view text, Found* found);

 private:
  // Lines of one source have the same keys, mostly in the same order. So each key that was seen in
  // an object of a node remembers which two followed it last, and a key is compared with these
  // before it is looked up.
  struct Key {
    QuotedKey quoted;
    uint32_t node = Plan::kNone;  // what the plan asks of its value
    uint32_t plain = 1;           // it has no escapes
    bool held = false;            // a column holds all of its value: @extra need not
    uint32_t next[2] = {0, 0};    // in Keys::known
  };
  struct Keys {
    std::vector<Key> known;  // [0] stands for the start of the object and equals nothing
    // The bytes of each key, to which QuotedKey::text points → its index in `known`.
    std::unordered_map<std::string, uint32_t> by_text;
  };
  // Past this, keys are data (ids, paths), and remembering them or shapes would be in vain.
  static constexpr size_t kMaxKeys = 1024;

  bool TakeLikelyShape();
  bool TakeShape(uint64_t hash);
  bool Take(const Shape& shape);
  bool TakeValue(size_t first, size_t last, Slice* value) const;
  void KeepShape(uint64_t hash);
  bool WalkText();

  // These are called with the token where something begins, and return the token behind it, or
  // kLookCloser. The token is passed on in a register: as a member it would be in memory.
  static constexpr size_t kLookCloser = 0;
  size_t WalkValue(size_t token, uint32_t node, int depth, Slice* value);
  size_t WalkContainer(size_t token, uint32_t node, int depth);
  size_t WalkObject(size_t token, uint32_t node, int depth);
  size_t WalkMember(size_t token, uint32_t node, const Key& key, int depth);
  size_t WalkArray(size_t token, uint32_t node, int depth);
  size_t Skip(size_t token, int depth) const;
  size_t SkipContainer(size_t token, int depth) const;

  const Key& KeyAt(size_t token, uint32_t node, uint32_t* previous);
  const Key& FindKey(const Slice& quoted, uint32_t node, uint32_t* previous);
  Key MakeKey(uint32_t node, const Slice& quoted) const;

  const char* At(size_t token) const { return window_ + tokens_[token]; }
  uint32_t NumberOf(size_t token) const { return static_cast<uint32_t>(token - first_); }
  Slice StringAt(size_t token) const;
  Slice ContainerAt(size_t first, size_t last) const;
  Slice* SlotOf(uint32_t node);

  // What the plan asks of a value at a node, at hand.
  struct Wish {
    uint32_t slot = Plan::kNone;
    bool parts = false;  // some of its members or elements
  };

  const Plan& plan_;
  std::vector<Wish> wishes_;       // per node
  std::vector<Keys> keys_;         // per node
  std::vector<uint64_t> seen_in_;  // per node: the walk that had it already
  uint64_t walk_number_ = 0;
  Shapes shapes_;
  bool keys_are_data_ = false;

  // Of the window.
  const Structure* structure_ = nullptr;
  const char* window_ = nullptr;
  const uint32_t* tokens_ = nullptr;
  const char* kinds_ = nullptr;

  // Of the text at hand.
  size_t first_ = 0;  // its first token
  size_t last_ = 0;   // behind its last
  uint32_t end_ = 0;  // where it ends in the window
  Found* found_ = nullptr;
  Slice unslotted_;
  Key unknown_;  // a key that is not remembered
  Shape* recording_ = nullptr;
};

}  // namespace sluice
