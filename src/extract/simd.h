// SPDX-License-Identifier: Apache-2.0
#pragma once

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

}  // namespace sluice
