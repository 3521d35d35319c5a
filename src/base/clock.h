// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sluice {

// "2026-01-31T23:59:59.123Z": UTC, RFC 3339, milliseconds cut off and not rounded. 24 bytes for
// years 0 to 9999.
std::string FormatUtc(std::chrono::system_clock::time_point time);

// The present moment in that form.
std::string UtcNow();

// The present moment in nanoseconds since 1970, as files have it.
int64_t NowNs();

// That form in nanoseconds since 1970; 0 where the text is none.
int64_t ParseUtc(const std::string& text);

// Time that only goes forward, for durations: the wall clock may be set back.
class Stopwatch {
 public:
  using Clock = std::chrono::steady_clock;

  Stopwatch() : start_(Clock::now()) {}

  Clock::duration elapsed() const { return Clock::now() - start_; }
  double seconds() const { return std::chrono::duration<double>(elapsed()).count(); }
  void Restart() { start_ = Clock::now(); }

 private:
  Clock::time_point start_;
};

}  // namespace sluice
