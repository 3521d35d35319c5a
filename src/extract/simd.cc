// SPDX-License-Identifier: Apache-2.0
#include "extract/simd.h"

namespace sluice {

const std::vector<Simd>& AvailableSimd() {
  static const std::vector<Simd> available = [] {
    std::vector<Simd> sets = {Simd::kPortable};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) sets.push_back(Simd::kAvx2);
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vbmi2")) {
      sets.push_back(Simd::kAvx512);
    }
#endif
    return sets;
  }();
  return available;
}

}  // namespace sluice
