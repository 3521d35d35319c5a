// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "extract/plan.h"
#include "extract/structure.h"

namespace sluice {

// The fast path: walks over the tokens of one text, checks the grammar in full, and keeps the
// values that the plan asks for as slices. Nothing is unescaped, converted or copied that nobody
// asked for.
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
  // an object of a node remembers which two followed it last, and a key is compared with these, 16
  // bytes at a time, before it is looked up.
  struct Key {
    static constexpr size_t kShort = 16;
    uint64_t head[2] = {0, 0};    // the first bytes of `quoted`, behind the opening quote
    uint64_t mask[2] = {0, 0};    // all ones where `head` counts
    std::string quoted;           // the key with its quotes
    uint32_t node = Plan::kNone;  // what the plan asks of its value
    uint32_t plain = 1;           // it has no escapes
    bool held = false;            // a column holds all of its value: @extra need not
    uint32_t next[2] = {0, 0};    // in Keys::known
  };
  struct Keys {
    std::vector<Key> known;  // [0] stands for the start of the object and equals nothing
    std::unordered_map<std::string, uint32_t> by_text;  // quoted → index in `known`
  };
  // Past this, keys are data (ids, paths), and remembering them would be in vain.
  static constexpr size_t kMaxKeys = 1024;

  const Slice* Value(uint32_t node, int depth);
  bool Container(uint32_t node, int depth, Slice* value);
  bool String(Slice* value);
  bool Object(uint32_t node, int depth);
  bool Member(uint32_t node, const Key& key, const char* key_begin, int depth);
  bool Array(uint32_t node, int depth);
  bool Skip(int depth);
  bool SkipContainer(int depth);

  const Key* NextKey(uint32_t node, uint32_t* previous);
  const Key* FindKey(uint32_t node, uint32_t* previous);
  Key MakeKey(uint32_t node, const Slice& quoted) const;
  bool IsKey(const Key& key, const char* begin) const;

  // What the plan asks of a value at a node, at hand.
  struct Wish {
    uint32_t slot = Plan::kNone;
    bool parts = false;  // some of its members or elements
  };

  const Plan& plan_;
  std::vector<Wish> wishes_;       // per node
  std::vector<Keys> keys_;         // per node
  std::vector<uint64_t> seen_in_;  // per node: the text that had it already
  uint64_t text_number_ = 0;

  const Structure* structure_ = nullptr;
  const char* window_ = nullptr;
  const uint32_t* token_ = nullptr;  // the next to be read
  uint32_t end_ = 0;                 // of the text, in the window
  Found* found_ = nullptr;
  Slice unslotted_;
  Key unusual_;  // a key that is not remembered
};

}  // namespace sluice
