// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "extract/simd.h"

namespace sluice {

// Where a scan writes what it finds in a window; see Structure for what each means. Bit i % 64 of
// word i / 64 is byte i of the window.
struct ScanOutput {
  // Room for the window's size, and kOverrun entries more, which may be written over.
  static constexpr size_t kOverrun = 64;
  uint32_t* tokens;
  char* kinds;
  uint64_t* backslashes;
  uint64_t* spaces;
};

// The one loop over all bytes of a window, 64 at a time. Returns the number of tokens, or kBroken
// where Structure's promise does not hold. Reads up to 63 bytes behind the window.
using ScanFunction = size_t (*)(std::string_view window, ScanOutput output);
inline constexpr size_t kBroken = SIZE_MAX;

ScanFunction ScanFor(Simd simd);

}  // namespace sluice
