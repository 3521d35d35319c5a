// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "cli/bottom_line.h"
#include "cli/progress.h"
#include "sluice/live.hpp"

namespace sluice {

// How a live run is, in at most `columns` columns (0: no limit): rows, rate, lag, files, rejects.
std::string FollowText(const LiveStatus& status, size_t columns);

// The state of a live run on a terminal's bottom line; elsewhere (--progress always into a log) a
// line of its own every minute.
//
// Threads: one.
class FollowLine {
 public:
  // `stream` is stderr, but for tests.
  FollowLine(ProgressWhen when, bool quiet, FILE* stream);

  // Whether anything is to be drawn at all.
  bool is_shown() const { return is_shown_; }
  void Draw(const LiveStatus& status);
  // A line above it that stays.
  void Say(std::string_view line) { line_.Say(line); }
  void Clear() { line_.Clear(); }

 private:
  FILE* const stream_;
  const bool is_in_place_;
  const bool is_shown_;
  BottomLine line_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace sluice
