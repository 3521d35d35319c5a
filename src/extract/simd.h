// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

// The instructions that the loops over bytes of this room are written for. They differ in speed
// only: tests force each in turn and compare.
enum class Simd {
  kPortable,
  kAvx2,
  kAvx512,  // with VBMI and VBMI2: Ice Lake, Zen 4
};

// What this processor has, the best last.
const std::vector<Simd>& AvailableSimd();
inline Simd BestSimd() { return AvailableSimd().back(); }

// Which of 64 bytes are escaped by an active backslash before them: of a run of backslashes every
// second one is active. A subtraction lets a carry run through each run at once. `carry` is 1 where
// the first of these bytes, and then where the next 64, begin escaped.
inline __attribute__((always_inline)) uint64_t EscapedBits(uint64_t backslashes, uint64_t* carry) {
  constexpr uint64_t kOddBits = 0xAAAAAAAAAAAAAAAA;
  const uint64_t starts = backslashes & ~*carry;
  const uint64_t ends = ((starts << 1 | kOddBits) - starts) ^ kOddBits;
  const uint64_t escaped = ends ^ (backslashes | *carry);
  *carry = (ends & backslashes) >> 63;
  return escaped;
}

}  // namespace sluice
