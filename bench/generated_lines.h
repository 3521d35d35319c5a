// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the generators of lines share: draws that depend on nothing but their arguments, and a fast
// way to stdout.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include <unistd.h>

// One draw per line and purpose, from the line's number: so a line does not depend on those before
// it.
inline uint64_t Draw(uint64_t seed, uint64_t line, uint64_t purpose) {
  uint64_t x = seed * 0x9E3779B97F4A7C15u + line * 0xD1B54A32D192ED03u + purpose;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// A buffer that is written to stdout when it is full.
class Output {
 public:
  Output() : buffer_(kBytes + kLongestLine) {}

  void Text(std::string_view text) {
    std::memcpy(buffer_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }
  void Number(uint64_t value) {
    std::array<char, 20> digits;
    size_t begin = digits.size();
    do {
      digits[--begin] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    Text({digits.data() + begin, digits.size() - begin});
  }
  void Digits(uint64_t value, size_t count) {
    for (size_t i = count; i-- > 0; value /= 10) {
      buffer_[used_ + i] = static_cast<char>('0' + value % 10);
    }
    used_ += count;
  }
  void Hex(uint64_t value, size_t count) {
    for (size_t i = count; i-- > 0; value >>= 4)
      buffer_[used_ + i] = "0123456789abcdef"[value & 15];
    used_ += count;
  }
  void EndLine() {
    buffer_[used_++] = '\n';
    if (used_ >= kBytes) Flush();
  }
  void Flush() {
    for (size_t written = 0; written < used_;) {
      const ssize_t some = write(STDOUT_FILENO, buffer_.data() + written, used_ - written);
      if (some <= 0) std::exit(1);  // whoever reads has gone, or the disk is full
      written += static_cast<size_t>(some);
    }
    used_ = 0;
  }

 private:
  static constexpr size_t kBytes = size_t{1} << 20;
  static constexpr size_t kLongestLine = size_t{64} << 10;
  std::vector<char> buffer_;
  size_t used_ = 0;
};
