// SPDX-License-Identifier: Apache-2.0
#include "offset/offset.h"

#include <xxhash.h>

namespace sluice {

ContentHash HashOf(std::string_view bytes) {
  if (bytes.empty()) return {};
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {.low = hash.low64, .high = hash.high64, .length = static_cast<uint32_t>(bytes.size())};
}

LineCounts& LineCounts::operator+=(const LineCounts& other) {
  lines += other.lines;
  rows += other.rows;
  replaced += other.replaced;
  ignored += other.ignored;
  rejects += other.rejects;
  blank += other.blank;
  unfinished += other.unfinished;
  return *this;
}

}  // namespace sluice
