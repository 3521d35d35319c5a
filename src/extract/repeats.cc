// SPDX-License-Identifier: Apache-2.0
#include "extract/repeats.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice {

void Repeats::Clear() {
  if (asked_ > 0) places_.fill({});
  asked_ = found_ = 0;
}

uint32_t Repeats::FirstOf(std::string_view text, uint32_t number) {
  if (text.size() > kLongest || HasStopped()) return kNone;
  ++asked_;
  Place& place = places_[XXH3_64bits(text.data(), text.size()) % kPlaces];
  if (place.number != kNone && place.text == text) {
    ++found_;
    return place.number;
  }
  place = {text, number};
  return kNone;
}

}  // namespace sluice
