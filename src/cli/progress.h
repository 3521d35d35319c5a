// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "cli/bottom_line.h"
#include "sluice/ingest.hpp"

namespace sluice {

enum class ProgressWhen : uint8_t { kAuto, kAlways, kNever };

// What a person wants to know while waiting, in at most `columns` columns (0: no limit): how far,
// how fast, how long still, what was rejected. A long path is cut at its beginning.
std::string ProgressText(const IngestProgress& progress, size_t columns);

// Progress on a terminal's bottom line; elsewhere (--progress always into a log) a line of its own
// every second.
//
// Threads: one.
class ProgressLine {
 public:
  // `stream` is stderr, but for tests.
  ProgressLine(ProgressWhen when, bool quiet, FILE* stream);

  void Draw(const IngestProgress& progress);
  // A line above it that stays.
  void Say(std::string_view line) { line_.Say(line); }
  void Clear() { line_.Clear(); }

 private:
  using Clock = std::chrono::steady_clock;

  FILE* const stream_;
  bool in_place_ = false;
  bool shown_ = false;
  BottomLine line_;
  Clock::time_point next_{};
  // Drawn at once when one of them changes: the next index may take minutes.
  IngestProgress::Phase phase_ = IngestProgress::Phase::kPlanning;
  std::string doing_;
};

}  // namespace sluice
