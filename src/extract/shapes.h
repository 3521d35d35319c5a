// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice {

// A key with its quotes, laid out to be compared with the bytes at a token, 16 at once.
struct QuotedKey {
  static constexpr size_t kShort = 16;
  uint64_t head[2] = {0, 0};  // the first bytes of `text`, behind the opening quote
  uint64_t mask[2] = {0, 0};  // all ones where `head` counts
  std::string_view text;

  QuotedKey() = default;
  explicit QuotedKey(std::string_view quoted) : text(quoted) {
    const size_t size = std::min(quoted.size() - 1, kShort);
    std::memcpy(head, quoted.data() + 1, size);
    std::memset(mask, 0xFF, size);
  }

  // Whether this key stands at `begin`, which is a quote. The closing quote is compared too, so no
  // longer key equals it.
  bool IsAt(const char* begin) const {
    uint64_t bytes[2];
    std::memcpy(bytes, begin + 1, sizeof bytes);
    if ((((bytes[0] ^ head[0]) & mask[0]) | ((bytes[1] ^ head[1]) & mask[1])) != 0) return false;
    return text.size() - 1 <= kShort || std::memcmp(begin, text.data(), text.size()) == 0;
  }
};

// How a text that was walked is built: the kinds of its tokens, and the keys of those of its
// objects that the plan looks into. Another text with the same tokens and keys has its values at
// the same tokens, and is valid JSON if its numbers and literals are. So it need not be walked.
//
// A string and a number or literal are as good as each other, except where a key stands: a column
// that may be null would else have two shapes, and ten of them a thousand.
//
// Tokens are numbered from the start of the text.
struct Shape {
  struct Key {
    QuotedKey key;
    uint32_t token;
  };
  struct Value {
    uint32_t token;
    uint32_t last;  // its closing bracket; else `token`
    uint32_t slot;
  };
  struct Other {  // a member that no column holds
    uint32_t key;
    uint32_t key_size;
    uint32_t key_plain;
    uint32_t value;
    uint32_t last;
  };

  Shape() = default;
  explicit Shape(std::string_view kinds);
  // Whether a text with these kinds, and as many, is of this shape. Reads up to 7 bytes behind.
  bool Fits(const char* kinds) const {
    uint64_t difference = 0;
    for (size_t i = 0; i < words.size(); ++i) {
      uint64_t word;
      std::memcpy(&word, kinds + i * sizeof word, sizeof word);
      difference |= (word ^ words[i].kinds) & words[i].mask;
    }
    return difference == 0;
  }

  struct Word {
    uint64_t kinds;  // of 8 tokens
    uint64_t mask;   // the bits that count
  };
  size_t count = 0;  // of tokens
  std::vector<Word> words;
  std::vector<Key> keys;
  std::vector<Value> values;       // that have a slot
  std::vector<Other> others;       // in order
  std::vector<uint32_t> unwanted;  // strings, numbers and literals that are in neither

  std::array<uint32_t, 2> next = {0, 0};  // the shapes of the texts that followed last
  uint32_t same_hash = 0;                 // another shape with these kinds; 0: none
};

// The shapes that come again. Lines of a log are written by few places of a program, each with its
// own shape. Lines with arrays of any length have too many, and are walked each time.
//
// Limits: kMaxShapes of kMaxTokens in all; beyond that everything is forgotten, so that a file may
// change its habits.
class Shapes {
 public:
  static constexpr size_t kMaxShapes = 256;
  static constexpr size_t kMaxTokens = size_t{16} << 10;
  static constexpr size_t kMaxTokensOfOne = kMaxTokens / 4;

  Shapes() { Forget(); }

  const Shape& at(uint32_t index) const { return *shapes_[index]; }
  // What followed the last text's shape before.
  std::array<uint32_t, 2> Likely() const { return shapes_[last_]->next; }
  // The first with kinds of this hash, 0 where there is none; the others by Shape::same_hash.
  uint32_t Find(uint64_t hash) const;
  // The text at hand has this shape; 0: another.
  void Follow(uint32_t index);

  // Whether a shape with kinds of this hash was asked for before: what comes once is not kept.
  bool IsWorthKeeping(uint64_t hash);
  void Keep(uint64_t hash, Shape shape);

  // Of what Shape::Fits looks at.
  static uint64_t HashOf(const char* kinds, size_t count);

 private:
  void Forget();

  // [0] stands for all shapes that are not known, and no text has its kinds.
  std::vector<std::unique_ptr<Shape>> shapes_;
  std::unordered_map<uint64_t, uint32_t> by_hash_;
  std::array<uint64_t, 256> asked_for_;  // hashes
  size_t tokens_ = 0;
  uint32_t last_ = 0;
};

}  // namespace sluice
