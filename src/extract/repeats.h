// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

// Which texts of a batch came before, so that what was read in them need not be read again: a log
// says the same of its process on each line.
//
// It remembers kPlaces texts, the latest of each place. Where hardly any text comes twice it stops
// asking for the rest of the batch; long texts it does not ask for at all, since a comparison would
// cost about as much as it could save.
//
// Lifetime: texts stand until Clear. Threads: owned by one thread.
class Repeats {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // For a new batch.
  void Clear();
  // The number of the first text with the same bytes; kNone, and this one is remembered, where it
  // is not at hand.
  uint32_t FirstOf(std::string_view text, uint32_t number);

 private:
  static constexpr size_t kPlaces = 256;
  static constexpr size_t kLongest = 1024;
  // So many are asked for, and one of kWorthwhile has to be found, or it stops.
  static constexpr uint32_t kTrial = 64;
  static constexpr uint32_t kWorthwhile = 8;

  struct Place {
    std::string_view text;
    uint32_t number = kNone;
  };

  bool HasStopped() const { return asked_ >= kTrial && found_ * kWorthwhile < asked_; }

  std::array<Place, kPlaces> places_;
  uint32_t asked_ = 0;
  uint32_t found_ = 0;
};

}  // namespace sluice
