// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/line.h"

namespace sluice {

// What is to be cut: the data of one chunk.
struct Frame {
  std::string_view data;
  uint64_t offset = 0;      // of data[0] in the source
  uint64_t first_line = 1;  // its number
  // data[0] follows a line that was taken before its newline came (Offset::tail_taken): what stands
  // before the first
  // '\n' belongs to that line, whose number is `first_line`.
  bool after_tail = false;
  uint64_t max_line = UINT64_MAX;  // bytes of a line, its newline not counted
};

struct CutResult {
  // Lines that end with '\n', blank and too long ones included. Not the rest of a taken tail: that
  // line was counted when it was taken.
  uint64_t lines = 0;
  uint64_t blank = 0;          // of nothing but spaces, tabs and CR
  std::vector<Line> too_long;  // longer than max_line, whole; they are not in `lines` of the caller
  // What stands after the last '\n', with the number and place that it has if it is a line: empty
  // text when `data` ends with '\n'. Its CR is left on, for a '\n' may follow; so is nothing else:
  // a byte order mark is taken off.
  Line unterminated;
  // With after_tail: what came between the taken tail and its newline, or the end of `data`.
  // Anything but blanks there is a reject.
  Line rest_of_tail;
};

// Cuts at '\n'. Takes one CR off the end of a line, and a byte order mark off the start of the
// source. Appends to `lines` all lines that are neither blank nor too long, in order; the piece
// after the last newline is left to the caller, who knows whether more can follow.
CutResult CutLines(const Frame& frame, std::vector<Line>* lines);

// Of nothing but spaces, tabs and CR.
bool IsBlank(std::string_view text);

}  // namespace sluice
