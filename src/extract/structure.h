// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice {

// Where the tokens of many JSON texts begin, and where their backslashes are: the first of two
// stages, run over a whole window of lines at once. The tokens are found by simdjson's SIMD code. A
// newline is white space to it, so it need not know of lines.
//
// What success promises, for every text of the window: it is valid UTF-8; no control character
// stands in a string; every escape is one of JSON's; every string is closed within its own text,
// for a newline in a string would be a control character. So the second stage, the Walker, passes
// over a string without a look at its bytes. What success does not promise is grammar.
//
// Threads: owned by one thread.
// Limits: 4 bytes of memory for each byte of the largest window, of which only as many are touched
// as there are tokens. kMaxWindow bounds it; a longer text goes the strict way.
class Structure {
 public:
  // Texts and tokens of a window together fit into the L2 cache.
  static constexpr size_t kWindow = size_t{64} << 10;
  static constexpr size_t kMaxWindow = size_t{4} << 20;

  Structure();
  ~Structure();
  Structure(Structure&&) noexcept;

  // Looks at `window`, behind which Buffer::kPadding bytes may be read. False: some text of it is
  // broken, look at each by itself.
  bool Find(std::string_view window);

  std::string_view window() const { return window_; }

  // Where in the window tokens begin, in order: brackets, commas, colons, opening quotes, the first
  // byte of any other run. Behind the last stand kSentinels times the window's size.
  static constexpr size_t kSentinels = 8;
  const uint32_t* tokens() const;

  // Whether a backslash stands in [begin, end) of the window.
  bool HasBackslash(size_t begin, size_t end) const {
    const size_t first = begin / 64;
    const size_t last = (end - 1) / 64;
    uint64_t bits = backslashes_[first] >> (begin % 64) << (begin % 64);
    for (size_t word = first; word < last; bits = backslashes_[++word]) {
      if (bits != 0) return true;
    }
    return (bits << (63 - (end - 1) % 64)) != 0;
  }

 private:
  class Parser;
  bool FindBackslashes();

  std::string_view window_;
  std::unique_ptr<Parser> parser_;
  std::vector<uint64_t> common_;       // the bytes that mostly follow a backslash
  std::vector<uint64_t> backslashes_;  // bit i % 64 of word i / 64 is byte i of the window
};

}  // namespace sluice
