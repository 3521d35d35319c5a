// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "extract/scan.h"
#include "extract/simd.h"

namespace sluice {

// Where the tokens of many JSON texts begin, and where their backslashes and their white space are:
// the first of two stages, run over a whole window of lines at once, 64 bytes at a time. A newline
// is white space to it, so it need not know of lines.
//
// What success promises, for every text of the window: it is valid UTF-8; no control character
// stands in a string; every escape is one of JSON's; every string is closed within its own text,
// for a newline in a string would be a control character. So the second stage, the Walker, passes
// over a string without a look at its bytes. What success does not promise is grammar.
//
// The method is simdjson's (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019). It
// is written here once more, because its own keeps neither the backslashes nor the white space nor
// the bytes at the tokens, and finding them again took as long as the tokens themselves.
//
// Threads: owned by one thread.
// Limits: 5 bytes of memory for each byte of the largest window, of which only as many are touched
// as there are tokens. kMaxWindow bounds it; a longer text goes the strict way.
class Structure {
 public:
  // Texts and tokens of a window together fit into the L2 cache.
  static constexpr size_t kWindow = size_t{64} << 10;
  static constexpr size_t kMaxWindow = size_t{4} << 20;

  explicit Structure(Simd simd = BestSimd()) : scan_(ScanFor(simd)) {}

  // Looks at `window`, behind which Buffer::kPadding bytes may be read. False: some text of it is
  // broken, look at each by itself.
  bool Find(std::string_view window);

  std::string_view window() const { return window_; }

  // Where in the window tokens begin, in order: brackets, commas, colons, opening quotes, the first
  // byte of any other run. Behind the last stand kSentinels times the window's size.
  const uint32_t* tokens() const { return tokens_.get(); }
  // The byte at each token, but '0' for the first byte of any number, literal, or nonsense. Behind
  // the last stand kSentinels NULs.
  const char* kinds() const { return kinds_.get(); }
  static constexpr size_t kSentinels = 64;

  size_t token_count() const { return count_; }

  // Whether a backslash, or white space outside of strings, stands in [begin, end) of the window.
  bool HasBackslash(size_t begin, size_t end) const {
    return HasBit(backslashes_.data(), begin, end);
  }
  bool HasSpace(size_t begin, size_t end) const { return HasBit(spaces_.data(), begin, end); }

 private:
  static bool HasBit(const uint64_t* words, size_t begin, size_t end) {
    // Most strings are short, and lie anywhere: one load from any byte spares a branch that could
    // not be foretold.
    if (end - begin <= 56) {
      uint64_t bits;
      std::memcpy(&bits, reinterpret_cast<const char*>(words) + begin / 8, sizeof bits);
      return (bits >> (begin % 8) << (64 - (end - begin))) != 0;
    }
    const size_t first = begin / 64;
    const size_t last = (end - 1) / 64;
    uint64_t bits = words[first] >> (begin % 64) << (begin % 64);
    for (size_t word = first; word < last; bits = words[++word]) {
      if (bits != 0) return true;
    }
    return (bits << (63 - (end - 1) % 64)) != 0;
  }

  void MakeRoom(size_t blocks);

  ScanFunction scan_;
  std::string_view window_;
  size_t count_ = 0;  // of tokens
  std::unique_ptr<uint32_t[]> tokens_;
  std::unique_ptr<char[]> kinds_;
  std::vector<uint64_t> backslashes_;  // bit i % 64 of word i / 64 is byte i of the window
  std::vector<uint64_t> spaces_;       // the same, outside of strings
};

}  // namespace sluice
