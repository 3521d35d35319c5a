// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "sluice/ingest.hpp"

namespace sluice {

enum class ProgressWhen : uint8_t { kAuto, kAlways, kNever };

// What a person wants to know while waiting, in at most `columns` columns (0: no limit): how far,
// how fast, how long still, what was rejected.
std::string ProgressText(const IngestProgress& progress, size_t columns);

// The line at the bottom of a terminal that is drawn again and again in place; elsewhere
// (--progress always into a log) a line of its own every second.
//
// Threads: one. Lifetime: the line is wiped when it ends.
class ProgressLine {
 public:
  // `stream` is stderr, but for tests.
  ProgressLine(ProgressWhen when, bool quiet, FILE* stream);
  ~ProgressLine() { Clear(); }

  void Draw(const IngestProgress& progress);
  // A line above it that stays.
  void Say(std::string_view line);
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;

  FILE* const stream_;
  bool in_place_ = false;
  bool shown_ = false;
  bool drawn_ = false;  // a line stands on the terminal now
  Clock::time_point next_{};
  // Drawn at once when one of them changes: the next index may take minutes.
  IngestProgress::Phase phase_ = IngestProgress::Phase::kPlanning;
  std::string doing_;
};

}  // namespace sluice
